"""The daemon's own program, which falls asleep by its own hand on the way of its first PUT.

`python tests/fakes/sleeping.py STEP run --config FILE` is `autoscaler run --config FILE`, except
that the process stops itself (SIGSTOP) when it comes to STEP for the first time, as a machine
that is suspended there would.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = ("in_last_word", "before_first_byte")


def sleeping(pid: int) -> bool:
    """Whether this process is stopped."""
    return _status(pid)["State"].split()[0] == "T"


def condemned(pid: int) -> bool:
    """Whether a SIGALRM waits for this process to wake up."""
    status = _status(pid)
    waiting = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
    return bool(waiting >> (signal.SIGALRM - 1) & 1)


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def wrap(owner: Any, name: str, fits: Callable[..., bool]) -> None:
    right = getattr(owner, name)
    slept: list[bool] = []

    async def wrapped(*given: Any, **named: Any) -> Any:
        if fits(*given) and not slept:
            slept.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return await right(*given, **named)

    setattr(owner, name, wrapped)


def plant(step: str) -> None:
    """Make the daemon stop when it comes to this step."""
    from autoscaler.foundry.leaving import LeavingBody
    from autoscaler.runtime.words import Words

    places = {
        "in_last_word": (Words, "fresh", on_the_way),
        "before_first_byte": (LeavingBody, "write_with_length", lambda *_: True),
    }
    wrap(*places[step])


def on_the_way(_words: object) -> bool:
    """Whether the words are asked for because a PUT is about to leave."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_qualname == "Client._leave":
            return True
    return False


if __name__ == "__main__":
    plant(sys.argv.pop(1))
    from autoscaler.__main__ import main

    main()
