"""The daemon's own program, which dies by its own hand at one step of the write path.

`python tests/fakes/dying.py STEP run --config FILE` is `autoscaler run --config FILE`, except that
the process kills itself (SIGKILL) when it comes to STEP for the first time. The product has no
such places in it: the functions are wrapped here, from outside.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

STEPS = (
    "before_intent",
    "inside_intent",
    "after_intent",
    "before_reading",
    "before_put",
    "put_written",
    "put_answered",
    "read_back",
    "before_record",
    "inside_record",
    "after_record",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wrap(
    owner: Any, name: str, *, before: bool, when: Callable[..., bool] = lambda *_: True
) -> None:
    right = getattr(owner, name)

    async def wrapped(*given: Any, **named: Any) -> Any:
        fits = when(*given)
        if before and fits:
            die()
        answer = await right(*given, **named)
        if not before and fits:
            die()
        return answer

    setattr(owner, name, wrapped)


def is_put(_door: object, request: Any, *_: object) -> bool:
    return bool(request.method == "PUT")


def plant(step: str) -> None:
    """Make the daemon die when it comes to this step."""
    from autoscaler.core.decision import Decision
    from autoscaler.foundry.door import Door
    from autoscaler.foundry.writing import Writer
    from autoscaler.journal import decisions
    from autoscaler.journal.journal import SqlJournal
    from autoscaler.runtime.ledger import Ledger

    intended: list[bool] = []

    right = SqlJournal.intend

    async def note(self: SqlJournal, decision: Decision) -> None:
        await right(self, decision)
        intended.append(True)

    def acted(*_: object) -> bool:
        return bool(intended)

    SqlJournal.intend = note  # type: ignore[method-assign]  # it only takes note
    deaths: dict[str, Callable[[], None]] = {
        "before_intent": lambda: wrap(SqlJournal, "intend", before=True),
        "inside_intent": lambda: wrap(decisions, "announce", before=False),
        "after_intent": lambda: wrap(SqlJournal, "intend", before=False),
        "before_reading": lambda: wrap(Writer, "write", before=True),
        "before_put": lambda: wrap(Door, "send", before=True, when=is_put),
        "put_written": put_written,
        "put_answered": lambda: wrap(Door, "send", before=False, when=is_put),
        "read_back": lambda: wrap(Writer, "write", before=False),
        "before_record": lambda: wrap(Ledger, "record", before=True, when=acted),
        "inside_record": lambda: wrap(decisions, "conclude", before=False, when=acted),
        "after_record": lambda: wrap(SqlJournal, "conclude", before=False, when=acted),
    }
    deaths[step]()


def put_written() -> None:
    """The request is with the kernel, and the process dies before it reads an answer."""
    import aiohttp

    wrap(aiohttp.ClientResponse, "start", before=True, when=lambda got, _: got.method == "PUT")


if __name__ == "__main__":
    plant(sys.argv.pop(1))
    from autoscaler.__main__ import main

    main()
