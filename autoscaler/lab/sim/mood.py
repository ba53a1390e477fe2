"""How the erratic policy feels: set by the simulation, read by the policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOODS = ("raises", "nothing", "nonsense", "greedy", "zero", "slow")


@dataclass(slots=True)
class Mood:
    """`kind` is one of MOODS, or empty for a quiet one; `block` lets the machine work for long."""

    kind: str = ""
    block: Callable[[], None] = lambda: None


MOOD = Mood()
