"""`docs/faults.md`, made from the table and the marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.marks import covered
from tests.faults.table import FAULTS, PARTS, SEVERAL, Fault

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

HEAD = """\
# Faults, and the tests that hold what is expected

Made by `python -m tests.faults` from `tests/faults/table.py` and the marks on the tests; a test
fails when it is not current, and when a fault has lost its last test.
"""


def page(tests: Mapping[int, Sequence[str]] | None = None) -> str:
    """The whole page."""
    tests = covered() if tests is None else tests
    lines = [HEAD, _count(tests)]
    for title, faults in PARTS.items():
        lines += [
            f"\n## {title}\n",
            "| | what happens | what is expected | tests |",
            "|---|---|---|---|",
        ]
        lines += [_row(fault, tests.get(fault.number, ())) for fault in faults]
    return "\n".join(lines) + "\n"


def _count(tests: Mapping[int, Sequence[str]]) -> str:
    later = sum(fault.waiting == SEVERAL for fault in FAULTS.values())
    held = sum(number in tests for number in FAULTS)
    missing = len(FAULTS) - later - held
    return (
        f"{len(FAULTS)} faults: {held} covered by a test, {missing} of one daemon not covered yet, "
        f"{later} that need several daemons."
    )


def _row(fault: Fault, tests: Sequence[str]) -> str:
    shown = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in tests)
    return f"| {fault.number} | {fault.what} | {fault.expected} | {shown or fault.waiting} |"
