"""The `when:` of a policy entry.

    when: error_share > 0.05
    when: {calendar: {days: Mon-Fri, time: 08:00-18:00, zone: Europe/Berlin}}
    when: {all: [running_jobs > 3, {not: {calendar: {spec: "Sat-Sun 00:00-24:00 UTC"}}}]}

Text is an expression (policies/_expression.py). A map may have `calendar`, `expression`, `all`,
`any` and `not`; several keys must hold together. What is unknown stays unknown, unless the rest
decides: false and unknown is false, true or unknown is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from autoscaler.core.observation import Missing, Observation
from autoscaler.core.proposal import Condition
from policies import _duration
from policies._expression import compile_condition
from policies._spans import Schedule
from policies._window import Window, schedule_of
from policies._zone import nearest

DEEPEST = 10


@dataclass(frozen=True, slots=True)
class During:
    """Holds while a window of a calendar is open."""

    window: Window
    schedule: Schedule

    @property
    def needs(self) -> tuple[str, ...]:
        """No signals: a calendar only reads the clock."""
        return ()

    def holds(self, seen: Observation) -> bool | Missing:
        """Whether the window is open now."""
        return self.schedule.open_at(seen.at) is not None


@dataclass(frozen=True, slots=True)
class Together:
    """Several conditions: all of them (`decisive` False) or any of them (`decisive` True)."""

    parts: tuple[Condition, ...]
    decisive: bool

    @property
    def needs(self) -> tuple[str, ...]:
        """The signals of all parts."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.needs))

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal the parts look at, seconds."""
        longest: dict[str, float] = {}
        for part in self.parts:
            for name, window in _windows(part).items():
                longest[name] = max(window, longest.get(name, 0.0))
        return longest

    def holds(self, seen: Observation) -> bool | Missing:
        """The first decisive part decides; else the first unknown one leaves it unknown."""
        unknown: Missing | None = None
        for part in self.parts:
            found = part.holds(seen)
            if isinstance(found, Missing):
                unknown = unknown or found
            elif found is self.decisive:
                return found
        return unknown or not self.decisive


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when another condition is known not to."""

    part: Condition

    @property
    def needs(self) -> tuple[str, ...]:
        """The signals of the part."""
        return self.part.needs

    @property
    def windows(self) -> Mapping[str, float]:
        """How much past of each signal the part looks at, seconds."""
        return _windows(self.part)

    def holds(self, seen: Observation) -> bool | Missing:
        """The opposite; what is unknown stays unknown."""
        found = self.part.holds(seen)
        return found if isinstance(found, Missing) else not found


def _windows(part: Condition) -> Mapping[str, float]:
    found: Mapping[str, float] = getattr(part, "windows", {})
    return found


def condition(value: object) -> Condition:
    """The condition that a configuration means. Raises ValueError with the place and the rule."""
    return _condition(value, 0)


def _condition(value: object, depth: int) -> Condition:
    if depth > DEEPEST:
        raise ValueError(f"must not be nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        return compile_condition(value)
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be an expression or a map of {_KEYS}, got {type(value).__name__}")
    parts = tuple(_part(str(key), each, depth + 1) for key, each in value.items())
    return parts[0] if len(parts) == 1 else Together(parts, decisive=False)


def _part(key: str, value: object, depth: int) -> Condition:
    reader = _READERS.get(key)
    if reader is None:
        raise ValueError(f"{key} is no kind of condition{nearest(key, _READERS) or f' ({_KEYS})'}")
    try:
        return reader(value, depth)
    except ValueError as error:
        text = str(error)
        # A path reads `all[1].calendar.days`, and an expression's own words follow a colon.
        raise ValueError(f"{key}{text}" if text.startswith("[") else f"{key}: {text}") from None


def _expression(value: object, _: int) -> Condition:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - a value's rule, for every type
    return compile_condition(value)


def _every(value: object, depth: int) -> Condition:
    return Together(_list(value, depth), decisive=False)


def _some(value: object, depth: int) -> Condition:
    return Together(_list(value, depth), decisive=True)


def _list(value: object, depth: int) -> tuple[Condition, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError("must be a list of conditions")
    return tuple(_item(index, each, depth) for index, each in enumerate(value))


def _item(index: int, value: object, depth: int) -> Condition:
    try:
        return _condition(value, depth)
    except ValueError as error:
        raise ValueError(f"[{index}]: {error}") from None


def _opposite(value: object, depth: int) -> Condition:
    return Not(_condition(value, depth))


def _during(value: object, _: int) -> Condition:
    if not isinstance(value, Mapping):
        raise ValueError("must be a map")  # noqa: TRY004 - a value's rule, for every type
    options: dict[str, object] = {}
    for key, each in value.items():
        name = "duration_s" if key == "duration" else str(key)
        if name not in _OPTIONS:
            raise ValueError(f"{key} is unknown{nearest(str(key), _OPTIONS)}")
        options[name] = _option(name, each)
    window = Window(**options)  # type: ignore[arg-type]  # checked one by one
    return During(window, schedule_of(window))


def _option(name: str, value: object) -> object:
    if name == "duration_s":
        try:
            return _duration.seconds(value)
        except ValueError as error:
            raise ValueError(f"duration {error}") from None
    if name not in {"dates", "holidays"}:
        if not isinstance(value, str):
            raise ValueError(f"{name} must be text, got {value!r}")
        return value
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"{name} must be a list, got {value!r}")  # noqa: TRY004 - a value's rule
    return tuple(str(each) for each in value)


_OPTIONS = tuple(item.name for item in fields(Window))
_READERS: Mapping[str, Callable[[object, int], Condition]] = {
    "calendar": _during,
    "expression": _expression,
    "all": _every,
    "any": _some,
    "not": _opposite,
}
_KEYS = ", ".join(_READERS)
