"""A recommendation as text for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autoscaler.lab.tune.days import SUMS
from autoscaler.lab.tune.enough import length
from autoscaler.lab.tune.folds import Figure
from autoscaler.lab.tune.objective import shown
from autoscaler.lab.tune.run import WAYS, Row, Tuned


def text(tuned: Tuned) -> str:
    """The lines to paste, what to expect of them, and what is not promised."""
    lines = tuned.lines.splitlines()
    return "\n".join(
        [
            *_comments(_head(tuned)),
            "",
            *(lines if tuned.kept else _comments(lines)),
            "",
            *_comments(
                ["expected, with 90% intervals over days", *_expected(tuned), "", *_promises(tuned)]
            ),
        ]
    )


def _comments(lines: Sequence[str]) -> list[str]:
    # All of the output is YAML: what is no line of a configuration is a comment.
    return [f"# {line}".rstrip() for line in lines]


def _head(tuned: Tuned) -> list[str]:
    asked, found, wish = tuned.asked, tuned.found, tuned.wish
    walked = tuned.walked
    shapes = {length(span.days) for span in asked.spans}
    names = ", ".join(history.name for history in asked.histories[:5])
    more = f" and {len(asked.histories) - 5} more" if len(asked.histories) > 5 else ""  # noqa: PLR2004 - as shown
    judged = sum(len(fold.after) for fold in walked.folds)
    lines = [
        f"objective  {wish.goal}, least {wish.least}",
        f"history    {names}{more}: {' to '.join(sorted(shapes))}",
        f"searched   {len(found.tables)} settings, seed {wish.seed}, in {tuned.took_s:.0f} s",
        f"judged     {judged} days in {len(walked.folds)} fold(s), by what was chosen before each",
        f"           ({tuned.agreeing} of {len(walked.folds)} chose this very setting)",
        "",
    ]
    if tuned.kept:
        where = "paste under defaults:, a group or a deployment"
        return [*lines, f"recommended: {tuned.best.name}; {where}"]
    refused = f"NOT RECOMMENDED: no setting that was tried keeps {wish.goal}; the nearest is"
    return [*lines, f"{refused} {tuned.best.name}"]


def _expected(tuned: Tuned) -> list[str]:
    """A table: rows are scalers, cells a figure with its 90 % interval over days."""
    measures = list(tuned.rows[0].figures)
    rows = [["on the judged days", *map(_title, measures)]]
    rows += [[row.name, *(_cell(m, row.figures[m]) for m in measures)] for row in tuned.rows]
    for actuator, row in tuned.elsewhere.items():
        rows.append(
            [
                f"this setting, if {WAYS[actuator]}",
                *(_cell(m, row.figures[m]) for m in measures),
            ]
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _title(measure: str) -> str:
    return f"{measure}/day" if measure in SUMS else measure


def _cell(measure: str, figure: Figure) -> str:
    value, low, high = (shown(measure, x) for x in (figure.value, figure.low, figure.high))
    return f"{value} [{low}, {high}]"


def _promises(tuned: Tuned) -> list[str]:
    return ["not promised:", *(f"- {caveat.sentence}" for caveat in tuned.caveats)]


def tree(tuned: Tuned) -> dict[str, Any]:
    """The same for scripts; shares are 0..1."""
    wish, found = tuned.wish, tuned.found
    return {
        "objective": {"measure": wish.goal.measure, "limit": wish.goal.limit},
        "minimise": wish.least,
        "seed": wish.seed,
        "kept": tuned.kept,
        "complete": found.complete,
        "evaluated": len(found.tables),
        "histories": [
            {"name": history.name, "days": round(span.days, 3)}
            for history, span in zip(tuned.asked.histories, tuned.asked.spans, strict=True)
        ],
        "folds": [
            {
                "chosen_on_days": len(fold.before),
                "judged_on_days": len(fold.after),
                "choice": found.candidates[index].name,
            }
            for fold, index in zip(tuned.walked.folds, tuned.walked.choices, strict=True)
        ],
        "recommended": tuned.best.name,
        "lines": tuned.lines,
        "expected": {row.name: _figures(row) for row in tuned.rows},
        "elsewhere": {actuator.value: _figures(row) for actuator, row in tuned.elsewhere.items()},
        "not_promised": [
            {"code": caveat.code, "sentence": caveat.sentence} for caveat in tuned.caveats
        ],
    }


def _figures(row: Row) -> dict[str, dict[str, float]]:
    return {
        measure: {"value": found.value, "low": found.low, "high": found.high}
        for measure, found in row.figures.items()
    }
