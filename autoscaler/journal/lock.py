"""One daemon per file: an advisory lock that the kernel frees when its holder dies, however."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from autoscaler.journal.errors import JournalLocked, clipped
from autoscaler.ports import JournalError


class FileLock:
    """`flock` on a file of its own: SQLite's own locks live on the database and are left alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock at once. Raises JournalLocked, naming the holder, or JournalError."""
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(
                f"the journal's lock {self.path} cannot be made: {clipped(error)}; "
                "its directory must exist and be writable"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise JournalLocked(
                f"another daemon (process {holder}) holds the journal's lock {self.path}; "
                "two daemons must not write to the same deployments"
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)
        self._file = file

    def free(self) -> None:
        """Let go of it. The file stays: removing it would let two holders meet on two files."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
