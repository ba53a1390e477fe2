from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.fleet import (
    Budget,
    Candidate,
    FleetRails,
    added,
    alarm,
    blind,
    fit,
    lowers,
    raises,
)
from autoscaler.core.observation import Absence, Missing, Series
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code
from tests.strategies import NOW, SOME, envelopes, seen


def plan(before: tuple[int, int, int], after: tuple[int, int, int]) -> Plan:
    wanted = Envelope(*after)
    return Plan(Envelope(*before), wanted, wanted)


def rising(name: str, by: int, priority: int = 0, rate: float = 0.0) -> Candidate:
    return Candidate(name, plan((4, 60, 32), (4 + by, 60, 32)), priority, rate)


def went(candidates: list[Candidate], budget: Budget) -> dict[str, int]:
    return {c.deployment: added(c.plan) for c in fit(candidates, budget).go}


def test_the_raise_budget_goes_to_the_most_urgent_and_in_part_to_the_next() -> None:
    asked = [rising("small", 4), rising("big", 10)]
    fitted = fit(asked, Budget(9, raise_replicas=12))
    assert {c.deployment: added(c.plan) for c in fitted.go} == {"big": 10, "small": 2}
    step = fitted.go[1].plan.trail[-1]
    assert (step.by, step.reason.code) == ("fleet", Code.RAISE_BUDGET)
    assert str(step.reason) == "4 more replicas asked for, 2 fit into the fleet's budget of raises"


def test_a_spent_raise_budget_lets_others_wait_but_not_those_that_start_nothing() -> None:
    ceiling = Candidate("ceiling", plan((4, 10, 32), (4, 20, 32)))
    down = Candidate("down", plan((4, 10, 32), (2, 10, 32)))
    fitted = fit([rising("up", 3), ceiling, down], Budget(9, raise_replicas=0))
    assert [c.deployment for c in fitted.go] == ["ceiling", "down"]
    assert fitted.waiting[0].reason.code is Code.RAISE_BUDGET


def test_priority_comes_first_under_a_shared_compute_budget() -> None:
    vital, other = rising("vital", 5, priority=9, rate=0.4), rising("other", 9, rate=0.1)
    assert went([other, vital], Budget(9, compute_rate=2.0)) == {"vital": 5}
    assert went([other, vital], Budget(9, compute_rate=2.35)) == {"vital": 5, "other": 3}
    late = fit([other, vital], Budget(9, compute_rate=2.0)).waiting[0]
    assert late.reason.code is Code.COMPUTE_BUDGET


def test_replicas_without_a_price_need_no_compute_budget() -> None:
    assert went([rising("free", 5)], Budget(9, compute_rate=-1.0)) == {"free": 5}


def test_a_raise_that_makes_up_for_fewer_threads_is_never_cut() -> None:
    swap = Candidate("swap", plan((4, 60, 64), (8, 60, 32)))
    fitted = fit([swap, rising("other", 3)], Budget(9, raise_replicas=3))
    assert [c.deployment for c in fitted.go] == ["other"]
    assert fitted.waiting[0].candidate == swap


@settings(max_examples=SOME)
@given(
    st.lists(st.tuples(envelopes(), envelopes(), st.integers(0, 3), st.floats(0, 5)), max_size=10),
    st.integers(0, 8),
    st.none() | st.integers(0, 60),
    st.none() | st.floats(0, 60),
)
def test_no_budget_is_ever_overdrawn(
    pairs: list[tuple[Envelope, Envelope, int, float]],
    writes: int,
    replicas: int | None,
    rate: float | None,
) -> None:
    asked = [
        Candidate(f"d{i}", Plan(before, after, after), priority, price)
        for i, (before, after, priority, price) in enumerate(pairs)
    ]
    fitted = fit(asked, Budget(writes, replicas, rate))
    assert len(fitted.go) <= writes
    assert len(fitted.go) + len(fitted.waiting) == len(asked)
    assert replicas is None or sum(added(c.plan) for c in fitted.go) <= replicas
    spent = sum(added(c.plan) * c.rate for c in fitted.go)
    assert rate is None or spent <= rate + 1e-6
    for candidate in fitted.go:
        before, after, *_ = pairs[int(candidate.deployment[1:])]
        assert after.floor_capacity >= candidate.plan.after.floor_capacity
        assert raises(candidate.plan) or not raises(Plan(before, after, after))


# --- the alarm -------------------------------------------------------------------------------

CALM = plan((4, 10, 32), (4, 10, 32))
DOWN = plan((4, 10, 32), (3, 10, 32))
CRASH = plan((40, 60, 32), (20, 60, 32))


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("plans", "blind_ones", "code"),
    [
        ([CALM] * 10, 3, None),
        ([CALM] * 10, 4, Code.FLEET_BLIND),
        ([CALM] * 8 + [DOWN] * 2, 0, None),
        ([CALM] * 7 + [DOWN] * 3, 0, Code.FLEET_DROPPING),
        ([CALM] * 10 + [CRASH], 0, Code.FLEET_SHRINKING),
        ([CALM] * 6 + [DOWN] * 3, 9, None),
        ([], 0, None),
    ],
)
def test_a_fleet_that_drops_or_goes_blind_lowers_nothing(
    plans: list[Plan], blind_ones: int, code: Code | None
) -> None:
    reason = alarm(plans, blind_ones)
    assert (reason and reason.code) == code
    assert reason is None or str(reason).startswith("no lowering in the fleet: ")


def test_a_drop_that_lasts_is_believed_but_blindness_never_is() -> None:
    night = [DOWN] * 10
    assert alarm(night, 0, dropping_s=899)
    assert alarm(night, 0, dropping_s=900) is None
    assert alarm(night, 9, dropping_s=9000)
    assert alarm(night, 0, FleetRails(patience_s=0)) is None


def test_the_thresholds_are_options() -> None:
    wide = FleetRails(blind_share=1, drop_share=1, loss_share=1)
    assert alarm([CRASH] * 20, 20, wide) is None
    small = FleetRails(smallest=1)
    reason = alarm([CRASH], 0, small)
    assert reason is not None
    with pytest.raises(ValueError, match="blind_share must be at most 1, got 30"):
        FleetRails(blind_share=30)


@given(st.lists(st.tuples(envelopes(), envelopes()), min_size=10, max_size=20), st.integers(0, 20))
def test_without_lowerings_only_blindness_alarms(
    pairs: list[tuple[Envelope, Envelope]], blind_ones: int
) -> None:
    plans = [p for p in (Plan(b, a, a) for b, a in pairs) if not lowers(p)]
    reason = alarm(plans, blind_ones)
    assert reason is None or reason.code is Code.FLEET_BLIND


def test_one_missing_signal_makes_a_deployment_blind() -> None:
    jobs = Series((NOW,), (1.0,))
    assert not blind(seen(signals={"running_jobs": jobs}))
    assert blind(seen(signals={"running_jobs": jobs, "errors": Missing(Absence.EMPTY)}))
