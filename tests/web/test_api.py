"""The API's lists: filters, order, pages, marks, and problems that name what is wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from autoscaler.core.observation import Control, Override
from autoscaler.web.api.fleet import SORTS
from autoscaler.web.api.parts import Parts
from tests.fakes.web import FakeControls, FakeFace, FakeRecords, Stands
from tests.web.conftest import Asker

FLEET = "/api/v1/deployments"


async def pages(ask: Asker, path: str, named: str, key: str) -> list[Any]:
    """This key of everything, page by page."""
    found, after = [], ""
    while True:
        told = await ask.get(path + after)
        found += [one[key] for one in told[named]]
        if told["next"] is None:
            return found
        after = f"&cursor={told['next']}"


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", SORTS)
async def test_pages_of_any_order_show_everybody_once(ask: Asker, sort: str, order: str) -> None:
    whole = await ask.get(f"{FLEET}?sort={sort}&order={order}")
    names = [row["name"] for row in whole["deployments"]]
    assert len(set(names)) == whole["total"] == 30
    paged = await pages(ask, f"{FLEET}?sort={sort}&order={order}&limit=7", "deployments", "name")
    assert paged == names


async def test_what_is_not_known_comes_last_in_both_orders(ask: Asker, fleet: FakeFace) -> None:
    for order in ("asc", "desc"):
        told = await ask.get(f"{FLEET}?sort=load&order={order}")
        values = [row["load"]["value"] for row in told["deployments"]]
        assert values[-1] is None
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=order == "desc")


async def test_filters_narrow_and_counts_tell_what_else_there_is(ask: Asker) -> None:
    told = await ask.get(f"{FLEET}?state=failed,refused")
    assert {row["status"] for row in told["deployments"]} == {"failed", "refused"}
    assert told["total"] == told["counts"]["failed"] + told["counts"]["refused"]
    assert sum(told["counts"].values()) == 30
    told = await ask.get(f"{FLEET}?mode=raise_only&group=online&search=R")
    assert {row["mode"] for row in told["deployments"]} == {"raise_only"}
    assert (await ask.get(f"{FLEET}?group=nowhere"))["total"] == 0


async def test_a_cursor_goes_on_when_its_row_has_gone(ask: Asker, fleet: FakeFace) -> None:
    told = await ask.get(f"{FLEET}?sort=name&limit=5")
    names = [row["name"] for row in told["deployments"]]
    del fleet.decisions[names[-1]]
    ask_again = f"{FLEET}?sort=name&limit=5&cursor={told['next']}"
    rest = [row["name"] for row in (await ask.get(ask_again))["deployments"]]
    assert names[-1] not in rest
    assert rest[0] > names[-1]


@pytest.mark.parametrize(
    ("path", "parameter", "rule"),
    [
        (f"{FLEET}?sort=size", "sort", "must be one of"),
        (f"{FLEET}?order=up", "order", "must be one of asc, desc"),
        (f"{FLEET}?state=ok,good", "state", "must be some of"),
        (f"{FLEET}?mode=", "mode", "must be some of"),
        (f"{FLEET}?offset=3", "offset", "is not a parameter here"),
        (f"{FLEET}?limit=3&limit=4", "limit", "must be given once"),
        (f"{FLEET}?search={'a' * 201}", "search", "must be at most 200 characters"),
        (f"{FLEET}?search=%00", "search", "must be at most 200 characters"),
        (f"{FLEET}?cursor=zzz", "cursor", "must be the `next` of an answer"),
        (f"{FLEET}?cursor=WyJhIiwxXQ==", "cursor", "must be the `next` of an answer"),
        (f"{FLEET}/chat/series?from=-1", "from", "must be Unix seconds, 0 or more"),
        (f"{FLEET}/chat/series?from=nan", "from", "must be Unix seconds, 0 or more"),
        (f"{FLEET}/chat/series?from=1e999", "from", "must be Unix seconds, 0 or more"),
        (f"{FLEET}/chat/series?from=20&to=10", "from", "must not be after to"),
        (f"{FLEET}/chat/series?from=0&to=9999999", "from", "must lie 0..31 days before to"),
        (f"{FLEET}/chat/series?points=2001", "points", "must be a whole number in 1..2000"),
        (f"{FLEET}/chat/decisions?kind=moved", "kind", "must be some of"),
        (f"{FLEET}/chat?x=1", "x", "is not a parameter here (there are: none)"),
        ("/api/v1/sparklines", "names", "must be 1..200 names"),
        ("/api/v1/sparklines?names=,", "names", "must be 1..200 names"),
    ],
)
async def test_a_parameter_that_breaks_a_rule_is_named_with_it(
    ask: Asker, path: str, parameter: str, rule: str
) -> None:
    told = await ask.get(path, 400)
    assert told["parameter"] == parameter
    assert rule in told["rule"]
    assert told["rule"] in told["detail"]
    assert (told["status"], told["title"]) == (400, "Bad Request")


async def test_a_cursor_is_good_for_its_own_question_alone(ask: Asker) -> None:
    after = (await ask.get(f"{FLEET}?limit=3"))["next"]
    told = await ask.get(f"{FLEET}?limit=3&search=chat&cursor={after}", 400)
    assert told["rule"] == "must be the `next` of an answer to the same question"
    other = await ask.get(f"{FLEET}/chat/decisions?limit=1")
    assert (await ask.get(f"{FLEET}?cursor={other['next']}", 400))["parameter"] == "cursor"


async def test_who_has_it_already_gets_no_body(ask: Asker) -> None:
    for path in (FLEET, f"{FLEET}/chat", "/api/v1/overrides", "/api/v1/openapi.json", "/"):
        async with ask.session.get(path) as answer:
            mark = answer.headers["ETag"]
        async with ask.session.get(path, headers={"If-None-Match": f'"x", {mark}'}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == mark
        async with ask.session.get(path, headers={"If-None-Match": '"x"'}) as answer:
            assert answer.status == 200


async def test_a_page_that_everybody_asks_for_is_made_once(ask: Asker, fleet: FakeFace) -> None:
    await asyncio.gather(*(ask.get(FLEET) for _ in range(20)))
    assert fleet.listed == 1


async def test_decisions_are_told_in_a_line_each_and_one_in_full(ask: Asker) -> None:
    path = f"{FLEET}/rerank/decisions?limit=2"
    told = await ask.get(path)
    ids = await pages(ask, path, "decisions", "id")
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3
    first = told["decisions"][0]
    assert (first["kind"], first["by"]) == ("applied", "load")
    assert first["headline"].startswith("floor 8 -> 10, ceiling 11 -> 14: a peak of 41")
    whole = await ask.get(f"/api/v1/decisions/{first['id']}")
    assert (whole["id"], whole["deployment"]) == (first["id"], "rerank")
    assert whole["trail"][0]["line"].startswith("floor 8 -> 10 by load:")
    assert (await ask.get(f"{FLEET}/rerank/decisions?kind=held"))["decisions"] == []
    none = await ask.get(f"{FLEET}/rerank/decisions?from=0&to=1")
    assert none == {"decisions": [], "next": None}


async def test_a_decision_that_nobody_recorded_is_a_problem(ask: Asker) -> None:
    told = await ask.get("/api/v1/decisions/nothing", 404)
    assert told["detail"] == "no decision 'nothing' is recorded"


async def test_a_journal_that_is_away_is_told_and_the_fleet_is_shown_all_the_same(
    ask: Asker, asked: Parts
) -> None:
    assert isinstance(asked.records, FakeRecords)
    asked.records.away = True
    told = await ask.get(f"{FLEET}/chat/decisions", 503)
    assert told["detail"] == "the journal does not answer; try again"
    assert (await ask.get(FLEET))["total"] == 30


async def test_overrides_are_shown_at_once_and_with_whom_they_are_for(
    ask: Asker, asked: Parts
) -> None:
    assert isinstance(asked.controls, FakeControls)
    pause = Override(Control.PAUSE, "ada", "incident 7", None)
    asked.controls.stands = [
        Stands("1", "fleet", pause, 10.0),
        Stands("2", "rerank", Override(Control.FLOOR, "bob", "launch", 9e9), 11.0),
        Stands("3", "group:elsewhere", pause, 12.0),
    ]
    told = await ask.get("/api/v1/overrides")
    assert [(one["id"], one["scope"], one["expires_at"]) for one in told["overrides"]] == [
        ("1", "fleet", None),
        ("2", "rerank", 9e9),
        ("3", "group:elsewhere", None),
    ]
    rows = {row["name"]: row for row in (await ask.get(FLEET))["deployments"]}
    assert all(row["paused"] for row in rows.values())
    assert [one["id"] for one in rows["rerank"]["overrides"]] == ["1", "2"]
    assert (rows["rerank"]["overridden"], rows["chat"]["overridden"]) == (True, False)
    status = await ask.get("/api/v1/status")
    assert status["controls"]["active"] == 3
    assert [one["id"] for one in status["controls"]["fleet"]] == ["1"]


async def test_sparklines_leave_out_names_that_nobody_knows(ask: Asker) -> None:
    told = await ask.get("/api/v1/sparklines?names=chat,nobody,rerank")
    assert set(told["lines"]) == {"chat", "rerank"}
    assert len(told["lines"]["chat"]) == 36
