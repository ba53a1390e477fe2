"""A what-if: other policies on the past of one deployment, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from autoscaler.lab.whatif.ask import Ask
from autoscaler.lab.whatif.verdict import By, verdict
from autoscaler.plugins.tried import UntriableError, member, tried
from autoscaler.web.server import serve
from autoscaler.wiring.whatif import MOST_WAITING, Engine
from tests.fakes.configuration import ENVIRON, text_of, written
from tests.fakes.sources import MetricsServer
from tests.fakes.web import busy, parts

DAY_S = 86_400.0
BETTER = {"load": {"target": 0.5}}


def configured(folder: Path, url: str = "http://127.0.0.1:9") -> Path:
    """One deployment `chat` whose load a Prometheus at `url` knows."""
    sources = f"sources:\n  prom: {{kind: prometheus, url: '{url}'}}\n"
    return written(folder, text_of(sources=sources))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)


async def days_of_load(request: web.Request) -> web.Response:
    """Waves of a day between 8 and 200 jobs, for whatever span is asked."""
    form = dict(await request.post()) | dict(request.query)
    start, end, step = (float(str(form[part])) for part in ("start", "end", "step"))
    times = [start + step * i for i in range(int((end - start) // step) + 1)]
    values = [[at, f"{104 + 96 * math.sin(2 * math.pi * at / DAY_S):.2f}"] for at in times]
    found = [{"metric": {"deployment": "chat"}, "values": values}]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": found}}
    return web.json_response(answer)


def engine(path: Path, **more: Any) -> Engine:
    """An engine that knows `chat` as it is."""

    async def find(name: str) -> Ask | None:
        known = Ask(str(path), name, {}, 1.0, time.time(), "online", "chat", 1, 12, 32, 60.0)
        return known if name == "chat" else None

    return Engine(find, **more)


async def ended(one: Engine, ident: str) -> Mapping[str, Any]:
    """The state at the end."""
    async with asyncio.timeout(240):
        while (state := one.state(ident)) and state["state"] in {"queued", "running"}:  # noqa: ASYNC110 - it is asked as the page asks
            await asyncio.sleep(0.05)
    assert state is not None
    return state


def stub(program: str) -> tuple[str, ...]:
    """A subprocess that does what a test wants it to."""
    return sys.executable, "-c", program


async def test_it_replays_the_past_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The whole way: the source's history, three runs, curves, and a verdict in words."""
    async with MetricsServer(days_of_load) as server:
        one = engine(configured(tmp_path, server.url))
        ident = await one.start("chat", BETTER, 0.2)
        state = await ended(one, ident)
    assert state["problem"] is None
    found = state["result"]
    assert set(found["sets"]) == {"current", "changed", "platform"}
    hours = {name: row["replica_hours"] for name, row in found["sets"].items()}
    assert hours["changed"] > hours["current"] > 0
    curves = found["curves"]
    assert len(curves["at"]) == len(curves["load"]) <= 600
    assert {len(line) for each in curves["sets"].values() for line in each.values()} == {
        len(curves["at"])
    }
    assert max(curves["load"]) <= 201
    assert found["to"] - found["from"] == pytest.approx(0.2 * DAY_S, rel=0.02)
    assert "replica-hours" in found["verdict"]
    assert "too little to trust" in found["verdict"]
    assert len(json.dumps(found)) < 100_000


async def test_the_page_starts_one_over_http_and_asks_how_far_it_is(tmp_path: Path) -> None:
    """POST, GET until it is done, and a refusal with its field."""
    async with MetricsServer(days_of_load) as source, aiohttp.ClientSession() as session:
        asked = parts(busy(30))
        asked.what_if = one = engine(configured(tmp_path, source.url))
        server = await serve(asked, "127.0.0.1:0")
        try:
            place = f"{server.url}/api/v1/what-if"
            wish = {"deployment": "chat", "policies": BETTER, "days": 0.1}
            async with session.post(place, json=wish) as answer:
                assert answer.status == 202
                ident = (await answer.json())["id"]
            await ended(one, ident)
            async with session.get(f"{place}/{ident}") as answer:
                found = await answer.json()
            assert (found["state"], found["progress"]) == ("done", 1.0)
            assert set(found["result"]["sets"]) == {"current", "changed", "platform"}
            wish["policies"] = {"load": {"target": 7}}
            async with session.post(place, json=wish) as answer:
                assert answer.status == 422
                assert "policies.load.target: must be" in (await answer.json())["detail"]
        finally:
            await server.close()


async def test_policies_are_refused_with_field_value_and_rule(tmp_path: Path) -> None:
    """By the code that checks the configuration, before anything runs."""
    one = engine(configured(tmp_path))
    with pytest.raises(ValueError, match=r"policies\.load\.target: must be .*, got 7"):
        await one.start("chat", {"load": {"target": 7}}, 1)
    with pytest.raises(ValueError, match=r"policies\.extra\.kind: .*did you mean 'target_load'"):
        await one.start("chat", {"extra": {"kind": "target_lod"}}, 1)
    with pytest.raises(ValueError, match="days must be above 0 and at most 31, got 99"):
        await one.start("chat", BETTER, 99)
    with pytest.raises(ValueError, match="deployment 'cat' is not managed here"):
        await one.start("cat", BETTER, 1)
    with pytest.raises(ValueError, match="policies must name at least one"):
        await one.start("chat", {}, 1)


def test_a_policy_can_be_changed_added_and_taken_out(tmp_path: Path) -> None:
    """Null takes out what the defaults say."""
    path = configured(tmp_path)
    wish = {"load": None, "fixed": {"kind": "pass_through", "value": 3, "dial": "min_replicas"}}
    found = member(tried(path, "chat", wish), "chat")
    assert found is not None
    assert [entry.name for entry in found[0].policies] == ["fixed"]
    with pytest.raises(UntriableError, match="deployment 'cat' is not in the configuration"):
        tried(path, "cat", wish)


async def test_without_a_past_it_says_so(tmp_path: Path) -> None:
    """A source that is away is no zero load."""
    one = engine(configured(tmp_path))
    state = await ended(one, await one.start("chat", BETTER, 0.1))
    assert state["state"] == "failed"
    assert "source prom has no past of chat" in state["problem"]


async def test_one_runs_at_a_time_and_a_few_wait(tmp_path: Path) -> None:
    """The machine belongs to the daemon."""
    one = engine(configured(tmp_path), command=stub("import time; time.sleep(60)"))
    running = await one.start("chat", BETTER, 1)
    await asyncio.sleep(0)
    idents = [await one.start("chat", BETTER, 1) for _ in range(MOST_WAITING)]
    states = [one.state(ident) for ident in (running, *idents)]
    assert [state and state["state"] for state in states] == ["running"] + ["queued"] * MOST_WAITING
    with pytest.raises(ValueError, match="4 what-ifs wait already"):
        await one.start("chat", BETTER, 1)
    assert await one.cancel(idents[0])
    assert await one.cancel(running)
    assert not await one.cancel(running)
    assert not await one.cancel("nobody")
    cancelled = one.state(running)
    assert cancelled is not None
    assert cancelled["state"] == "cancelled"
    await one.close()


async def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With what would help."""
    command = stub("import time; time.sleep(60)")
    one = engine(configured(tmp_path), command=command, limit_s=0.2)
    state = await ended(one, await one.start("chat", BETTER, 1))
    assert state["problem"] == "it took longer than 0.2 s: ask for fewer days"


async def test_one_that_dies_says_so(tmp_path: Path) -> None:
    """A process that the kernel ended leaves no answer behind."""
    one = engine(configured(tmp_path), command=stub("print('noise'); raise SystemExit(9)"))
    state = await ended(one, await one.start("chat", BETTER, 1))
    assert state["state"] == "failed"
    assert "ended without an answer (exit 9)" in state["problem"]


MEASURES = {"violations": 0.02, "replica_hours": 100.0}


@pytest.mark.parametrize(
    ("changed", "days", "said"),
    [
        (
            {"violations": 0.01, "replica_hours": 100.0},
            7.0,
            (
                "Better: the changed policies leave 1.00% of the requests without room instead of "
                "2.00% for the same replica-hours."
            ),
        ),
        (
            {"violations": 0.01, "replica_hours": 120.0},
            7.0,
            (
                "A trade of cost for risk: the changed policies leave 1.00% of the requests without "
                "room instead of 2.00% for 20% more replica-hours (120 instead of 100)."
            ),
        ),
        (
            {"violations": 0.05, "replica_hours": 120.0},
            7.0,
            (
                "Worse: the changed policies leave 5.00% of the requests without room instead of "
                "2.00% for 20% more replica-hours (120 instead of 100)."
            ),
        ),
        (
            MEASURES,
            1.0,
            (
                "No difference that counts: 2.00% of the requests without room and 100 "
                "replica-hours, as at present. Only 1 day of load count here, which is too little "
                "to trust: take it as a hint."
            ),
        ),
    ],
)
def test_the_verdict_is_a_sentence_and_knows_its_limits(
    changed: Mapping[str, float], days: float, said: str
) -> None:
    """What changes, what it costs, and how sure that is."""
    assert verdict(By({"current": MEASURES, "changed": changed}, {}, days)) == said


def test_days_that_disagree_are_told() -> None:
    """An average hides them."""
    days = {"current": [(0.02, 9.0), (0.02, 9.0)], "changed": [(0.01, 9.0), (0.03, 9.0)]}
    both = {"current": MEASURES, "changed": MEASURES | {"replica_hours": 80.0}}
    assert verdict(By(both, days, 7.0)).endswith(
        "Fewer requests were without room on 1 of 2 days, more on 1. The days disagree, so other "
        "days may turn out the other way."
    )
