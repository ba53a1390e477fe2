"""Candidates and the lines that they become: accepted as pasted, and what was simulated."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Range
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.step import Step
from autoscaler.core.observation import Limits
from autoscaler.lab.tune.ask import Ask, prepared
from autoscaler.lab.tune.lines import Place, duration, guards, layer, managed, text
from autoscaler.lab.tune.space import AHEAD, DEFAULTS, REACTIVE, TARGETS, TAUS, near, spread
from autoscaler.plugins import check
from autoscaler.roster import Managed
from autoscaler.settings.units import seconds
from tests.fakes.configuration import ENVIRON, text_of, written

KINDS = (REACTIVE, AHEAD)
LIMITS = Limits(Range(1, 20), Range(1, 20), Range(1, 32))
PLACE = Place(30.0, 120.0, LIMITS)


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a search, nothing is secret


seeds = st.integers(0, 10_000).map(seeded)


def pasted(folder: Path, lines: str, **sections: str) -> Managed:
    """The deployment `chat` of a configuration whose group got the lines."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    whole = text_of(**sections).replace("groups:\n  online:\n", f"groups:\n  online:\n{indented}")
    return check(written(folder, whole), ENVIRON)[1][0].members[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_lines_are_accepted_where_they_are_pasted(tmp_path: Path, kind: str) -> None:
    candidate = DEFAULTS[kind]
    there = pasted(tmp_path, text(candidate, PLACE))
    simulated = managed(candidate, PLACE)
    assert there.policies == simulated.policies
    assert there.guards == simulated.guards
    assert there.forecasts == simulated.forecasts
    assert [entry.name for entry in there.policies] == ["tuned"]


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_every_candidate_of_the_space_is_accepted(rng: Random) -> None:
    for candidate in spread(KINDS, 4, rng):
        beside = near(candidate, rng)
        assert managed(beside, PLACE).policies[0].name == "tuned"


def test_the_guards_of_a_configuration_keep_their_other_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    config = written(
        tmp_path,
        text_of(
            defaults="defaults:\n"
            "  signals:\n    running_jobs: {source: prom, query: up}\n"
            "  policies:\n    load: {kind: target_load, target: 0.7, max_raise: 2}\n"
            "    tuned: {kind: pass_through, signal: running_jobs}\n"
            "  guards:\n    cooldown: {threads: 1h}\n    step: {raise_add: 3}\n"
            "    stabilise: {enabled: false}\n"
        ),
    )
    place = prepared(Ask(config=config)).place
    candidate = DEFAULTS[REACTIVE]
    lines = text(candidate, place)
    assert (place.name, place.replaced) == ("tuned_2", ("load",))
    assert "stabilise: {lower_window: 5m, enabled: true}" in lines
    shaped = {type(guard): guard for guard in guards(candidate, place.guards)}
    assert shaped[Cooldown] == Cooldown(lower_s=candidate.cooldown_s, threads_s=3600.0)
    assert shaped[Step] == Step(raise_add=3)
    whole = config.read_text("utf-8")
    there = pasted(
        tmp_path, lines, defaults=whole[whole.index("defaults:") : whole.index("groups:")]
    )
    assert there.guards == guards(candidate, place.guards)
    assert {entry.name for entry in there.policies} == {"tuned", "tuned_2"}
    assert there.policies[-1] == managed(candidate, place).policies[-1]


@given(seeds, st.integers(1, 40))
def test_a_spread_holds_what_was_asked_for_and_stays_in_the_space(rng: Random, count: int) -> None:
    found = spread(KINDS, count, rng)
    assert len(found) == count
    assert found[:2] == [DEFAULTS[kind] for kind in KINDS][:count]
    for candidate in (*found, *(near(each, rng) for each in found)):
        low, high = TARGETS if candidate.kind == REACTIVE else TAUS
        assert low <= candidate.risk <= high
        assert candidate.kind in candidate.name


@given(st.integers(0, 100))
def test_the_same_seed_spreads_the_same(seed: int) -> None:
    assert spread(KINDS, 12, seeded(seed)) == spread(KINDS, 12, seeded(seed))


@given(st.one_of(st.sampled_from([0.0, 30.0, 60.0, 90.0, 3600.0]), st.floats(0, 86_400)))
def test_durations_read_back(length: float) -> None:
    rounded = round(length, 1)
    assert math.isclose(seconds(duration(rounded)), rounded, rel_tol=1e-4)


def test_names_that_yaml_would_misread_are_quoted() -> None:
    lines = text(DEFAULTS[REACTIVE], Place(15.0, 90.0, LIMITS, demand="null"))
    assert 'signal: "null", target: 0.7, window: 1m' in lines


def test_a_forecast_names_the_demand_and_the_cold_start() -> None:
    place = Place(15.0, 90.0, LIMITS, demand="in_flight", replaced=())
    lines = layer(DEFAULTS[AHEAD], place)
    assert lines["forecasts"] == {"tuned": {"of": "in_flight", "tau": 0.95, "lead": "90s"}}
    assert set(lines["policies"]) == {"tuned"}
