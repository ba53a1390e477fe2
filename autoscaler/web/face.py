"""What the HTTP face needs of the daemon, declared by the one who needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Json = Mapping[str, Any]


class Face(Protocol):
    """Questions that the daemon answers. All are read-only, and none may contain a secret."""

    def status(self) -> Json:
        """The daemon itself; see `view.status`. Called in a worker thread."""
        ...

    def deployments(self) -> Sequence[Json]:
        """One row per deployment; see `table.Table`. Called in a worker thread, once a second."""
        ...

    def deployment(self, name: str) -> Json | None:
        """Everything about one deployment; see `view.detail`. None for an unknown name."""
        ...

    async def history(self, name: str, limit: int) -> Sequence[bytes]:
        """At most `limit` (1..1000) recorded decisions as JSON, newest first."""
        ...

    def metrics(self, accept: str) -> tuple[bytes, str]:
        """Body and content type for an Accept header. Called in a worker thread."""
        ...

    def live(self) -> tuple[bool, str]:
        """Whether the process should be left running, and a sentence."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether it does its work, and a sentence."""
        ...
