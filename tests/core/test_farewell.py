"""What a deployment is left with when the daemon stops: what was declared, and never less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import DIALS, Dial, Envelope, Range
from autoscaler.core.farewell import Farewell
from autoscaler.core.guards import GUARDS
from autoscaler.core.observation import Control, Health, Limits, Observation, Override
from autoscaler.core.reason import Code
from tests.strategies import observations, seen

RAILS = tuple(guard() for guard in GUARDS)
SAFE = Farewell(min_replicas=6, max_replicas=20)
LIMITS = Limits(Range(1, 30), Range(1, 30), Range(1, 64))


def left(farewell: Farewell = SAFE, **parts: object) -> Envelope:
    return farewell.plan(seen(limits=LIMITS, **parts), RAILS).after


def test_each_dial_goes_up_to_what_is_declared() -> None:
    plan = SAFE.plan(seen(limits=LIMITS), RAILS)
    assert (plan.before, plan.after) == (Envelope(4, 10, 32), Envelope(6, 20, 32))
    assert {step.reason.code for step in plan.trail} == {Code.ON_SHUTDOWN}


@pytest.mark.parametrize("now", [Envelope(9, 12, 32), Envelope(9, 25, 64), Envelope(6, 20, 8)])
def test_nothing_is_lowered_for_the_time_in_which_nobody_watches(now: Envelope) -> None:
    after = left(envelope=now)
    assert all(after[dial] >= now[dial] for dial in DIALS)
    assert after.min_replicas == max(6, now.min_replicas)


def test_a_floor_takes_the_ceiling_along() -> None:
    assert left(Farewell(min_replicas=12)) == Envelope(12, 12, 32)


def test_it_does_not_matter_what_the_data_say() -> None:
    # Signals are no input: a source that is away at the end keeps nobody from being safe.
    assert left(signals={}) == Envelope(6, 20, 32)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"overrides": (Override(Control.PAUSE, "ada", "hands off"),)}, Code.PAUSED),
        ({"health": Health("DISABLED", is_ready=False)}, Code.DEPLOYMENT_DISABLED),
        ({"health": Health("FAILED", is_ready=False)}, Code.DEPLOYMENT_FAILED),
        ({"health": Health("NEW_WORD", is_ready=True)}, Code.DEPLOYMENT_STATE_UNKNOWN),
    ],
)
def test_a_pause_and_a_state_without_hope_keep_all_as_it_is(
    parts: dict[str, object], code: Code
) -> None:
    plan = SAFE.plan(seen(limits=LIMITS, **parts), RAILS)
    assert plan.after == plan.before
    assert plan.hold is not None
    assert plan.hold.reason.code is code


def test_threads_are_not_touched_while_it_is_starting() -> None:
    more = Farewell(min_replicas=6, threads=48)
    assert left(more) == Envelope(6, 10, 48)
    assert left(more, health=Health("STARTING", is_ready=False)) == Envelope(6, 10, 32)


def test_an_operators_pin_has_the_last_word_upwards() -> None:
    pin = Override(Control.PIN, "ada", "test", dial=Dial.MIN_REPLICAS, value=5)
    assert left(overrides=(pin,)).min_replicas == 5
    low = Override(Control.PIN, "ada", "test", dial=Dial.MIN_REPLICAS, value=1)
    assert left(overrides=(low,)).min_replicas == 4


@given(
    observations(),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 64),
)
def test_whatever_is_seen_and_declared_nothing_falls_and_all_is_legal(
    sight: Observation, floor: int, more: int, threads: int
) -> None:
    plan = Farewell(floor, floor + more, threads).plan(sight, RAILS)
    assert all(plan.after[dial] >= plan.before[dial] for dial in DIALS)
    assert 0 <= plan.after.min_replicas <= plan.after.max_replicas


@pytest.mark.parametrize(
    "options",
    [{}, {"min_replicas": 5, "max_replicas": 4}, {"min_replicas": -1}, {"threads": 0}],
)
def test_what_means_nothing_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Farewell(**options)
