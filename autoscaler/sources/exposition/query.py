"""What is asked of one scrape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Self

from autoscaler.core.options import check_options, meta

KINDS: Final = ("gauge", "rate", "increase", "quantile", "mean")
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Query:
    """One metric, and what becomes of it, per value of the signal's label.

    Several series of one label value are added up (gauge, rate, increase) or taken as one
    population (quantile, mean).
    """

    metric: str = field(
        metadata=meta("the metric as exposed; for quantile and mean without _bucket, _sum, _count")
    )
    kind: str = field(
        default="gauge",
        metadata=meta(
            "gauge: the values as they are; rate: of a counter, per second over the window; "
            "increase: the rate times the window; quantile: of a classic histogram; "
            "mean: _sum over _count of a histogram or summary",
            one_of=KINDS,
        ),
    )
    where: tuple[tuple[str, str], ...] = field(
        default=(), metadata=meta("only series with these label values; a mapping in YAML")
    )
    quantile: float = field(default=0.95, metadata=meta("for kind quantile", gt=0, lt=1))
    window_s: float = field(
        default=60.0,
        metadata=meta("how far back counters are compared", unit="s", ge=1, le=86_400),
    )

    def __post_init__(self) -> None:
        check_options(self)
        if not isinstance(self.metric, str) or not _METRIC.fullmatch(self.metric):
            raise ValueError(f"metric must be a metric name, got {self.metric!r}")
        for name, _ in self.where:
            if not _LABEL.fullmatch(name):
                raise ValueError(
                    f"where: a label name must be [a-zA-Z_][a-zA-Z0-9_]*, got {name!r}"
                )

    @classmethod
    def parse(cls, value: object) -> Self:
        """A bare metric name (a gauge), or a mapping; `window` may be "5m" or seconds.

        Raises ValueError with the field, the rule and the value.
        """
        parts = {"metric": value} if isinstance(value, str) else value
        if not isinstance(parts, Mapping) or "metric" not in parts:
            raise ValueError(f"query must be a metric's name or have `metric`, got {value!r}")
        given = {("window_s" if key == "window" else key): item for key, item in parts.items()}
        names = [item.name for item in fields(cls)]
        if unknown := sorted(str(key) for key in given if key not in names):
            raise ValueError(f"query: {unknown[0]!r} is not one of {', '.join(names)}")
        if "where" in given:
            given["where"] = _where(given["where"])
        for key, read in (("window_s", _seconds), ("quantile", _number)):
            if key in given:
                given[key] = read(key, given[key])
        try:
            return cls(**given)
        except ValueError as error:
            raise ValueError(f"query.{error}") from None


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"query.{name} must be a number, got {value!r}")  # noqa: TRY004 - a configuration error
    return float(value)


def _seconds(name: str, value: object) -> float:
    if not isinstance(value, str):
        return _number(name, value)
    found = _DURATION.fullmatch(value)
    if found is None:
        raise ValueError(f"query.window must be seconds or like 30s, 5m, 1h, got {value!r}")
    return float(found[1]) * _SECONDS[found[2]]


def _where(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise ValueError(f"query.where must map label names to values, got {value!r}")  # noqa: TRY004 - a configuration error
    for name, wanted in value.items():
        if not isinstance(name, str) or isinstance(wanted, bool):
            raise ValueError(f"query.where: {name!r} must map text to text, got {wanted!r}")  # noqa: TRY004 - a configuration error
        if not isinstance(wanted, str | int):
            raise ValueError(f"query.where.{name} must be text, got {wanted!r}")  # noqa: TRY004 - a configuration error
    return tuple(sorted((name, str(wanted)) for name, wanted in value.items()))
