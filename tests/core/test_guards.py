from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.guards.health import Health as HealthGuard
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.guards.mode import Mode as ModeGuard
from autoscaler.core.guards.override import Override as OverrideGuard
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.guards.step import Step
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Learned,
    Limits,
    Missing,
    Mode,
    Observation,
    Override,
    Recommended,
    Series,
)
from autoscaler.core.plan import Plan, Vote
from autoscaler.core.proposal import Abstain
from autoscaler.core.reason import Code, because
from tests.strategies import NOW, envelopes, observations, seen

BEFORE = Envelope(4, 10, 32)
LOWER = Envelope(2, 6, 32)
HIGHER = Envelope(8, 16, 32)


def plan(after: Envelope, before: Envelope = BEFORE) -> Plan:
    return Plan(before, after, after)


def jobs(age: float = 5.0, *, complete: bool = True) -> Series:
    return Series((NOW - age - 15, NOW - age), (10.0, 12.0), complete)


@settings(max_examples=300)
@given(st.sampled_from(GUARDS), observations(), envelopes())
def test_every_guard_leaves_a_legal_plan_with_its_reasons(
    guard: type, seen: Observation, after: Envelope
) -> None:
    shaped = guard().shape(Plan(seen.envelope, after, after), seen)
    assert 0 <= shaped.after.min_replicas <= shaped.after.max_replicas
    for step in shaped.trail:
        assert str(step.reason)


@pytest.mark.fault(85)
def test_a_pause_stops_everything_and_says_who() -> None:
    word = Override(Control.PAUSE, "ada", "load test", NOW + 60)
    held = Hold().shape(plan(HIGHER), seen(overrides=(word,)))
    assert held.hold is not None
    assert str(held.hold.reason) == "paused by ada (load test)"
    over = Override(Control.PAUSE, "ada", "load test", NOW)
    assert Hold().shape(plan(HIGHER), seen(overrides=(over,))).after == HIGHER


@pytest.mark.fault(4, 6)
@pytest.mark.parametrize(
    ("signal", "code"),
    [
        (Missing(Absence.EMPTY), Code.DATA_MISSING),
        (jobs(age=400), Code.DATA_STALE),
        (jobs(complete=False), Code.DATA_INCOMPLETE),
    ],
)
def test_lowering_needs_fresh_and_complete_data(signal: object, code: Code) -> None:
    look = seen(signals={"running_jobs": signal})
    kept = Freshness().shape(plan(LOWER), look)
    assert kept.after == BEFORE
    assert kept.trail[-1].reason.code is code
    assert Freshness().shape(plan(HIGHER), look).after == HIGHER


def test_fresh_data_lets_a_lowering_pass() -> None:
    look = seen(signals={"running_jobs": jobs()})
    assert Freshness().shape(plan(LOWER), look).after == LOWER
    assert Freshness().shape(plan(BEFORE), look).after == BEFORE


@pytest.mark.parametrize(
    "code", [Code.POLICY_CRASHED, Code.SIGNAL_MISSING, Code.SIGNAL_STALE, Code.NOT_COMPUTABLE]
)
def test_a_policy_that_could_not_judge_stops_a_lowering_but_a_shadow_does_not(code: Code) -> None:
    blind = Abstain(because(code, "it could not judge"))
    quiet = Abstain(because(Code.CONDITION_FALSE, "not now"))
    for vote, after in [
        (Vote("slo", blind), BEFORE),
        (Vote("slo", blind, shadow=True), LOWER),
        (Vote("slo", quiet), LOWER),
    ]:
        assert Freshness().shape(Plan(BEFORE, LOWER, LOWER, (vote,)), seen()).after == after


@pytest.mark.fault(36)
@pytest.mark.parametrize("state", ["STARTING", "DEGRADED"])
def test_an_unsettled_deployment_is_neither_lowered_nor_restarted(state: str) -> None:
    look = seen(health=Health(state, is_ready=False))
    assert HealthGuard().shape(plan(LOWER), look).after == BEFORE
    assert HealthGuard().shape(plan(Envelope(8, 16, 64)), look).after == Envelope(8, 16, 32)


@pytest.mark.fault(35, 36)
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("DISABLED", Code.DEPLOYMENT_DISABLED),
        ("FAILED", Code.DEPLOYMENT_FAILED),
        ("HIBERNATING", Code.DEPLOYMENT_STATE_UNKNOWN),
    ],
)
def test_stopped_and_unknown_states_hold(state: str, code: Code) -> None:
    held = HealthGuard().shape(plan(HIGHER), seen(health=Health(state, is_ready=False)))
    assert held.hold is not None
    assert held.hold.reason.code is code
    assert str(held.hold.reason)


def test_a_small_lowering_is_not_worth_a_write() -> None:
    before = Envelope(20, 40, 32)
    assert Deadband().shape(plan(Envelope(18, 36, 32), before), seen()).after == before
    assert Deadband().shape(plan(Envelope(17, 40, 32), before), seen()).after.min_replicas == 17
    assert Deadband().shape(plan(Envelope(21, 40, 32), before), seen()).after.min_replicas == 21
    assert not Deadband().shape(plan(before, before), seen()).trail


def wanted(floor: int, ago: float, lasted: float = 10) -> Recommended:
    return Recommended(Envelope(floor, 10, 32), NOW - ago - lasted, NOW - ago)


def test_lowering_goes_to_the_most_that_was_wanted_in_the_window() -> None:
    look = seen(recommended=(wanted(3, ago=120),))
    assert Stabilise().shape(plan(LOWER), look).after.min_replicas == 3
    past = seen(recommended=(wanted(3, ago=301),))
    assert Stabilise().shape(plan(LOWER), past).after.min_replicas == 2


def test_raising_goes_to_the_least_that_was_wanted_in_its_window() -> None:
    guard = Stabilise(raise_window_s=60)
    assert guard.shape(plan(HIGHER), seen(recommended=(wanted(5, 30),))).after.min_replicas == 5
    assert guard.shape(plan(HIGHER), seen(recommended=(wanted(5, 61),))).after.min_replicas == 8
    assert Stabilise().shape(plan(HIGHER), seen(recommended=(wanted(5, 30),))).after == HIGHER


def test_after_a_start_nothing_moves_for_one_window() -> None:
    fresh = seen(watched_since=NOW - 10)
    assert Stabilise().shape(plan(LOWER), fresh).after == BEFORE
    assert Stabilise(raise_window_s=60).shape(plan(HIGHER), fresh).after == BEFORE
    assert Stabilise(lower_window_s=0).shape(plan(LOWER), fresh).after == LOWER
    assert Stabilise().shape(plan(BEFORE), fresh).after == BEFORE


def test_one_write_is_bounded_both_ways() -> None:
    far = Envelope(60, 90, 32)
    assert Step().shape(plan(far), seen()).after == Envelope(12, 30, 32)
    assert Step().shape(plan(Envelope(0, 1, 32)), seen()).after == Envelope(2, 5, 32)
    one = Envelope(1, 1, 32)
    assert Step().shape(plan(Envelope(0, 0, 32), one), seen()).after == Envelope(0, 0, 32)
    assert not Step().shape(plan(BEFORE), seen()).trail


@pytest.mark.fault(65)
def test_lowering_waits_for_the_cooldown() -> None:
    change = Change(NOW - 100, Envelope(2, 10, 32), BEFORE)
    look = seen(changes=(change,))
    kept = Cooldown().shape(plan(Envelope(2, 10, 32)), look)
    assert kept.after == BEFORE
    assert str(kept.trail[-1].reason) == "it changed lately and cools down for 3 min 20 s"
    assert Cooldown(lower_s=100).shape(plan(LOWER), look).after.min_replicas == 2
    assert Cooldown().shape(plan(HIGHER), look).after == HIGHER
    assert Cooldown(raise_s=101).shape(plan(HIGHER), look).after.min_replicas == 4


def test_a_dial_that_did_not_move_is_not_cooling() -> None:
    change = Change(NOW - 1, Envelope(4, 9, 32), BEFORE)
    only_floor = Envelope(2, 10, 32)
    assert Cooldown().shape(plan(only_floor), seen(changes=(change,))).after == only_floor
    assert Cooldown().shape(plan(BEFORE), seen(changes=(change,))).after == BEFORE


def test_threads_wait_for_hours() -> None:
    change = Change(NOW - 3600, Envelope(4, 10, 16), BEFORE)
    kept = Cooldown().shape(plan(Envelope(4, 10, 48)), seen(changes=(change,)))
    assert kept.after.threads == 32


@pytest.mark.fault(86)
def test_an_operator_pins_and_floors() -> None:
    pin = Override(Control.PIN, "ada", "incident", NOW + 60, Dial.MIN_REPLICAS, 12)
    pinned = OverrideGuard().shape(plan(LOWER), seen(overrides=(pin,)))
    assert pinned.after == Envelope(12, 12, 32)
    assert "pinned to 12 by ada (incident)" in str(pinned.trail[-1])
    floor = Override(Control.FLOOR, "ada", "launch", None, Dial.MAX_REPLICAS, 9)
    assert OverrideGuard().shape(plan(LOWER), seen(overrides=(floor,))).after.max_replicas == 9
    assert OverrideGuard().shape(plan(HIGHER), seen(overrides=(floor,))).after == HIGHER
    pause = Override(Control.PAUSE, "ada", "x")
    assert OverrideGuard().shape(plan(HIGHER), seen(overrides=(pause,))).after == HIGHER


@pytest.mark.fault(59, 80)
def test_the_configured_ranges_always_hold() -> None:
    limits = Limits(Range(1, 5), Range(1, 9), Range(1, 16))
    clamped = LimitsGuard().shape(plan(HIGHER), seen(limits=limits))
    assert clamped.after == Envelope(5, 9, 16)
    assert "8 is outside of your limits, 1..5" in str(clamped.trail[0])
    assert LimitsGuard().shape(plan(LOWER), seen()).after == LOWER


@pytest.mark.fault(20)
def test_the_learnt_thread_maximum_holds() -> None:
    look = seen(learned=Learned(thread_ceiling=40))
    clamped = LimitsGuard().shape(plan(Envelope(4, 10, 64)), look)
    assert clamped.after.threads == 40
    assert clamped.trail[-1].reason.code is Code.THREAD_CEILING


def test_raise_only_never_lowers() -> None:
    look = seen(mode=Mode.RAISE_ONLY)
    assert ModeGuard().shape(plan(LOWER), look).after == BEFORE
    assert ModeGuard().shape(plan(HIGHER), look).after == HIGHER
    assert ModeGuard().shape(plan(LOWER), seen()).after == LOWER


@pytest.mark.parametrize(
    ("guard", "options", "words"),
    [
        (Step, {"raise_factor": 0.5}, "raise_factor must be at least 1, got 0.5"),
        (Step, {"lower_share": 0}, "lower_share must be greater than 0, got 0"),
        (Deadband, {"lower_share": 1}, "lower_share must be less than 1, got 1"),
        (Stabilise, {"lower_window_s": 4000}, "lower_window_s must be at most 3600, got 4000"),
        (Freshness, {"max_age_s": float("nan")}, "max_age_s must be a finite number, got nan"),
    ],
)
def test_an_option_outside_its_range_is_refused(
    guard: type, options: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        guard(**options)
