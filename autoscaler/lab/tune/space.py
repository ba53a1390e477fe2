"""What is searched: a candidate is a few options, the same that a configuration would say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType

REACTIVE = "target_load"
AHEAD = "forecast"

# Ranges that operators would call sane; beyond them nothing was ever the cheapest.
TARGETS = (0.30, 0.95)
TAUS = (0.70, 0.998)
WINDOWS_S = (0.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0)
HEADROOMS = (0.1, 0.25, 0.5, 1.0)
FILLS = (1.0, 0.9, 0.8, 0.7)
STABLE_S = (0.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0)
COOLDOWNS_S = (0.0, 60.0, 120.0, 300.0, 600.0)
DEADBANDS = (0.0, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One setting. `risk` is the target of `target_load`, or the forecast's tau.

    `window_s` and `headroom` are `target_load`'s, `fill` is the forecast policy's target;
    the last three are the guards', seconds and a share.
    """

    kind: str
    risk: float
    window_s: float = 60.0
    headroom: float = 0.5
    fill: float = 1.0
    stable_s: float = 300.0
    cooldown_s: float = 300.0
    deadband: float = 0.1

    @property
    def name(self) -> str:
        """Short, for tables: what it is and its risk."""
        word = "tau" if self.kind == AHEAD else "target"
        return f"{self.kind} {word} {self.risk:g}"


DEFAULTS: Mapping[str, Candidate] = MappingProxyType(
    {
        REACTIVE: Candidate(REACTIVE, 0.7),
        # The damping that the published figures of the forecast were made with.
        AHEAD: Candidate(AHEAD, 0.95, stable_s=120.0, cooldown_s=0.0),
    }
)


def spread(kinds: Sequence[str], count: int, rng: Random) -> list[Candidate]:
    """`count` candidates over the whole space: the defaults, then each kind's risk in strata."""
    found = [DEFAULTS[kind] for kind in kinds][:count]
    rest = count - len(found)
    share = [rest // len(kinds) + (i < rest % len(kinds)) for i in range(len(kinds))]
    strata = [
        [_drawn(kind, (i + rng.random()) / many, rng) for i in range(many)]
        for kind, many in zip(kinds, share, strict=True)
    ]
    for each in strata:
        rng.shuffle(each)
    # By turns, so that an early end has seen something of every kind.
    for turn in range(max(share, default=0)):
        found += [each[turn] for each in strata if turn < len(each)]
    return found


def near(candidate: Candidate, rng: Random) -> Candidate:
    """A candidate beside another: its risk moved a little, and one other option now and then."""
    moved = replace(candidate, risk=_moved(candidate, rng))
    if rng.random() < OTHERS:
        name = rng.choice(sorted(_CHOICES[candidate.kind]))
        value = rng.choice(_CHOICES[candidate.kind][name])
        moved = replace(moved, **{name: value})  # type: ignore[arg-type]  # options of this very class
    return moved


OTHERS = 0.6
_GUARDS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {"stable_s": STABLE_S, "cooldown_s": COOLDOWNS_S, "deadband": DEADBANDS}
)
_CHOICES: Mapping[str, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        REACTIVE: MappingProxyType({"window_s": WINDOWS_S, "headroom": HEADROOMS, **_GUARDS}),
        AHEAD: MappingProxyType({"fill": FILLS, **_GUARDS}),
    }
)


def _drawn(kind: str, share: float, rng: Random) -> Candidate:
    options = {name: rng.choice(values) for name, values in _CHOICES[kind].items()}
    return Candidate(kind, _risk(kind, share), **options)


def _risk(kind: str, share: float) -> float:
    """A risk at a share of its range: even for targets, even in the odds for tau."""
    if kind == REACTIVE:
        low, high = TARGETS
        return round(low + share * (high - low), 2)
    low, high = (math.log(tau / (1 - tau)) for tau in TAUS)
    return _tau(low + share * (high - low))


def _moved(candidate: Candidate, rng: Random) -> float:
    if candidate.kind == REACTIVE:
        low, high = TARGETS
        return round(min(max(candidate.risk + rng.gauss(0, 0.05), low), high), 2)
    odds = math.log(candidate.risk / (1 - candidate.risk))
    return _tau(odds + rng.gauss(0, 0.6))


def _tau(odds: float) -> float:
    low, high = TAUS
    return round(min(max(1 / (1 + math.exp(-odds)), low), high), 4)
