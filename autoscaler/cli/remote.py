"""Where the daemon is, for commands that ask it: options, token, and what to say when it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoscaler.cli.exits import Exit, leave

if TYPE_CHECKING:
    from autoscaler.wiring.client import Api

DEFAULT = "http://127.0.0.1:9464"
TOKEN = "AUTOSCALER_TOKEN"  # noqa: S105 - a variable's name

Url = Annotated[str | None, typer.Option(help="The daemon's address.", envvar="AUTOSCALER_URL")]
MaybeConfig = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Its configuration.", envvar="AUTOSCALER_CONFIG"),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help=f"A file with the token; else ${TOKEN}."),
]


def api(url: str | None, config: Path | None, token_file: Path | None) -> Api:
    """A reader of the daemon that is meant: by its address, else by its configuration."""
    from autoscaler.wiring.client import Api

    if url is None and config is not None:
        from autoscaler.cli.exits import told
        from autoscaler.settings import load

        with told():
            web = load(config).web
        url = f"{'https' if web.tls else 'http'}://{web.listen}"
    token = token_file.read_text(encoding="utf-8") if token_file else os.environ.get(TOKEN, "")
    return Api(url or DEFAULT, token.strip())


@contextmanager
def answered() -> Iterator[None]:
    """Ends with a sentence when the daemon cannot be reached, or does not want to tell."""
    from autoscaler.wiring.client import Refused, Unreachable

    try:
        yield
    except Unreachable as silence:
        leave(Exit.UNREACHABLE, str(silence))
    except Refused as refusal:
        leave(Exit.PROBLEMS, str(refusal))
