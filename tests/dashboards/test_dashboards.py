"""The dashboards are current, whole, tied to no installation, and every query returns data."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from autoscaler.telemetry.catalogue import METRICS, PREFIX, Type
from dashboards.__main__ import FOLDER
from dashboards.pages import BUILT, pages
from tests.fakes.alerts import quickened
from tests.fakes.daemon import Daemon, until
from tests.fakes.prometheus import RealPrometheus, promtool_or_skip
from tests.fakes.troubled import Fleet, fleet

ROOT = Path(__file__).parents[2]
NAMES = sorted(BUILT)
OTHERS = re.compile(r"\bprocess_\w+\b")
LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")
# What Grafana would put in, for a scrape every half second.
VARIABLES = {
    "$__rate_interval": "10s",
    "$__interval": "10s",
    "$__range": "1m",
    "$job": ".*",
    "$instance": ".*",
    "$group": ".*",
    "$deployment": ".*",
}


@cache
def board(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in board(name)["panels"] if panel["type"] != "row"]


@dataclass(frozen=True)
class Query:
    """One query and where it stands."""

    where: str
    expression: str

    @property
    def filled(self) -> str:
        """The expression as Grafana would send it."""
        text = self.expression
        for variable, value in VARIABLES.items():
            text = text.replace(variable, value)
        return text


def queries(name: str) -> Iterator[Query]:
    for panel in panels(name):
        for target in panel["targets"]:
            yield Query(f"{name} / {panel['title']} / {target['refId']}", target["expr"])
    for annotation in board(name)["annotations"]["list"]:
        yield Query(f"{name} / annotation {annotation['name']}", annotation["expr"])
    for variable in board(name)["templating"]["list"]:
        if variable["type"] == "query":
            found = LABEL_VALUES.fullmatch(variable["query"])
            assert found, variable["query"]
            yield Query(
                f"{name} / variable {variable['name']}", f"group by ({found[2]}) ({found[1]})"
            )


EVERY = [query for name in NAMES for query in queries(name)]


def test_the_files_are_current_and_none_is_left_over() -> None:
    made = pages()
    assert {path.name for path in FOLDER.iterdir()} == set(made)
    for name, text in made.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "run: python -m dashboards"


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_shows_in_which_unit(name: str) -> None:
    assert len(panels(name)) >= 6
    for panel in panels(name):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        if panel["type"] in {"timeseries", "stat"}:
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_ids_of_their_own_and_do_not_overlap(name: str) -> None:
    everything = board(name)["panels"]
    ids = [panel["id"] for panel in everything]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", NAMES)
def test_nothing_names_an_installation(name: str) -> None:
    text = json.dumps(board(name))
    uids = set(re.findall(r'"datasource": \{[^}]*"uid": "([^"]*)"', text))
    assert uids == {"${datasource}"}
    for query in queries(name):
        for metric in re.findall(r"\w+\{[^}]*\}", query.expression):
            if query.where.endswith("variable job"):
                continue
            assert 'job=~"$job"' in metric, query
    variables = {one["name"] for one in board(name)["templating"]["list"]}
    assert {"datasource", "job", "instance", "runbooks"} <= variables
    used = set(re.findall(r"\$(\w+)", " ".join(q.expression for q in queries(name))))
    assert {one for one in used if not one.startswith("__")} <= variables


@pytest.mark.parametrize("query", EVERY, ids=lambda query: query.where)
def test_every_query_is_promql_over_metrics_that_are_served(query: Query) -> None:
    promql_parser.parse(query.filled)
    known = {
        metric.full_name + part
        for metric in METRICS
        for part in (("_bucket", "_sum", "_count") if metric.type is Type.HISTOGRAM else ("",))
    }
    asked = set(re.findall(rf"\b{PREFIX}\w+\b", query.expression))
    assert asked or OTHERS.search(query.expression)
    assert asked <= known


@pytest.mark.parametrize("name", NAMES)
def test_dashboards_link_each_other_and_existing_runbooks(name: str) -> None:
    kinds = {link["type"] for link in board(name)["links"]}
    assert kinds == {"dashboards", "link"}
    assert board(name)["tags"] == ["foundry-autoscaler"]
    pages_linked = set(re.findall(r"\$\{runbooks\}/(\w+\.md)", json.dumps(board(name))))
    assert all((ROOT / "docs" / "runbooks" / page).exists() for page in pages_linked)
    if name != "cost":
        assert pages_linked


# --- against a real Prometheus that scrapes a real daemon ---------------------------------------


async def has_data(prometheus: RealPrometheus, query: Query) -> bool:
    """Whether at least one series has a value that is a number."""
    rows = await prometheus.instant(query.filled)
    values = [row["value"] for row in rows]
    return any(not math.isnan(float(value[1])) for value in values if isinstance(value, list))


async def live(world: Fleet) -> None:
    """Something of everything: load, hands, errors, a pause."""
    await world.fault("server_error", "replace", rid=world.rid("broken"))
    for name in ("broken", "swing", "stuck"):
        world.knobs[name].jobs = 100.0
    await world.meddle("drifty", 7)
    told = await world.site.cli("pause", "held", "--for", "5m", "--why", "a trial")
    assert told.code == 0, told.err


async def every_rule_works(prometheus: RealPrometheus) -> None:
    """No rule fails on real series, and each recorded one has a value."""
    groups = (await prometheus.get("rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}
    for rule in rules:
        if rule["type"] == "recording":
            assert await has_data(prometheus, Query("recorded", rule["name"])), rule["name"]


async def exemplars_lead_to_decisions(prometheus: RealPrometheus, daemon: Daemon) -> None:
    """What Prometheus kept of OpenMetrics opens in the daemon's API."""
    span = {"start": f"{time.time() - 300:.0f}", "end": f"{time.time():.0f}"}
    applied = f'{PREFIX}decisions_total{{outcome="applied"}}'
    [found] = await prometheus.get("query_exemplars", query=applied, **span)
    idents = {one["labels"]["decision_id"] for one in found["exemplars"]}
    told = await daemon.api(f"/decisions/{idents.pop()}")
    assert told["outcome"]["kind"] == "applied"


async def promtool_finds_nothing(daemon: Daemon) -> None:
    """It reads the text format alone; that OpenMetrics is right shows by being scraped."""
    _, text = await daemon.page("/metrics")
    process = await asyncio.create_subprocess_exec(
        *(promtool_or_skip(), "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate(text.encode())
    assert (process.returncode, told.decode()) == (0, "")


@pytest.mark.server
@pytest.mark.slow
async def test_every_query_returns_data_from_a_daemon_at_work(tmp_path: Path) -> None:
    async with fleet(tmp_path) as world:
        world.worsen()
        pacing = world.site.tree["platform"]["pacing"]
        pacing |= {"requests_per_second": 10, "burst": 3}
        async with (
            world.site.daemon() as daemon,
            RealPrometheus(
                [f"127.0.0.1:{world.site.port}"],
                "500ms",
                flags=["--enable-feature=exemplar-storage"],
                rules=quickened(tmp_path),
            ) as prometheus,
        ):
            await prometheus.until("foundry_autoscaler_source_up == 1")
            await live(world)
            empty, demand = list(EVERY), itertools.cycle((10.0, 25.0, 40.0))
            hands = itertools.cycle((5, 9, 7))

            async def look() -> bool:
                # Demand that never moves leaves a naive forecast without any loss to compare with.
                world.knobs["surge"].jobs = next(demand)
                empty[:] = [query for query in empty if not await has_data(prometheus, query)]
                # Told for ten seconds only: a busy machine may look too late.
                if any("Changes by others" in query.where for query in empty):
                    await world.meddle("drifty", next(hands))
                if any("Reloads" in query.where for query in empty):
                    daemon.child.send(signal.SIGHUP)
                return not empty

            try:
                await until(look, "data", 180.0)
            except AssertionError:
                told = "\n".join(f"{query.where}: {query.filled}" for query in empty)
                raise AssertionError(f"no data for:\n{told}") from None
            await every_rule_works(prometheus)
            await exemplars_lead_to_decisions(prometheus, daemon)
            await promtool_finds_nothing(daemon)
            targets = (await prometheus.get("targets"))["activeTargets"]
            assert [target["health"] for target in targets] == ["up"]
