"""The whole search on small histories: deterministic, refusing, interrupted, honest."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from autoscaler.core.envelope import Range
from autoscaler.core.observation import Limits
from autoscaler.lab.backtest import Actuator, World
from autoscaler.lab.tune.ask import Ask, Asked, AskError, NoPastError, prepared
from autoscaler.lab.tune.days import History
from autoscaler.lab.tune.enough import NotEnoughError, Span
from autoscaler.lab.tune.folds import Figure
from autoscaler.lab.tune.lines import Place
from autoscaler.lab.tune.objective import Objective
from autoscaler.lab.tune.past import read
from autoscaler.lab.tune.report import text, tree
from autoscaler.lab.tune.run import (
    THIS,
    UNSEEN,
    NothingEvaluatedError,
    Row,
    Tuned,
    _otherwise,
    tune,
)
from autoscaler.lab.tune.search import Wish
from autoscaler.lab.tune.space import AHEAD, Candidate
from tests.fakes.configuration import ENVIRON, text_of, written
from tests.fakes.sources import MetricsServer, matrix, vector
from tests.fakes.tuning import daily, history, trace_file

GOAL = Objective("violations", 0.02)
LIMITS = Limits(Range(1, 30), Range(1, 30), Range(1, 32))
# Slow decisions keep these tests quick: 288 a day.
PLACE = Place(300.0, 120.0, LIMITS)


def asked(*histories: History, most: int = 30) -> Asked:
    spans = [Span(each.demand.size * 10 / 86_400) for each in histories]
    world = World(most=most, actuator=Actuator.ENVELOPE_EVICT)
    return Asked(PLACE, world, list(histories), spans)


def tuned(*histories: History, budget: int = 4, seed: int = 1, goal: Objective = GOAL) -> Tuned:
    return tune(asked(*(histories or (history(3.0),))), Wish(goal, budget=budget, seed=seed))


def test_the_same_seed_finds_the_same() -> None:
    one, other = (tuned(history(2.0), budget=4) for _ in range(2))
    assert one.found.candidates == other.found.candidates
    assert one.best == other.best
    assert tree(one) == tree(other)
    assert len(set(one.found.candidates)) == 4


def test_another_seed_looks_elsewhere() -> None:
    one, other = (tuned(history(2.0), budget=3, seed=seed) for seed in (1, 2))
    assert one.found.candidates != other.found.candidates


def test_the_report_is_yaml_and_tells_what_is_not_promised() -> None:
    found = tuned()
    page = text(found)
    lines = yaml.safe_load(page)
    assert "tuned" in lines["policies"]
    assert set(lines["guards"]) == {"deadband", "stabilise", "cooldown"}
    assert "# recommended: " in page
    assert "too few for weekly patterns" in page
    assert "only 1 day(s) were left to judge on" in page
    assert [row.name for row in found.rows] == [UNSEEN, THIS, "hpa_70%"]
    assert set(found.elsewhere) == {Actuator.DIRECT, Actuator.ENVELOPE_LINGER}


def test_an_objective_that_nothing_keeps_is_not_recommended() -> None:
    strict = Objective("violations", 0.0)
    found = tune(asked(history(3.0, peak=40.0), most=5), Wish(strict, budget=2))
    assert not found.kept
    page = text(found)
    assert "NOT RECOMMENDED: no setting that was tried keeps violations <= 0%" in page
    assert yaml.safe_load(page) is None  # nothing to paste by mistake
    assert "above_limits" in {caveat.code for caveat in found.caveats}


def test_an_actuator_that_breaks_the_objective_is_named() -> None:
    figures = {"violations": Figure(0.03, 0.02, 0.04)}
    elsewhere = {Actuator.DIRECT: Row("direct", figures)}
    found = _otherwise(Wish(GOAL), elsewhere)
    assert [caveat.sentence for caveat in found] == [
        "if the floor is the size, violations would be 3%"
    ]
    assert _otherwise(Wish(Objective("violations", 0.05)), elsewhere) == []


def test_two_days_are_enough_to_react_and_too_few_to_forecast() -> None:
    found = tuned(history(2.0), budget=2)
    assert all(candidate.kind != AHEAD for candidate in found.found.candidates)
    assert "no_days" in {caveat.code for caveat in found.caveats}


def test_ctrl_c_gives_the_best_so_far() -> None:
    def stop(done: int, budget: int, candidate: Candidate) -> None:
        if done == 2:
            raise KeyboardInterrupt

    found = tune(asked(history(2.0)), Wish(GOAL, budget=30), stop)
    assert len(found.found.tables) == 2
    assert not found.found.complete
    assert "interrupted: 2 of 30 settings were evaluated" in text(found)


def test_ctrl_c_before_anything_was_evaluated_gives_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("autoscaler.lab.tune.search.evaluated", stop)
    with pytest.raises(NothingEvaluatedError):
        tune(asked(history(2.0)), Wish(GOAL))


def test_several_deployments_get_one_setting_and_the_odd_one_is_named() -> None:
    calm, wild = history(2.0, "calm"), history(2.0, "wild", peak=60.0)
    found = tune(asked(calm, wild), Wish(Objective("violations", 0.5), budget=1))
    assert any(caveat.sentence.startswith("wild alone has") for caveat in found.caveats)
    assert {each["name"] for each in tree(found)["histories"]} == {"calm", "wild"}


# --- reading the history --------------------------------------------------------------------


def asked_of(**parts: object) -> Asked:
    ask = Ask(**parts)  # type: ignore[arg-type]  # tests name the options
    found = prepared(ask)
    read(ask, found)
    return found


def test_a_trace_with_a_service_time_has_its_real_size(tmp_path: Path) -> None:
    path = trace_file(tmp_path, 2.0)
    found = asked_of(traces=(path,), service_s=12.0, threads=4)
    # 60 s buckets of 100 requests per replica of `daily`: 100 x 12 / 60 / 4 = 5 replicas each.
    assert found.histories[0].demand.mean() == pytest.approx(5 * daily(2.0).mean(), rel=0.02)
    assert "size_assumed" not in {caveat.code for caveat in found.caveats}


def test_a_trace_without_one_is_scaled_and_that_is_said(tmp_path: Path) -> None:
    found = asked_of(traces=(trace_file(tmp_path, 2.0),), replicas_p999=7.0)
    assert found.histories[0].demand.max() == pytest.approx(7.0, rel=0.1)
    assert "size_assumed" in {caveat.code for caveat in found.caveats}


def test_only_the_newest_part_of_a_trace_is_used(tmp_path: Path) -> None:
    found = asked_of(traces=(trace_file(tmp_path, 5.0),), range_s=2 * 86_400.0)
    assert found.spans[0].days == pytest.approx(2.0)


def test_too_little_history_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughError, match=r"24\.0 hours more for settings that react"):
        asked_of(traces=(trace_file(tmp_path, 1.0),))


def test_a_short_history_beside_a_long_one_is_left_out_and_named(tmp_path: Path) -> None:
    paths = trace_file(tmp_path, 2.0), trace_file(tmp_path, 1.0, name="short")
    found = asked_of(traces=paths)
    assert [each.name for each in found.histories] == ["chat"]
    assert any(caveat.sentence.startswith("short has 24.0 hours") for caveat in found.caveats)


def test_two_histories_of_one_name_are_refused(tmp_path: Path) -> None:
    path = trace_file(tmp_path, 2.0)
    with pytest.raises(AskError, match="'chat' is there twice"):
        asked_of(traces=(path, path))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "give a history: --trace FILE, --prometheus URL, or --config FILE"),
        ({"group": "online"}, "--group needs --config"),
        ({"actuator": "magic"}, "--actuator must be one of direct, evict, linger"),
        ({"min_replicas": 9, "max_replicas": 3}, "--min-replicas 9 must be at most"),
        ({"prometheus": "http://127.0.0.1:1"}, "--prometheus needs --query"),
        ({"prometheus": "x", "query": "up"}, "--prometheus: url must be"),
        ({"prometheus": "http://127.0.0.1:1", "query": "sum("}, "--query: "),
        ({"traces": (Path("nowhere.csv"),)}, "--trace: "),
        ({"traces": (Path("a"),), "prometheus": "http://x"}, "exclude each other"),
    ],
)
def test_what_cannot_be_tuned_is_said(parts: dict[str, object], said: str) -> None:
    with pytest.raises(AskError) as error:
        asked_of(**parts)
    assert said in str(error.value)


def test_a_configuration_brings_its_limits_guards_and_present_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*next(iter(ENVIRON.items())))
    config = written(tmp_path, text_of())
    found = asked_of(config=config, traces=(trace_file(tmp_path, 2.0),))
    assert found.world.most == 20
    assert found.place.interval_s == 15.0
    assert found.place.replaced == ("load",)
    assert found.present is not None
    assert found.present.name == "now"
    with pytest.raises(AskError, match="names no group of the configuration"):
        asked_of(config=config, group="offline", traces=(trace_file(tmp_path, 2.0),))


async def past(request: web.Request) -> web.StreamResponse:
    """Concurrency of two deployments, 64 at noon and none at midnight; gaps for one of them."""
    form = await request.post()
    if "start" not in form:
        return web.Response(body=vector(), content_type="application/json")
    start, end, step = (float(str(form[key])) for key in ("start", "end", "step"))
    times = [start + i * step for i in range(int((end - start) / step) + 1)]
    chat = [(at, f"{32 - 32 * math.cos(2 * math.pi * at / 86_400):.6f}") for at in times]
    holes = [each for each in chat if each[0] % 3600 > 400]
    body = matrix(({"deployment": "chat"}, chat), ({"deployment": "holes"}, holes))
    return web.Response(body=body, content_type="application/json")


async def test_the_past_of_a_server_has_its_real_size() -> None:
    async with MetricsServer(past) as server:
        found = await asyncio.to_thread(
            asked_of, prometheus=server.url, query="jobs", range_s=2.5 * 86_400, threads=8
        )
    chat, holes = found.histories
    assert (chat.name, holes.name) == ("chat", "holes")
    # 64 jobs on replicas of 8 threads are 8 replicas.
    assert chat.demand.max() == pytest.approx(8.0, rel=0.01)
    assert chat.starts_at is not None
    assert len(server.forms) == 3
    sentences = [caveat.sentence for caveat in found.caveats]
    assert any(each.startswith("holes: 11.") and "missing" in each for each in sentences)


async def test_the_configured_source_is_asked_when_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*next(iter(ENVIRON.items())))
    async with MetricsServer(past) as server:
        sources = f"sources:\n  prom: {{kind: prometheus, url: '{server.url}'}}\n"
        config = written(tmp_path, text_of(sources=sources))
        found = await asyncio.to_thread(asked_of, config=config, range_s=2 * 86_400)
    assert [each.name for each in found.histories] == ["chat"]


async def test_a_server_without_a_past_is_said() -> None:
    async def nothing(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        body = matrix() if "start" in form else vector()
        return web.Response(body=body, content_type="application/json")

    async with MetricsServer(nothing) as server:
        with pytest.raises(NoPastError, match="the query answers no series"):
            await asyncio.to_thread(asked_of, prometheus=server.url, query="jobs")
    with pytest.raises(NoPastError, match="demand: "):
        await asyncio.to_thread(asked_of, prometheus=server.url, query="jobs")
