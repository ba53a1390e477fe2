"""The audit trail by the API: filters, pages, exports."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from jsonschema import Draft202012Validator

from autoscaler.activity import Act
from autoscaler.web.api.parts import Parts
from autoscaler.web.openapi import openapi
from tests.fakes.web import FakeRecords, entry
from tests.web.conftest import Asker

ACTIVITY = "/api/v1/activity"


@pytest.fixture
def trail(asked: Parts) -> FakeRecords:
    records = asked.records
    assert isinstance(records, FakeRecords)
    records.entries = [entry(n) for n in range(1, 1_201)]
    records.entries[6] = replace(entry(7), kind=Act.LOOK, deployment="rerank")
    return records


async def test_entries_come_newest_first_and_page_by_page(ask: Asker, trail: FakeRecords) -> None:
    seen, after = [], ""
    while True:
        told = await ask.get(f"{ACTIVITY}?limit=500{after}")
        seen += [one["seq"] for one in told["activity"]]
        if told["next"] is None:
            break
        after = f"&cursor={told['next']}"
    assert seen == list(range(1_200, 0, -1))


async def test_entries_are_filtered(ask: Asker, trail: FakeRecords) -> None:
    for query in ("kind=look,reload", "deployment=rerank", "from=1007&to=1008&kind=look"):
        told = await ask.get(f"{ACTIVITY}?{query}")
        assert [one["seq"] for one in told["activity"]] == [7], query
    assert (await ask.get(f"{ACTIVITY}?kind=nap", 400))["parameter"] == "kind"
    assert (await ask.get(f"{ACTIVITY}?format=xml", 400))["parameter"] == "format"


async def test_an_export_has_everything_in_one_answer(ask: Asker, trail: FakeRecords) -> None:
    async with ask.session.get(f"{ACTIVITY}?format=jsonl") as answer:
        lines = [orjson.loads(line) for line in (await answer.read()).splitlines()]
    assert [line["seq"] for line in lines] == list(range(1_200, 0, -1))
    document = openapi()
    shape = {"$ref": "#/components/schemas/Entry", "components": document["components"]}
    Draft202012Validator(shape).validate(lines[0])


async def test_a_journal_that_is_away_is_a_problem_before_the_export_begins(
    ask: Asker, trail: FakeRecords
) -> None:
    trail.away = True
    for form in ("json", "csv", "jsonl"):
        assert (await ask.get(f"{ACTIVITY}?format={form}", 503))["status"] == 503
