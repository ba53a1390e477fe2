"""Which configuration runs, and what became of the last attempt to replace it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from autoscaler.settings import Settings

MOST_CHANGES = 200
LONGEST_PROBLEM = 2_000


@dataclass(slots=True)
class Configuration:
    """Told of every load. Values never leave it: only names of what changed."""

    file: Path
    digest: str | None = None
    loaded_at: float | None = None
    failed_at: float | None = None
    problem: str | None = None
    changed: tuple[str, ...] = ()

    def loaded(self, at: float, digest: str, changed: tuple[str, ...] = ()) -> None:
        """A configuration was taken over."""
        self.digest, self.loaded_at, self.changed = digest, at, changed[:MOST_CHANGES]
        self.failed_at = self.problem = None

    def failed(self, at: float, problem: str) -> None:
        """One was refused; the last good one stays."""
        self.failed_at = at
        # The directory is nobody's business who reads the page.
        self.problem = problem.replace(f"{self.file.parent}/", "")[:LONGEST_PROBLEM]

    def short(self) -> dict[str, Any]:
        """For the status."""
        return {
            "digest": self.digest,
            "loaded_at": self.loaded_at,
            "reload_failed_at": self.failed_at,
            "problem": self.problem,
        }

    def full(self) -> dict[str, Any]:
        """For the health page."""
        return {"file": self.file.name, **self.short(), "changed": list(self.changed)}


def changed_keys(before: Settings, after: Settings) -> tuple[str, ...]:
    """The dotted names of all options that differ."""
    old, new = _flat(before.model_dump()), _flat(after.model_dump())
    return tuple(sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k)))


def _flat(tree: object, path: str = "") -> dict[str, object]:
    if isinstance(tree, Mapping):
        found: dict[str, object] = {}
        for key, value in tree.items():
            found |= _flat(value, f"{path}.{key}" if path else str(key))
        return found
    return {path: tree.get_secret_value() if isinstance(tree, SecretStr) else tree}


def sections_changed(before: Settings, after: Settings) -> list[str]:
    """Sections whose change only a restart takes over."""
    found = [
        name
        for name in ("journal", "log", "tracing")
        if getattr(before, name) != getattr(after, name)
    ]
    taken = {"write_enabled", "require_token_to_read", "tokens", "oidc"}
    web = [one.web.model_dump(exclude=taken) for one in (before, after)]
    return found if web[0] == web[1] else [*found, "web"]
