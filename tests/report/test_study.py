"""A study: watched runs judge the same as unwatched ones, and can be stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autoscaler.lab.backtest import (
    Actuator,
    BacktestOptions,
    PolicySet,
    Scale,
    World,
    hpa,
    peers,
    run_backtest,
)
from autoscaler.lab.fromconfig import calibrated
from autoscaler.lab.report.figures import as_json, tables
from autoscaler.lab.report.page import payload_of, render, write_report
from autoscaler.lab.report.study import Load, Study, run_study
from tests.fakes.traces import day

WORLD = World(most=30)


def some() -> list[PolicySet]:
    alone = [each for each in peers() if each.name == "platform_alone"]
    return [calibrated(WORLD), hpa(0.7), *alone]


@pytest.fixture(scope="module")
def study() -> Study:
    loads = [Load(day("one"), Scale(8.0)), Load(day("two", 26), Scale(8.0), 1.7e9)]
    return run_study(loads, some(), BacktestOptions(WORLD), tuple(Actuator))


def test_watching_changes_nothing(study: Study) -> None:
    sets = [each for each in some() if each.name != "platform_alone"]
    plain = run_backtest([day("one")], sets, BacktestOptions(WORLD, Scale(8.0)))
    watched = study.results[Actuator.DIRECT].traces["one"]
    for name, found in plain.traces["one"].items():
        assert watched[name].as_dict() == found.as_dict()


def test_json_has_the_documented_shape(study: Study) -> None:
    told = json.loads(json.dumps(as_json(study)))
    assert set(told["traces"]) == {"one", "two"}
    one = told["traces"]["one"]
    assert {"oracle", "forecast", "hpa_70%", "forecast@envelope_evict"} <= set(one)
    assert 0 <= one["forecast"]["violations"] <= 1
    assert not any(name.endswith(("_low", "_high")) for name in told["pooled"]["forecast"])
    low, high = told["intervals"]["forecast"]["violations"]
    assert low <= told["pooled"]["forecast"]["violations"] <= high
    assert told["run"]["complete"] is True


def test_the_platform_alone_has_its_own_scaler_under_every_actuator(study: Study) -> None:
    hours = {
        study.results[actuator].traces["one"]["platform_alone"].replica_hours
        for actuator in Actuator
    }
    assert len(hours) == 1
    assert hours.pop() > 30 * 1.0


def test_the_table_names_every_set(study: Study) -> None:
    text = tables(study)
    for name in ("oracle", "forecast", "hpa_70%", "platform_alone"):
        assert re.search(rf"^{name}\s", text, re.MULTILINE)


def test_a_worst_moment_carries_its_reasons(study: Study) -> None:
    moments = study.pictures[Actuator.DIRECT, "one"].sets["forecast"]["moments"]
    told = [line for each in moments for one in each["told"] for line in one["lines"]]
    assert any("requests expected" in line for line in told), told
    assert any(line.startswith(("floor", "min_replicas")) for line in told), told


def test_the_page_needs_nothing_from_elsewhere(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    size = write_report(path, study, ["a </script> warning"])
    text = path.read_text(encoding="utf-8")
    assert size == path.stat().st_size < 3_000_000
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", text)
    assert "<!--" not in text.split("<script>")[0].split('id="data">')[0]
    data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["warnings"] == ["a </script> warning"]


def test_all_that_is_written_into_the_page_is_finite(study: Study) -> None:
    text = render(payload_of(study))
    assert "NaN" not in re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1]  # type: ignore[index]  # it is there


def test_a_stopped_study_keeps_what_is_done() -> None:
    loads = [Load(day("one", 6), Scale(8.0)), Load(day("two", 6), Scale(8.0))]
    heard: list[float] = []

    def stop_in_the_second(share: float, what: str) -> None:
        heard.append(share)
        if what.startswith("two"):
            raise KeyboardInterrupt

    found = run_study(
        loads, some()[1:], BacktestOptions(WORLD), (Actuator.DIRECT,), stop_in_the_second
    )
    assert not found.complete
    assert found.finished() == ["one"]
    assert heard == sorted(heard)
    assert as_json(found)["run"]["complete"] is False


def test_an_hour_of_load_is_enough_to_replay() -> None:
    loads = [Load(day("hour", 1), Scale(8.0))]
    found = run_study(loads, [*some(), *peers()[6:8]], BacktestOptions(WORLD), (Actuator.DIRECT,))
    assert found.complete
    assert found.finished() == ["hour"]
