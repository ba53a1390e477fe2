"""The objective's grammar: what can be asked for, and how the rest is refused."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.lab.backtest import Measures
from autoscaler.lab.tune.objective import (
    MEASURES,
    SHARE,
    Objective,
    ObjectiveError,
    measure_of,
    parse,
    shown,
)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("violations <= 1%", Objective("violations", 0.01)),
        ("violations<=0.01", Objective("violations", 0.01)),
        ("  late  <=  0.5 % ", Objective("late", 0.005)),
        ("cost <= 1.5", Objective("cost_vs_oracle", 1.5)),
        ("actions_per_day <= 40", Objective("actions_per_day", 40)),
        ("unserved \u2264 0", Objective("unserved", 0)),
        ("deviation <= 2e-1", Objective("deviation", 0.2)),
    ],
)
def test_an_objective_is_a_measure_and_its_limit(text: str, objective: Objective) -> None:
    assert parse(text) == objective


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be `<measure> <= <number>[%]`"),
        ("violations", "must be `<measure> <= <number>[%]`"),
        ("violations <= 1% please", "must be `<measure> <= <number>[%]`"),
        ("violatons <= 1%", "no measure is called 'violatons': did you mean violations?"),
        ("xyz <= 1%", "no measure is called 'xyz': there are actions_per_day, compute_seconds, co"),
        ("violations >= 1%", "only <= is possible, got '>='"),
        ("violations < 1%", "only <= is possible, got '<'"),
        ("violations <= one", "the limit must be a number of at least 0, got 'one'"),
        ("violations <= -1", "the limit must be a number of at least 0, got '-1'"),
        ("violations <= nan", "the limit must be a number of at least 0, got 'nan'"),
        ("violations <= inf", "the limit must be a number of at least 0, got 'inf'"),
        ("violations <= 1", "a share below 1, got 1: write 1% for 1 in 100"),
        ("violations <= 100%", "is a share below 1"),
        ("cost <= 150%", "cost_vs_oracle is no share: write 150 without the percent sign"),
        ("coverage <= 5%", "coverage is what a forecast reaches by itself"),
    ],
)
def test_what_is_no_objective_is_refused_with_the_rule(text: str, said: str) -> None:
    with pytest.raises(ObjectiveError) as error:
        parse(text)
    assert said in str(error.value)


def test_every_measure_that_can_be_asked_for_is_measured() -> None:
    measured = {item.name for item in fields(Measures)}
    assert set(MEASURES) == measured - {"coverage"}


@given(st.sampled_from(sorted(MEASURES)), st.floats(0, 0.99))
def test_what_was_read_reads_the_same_again(measure: str, limit: float) -> None:
    objective = parse(f"{measure} <= {limit!r}")
    assert objective == Objective(measure, limit)
    again = parse(str(objective).removesuffix("x"))
    assert again.limit == pytest.approx(limit, rel=0.01, abs=0.005)


@given(st.text(max_size=30))
def test_any_text_is_an_objective_or_a_sentence(text: str) -> None:
    try:
        found = parse(text)
    except ObjectiveError:
        return
    assert found.limit >= 0


def test_shares_are_shown_in_percent() -> None:
    assert [shown(name, 0.0123) for name in ("violations", "cost_vs_oracle", "deviation")] == [
        "1.23%",
        "0.01x",
        "0.0123",
    ]
    assert MEASURES[measure_of("violations")] == SHARE
