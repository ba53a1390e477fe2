"""Pages that promise something name tests, and these are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoscaler.lab.sim.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
PAGES = ("threat-model.md", "guarantees.md")


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


NAMED = {
    named for page in PAGES for named in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of(page))
}
PROMISES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for table in re.split(
        r"^\| (?:never|always) \|.*\n.*\n", text_of("guarantees.md"), flags=re.MULTILINE
    )[1:]
    for line in table.split("\n\n")[0].splitlines()
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_promises_names_many_tests(page: str) -> None:
    assert text_of(page).count("::test_") > 20


@pytest.mark.parametrize(("file", "name"), sorted(NAMED))
def test_a_promise_is_held_by_a_test_that_is_there(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE)


def test_each_promise_has_a_test() -> None:
    assert len(PROMISES) > 20
    for promise, _, tests in PROMISES:
        assert "::test_" in tests, promise


def test_every_protection_is_behind_a_promise_and_every_planted_bug_is_one() -> None:
    named = {bug for _, bugs, _ in PROMISES for bug in re.findall(r"`([\w-]+)`", bugs)}
    assert named == {mutant.name for mutant in MUTANTS}


def test_the_records_that_are_pointed_to_are_there() -> None:
    records = re.findall(r"`(docs/[\w-]+\.md)`", text_of("guarantees.md"))
    assert len(records) > 5
    assert all((ROOT / record).is_file() for record in records)
