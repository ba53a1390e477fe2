"""Exit codes, as `sysexits.h` has them where it has them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

import typer


class Exit(IntEnum):
    """What a script can tell from the end of a command."""

    DONE = 0
    PROBLEMS = 1
    USAGE = 2
    UNREACHABLE = 3
    LOCKED = 75
    CONFIG = 78


def leave(code: Exit, words: str) -> NoReturn:
    """Say why on standard error and end."""
    typer.echo(words, err=True)
    sys.exit(code)


@contextmanager
def told() -> Iterator[None]:
    """Turn a bad configuration, a locked journal or a taken port into a sentence and its code."""
    from autoscaler.ports import JournalError
    from autoscaler.settings import ConfigError

    try:
        yield
    except ConfigError as error:
        leave(Exit.CONFIG, str(error))
    except JournalError as error:
        # By name: the journal's own modules take 0.2 s to load, and most commands need none.
        codes = {"JournalLocked": Exit.LOCKED, "DamagedRecordError": Exit.PROBLEMS}
        leave(codes.get(type(error).__name__, Exit.UNREACHABLE), str(error))
    except OSError as error:
        leave(Exit.PROBLEMS, str(error))
