"""Secrets that never show themselves, and where they come from."""

from __future__ import annotations

import hmac
import re
from pathlib import Path
from typing import NoReturn, Protocol

from autoscaler.foundry.errors import SecretUnreadable

LARGEST_SECRET = 65_536
# Visible ASCII only: anything else cannot go into a header and is a broken file.
_PLAUSIBLE = re.compile(r"[\x21-\x7e]+")


class Secret:
    """A string that only `reveal` gives away; not its repr, its format, nor a pickle."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret itself, for the one header or form that needs it."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.reveal().encode())

    __hash__ = None  # type: ignore[assignment]  # a dictionary is no place for a secret

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


class SecretSource(Protocol):
    """Where a secret is kept."""

    def read(self, *, fresh: bool = False) -> Secret:
        """The secret now; `fresh` ignores what is remembered. Raises SecretUnreadable."""
        ...


class FixedSecret:
    """A secret that is known from the start and never changes."""

    __slots__ = ("_secret",)

    def __init__(self, value: str) -> None:
        self._secret = _checked(value, "the secret")

    def read(self, *, fresh: bool = False) -> Secret:  # noqa: ARG002 - it cannot change
        """The secret."""
        return self._secret


class FileSecret:
    """A secret in a file, read again when the file changes (time, size or inode)."""

    __slots__ = ("_path", "_seen", "_value")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._value: Secret | None = None

    def read(self, *, fresh: bool = False) -> Secret:
        """The file's content without surrounding space. Raises SecretUnreadable."""
        seen, content, fault = self._look(fresh=fresh)
        # Raised out here, so that no foreign error with its locals hangs on to it.
        if fault:
            raise SecretUnreadable(f"{self._path} cannot be read: {fault}")
        if content is not None:
            value = _checked(content.decode("ascii", "replace").strip(), str(self._path))
            # The same text stays the same object: whoever compares tokens need not look inside.
            if self._value != value:
                self._value = value
            self._seen = seen
        if self._value is None:
            raise SecretUnreadable(f"{self._path} cannot be read")
        return self._value

    def _look(self, *, fresh: bool) -> tuple[tuple[int, int, int] | None, bytes | None, str]:
        """What the file is like and, unless it is known already, what is in it."""
        try:
            stat = self._path.stat()
            seen = stat.st_mtime_ns, stat.st_size, stat.st_ino
            if seen == self._seen and not fresh:
                return seen, None, ""
            with self._path.open("rb") as file:
                return seen, file.read(LARGEST_SECRET + 1), ""
        except OSError as error:
            return None, None, error.strerror or type(error).__name__


def _checked(value: str, place: str) -> Secret:
    if not value:
        raise SecretUnreadable(f"{place} is empty")
    if len(value) > LARGEST_SECRET:
        raise SecretUnreadable(f"{place} must be at most {LARGEST_SECRET} bytes")
    if not _PLAUSIBLE.fullmatch(value):
        raise SecretUnreadable(f"{place} must hold visible ASCII characters only, on one line")
    return Secret(value)
