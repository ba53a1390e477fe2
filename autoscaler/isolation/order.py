"""What a worker is told when it is started: which policy, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """Limits of one evaluation in seconds, of the process in MiB; where policies are found."""

    kind: str = ""
    directories: tuple[str, ...] = ()
    deadline_s: float = 1.0
    cpu_s: float = 1.0
    memory_mib: int = 512
