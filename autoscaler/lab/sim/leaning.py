"""What a world is more prone to than others: for hunts after one kind of bug."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NONE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Leaning:
    """Nothing of it makes a fault worse than it is elsewhere; it only comes more often."""

    kinds: tuple[str, ...] = ()
    """Of `weather`: seven of ten spells are one of these."""
    places: tuple[str, ...] = ("prom", "other")
    """Where those spells strike."""
    often: Mapping[str, float] = field(default_factory=lambda: _NONE)
    """By trouble of `chaos`, how many times as often it comes."""
    mode: str = ""
    """In which all deployments begin."""


NOWHERE = Leaning()
