"""Rails that judge the move: settle, behavior, oscillation, disruption."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.behavior import Rate, Rules
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.guards.behavior import Behavior
from autoscaler.core.guards.between import between
from autoscaler.core.guards.disruption import Disruption
from autoscaler.core.guards.health import settled
from autoscaler.core.guards.oscillation import Oscillation, turns
from autoscaler.core.guards.settle import Settle
from autoscaler.core.observation import (
    Absence,
    Change,
    Health,
    Learned,
    Limits,
    Missing,
    Observation,
    Recommended,
    Series,
)
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code
from tests.strategies import NOW, envelopes, seen

BEFORE = Envelope(4, 10, 32)
LOWER = Envelope(2, 6, 32)
HIGHER = Envelope(8, 16, 32)


def plan(after: Envelope, before: Envelope = BEFORE, wanted: Envelope | None = None) -> Plan:
    return Plan(before, after, wanted or after)


def change(
    ago: float, before: int, after: int, *, foreign: bool = False, threads: int = 32
) -> Change:
    return Change(
        NOW - ago, Envelope(before, 10, threads), Envelope(after, 10, threads), foreign=foreign
    )


# --- settle ----------------------------------------------------------------------------------

RAISED = change(30, 2, 4)


def unsettled(**parts: object) -> Observation:
    base: dict[str, object] = {"changes": (RAISED,), "envelope_at": NOW - 40}
    return seen(**(base | parts))


@pytest.mark.fault(37)
def test_nothing_is_lowered_until_the_last_change_has_settled() -> None:
    kept = Settle().shape(plan(LOWER), unsettled())
    assert kept.after == BEFORE
    assert kept.trail[-1].reason.code is Code.SETTLING
    assert "it gets 9 min 30 s more" in str(kept.trail[-1].reason)


def test_only_a_quarter_more_capacity_does_not_wait() -> None:
    assert Settle().shape(plan(Envelope(5, 12, 32)), unsettled()).after == Envelope(5, 12, 32)
    assert Settle(raise_again_share=0.3).shape(plan(Envelope(5, 12, 32)), unsettled()).after == (
        BEFORE
    )
    assert Settle().shape(plan(Envelope(4, 20, 32)), unsettled()).after == BEFORE


def test_threads_wait_but_the_raise_beside_them_goes() -> None:
    both = Settle().shape(plan(Envelope(6, 8, 64)), unsettled())
    assert both.after == Envelope(6, 10, 32)
    assert Settle().shape(plan(Envelope(4, 10, 64)), unsettled()).after == BEFORE


def test_from_nothing_any_raise_is_more() -> None:
    empty = Envelope(0, 10, 32)
    assert Settle().shape(plan(Envelope(1, 10, 32), empty), unsettled()).after.min_replicas == 1
    assert Settle().shape(plan(Envelope(0, 12, 32), empty), unsettled()).after == empty


@pytest.mark.parametrize(
    "parts",
    [
        {"envelope_at": NOW - 20},
        {"changes": (change(600, 2, 4),)},
        {"changes": (change(10, 2, 4, foreign=True),)},
        {"changes": ()},
    ],
)
def test_a_newer_reading_or_time_or_nothing_of_our_own_settles(parts: dict[str, object]) -> None:
    assert Settle().shape(plan(LOWER), unsettled(**parts)).after == LOWER
    assert Settle().shape(plan(BEFORE), unsettled(**parts)).after == BEFORE


def test_a_newer_reading_that_is_not_ready_does_not_settle() -> None:
    starting = unsettled(envelope_at=NOW - 5, health=Health("ACTIVE", is_ready=False))
    assert Settle().shape(plan(LOWER), starting).after == BEFORE
    by_hand = unsettled(changes=(RAISED, change(5, 4, 5, foreign=True)))
    assert Settle().shape(plan(LOWER), by_hand).after == BEFORE


@pytest.mark.fault(38)
def test_what_does_not_arrive_is_asked_for_again_only_now_and_then() -> None:
    more, starting = plan(Envelope(8, 12, 32)), Health("STARTING", is_ready=False)
    behind = unsettled(health=starting, behind_since=NOW - 601)
    kept = Settle().shape(more, behind)
    assert kept.after == BEFORE
    assert kept.trail[-1].reason.code is Code.RAISE_NOT_REACHED
    assert "asked for 10 min ago are not ready yet" in str(kept.trail[-1].reason)
    # It may only be slow, or the quota may have been raised: once in ten minutes it is tried.
    tried = unsettled(health=starting, behind_since=NOW - 1300, changes=(change(601, 2, 4),))
    assert Settle().shape(more, tried).after == more.after
    # And whoever has not waited for so long yet may have what it needs.
    assert Settle().shape(more, unsettled(health=starting, behind_since=NOW - 30)).after == (
        more.after
    )


def test_an_empty_deployment_is_settled_without_being_ready() -> None:
    idle = Health("ACTIVE", is_ready=False)
    assert settled(seen(health=idle, envelope=Envelope(0, 5, 32)))
    assert not settled(seen(health=idle))
    assert not settled(seen(health=Health("STARTING", is_ready=True)))


# --- behavior --------------------------------------------------------------------------------

SLOW = Behavior(
    Rules(policies=(Rate("Pods", 2, 60.0),)),
    Rules(stabilization_window_s=0.0, policies=(Rate("Percent", 10, 60.0),)),
)


def test_behavior_is_off_until_it_is_configured() -> None:
    assert Behavior().shape(plan(HIGHER), seen()).after == HIGHER
    assert Behavior().shape(plan(LOWER), seen()).after == LOWER
    assert SLOW.shape(plan(BEFORE), seen()).after == BEFORE


def test_rates_bound_floor_and_ceiling_apart() -> None:
    raised = SLOW.shape(plan(HIGHER), seen())
    assert raised.after == Envelope(6, 12, 32)
    assert {s.reason.code for s in raised.trail} == {Code.BEHAVIOR_LIMIT}
    assert "ScaleUpLimit" in str(raised.trail[0].reason)
    assert SLOW.shape(plan(LOWER), seen()).after == Envelope(3, 9, 32)


def test_own_changes_of_the_period_count_and_those_of_others_do_not() -> None:
    own = seen(changes=(change(59, 3, 4),))
    assert SLOW.shape(plan(HIGHER), own).after.min_replicas == 5
    assert SLOW.shape(plan(HIGHER), own).after.max_replicas == 12
    older = seen(changes=(change(60, 3, 4), change(5, 4, 9, foreign=True)))
    assert SLOW.shape(plan(HIGHER), older).after.min_replicas == 6


def test_a_direction_without_rules_is_free() -> None:
    only_down = Behavior(lower_rules=SLOW.lower_rules)
    assert only_down.shape(plan(HIGHER), seen()).after == HIGHER
    only_up = Behavior(raise_rules=SLOW.raise_rules)
    assert only_up.shape(plan(LOWER), seen()).after == LOWER


def wished(floor: int, ago: float) -> Recommended:
    return Recommended(Envelope(floor, 10, 32), NOW - ago - 10, NOW - ago)


def test_empty_rules_are_the_hpas_defaults() -> None:
    hpa = Behavior(Rules(), Rules())
    held = hpa.shape(plan(LOWER), seen(recommended=(wished(3, 200),)))
    assert held.after == Envelope(3, 10, 32)
    assert held.trail[-1].reason.code is Code.STABILISING
    assert hpa.shape(plan(LOWER), seen(recommended=(wished(3, 300),))).after == LOWER
    assert hpa.shape(plan(Envelope(40, 80, 32)), seen()).after == Envelope(8, 20, 32)


def test_a_raise_window_raises_to_what_was_wanted_throughout() -> None:
    patient = Behavior(raise_rules=Rules(stabilization_window_s=60.0))
    assert patient.shape(plan(HIGHER), seen(recommended=(wished(5, 30),))).after.min_replicas == 5


def test_after_a_start_the_present_size_counts_as_wanted() -> None:
    fresh = seen(watched_since=NOW - 10)
    assert Behavior(Rules(), Rules()).shape(plan(LOWER), fresh).after == BEFORE
    assert Behavior(Rules(), Rules()).shape(plan(HIGHER), fresh).after == HIGHER


# --- oscillation -----------------------------------------------------------------------------


def swings(count: int, every: float = 300.0) -> tuple[Change, ...]:
    """Changes of the floor, up and down by turns, the last one `every` seconds ago."""
    pairs = [(3, 4) if i % 2 else (4, 3) for i in range(count)]
    return tuple(change(every * (count - i), *pair) for i, pair in enumerate(pairs))


@pytest.mark.fault(51)
def test_a_dial_that_turned_five_times_in_an_hour_is_not_lowered() -> None:
    wild = seen(changes=swings(6))
    kept = Oscillation().shape(plan(LOWER), wild)
    assert kept.after == Envelope(4, 6, 32)
    assert kept.trail[-1].reason.code is Code.OSCILLATING
    assert Oscillation().shape(plan(HIGHER), wild).after == HIGHER


@pytest.mark.parametrize("changes", [swings(5), swings(6, every=750.0), ()])
def test_four_turns_or_older_ones_are_normal(changes: tuple[Change, ...]) -> None:
    assert Oscillation().shape(plan(LOWER), seen(changes=changes)).after == LOWER


def test_turns_are_counted_per_dial_and_only_where_it_moved() -> None:
    mixed = (change(50, 3, 4), change(40, 4, 4), change(30, 4, 5), change(20, 5, 4))
    assert turns(mixed, Dial.MIN_REPLICAS, NOW - 100) == 1
    assert turns(mixed, Dial.MIN_REPLICAS, NOW - 10) == 0
    assert turns(mixed, Dial.MAX_REPLICAS, NOW - 100) == 0


# --- disruption ------------------------------------------------------------------------------

WIDE = Envelope(8, 10, 32)


def load(value: float) -> dict[str, Series]:
    return {"jobs": Series((NOW - 5,), (value,))}


def test_a_thread_change_must_be_worth_a_restart() -> None:
    small = Disruption().shape(plan(Envelope(8, 10, 36), WIDE), seen())
    assert small.after == WIDE
    assert small.trail[-1].reason.code is Code.NOT_WORTH_A_RESTART
    assert "36 threads would change the capacity by 12.5%" in str(small.trail[-1].reason)
    assert Disruption().shape(plan(Envelope(8, 10, 40), WIDE), seen()).after.threads == 40
    assert Disruption().shape(plan(Envelope(8, 10, 24), WIDE), seen()).after.threads == 24


def test_threads_do_not_ride_on_a_raised_ceiling() -> None:
    ride = Disruption().shape(plan(Envelope(8, 20, 33), WIDE), seen())
    assert ride.after == Envelope(8, 20, 32)


def test_replicas_lowered_because_threads_rise_go_back_with_them() -> None:
    swap = Disruption().shape(plan(Envelope(4, 5, 64), WIDE), seen())
    assert swap.after == WIDE


def test_a_lowering_that_does_not_lean_on_threads_stays() -> None:
    # Wanted were 3 x 36 = 108 requests at once; 4 x 32 = 128 are more than that.
    small = plan(Envelope(4, 10, 36), WIDE, wanted=Envelope(3, 10, 36))
    assert Disruption().shape(small, seen()).after == Envelope(4, 10, 32)


def test_floors_stay_when_another_rail_took_the_threads_back() -> None:
    cooled = Disruption().shape(plan(Envelope(4, 10, 32), WIDE, Envelope(4, 10, 64)), seen())
    assert cooled.after == WIDE
    assert cooled.trail[-1].reason.code is Code.THREADS_KEPT


@pytest.mark.parametrize(
    "parts", [{"learned": Learned(40)}, {"limits": Limits(threads=Range(1, 40))}]
)
def test_floors_stay_when_the_limits_will_cut_the_threads(parts: dict[str, object]) -> None:
    joint = plan(Envelope(4, 10, 64), WIDE)
    assert Disruption().shape(joint, seen(**parts)).after == Envelope(8, 10, 64)
    assert Disruption().shape(joint, seen()).after == Envelope(4, 10, 64)


def test_a_restart_waits_for_a_settled_deployment() -> None:
    busy = seen(health=Health("ACTIVE", is_ready=False))
    kept = Disruption().shape(plan(Envelope(10, 10, 64), WIDE), busy)
    assert kept.after == Envelope(10, 10, 32)
    assert kept.trail[-1].reason.code is Code.RESTART_UNSAFE


@pytest.mark.parametrize(("jobs", "threads"), [(153, 64), (154, 32)])
def test_a_restart_waits_for_a_calm_hour(jobs: float, threads: int) -> None:
    # The floor of 8 x 32 = 256 is calm up to 0.6 x 256 = 153.6.
    wish = plan(Envelope(8, 10, 64), WIDE)
    assert Disruption(signal="jobs").shape(wish, seen(signals=load(jobs))).after.threads == threads


def test_without_a_load_there_is_no_calm() -> None:
    blind = seen(signals={"jobs": Missing(Absence.EMPTY)})
    kept = Disruption(signal="jobs").shape(plan(Envelope(8, 10, 64), WIDE), blind)
    assert kept.after == WIDE
    assert "jobs has no data" in str(kept.trail[-1].reason)


def test_a_plan_without_threads_is_not_touched() -> None:
    assert not Disruption().shape(plan(LOWER), seen()).trail


# --- holding dials back ----------------------------------------------------------------------


@given(envelopes(), envelopes(), st.data())
def test_holding_one_dial_back_never_moves_another_further(
    before: Envelope, after: Envelope, data: st.DataObject
) -> None:
    def somewhere(was: int, now: int) -> int:
        return data.draw(st.integers(min(was, now), max(was, now)))

    floor = somewhere(before.min_replicas, after.min_replicas)
    ceiling = somewhere(before.max_replicas, after.max_replicas)
    kept = between(before, floor, ceiling, after.threads)
    for dial in (Dial.MIN_REPLICAS, Dial.MAX_REPLICAS):
        low, high = sorted((before[dial], after[dial]))
        assert low <= kept[dial] <= high


@pytest.mark.parametrize(
    ("before", "floor", "ceiling", "kept"),
    [
        ((4, 10, 32), 12, 10, (10, 10, 32)),
        ((8, 10, 32), 8, 3, (8, 8, 32)),
        ((4, 10, 32), 6, 12, (6, 12, 32)),
    ],
)
def test_a_floor_stops_at_its_ceiling_and_a_ceiling_at_a_kept_floor(
    before: tuple[int, int, int], floor: int, ceiling: int, kept: tuple[int, int, int]
) -> None:
    assert between(Envelope(*before), floor, ceiling, 32) == Envelope(*kept)
