"""Days, folds, choices and caveats: the arithmetic of walking forward."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.lab.backtest import World, hpa
from autoscaler.lab.backtest.measures import measured
from autoscaler.lab.backtest.oracle import oracle_steps
from autoscaler.lab.backtest.simulate import simulate
from autoscaler.lab.tune.caveats import flash_crowds, of_deployments, of_figures, of_history
from autoscaler.lab.tune.days import DAY_STEPS, EARLIEST_STEPS, NAMES, Days, History, judged
from autoscaler.lab.tune.enough import DAY_S, NotEnoughError, Span, check
from autoscaler.lab.tune.folds import Figure, Table, chosen, figure, folds_of, walk
from autoscaler.lab.tune.objective import MEASURES, Objective
from tests.fakes.tuning import daily, history

GOAL = Objective("violations", 0.01)
COST = "cost_vs_oracle"
WORLD = World(most=30)


def table(*days: tuple[float, float]) -> Table:
    """A setting by the violations and the cost of its days, all of one weight."""
    values = np.zeros((len(days), len(NAMES)))
    for row, (violations, cost) in enumerate(days):
        values[row, NAMES.index("violations")] = violations
        values[row, NAMES.index(COST)] = cost
    return Table((Days(values, np.ones_like(values)),))


# --- how much is enough ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "daily_", "weekly"), [(2, False, False), (3, True, False), (14, True, True)]
)
def test_two_three_and_fourteen_days_allow_more_each(days: int, daily_: bool, weekly: bool) -> None:
    span = check("chat", days * DAY_S)
    assert (span.daily, span.weekly) == (daily_, weekly)


def test_below_two_days_it_says_how_much_more_it_takes() -> None:
    with pytest.raises(NotEnoughError) as refused:
        check("chat", 1.25 * DAY_S)
    assert str(refused.value) == (
        "chat has 30.0 hours of history; it takes 18.0 hours more for settings that react "
        "(2 days), 42.0 hours more for a forecast by the time of day (3 days), 12.8 days more "
        "for weekly patterns (14 days)"
    )


# --- days -----------------------------------------------------------------------------------


@given(st.floats(2, 20))
def test_scored_days_end_with_the_history_and_leave_something_to_learn_from(days: float) -> None:
    size = round(days * DAY_STEPS)
    edges = History("chat", np.zeros(size)).edges
    assert edges[-1] == size
    assert edges[0] >= (DAY_STEPS if size >= 3 * DAY_STEPS else EARLIEST_STEPS)
    lengths = np.diff(edges)
    assert len(lengths) >= 2
    assert (lengths[1:] == DAY_STEPS).all()
    assert lengths[0] >= DAY_STEPS // 2


def test_pooled_days_are_the_measures_of_the_whole_span() -> None:
    """Shares of work, cost and time pool exactly; only moves at midnight are not counted."""
    past = history(3.0)
    days = judged(past, hpa(0.7), WORLD)
    start = past.edges[0]
    run = simulate(past.demand.tolist(), start, hpa(0.7).make(), WORLD)
    part = past.demand[start:]
    paid = sum(
        oracle_steps(past.demand[a:b], WORLD.cold_start_s, WORLD.least, WORLD.most)
        for a, b in zip(past.edges, past.edges[1:], strict=False)
    )
    whole = measured(part, run, paid, 0.0)
    for name in ("violations", "unserved", "late", "time_share", COST, "theta_u", "theta_o"):
        assert days.over(name, range(2)) == pytest.approx(getattr(whole, name)), name
    assert days.over("replica_hours", range(2)) == pytest.approx(whole.replica_hours / 2)
    assert days.over("deviation", range(2)) == pytest.approx(whole.deviation, rel=1e-3)


def test_days_before_a_date_are_as_if_the_run_had_ended_there() -> None:
    longer = judged(history(4.0), hpa(0.7), WORLD)
    shorter = judged(History("chat", daily(4.0)[: 3 * DAY_STEPS]), hpa(0.7), WORLD)
    assert np.allclose(longer.values[:2], shorter.values)


# --- folds ----------------------------------------------------------------------------------


@given(st.integers(2, 60))
def test_every_fold_is_chosen_for_by_the_days_before_it_alone(days: int) -> None:
    folds = folds_of(days)
    assert 1 <= len(folds) <= 5
    for fold in folds:
        assert fold.before
        assert fold.before == tuple(range(fold.after[0]))
    after = [day for fold in folds for day in fold.after]
    assert after == list(range(folds[0].after[0], days))


def test_one_day_cannot_be_walked() -> None:
    with pytest.raises(ValueError, match="at least 2 days, got 1"):
        folds_of(1)


def test_thirteen_days_are_three_to_choose_on_and_five_times_two() -> None:
    folds = folds_of(13)
    assert [len(fold.before) for fold in folds] == [3, 5, 7, 9, 11]
    assert {len(fold.after) for fold in folds} == {2}


# --- choosing -------------------------------------------------------------------------------


def test_the_cheapest_that_keeps_the_objective_surely_is_chosen() -> None:
    safe, risky, bad = (
        table((0.001, 3.0), (0.002, 3.0)),
        table((0.0, 1.5), (0.019, 1.5)),
        table((0.05, 1.0), (0.05, 1.0)),
    )
    assert chosen([bad, risky, safe], [0, 1], GOAL, COST) == 2
    assert chosen([bad, risky], [0, 1], GOAL, COST) == 1  # on average it keeps it
    assert chosen([bad], [0, 1], GOAL, COST) == 0  # the nearest, when none does


def test_among_equals_the_first_is_chosen() -> None:
    one = table((0.0, 2.0), (0.0, 2.0))
    assert chosen([one, one, one], [0, 1], GOAL, COST) == 0


def test_what_comes_later_does_not_change_an_earlier_choice() -> None:
    calm, nervous = table((0.0, 1.0), (0.2, 1.0)), table((0.0, 2.0), (0.0, 2.0))
    walked = walk([calm, nervous], GOAL, COST)
    # The first day says that the cheap one will do; the second shows that it did not.
    assert walked.choices == (0,)
    assert walked.figure("violations").value == pytest.approx(0.2)


def test_several_deployments_are_pooled() -> None:
    (quiet,), (busy,) = table((0.0, 1.0), (0.0, 1.0)).each, table((0.1, 1.0), (0.3, 1.0)).each
    both = Table((quiet, busy))
    part = both.part([1])
    assert part.over("violations", range(2)) == pytest.approx(0.15)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_an_interval_holds_its_value(shares: list[float]) -> None:
    found = figure(table(*((share, 1.0) for share in shares)).each[0], "violations")
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9 or len(set(shares)) > 1
    assert min(shares) - 1e-9 <= found.low <= found.high <= max(shares) + 1e-9


def test_intervals_come_out_the_same_every_time() -> None:
    one = table((0.1, 1.0), (0.2, 1.0), (0.4, 1.0)).each[0]
    assert all(figure(one, name) == figure(one, name) for name in MEASURES)


# --- what is not promised -------------------------------------------------------------------


def test_a_flash_crowd_is_seen_once_however_long_it_lasts() -> None:
    demand = np.full(DAY_STEPS, 2.0)
    demand[3000:3100] = 12.0
    demand[6000:6100] = 12.0
    found = flash_crowds(demand, 120.0)
    assert len(found) == 2
    assert all(abs(step - at) <= 12 for step, at in zip(found, (3000, 6000), strict=True))


def test_a_wave_of_a_day_is_no_flash_crowd() -> None:
    assert flash_crowds(daily(2.0), 600.0) == []
    assert flash_crowds(np.ones(5), 120.0) == []


def test_what_a_history_cannot_tell_is_said() -> None:
    demand = daily(3.0, peak=12.0)
    demand[9000:9100] = 90.0
    crowded = History("chat", demand, starts_at=1_790_000_000.0)
    codes = {c.code: c.sentence for c in of_history(crowded, Span(3.0), World(most=30))}
    assert set(codes) == {"no_weeks", "flash_crowds", "above_limits"}
    assert "2026-09-22" in codes["flash_crowds"]
    assert "more than the 30 replicas that the limits allow" in codes["above_limits"]
    assert of_history(history(14.0), Span(14.0), World(most=30)) == []


@pytest.mark.parametrize(
    ("unseen", "days", "codes"),
    [
        (Figure(0.005, 0.001, 0.009), 10, []),
        (Figure(0.005, 0.001, 0.02), 10, ["interval_includes_violation"]),
        (Figure(0.02, 0.01, 0.03), 10, ["not_kept"]),
        (Figure(0.005, 0.001, 0.009), 2, ["few_days"]),
    ],
)
def test_figures_that_include_a_violation_are_not_promised(
    unseen: Figure, days: int, codes: list[str]
) -> None:
    assert [caveat.code for caveat in of_figures(GOAL, unseen, days)] == codes


def test_a_deployment_that_needs_its_own_setting_is_named() -> None:
    (quiet,), (busy,) = table((0.0, 1.0), (0.0, 1.0)).each, table((0.1, 1.0), (0.3, 1.0)).each
    found = of_deployments(GOAL, ["quiet", "busy"], [quiet, busy])
    assert [caveat.sentence for caveat in found] == [
        "busy alone has violations 20%: it needs a setting of its own"
    ]
    assert of_deployments(GOAL, ["busy"], [busy]) == []
