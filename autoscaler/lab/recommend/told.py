"""Recommendations as rows: for a table, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from autoscaler.core.cost import Unpriced, compute_seconds
from autoscaler.core.envelope import Envelope
from autoscaler.lab.recommend.judge import Judged
from autoscaler.lab.recommend.replay import Replayed

HEADS = (
    "deployment",
    "now",
    "recommended",
    "without room",
    "compute-s/day",
    "saved/day",
    "with the daemon",
    "confidence",
    "data",
)


def document(judged: Sequence[Judged], unanswered: Mapping[str, str]) -> dict[str, Any]:
    """Everything, for scripts. Shares are 0..1, compute-seconds a day, times Unix seconds."""
    return {
        "deployments": {each.case.name: _entry(each) for each in judged},
        "unanswered": dict(unanswered),
    }


def _entry(each: Judged) -> dict[str, Any]:
    case = each.case
    now, then = _cost(each, each.now), _cost(each, each.then)
    return {
        "current": _dials(case.current),
        "recommended": _dials(each.envelope),
        "within_budget": each.within_budget,
        "violations": {
            "current": each.now.violations if each.now else None,
            "recommended": each.then.violations,
            "daemon": each.daemon.violations if each.daemon else None,
        },
        "compute_seconds_per_day": {
            "current": now,
            "recommended": then,
            "saved": None if now is None or then is None else now - then,
            "daemon": _cost(each, each.daemon),
        },
        "moves_per_day": {
            "current": each.now.moves_per_day if each.now else None,
            "recommended": each.then.moves_per_day,
        },
        "confidence": each.confidence.value,
        "data": {
            "from": case.demand.starts_at,
            "days": case.demand.days,
            "gap_share": case.demand.gap_share,
            "mean_jobs": case.demand.mean,
            "peak_jobs": case.demand.peak,
        },
        "native": asdict(case.native),
        "advice": list(each.advice),
        "note": case.note,
    }


def _dials(envelope: Envelope | None) -> dict[str, int] | None:
    return asdict(envelope) if envelope is not None else None


def _cost(each: Judged, replay: Replayed | None) -> float | None:
    """Compute-seconds of a day, None when there is no replay or the GPU has no known rate."""
    if replay is None:
        return None
    found = compute_seconds(each.case.resources, replay.replica_s_per_day)
    return None if isinstance(found, Unpriced) else found


def rows(judged: Sequence[Judged]) -> list[tuple[str, ...]]:
    """One row of text per deployment, in the order of `HEADS`."""
    return [_row(each) for each in judged]


def _row(each: Judged) -> tuple[str, ...]:
    case = each.case
    now, then, daemon = (_cost(each, r) for r in (each.now, each.then, each.daemon))
    saved = None if now is None or then is None else now - then
    within = "" if each.within_budget else " (budget out of reach)"
    return (
        case.name,
        str(case.current) if case.current else "?",
        str(each.envelope) + within,
        f"{_share(each.now)} -> {_share(each.then)}",
        f"{_count(now)} -> {_count(then)}",
        _saved(saved, now),
        f"{_share(each.daemon)}, {_count(daemon)}" if each.daemon else "-",
        each.confidence.value,
        _span(each),
    )


def _share(replay: Replayed | None) -> str:
    return "?" if replay is None else f"{replay.violations:.2%}"


def _count(value: float | None) -> str:
    return "?" if value is None else f"{value:,.0f}"


def _saved(saved: float | None, now: float | None) -> str:
    if saved is None or not now:
        return "?"
    return f"{saved:+,.0f} ({saved / now:+.0%})"


def _span(each: Judged) -> str:
    demand = each.case.demand
    since = datetime.fromtimestamp(demand.starts_at, UTC).strftime("%Y-%m-%d")
    gaps = f", {demand.gap_share:.0%} missing" if demand.gap_share >= 0.005 else ""  # noqa: PLR2004 - below it shows as 0 %
    return f"{demand.days:.1f} d since {since}{gaps}"


def notes(judged: Sequence[Judged], unanswered: Mapping[str, str]) -> list[str]:
    """A line for everything that does not fit into a table."""
    lines = [f"{each.case.name}: {text}" for each in judged for text in each.advice]
    lines += [f"{each.case.name}: {each.case.note}" for each in judged if each.case.note]
    lines += [f"{each.case.name}: {text}" for each in judged for text in [_unpriced(each)] if text]
    return lines + [f"{name}: no answer: {why}" for name, why in unanswered.items()]


def _unpriced(each: Judged) -> str:
    found = compute_seconds(each.case.resources, 1.0)
    return str(found) if isinstance(found, Unpriced) else ""


def as_table(judged: Sequence[Judged], unanswered: Mapping[str, str]) -> str:
    """For a terminal."""
    lines = [HEADS, *rows(judged)] if judged else []
    widths = [max(len(row[i]) for row in lines) for i in range(len(HEADS))] if lines else []
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    ]
    told = notes(judged, unanswered)
    return "\n".join([*text, *([""] if text and told else []), *told])


def as_markdown(judged: Sequence[Judged], unanswered: Mapping[str, str]) -> str:
    """For a ticket or a pull request."""
    lines = [HEADS, ("---",) * len(HEADS), *rows(judged)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines]
    return "\n".join([*table, "", *(f"- {line}" for line in notes(judged, unanswered))]).strip()


CSV_HEADS = (
    "deployment",
    "min_replicas",
    "max_replicas",
    "threads",
    "recommended_min_replicas",
    "recommended_max_replicas",
    "recommended_threads",
    "violations",
    "recommended_violations",
    "compute_seconds_per_day",
    "recommended_compute_seconds_per_day",
    "confidence",
    "days",
    "advice",
    "no_answer",
)


def as_csv(judged: Sequence[Judged], unanswered: Mapping[str, str]) -> str:
    """For a spreadsheet; numbers unrounded, empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_HEADS)
    for each in judged:
        current = each.case.current
        writer.writerow(
            [
                each.case.name,
                *(asdict(current).values() if current else ("", "", "")),
                *asdict(each.envelope).values(),
                each.now.violations if each.now else "",
                each.then.violations,
                _cost(each, each.now),
                _cost(each, each.then),
                each.confidence.value,
                each.case.demand.days,
                "; ".join(each.advice),
                "",
            ]
        )
    for name, why in unanswered.items():
        writer.writerow([name, *[""] * (len(CSV_HEADS) - 2), why])
    return out.getvalue().rstrip("\n")


def as_json(judged: Sequence[Judged], unanswered: Mapping[str, str]) -> str:
    """For scripts."""
    return json.dumps(document(judged, unanswered), indent=1)


FORMATS = {"table": as_table, "json": as_json, "csv": as_csv, "md": as_markdown}
