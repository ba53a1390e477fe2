"""Which files changed, by content: mounted secrets and ConfigMaps swap links, not times."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


class FileWatch:
    """Remembers the content of files; `changed` tells whether it is another now.

    A file that vanished or cannot be read right now is no change: whoever writes it may be in
    the middle. When it is back with other content, that is one.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._marks = {file: _mark(file) for file in files}

    def follow(self, files: Iterable[Path]) -> None:
        """Watch these from now on. Of one that is known already the last look counts.

        So what somebody writes while a changed configuration is being loaded is not missed.
        """
        known = self._marks
        self._marks = {file: known[file] if file in known else _mark(file) for file in files}

    def changed(self) -> bool:
        """Whether any file has other content than the last time."""
        changed = False
        for file, before in self._marks.items():
            now = _mark(file)
            if now is not None and now != before:
                self._marks[file] = now
                changed = True
        return changed


def _mark(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
