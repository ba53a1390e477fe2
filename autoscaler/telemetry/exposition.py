"""The text form of the per-deployment metrics, written straight from the latest decisions.

The client library builds an object and a dictionary per series and sorts its labels. For
10,000 deployments that is hundreds of thousands of each; here a series is one formatted string.
The formats: Prometheus text 0.0.4 and OpenMetrics 1.0, which differ in a counter's head line.
"""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from autoscaler.core.decision import Decision
from autoscaler.telemetry.afterwards import settled
from autoscaler.telemetry.catalogue import (
    DEPLOYMENTS,
    OUTCOMES,
    Metric,
    Scope,
    Type,
)
from autoscaler.telemetry.readings import (
    MANIES,
    ONES,
    SETS,
    Many,
    Number,
    One,
    Set,
    replica_cost,
)

# Lines between two offers of the interpreter to other threads: about a millisecond of work,
# where the interpreter by itself would keep the event loop waiting 5 ms for each of its turns.
BREATH = 1_000


@dataclass(frozen=True, slots=True)
class Columns:
    """The fleet at one moment, column by column: label texts, latest decisions, counts.

    `outcomes` counts decisions in the order of `OUTCOMES`, `turns` changes of direction, `hands`
    changes by others, `compute` compute-seconds; `raised_at` is the raise waited for.

    Columns and arrays instead of an object per row, because 20,000 new objects start a full
    garbage collection, and that holds every thread up for 100 ms at 10,000 deployments.
    """

    labels: list[str] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    outcomes: list[array[int]] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    hands: list[int] = field(default_factory=list)
    compute: list[float] = field(default_factory=list)
    raised_at: list[float | None] = field(default_factory=list)


def escape(value: str) -> str:
    """A label value as both text formats want it: backslash, quote and newline escaped."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def label_of(deployment: str) -> str:
    """The start of every label set, kept per deployment: `{deployment="chat"`."""
    return f'{{deployment="{escape(deployment)}"'


def number(value: Number) -> str:
    """A sample's value as both text formats want it."""
    if isinstance(value, int) or math.isfinite(value):
        return repr(value)
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def deployments(
    fleet: Columns,
    *,
    full: bool,
    openmetrics: bool,
    breathe: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """The per-deployment block in chunks; `breathe(0)` after each lets other threads run."""
    for metric in DEPLOYMENTS:
        if metric.scope is Scope.FULL and not full:
            continue
        yield head(metric, openmetrics=openmetrics).encode()
        lines = _lines(metric, fleet, full=full)
        while chunk := "".join(islice(lines, BREATH)):
            yield chunk.encode(errors="replace")
            breathe(0)


def head(metric: Metric, *, openmetrics: bool) -> str:
    """The HELP and TYPE lines."""
    name = metric.full_name
    if openmetrics and metric.type is Type.COUNTER:
        name = name.removesuffix("_total")
    return f"# HELP {name} {metric.help}\n# TYPE {name} {metric.type}\n"


def _lines(metric: Metric, fleet: Columns, *, full: bool) -> Iterator[str]:
    name, short = metric.full_name, metric.name
    if short in ONES:
        return _one_each(name, fleet, ONES[short])
    if short in SPECIAL:
        return SPECIAL[short](name, fleet)
    label = next(key for key in metric.labels if key != "deployment")
    if short in MANIES:
        return _many_each(name, fleet, label, MANIES[short])
    return _set_each(name, fleet, label, SETS[short], full=full)


def _one_each(name: str, fleet: Columns, read: One) -> Iterator[str]:
    for start, decision in zip(fleet.labels, fleet.decisions, strict=True):
        value = read(decision)
        if value is not None:
            yield f"{name}{start}}} {number(value)}\n"


def _many_each(name: str, fleet: Columns, label: str, read: Many) -> Iterator[str]:
    for start, decision in zip(fleet.labels, fleet.decisions, strict=True):
        # A series told twice would make a server refuse the whole scrape.
        for key, value in dict(read(decision)).items():
            yield f'{name}{start},{label}="{escape(key)}"}} {number(value)}\n'


def _set_each(name: str, fleet: Columns, label: str, of: Set, *, full: bool) -> Iterator[str]:
    values, read = of
    for start, decision in zip(fleet.labels, fleet.decisions, strict=True):
        held = read(decision)
        for value in values if full else sorted(held):
            yield f'{name}{start},{label}="{value}"}} {int(value in held)}\n'


def _info(name: str, fleet: Columns) -> Iterator[str]:
    for start, decision in zip(fleet.labels, fleet.decisions, strict=True):
        rid, group = escape(decision.rid), escape(decision.group)
        yield f'{name}{start},rid="{rid}",group="{group}"}} 1\n'


def _outcomes(name: str, fleet: Columns) -> Iterator[str]:
    tails = [f',outcome="{outcome}"}} ' for outcome in OUTCOMES]
    for start, counts in zip(fleet.labels, fleet.outcomes, strict=True):
        for tail, count in zip(tails, counts, strict=True):
            yield f"{name}{start}{tail}{count}\n"


def _turns(name: str, fleet: Columns) -> Iterator[str]:
    for start, turns in zip(fleet.labels, fleet.turns, strict=True):
        yield f"{name}{start}}} {turns}\n"


def _hands(name: str, fleet: Columns) -> Iterator[str]:
    for start, count in zip(fleet.labels, fleet.hands, strict=True):
        yield f"{name}{start}}} {count}\n"


def _compute(name: str, fleet: Columns) -> Iterator[str]:
    for start, decision, total in zip(fleet.labels, fleet.decisions, fleet.compute, strict=True):
        # Without a rate nobody knows what it costs, which is not nothing.
        if replica_cost(decision) is not None:
            yield f"{name}{start}}} {number(total)}\n"


def _waiting(name: str, fleet: Columns) -> Iterator[str]:
    for start, decision, since in zip(fleet.labels, fleet.decisions, fleet.raised_at, strict=True):
        if since is not None and not settled(decision):
            yield f"{name}{start}}} {number(since)}\n"


SPECIAL: dict[str, Callable[[str, Columns], Iterator[str]]] = {
    "deployment_info": _info,
    "deployment_decisions_total": _outcomes,
    "deployment_direction_changes_total": _turns,
    "deployment_foreign_changes_total": _hands,
    "deployment_floor_compute_seconds_total": _compute,
    "deployment_floor_waiting_since_timestamp_seconds": _waiting,
}
