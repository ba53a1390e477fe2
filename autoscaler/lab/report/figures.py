"""A study's numbers: for JSON, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler.lab.backtest import Actuator
from autoscaler.lab.report.study import Study

Numbers = Mapping[str, float]

# Of the measures whose mean over traces is uncertain enough to matter.
ENDS = ("_low", "_high")


def as_json(study: Study) -> dict[str, Any]:
    """`traces` and `pooled` as documented in docs/lab.md; `intervals` are 90 % over traces.

    A set under the first actuator has its own name, under further ones a suffix `@actuator`.
    """
    traces: dict[str, dict[str, Numbers]] = {}
    pooled: dict[str, Numbers] = {}
    intervals: dict[str, dict[str, list[float]]] = {}
    for actuator in study.actuators:
        result = study.results.get(actuator)
        suffix = suffix_of(study, actuator)
        for trace, row in result.traces.items() if result else ():
            own = traces.setdefault(trace, {})
            own |= {f"{name}{suffix}": found.as_dict() for name, found in row.items()}
        for name, numbers in pooled_of(study, actuator).items():
            pooled[f"{name}{suffix}"] = plain(numbers)
            intervals[f"{name}{suffix}"] = bounds(numbers)
    return {
        "traces": traces,
        "pooled": pooled,
        "intervals": intervals,
        "run": {
            "complete": study.complete,
            "finished": study.finished(),
            "actuators": {suffix_of(study, a): a.value for a in study.actuators},
            **world_of(study),
        },
    }


def suffix_of(study: Study, actuator: Actuator) -> str:
    """What is put behind a set's name under an actuator."""
    return "" if actuator is study.actuators[0] else f"@{actuator.value}"


def world_of(study: Study) -> dict[str, Any]:
    """The simulated deployment, in plain numbers."""
    world = study.options.world
    return {
        "cold_start_s": world.cold_start_s,
        "min_replicas": world.least,
        "max_replicas": world.most,
        "threads": world.threads,
        "native": {
            "up_threshold": world.native.up_threshold,
            "up_delay_s": world.native.up_delay_s,
            "down_delay_s": world.native.down_delay_s,
        },
        "history_days": study.options.history_days,
    }


def pooled_of(study: Study, actuator: Actuator) -> dict[str, dict[str, float]]:
    """Every set over all finished traces, intervals included."""
    result = study.results.get(actuator)
    return {name: dict(found) for name, found in result.pooled().items()} if result else {}


def plain(numbers: Numbers) -> dict[str, float]:
    """Without the ends of intervals."""
    return {name: value for name, value in numbers.items() if not name.endswith(ENDS)}


def bounds(numbers: Numbers) -> dict[str, list[float]]:
    """The intervals alone, by measure."""
    lows = [name.removesuffix("_low") for name in numbers if name.endswith("_low")]
    return {name: [numbers[f"{name}_low"], numbers[f"{name}_high"]] for name in lows}


COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("violations", "violations", "share"),
    ("unserved", "unserved", "share"),
    ("late > 10 s", "late", "share"),
    ("time short", "time_share", "share"),
    ("cost/oracle", "cost_vs_oracle", "ratio"),
    ("replica-h", "replica_hours", "count"),
    ("compute-s", "compute_seconds", "count"),
    ("floor moves/day", "actions_per_day", "rate"),
    ("coverage", "coverage", "share"),
)


def tables(study: Study) -> str:
    """A table per actuator over all finished traces; of what is there when none is finished."""
    return "\n\n".join(_table(study, actuator) for actuator in study.actuators).strip()


def _table(study: Study, actuator: Actuator) -> str:
    numbers = pooled_of(study, actuator)
    if not numbers:
        return ""
    count = len(study.results[actuator].finished())
    traces = "1 trace" if count == 1 else f"{count} traces"
    heads = ["policy set", *(title for title, _, _ in COLUMNS)]
    rows = [[name, *_cells(found)] for name, found in numbers.items()]
    head = f"{TITLES[actuator]}; {traces}"
    return "\n".join([head, *_lines([heads, *rows])])


TITLES = {
    Actuator.DIRECT: "direct: the size asked for is the size",
    Actuator.ENVELOPE_EVICT: "envelope: the platform scales inside it, a lowered ceiling evicts",
    Actuator.ENVELOPE_LINGER: "envelope: the platform scales inside it, replicas linger",
}


def _cells(found: Numbers) -> list[str]:
    return [shown(found.get(measure), kind) for _, measure, kind in COLUMNS]


def shown(value: float | None, kind: str) -> str:
    """A number as people read it; a dash where a measure does not apply."""
    if value is None:
        return "-"
    if kind == "share":
        return f"{value:.2%}"
    if kind == "ratio":
        return f"{value:.2f}"
    return f"{value:,.0f}" if kind == "count" or value >= 10 else f"{value:.1f}"  # noqa: PLR2004 - two digits say enough


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
