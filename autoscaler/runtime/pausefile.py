"""The `PAUSE` file: while it is there, nothing moves. It needs no store, no network, no daemon."""

from __future__ import annotations

import stat
from pathlib import Path

import structlog

from autoscaler.core.observation import Control, Override

log = structlog.get_logger(__name__)

# So much of the file is read as its reason.
LONGEST = 300
AUTHOR = "pause file"
IDENT = "pause-file"
# How a file begins that a signal has made.
SIGNAL = "signal: "


class PauseFile:
    """A file whose existence is a pause of the fleet without end; its text is the reason.

    What cannot be looked at counts as there: a brake that fails must fail closed. Without a
    `path` only the signal works.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._signalled: Override | None = None

    def word(self) -> Override | None:
        """The pause, None when there is none. Costs a `stat`, about 2 us."""
        if self.path is None:
            return self._signalled
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return self._signalled
        except OSError as problem:
            return _pause(f"it cannot be looked at: {problem.strerror or problem}")
        return _pause(_text(self.path) if stat.S_ISREG(found.st_mode) else "")

    def put(self, why: str) -> None:
        """Pause by a signal: at once in this process, and with the file across restarts."""
        self._signalled = _pause(SIGNAL + why)
        if self.path is None:
            return
        try:
            with self.path.open("x", encoding="utf-8") as file:
                file.write(f"{SIGNAL}{why}\n")
        except FileExistsError:
            return
        except OSError as problem:
            told = problem.strerror or str(problem)
            log.error("the pause will not outlive this process", file=str(self.path), problem=told)  # noqa: TRY400 - the problem says it all

    def lift(self) -> bool:
        """End the pause and remove the file; False when the file stays, and the pause with it."""
        try:
            if self.path is not None:
                self.path.unlink(missing_ok=True)
        except OSError as problem:
            told = problem.strerror or str(problem)
            log.error("the pause file cannot be removed", file=str(self.path), problem=told)  # noqa: TRY400 - likewise
            return False
        self._signalled = None
        return True


def _pause(text: str) -> Override:
    author, why = AUTHOR, text
    if text.startswith(SIGNAL):
        author, why = "signal", text.removeprefix(SIGNAL)
    return Override(Control.PAUSE, author, why or "it gives no reason", id=IDENT)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(4 * LONGEST)
    except OSError as problem:
        return f"it cannot be read: {problem.strerror or problem}"
    text = raw.decode("utf-8", "replace")
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:LONGEST]
