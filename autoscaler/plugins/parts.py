"""The parts of one deployment but its policies: limits, guards, signals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from autoscaler.core.decide import Guard
from autoscaler.core.envelope import DIALS, Dial, Range
from autoscaler.core.farewell import Farewell
from autoscaler.core.observation import Limits
from autoscaler.plugins.layers import Plain
from autoscaler.plugins.options import build_options, option_fields
from autoscaler.plugins.registry import GUARD_TYPES
from autoscaler.ports import Question
from autoscaler.roster import FORECAST_SIGNALS, CapacitySpec, ForecastSpec, SignalSpec
from autoscaler.settings.explain import unknown
from autoscaler.settings.problem import HIDDEN, Fault, Path, meant, one_of
from autoscaler.settings.units import seconds

T = TypeVar("T")

DEFAULT_LIMITS: Mapping[Dial, tuple[int, int]] = MappingProxyType(
    {Dial.MIN_REPLICAS: (1, 20), Dial.MAX_REPLICAS: (1, 20), Dial.THREADS: (1, 32)}
)
DEFAULT_LABEL = "deployment"
DEFAULT_MAX_AGE_S = 90.0
DEFAULT_WINDOW_S = 600.0


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A part, as far as it could be built, and what is wrong with its options."""

    value: T
    faults: tuple[Fault, ...] = ()


class Memo(Generic[T]):
    """Equal options are built once, and the same object serves every deployment.

    Ten thousand deployments share a handful of policy sets, which keeps memory small and lets
    the runtime compare by identity.
    """

    def __init__(self, make: Callable[[Plain], Part[T]]) -> None:
        self._make = make
        self._by_text: dict[str, Part[T]] = {}
        # The data is kept beside its part: an id is only good while its object lives.
        self._by_id: dict[int, tuple[Plain, Part[T]]] = {}

    def part(self, data: Plain) -> Part[T]:
        """The part for these options."""
        known = self._by_id.get(id(data))
        if known is not None:
            return known[1]
        text = json.dumps(data, sort_keys=True)
        part = self._by_text.get(text)
        if part is None:
            part = self._by_text[text] = self._make(data)
        self._by_id[id(data)] = data, part
        return part


def limits_of(data: Plain) -> Part[Limits]:
    """The ranges of the three dials; the defaults where nothing is said."""
    faults: list[Fault] = []
    ranges = {dial: _range(data.get(dial.value), dial, faults) for dial in DIALS}
    floor, roof = ranges[Dial.MIN_REPLICAS].high, ranges[Dial.MAX_REPLICAS].high
    if floor is not None and roof is not None and floor > roof and not faults:
        rule = f"min_replicas.high {floor} must be at most max_replicas.high {roof}"
        faults.append(Fault(("limits",), rule))
    if ranges[Dial.THREADS].low < 1:
        low = ranges[Dial.THREADS].low
        faults.append(Fault(("limits", "threads", "low"), "must be at least 1", low))
    return Part(Limits(*(ranges[dial] for dial in DIALS)), tuple(faults))


def _range(data: object, dial: Dial, faults: list[Fault]) -> Range:
    said = data if isinstance(data, dict) else {}
    low, high = (
        int(said.get(end, number))
        for end, number in zip(("low", "high"), DEFAULT_LIMITS[dial], strict=True)
    )
    if low > high:
        rule = f"low {low} must be at most high {high}"
        faults.append(Fault(("limits", dial.value), rule))
        return Range(low)
    return Range(low, high)


def farewell_of(data: Plain) -> Part[Farewell | None]:
    """What is left behind at the end of the daemon; None when nobody declared anything."""
    if not data:
        return Part(None)
    built = build_options(Farewell, data)
    faults = tuple(replace(f, path=("on_shutdown", *f.path)) for f in built.faults)
    return Part(cast("Farewell | None", built.value), faults)


def farewell_faults(farewell: Farewell | None, limits: Limits) -> list[Fault]:
    """A fault for every dial that is declared outside of its limits."""
    return [
        Fault(("on_shutdown", dial.value), f"must be within limits.{dial.value}, {limits[dial]}", n)
        for dial in DIALS
        if farewell is not None and (n := farewell[dial]) is not None and limits[dial].clamp(n) != n
    ]


def guards_of(data: Plain) -> Part[tuple[Guard, ...]]:
    """All guards in their written order, without those that are switched off."""
    faults = [
        unknown(("guards", name), [n for n, g in GUARD_TYPES.items() if option_fields(g)], "guard")
        for name in data
        if name not in GUARD_TYPES
    ]
    guards: list[Guard] = []
    for name, cls in GUARD_TYPES.items():
        guard = _guard(name, cls, data.get(name), faults)
        if guard is not None:
            guards.append(guard)
    return Part(tuple(guards), tuple(faults))


def _guard(name: str, cls: type, data: object, faults: list[Fault]) -> Guard | None:
    options = dict(data) if isinstance(data, dict) else {}
    if data is not None and not option_fields(cls):
        rule = "has no options and cannot be switched off"
        faults.append(Fault(("guards", name), rule, at_key=True))
        return None
    enabled = options.pop("enabled", True)
    if not isinstance(enabled, bool):
        faults.append(Fault(("guards", name, "enabled"), "must be true or false", enabled))
    built = build_options(cls, options)
    faults += [replace(f, path=("guards", name, *f.path)) for f in built.faults]
    return cast("Guard | None", built.value) if enabled is not False else None


def forecasts_of(data: Plain) -> Part[Mapping[str, ForecastSpec]]:
    """The forecasts by name; a faulty one keeps its defaults, so that its name is known."""
    faults: list[Fault] = []
    found: dict[str, ForecastSpec] = {}
    for name, each in data.items():
        built = build_options(ForecastSpec, each if isinstance(each, dict) else {})
        faults += [replace(f, path=("forecasts", name, *f.path)) for f in built.faults]
        found[name] = cast("ForecastSpec", built.value) if not built.faults else ForecastSpec()
    return Part(MappingProxyType(found), tuple(faults))


def capacity_of(data: Plain) -> Part[CapacitySpec]:
    """The signals from which capacity is learnt; the usual names where nothing is said."""
    built = build_options(CapacitySpec, data)
    faults = tuple(replace(f, path=("capacity", *f.path)) for f in built.faults)
    return Part(CapacitySpec() if faults else cast("CapacitySpec", built.value), faults)


def capacity_faults(said: Plain, signals: Mapping[str, object]) -> list[Fault]:
    """A fault for each signal that is named here and that the deployment does not have."""
    return [
        Fault(
            ("capacity", key),
            "names a signal that the deployment does not have"
            + (meant(str(name), signals) or f" (signals: {one_of(tuple(signals))})"),
            name,
        )
        for key, name in said.items()
        if isinstance(name, str) and name not in signals
    ]


def forecast_faults(
    forecasts: Mapping[str, ForecastSpec], signals: Mapping[str, object]
) -> list[Fault]:
    """A fault for a forecast of nothing, and for one whose name a signal has already."""
    faults = []
    for name, spec in forecasts.items():
        path: Path = ("forecasts", name)
        if spec.of not in signals:
            hint = meant(spec.of, signals) or f" (signals: {one_of(tuple(signals))})"
            rule = f"names a signal that the deployment does not have{hint}"
            faults.append(Fault((*path, "of"), rule, spec.of))
        taken = [name + part for part in FORECAST_SIGNALS if name + part in signals]
        faults += [
            Fault(path, f"a signal is called {each!r} already", at_key=True) for each in taken
        ]
    return faults


class Signals:
    """Builds signals. `kinds` are the sources' kinds by name, None for a kind that is broken."""

    def __init__(self, kinds: Mapping[str, Any]) -> None:
        self._kinds = kinds

    def part(self, data: Plain) -> Part[Mapping[str, SignalSpec | None]]:
        """The signals by name; one that cannot be built is None, so that its name is known."""
        faults: list[Fault] = []
        found = {name: self._signal(name, each, faults) for name, each in data.items()}
        faults += _lifeless(found)
        return Part(MappingProxyType(found), tuple(faults))

    def _signal(self, name: str, data: object, faults: list[Fault]) -> SignalSpec | None:
        said = data if isinstance(data, dict) else {}
        before = len(faults)
        query = self._query(("signals", name), said, faults)
        plausible = _plausible(("signals", name), said.get("plausible"), faults)
        if len(faults) > before:
            return None
        question = Question(
            signal=name,
            query=query,
            label=str(said.get("label", DEFAULT_LABEL)),
            max_age_s=seconds(said.get("max_age", DEFAULT_MAX_AGE_S)),
        )
        return SignalSpec(
            source=str(said["source"]),
            question=question,
            window_s=seconds(said.get("window", DEFAULT_WINDOW_S)),
            empty_is_zero=said.get("on_empty") == "zero",
            nan_is_zero=said.get("on_nan") == "zero",
            zero_while=str(said.get("zero_while") or ""),
            plausible=plausible,
        )

    def _query(self, path: tuple[str, str], said: Plain, faults: list[Fault]) -> object:
        missing = [key for key in ("source", "query") if said.get(key) is None]
        faults += [Fault((*path, key), "is required", at_key=True) for key in missing]
        if missing:
            return None
        source = str(said["source"])
        if source not in self._kinds:
            hint = meant(source, self._kinds) or f" (sources: {one_of(tuple(self._kinds))})"
            faults.append(Fault((*path, "source"), f"names no source{hint}", source))
            return None
        kind, query = self._kinds[source], said["query"]
        if kind is None:
            return None
        try:
            return cast("object", kind.query.parse(query))
        except (ValueError, TypeError) as error:
            faults.append(quoting((*path, "query"), str(error), query))
        except Exception as bug:  # noqa: BLE001 - a plug-in's bug is reported, not passed on
            rule = f"reading it crashed with {type(bug).__name__}"
            faults.append(Fault((*path, "query"), rule))
        return None


def _lifeless(signals: Mapping[str, SignalSpec | None]) -> list[Fault]:
    """A fault for each sign of life that cannot be one."""
    faults = []
    for name, spec in signals.items():
        if spec is None or not spec.zero_while:
            continue
        path: Path = ("signals", name, "zero_while")
        if spec.zero_while not in signals or spec.zero_while == name:
            others = tuple(each for each in signals if each != name)
            hint = meant(spec.zero_while, others) or f" (signals: {one_of(others)})"
            rule = f"must name another signal of the deployment{hint}"
        elif not (spec.empty_is_zero or spec.nan_is_zero):
            rule = "needs on_empty: zero or on_nan: zero beside it"
        elif (other := signals[spec.zero_while]) and (other.empty_is_zero or other.nan_is_zero):
            rule = "must name a signal that is never taken for zero itself"
        else:
            continue
        faults.append(Fault(path, rule, spec.zero_while))
    return faults


def quoting(path: Path, rule: str, value: object) -> Fault:
    """A fault in a plug-in's own words, without the value when these quote it already."""
    quoted = isinstance(value, dict | list) or repr(value) in rule
    return Fault(path, rule, HIDDEN if quoted else value)


def _plausible(
    path: tuple[str, str], data: object, faults: list[Fault]
) -> tuple[float, float] | None:
    if not isinstance(data, dict):
        return None
    low, high = data.get("low"), data.get("high")
    if not (isinstance(low, int | float) and isinstance(high, int | float)):
        faults.append(Fault((*path, "plausible"), "must have low and high"))
        return None
    if low > high:
        rule = f"low {low:g} must be at most high {high:g}"
        faults.append(Fault((*path, "plausible"), rule))
    return float(low), float(high)
