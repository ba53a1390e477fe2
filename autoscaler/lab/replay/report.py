"""A replay's summary as text for a terminal and as JSON."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from autoscaler.codec import to_tree
from autoscaler.core.envelope import DIALS, Dial, Envelope
from autoscaler.lab.replay.again import Compared, Verdict
from autoscaler.lab.replay.summary import Row, Summary

MOST_REASONS = 20
MOST_NAMES = 5
MOST_ROWS = 50
COUNTS = range(1, 2 + len(Verdict))  # the table's columns of numbers
OPEN_LOOP = (
    "each decision starts from the recorded envelope: what would have followed from another "
    "one is not replayed"
)


def text(summary: Summary, config: str) -> str:
    """Everything that a replay found."""
    lines = [*_head(summary, config), *_left_out(summary, config)]
    if _differing(summary):
        lines += ["", *_table(summary)]
    lines += _reasons(summary)
    lines += _examples(summary)
    if not summary.identical:
        lines += [
            "",
            OPEN_LOOP,
        ]
    return "\n".join(lines)


def _head(summary: Summary, config: str) -> list[str]:
    if summary.first_at is None or summary.last_at is None:
        return [f"nothing to replay with {config}: {summary.recorded} decisions"]
    span = f"{_when(summary.first_at)} to {_when(summary.last_at)} UTC"
    counts = ", ".join(f"{verdict.value} {summary.count(verdict)}" for verdict in Verdict)
    return [
        f"replayed {summary.replayed} of {summary.recorded} recorded decisions with {config}",
        f"  {span}",
        f"  {counts}",
    ]


def _left_out(summary: Summary, config: str) -> list[str]:
    lines = []
    if summary.unmanaged:
        names = [f"{name} {n}" for name, n in summary.unmanaged.most_common(MOST_NAMES)]
        more = len(summary.unmanaged) - len(names)
        tail = f" and {more} more" if more > 0 else ""
        total = summary.unmanaged.total()
        lines.append(f"  {total} of deployments that {config} does not manage: ")
        lines[-1] += ", ".join(names) + tail
    if summary.unread:
        lines.append(f"  {summary.unread} made before the platform was read: nobody was asked")
    if summary.unreadable:
        lines.append(f"  {summary.unreadable} that cannot be read, first {summary.first_fault}")
    return lines + _unrecorded(summary)


def _unrecorded(summary: Summary) -> list[str]:
    """Signals that the other configuration would have read, and that nobody recorded."""
    missing: Counter[str] = Counter()
    for row in summary.rows.values():
        missing.update(row.unrecorded)
    return [
        f"  signal {signal} was not recorded in {n}: policies that read it abstained"
        for signal, n in sorted(missing.items())
    ]


def _table(summary: Summary) -> list[str]:
    titles = ("deployment", "replayed", *(v.value for v in Verdict), *(d.value for d in DIALS))
    differing = _differing(summary)
    rows = [titles, *(_cells(name, row) for name, row in differing[:MOST_ROWS])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(titles))]
    lines = [_line(row, widths) for row in rows]
    more = len(differing) - MOST_ROWS
    return [*lines, f"and {more} more deployments"] if more > 0 else lines


def _differing(summary: Summary) -> list[tuple[str, Row]]:
    """Deployments of which any decision is not identical, those with most others first."""
    found = [
        (name, row)
        for name, row in summary.rows.items()
        if row.verdicts[Verdict.IDENTICAL] < row.replayed
    ]
    return sorted(found, key=lambda each: (-each[1].verdicts[Verdict.OTHERWISE], each[0]))


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.rjust(width) if COUNTS.start <= i < COUNTS.stop else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _cells(name: str, row: Row) -> tuple[str, ...]:
    counts = [str(row.verdicts[verdict]) for verdict in Verdict]
    return (name, str(row.replayed), *counts, *(_moves(row, dial) for dial in DIALS))


def _moves(row: Row, dial: Dial) -> str:
    parts = [f"{row.lower[dial]} lower"] if row.lower[dial] else []
    parts += [f"{row.higher[dial]} higher"] if row.higher[dial] else []
    return ", ".join(parts) or "same"


def _reasons(summary: Summary) -> list[str]:
    if not summary.reasons:
        return []
    most = _by_count(summary)
    rest = sum(n for _, n in most[MOST_REASONS:])
    lines = ["", "first difference, recorded -> now"]
    lines += [f"{n:6} {then} -> {now}" for (then, now), n in most[:MOST_REASONS]]
    return [*lines, f"{rest:6} others"] if rest else lines


def _by_count(summary: Summary) -> list[tuple[tuple[str, str], int]]:
    return sorted(summary.reasons.items(), key=lambda each: (-each[1], each[0]))


def _examples(summary: Summary) -> list[str]:
    if not summary.shown:
        return []
    total = summary.count(Verdict.OTHERWISE)
    lines = ["", f"decided otherwise, first {len(summary.shown)} of {total}"]
    for one in summary.shown:
        lines += _example(one)
    return lines


def _example(one: Compared) -> list[str]:
    decision, before = one.decision, one.then.before
    head = f"{_when(decision.at)}  {decision.deployment}  {decision.id}"
    lines = [head]
    for dial in DIALS:
        then, now = one.then.after[dial], one.now.after[dial]
        if then != now:
            lines.append(f"  {dial.value} {before[dial]} -> {then}, now {before[dial]} -> {now}")
    if one.then_end != one.now_end:
        lines.append(f"  {one.then_end}, now {one.now_end}")
    if one.difference is not None:
        lines.append(f"  first difference: {one.difference.where}")
        lines.append(f"    recorded  {one.difference.then_sentence}")
        lines.append(f"    now       {one.difference.now_sentence}")
    return lines


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def tree(summary: Summary) -> dict[str, Any]:
    """The same for scripts. Times are Unix seconds."""
    return {
        "identical": summary.identical,
        "recorded": summary.recorded,
        "replayed": summary.replayed,
        "verdicts": {verdict.value: summary.count(verdict) for verdict in Verdict},
        "unmanaged": dict(sorted(summary.unmanaged.items())),
        "unread": summary.unread,
        "unreadable": summary.unreadable,
        "first_at": summary.first_at,
        "last_at": summary.last_at,
        "deployments": {name: _row(row) for name, row in sorted(summary.rows.items())},
        "first_differences": [
            {"recorded": then, "now": now, "count": n} for (then, now), n in _by_count(summary)
        ],
        "otherwise": [_told(one) for one in summary.shown],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "replayed": row.replayed,
        "verdicts": {verdict.value: row.verdicts[verdict] for verdict in Verdict},
        "lower": {dial.value: row.lower[dial] for dial in DIALS},
        "higher": {dial.value: row.higher[dial] for dial in DIALS},
        "unrecorded": dict(sorted(row.unrecorded.items())),
    }


def _told(one: Compared) -> dict[str, Any]:
    found = one.difference
    return {
        "id": one.decision.id,
        "at": one.decision.at,
        "deployment": one.decision.deployment,
        "before": to_tree(Envelope, one.then.before),
        "recorded": to_tree(Envelope, one.then.after),
        "now": to_tree(Envelope, one.now.after),
        "recorded_end": one.then_end,
        "now_end": one.now_end,
        "where": found and found.where,
        "recorded_step": found and found.then_sentence,
        "now_step": found and found.now_sentence,
    }
