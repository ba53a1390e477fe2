"""What is asked for: `<measure> <= <number>[%]`, over the measures of docs/measures.md."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SHARE = "share"
PER_DAY = "per day"
RATIO = "ratio"

# Sums of a run are per day here, so that a longer history is no worse.
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "violations": SHARE,
        "unserved": SHARE,
        "late": SHARE,
        "time_share": SHARE,
        "replica_hours": PER_DAY,
        "compute_seconds": PER_DAY,
        "cost_vs_oracle": RATIO,
        "actions_per_day": PER_DAY,
        "thread_changes_per_day": PER_DAY,
        "theta_u": SHARE,
        "theta_o": RATIO,
        "tau_u": SHARE,
        "tau_o": SHARE,
        "upsilon": SHARE,
        "deviation": RATIO,
    }
)
"""Measures that may be bounded or minimised, with their unit; less is better in all of them."""

ALIASES: Mapping[str, str] = MappingProxyType({"cost": "cost_vs_oracle"})
"""Cost is paid replica-time over the least that never falls short."""

_FORM = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|==|=|<|>|\u2264)\s*(\S+?)\s*(%?)\s*")
_RULE = "must be `<measure> <= <number>[%]`, such as `violations <= 1%`"


class ObjectiveError(ValueError):
    """An objective that cannot be read. Names the rule, what was given and what is possible."""


@dataclass(frozen=True, slots=True)
class Objective:
    """`measure` at most `limit`; shares are 0..1."""

    measure: str
    limit: float

    def __str__(self) -> str:
        return f"{self.measure} <= {shown(self.measure, self.limit)}"


def parse(text: str) -> Objective:
    """Read an objective. Raises ObjectiveError."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ObjectiveError(f"an objective {_RULE}, got {text!r}")
    name, sign, number, percent = found.groups()
    measure = measure_of(name)
    if sign not in {"<=", "\u2264"}:
        raise ObjectiveError(f"an objective {_RULE}: only <= is possible, got {sign!r}")
    limit = _number(number)
    if percent and MEASURES[measure] != SHARE:
        raise ObjectiveError(f"{measure} is no share: write {limit:g} without the percent sign")
    limit = limit / 100 if percent else limit
    if MEASURES[measure] == SHARE and limit >= 1:
        raise ObjectiveError(
            f"{measure} is a share below 1, got {limit:g}: write {limit:g}% for {limit:g} in 100"
        )
    return Objective(measure, limit)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ObjectiveError(f"the limit must be a number of at least 0, got {text!r}")
    return number


def measure_of(name: str) -> str:
    """The measure's own name. Raises ObjectiveError for one that there is not."""
    measure = ALIASES.get(name, name)
    if measure == "coverage":
        raise ObjectiveError("coverage is what a forecast reaches by itself: set its tau instead")
    if measure not in MEASURES:
        known = (*MEASURES, *ALIASES)
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
        raise ObjectiveError(f"no measure is called {name!r}: {hint}")
    return measure


def shown(measure: str, value: float) -> str:
    """A measure's value for people."""
    if MEASURES[measure] == SHARE:
        return f"{value * 100:.3g}%"
    return f"{value:.2f}x" if measure == "cost_vs_oracle" else f"{value:.4g}"
