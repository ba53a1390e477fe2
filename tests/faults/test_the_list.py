"""Every fault of the list has its test, or says why not."""

from __future__ import annotations

import pytest

from tests.faults.marks import covered
from tests.faults.page import PAGE, page
from tests.faults.table import FAULTS

COVERED = covered()


@pytest.mark.parametrize("number", sorted(FAULTS))
def test_a_fault_has_a_test_or_says_why_it_waits(number: int) -> None:
    fault, tests = FAULTS[number], COVERED.get(number, [])
    assert bool(tests) != bool(fault.waiting), (
        f"fault {number} ({fault.what}) has the tests {tests} and waits because {fault.waiting!r}"
    )


def test_the_list_is_whole() -> None:
    assert sorted(FAULTS) == list(range(1, 88))


def test_no_mark_names_a_fault_that_is_not_on_the_list() -> None:
    assert COVERED.keys() <= FAULTS.keys()


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.faults"
