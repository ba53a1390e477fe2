"""The pure model of one deployment: replicas, its native scaler, upgrades, cost, overload."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Resources
from autoscaler.lab.platform.model import Config, DeploymentModel
from autoscaler.lab.platform.scaler import Scaling

DAY = 86_400
HOUR = 3600
STEP = 5.0


def model(floor: int = 1, ceiling: int = 10, threads: int = 32, **more: float) -> DeploymentModel:
    return DeploymentModel(Config(Envelope(floor, ceiling, threads)), **more)  # type: ignore[arg-type]  # seconds and counts, named by the tests


def live(one: DeploymentModel, seconds: float, demand: float) -> DeploymentModel:
    for _ in range(math.ceil(seconds / STEP)):
        one.step(STEP, demand)
    return one


# --- the documented rule --------------------------------------------------------------------


@pytest.mark.parametrize(("jobs", "begins_with"), [(44, 2), (70, 3)])
def test_a_constant_load_between_two_sizes_makes_the_native_scaler_flap(
    jobs: int, begins_with: int
) -> None:
    flapping = live(model(ready=begins_with), DAY, jobs)
    assert flapping.tally.actions == 92
    assert 85 <= flapping.tally.crowded_s / 60 <= 95


def test_flapping_above_the_needed_size_costs_actions_but_no_overload() -> None:
    flapping = live(model(ready=5), DAY, 100)
    assert flapping.tally.actions == 92
    assert flapping.tally.overload_share == 0


def test_a_floor_of_two_ends_the_flapping() -> None:
    calm = live(model(floor=2), DAY, 44)
    assert calm.tally.actions == 0
    assert calm.tally.overload_share == 0


def test_growing_from_one_to_eight_takes_the_native_scaler_at_least_seven_minutes() -> None:
    growing = live(model(cold_start_s=0.0), 7 * 60 - STEP, 10_000)
    assert growing.ready == 7
    assert live(growing, STEP, 10_000).ready == 8


def test_shrinking_from_eight_to_one_takes_three_and_a_half_hours() -> None:
    shrinking = live(model(ready=8), 3.5 * HOUR - STEP, 0)
    assert shrinking.ready == 2
    assert live(shrinking, STEP, 0).ready == 1


def test_a_jump_overloads_for_nine_minutes_alone_and_for_one_cold_start_with_a_raised_floor() -> (
    None
):
    alone = live(model(ceiling=20), HOUR, 220)
    helped = model(ceiling=20)
    helped.replace(Config(Envelope(10, 20, 32)))
    live(helped, HOUR, 220)
    assert alone.tally.crowded_s == pytest.approx(9 * 60, abs=STEP)
    assert helped.tally.crowded_s == pytest.approx(60, abs=STEP)


def test_timers_start_anew_after_an_action() -> None:
    one = live(model(ready=3, cold_start_s=0.0), 1800, 0)
    assert one.replicas == 2
    assert live(one, 1800 - STEP, 0).replicas == 2
    assert live(one, STEP, 0).replicas == 1


def test_a_dip_below_the_threshold_restarts_the_scale_up_delay() -> None:
    one = live(live(live(model(), 55, 32), STEP, 10), 55, 32)
    assert one.tally.raised == 0
    assert live(one, STEP, 32).tally.raised == 1


# --- scale to zero --------------------------------------------------------------------------


def test_an_idle_deployment_with_no_floor_sleeps_and_is_active_but_not_ready() -> None:
    asleep = live(model(floor=0, ready=1), 1800, 0)
    assert asleep.replicas == 0
    assert (asleep.health.state, asleep.health.is_ready) == ("ACTIVE", False)


def test_a_little_load_keeps_the_last_replica() -> None:
    assert live(model(floor=0, ready=1), 4 * HOUR, 1).replicas == 1


def test_the_first_request_wakes_it_at_once_and_waits_for_the_cold_start() -> None:
    one = model(floor=0)
    one.step(STEP, 1)
    assert (one.health.state, one.starting, one.queued) == ("STARTING", 1, 1)
    live(one, 60, 1)
    assert (one.health.is_ready, one.running, one.queued) == (True, 1, 0)
    assert one.tally.woken == 1


# --- configuration changes ------------------------------------------------------------------


def test_a_raised_floor_starts_all_missing_replicas_at_once() -> None:
    one = model()
    one.replace(Config(Envelope(6, 10, 32)))
    assert (one.ready, one.starting, one.health.state) == (1, 5, "ACTIVE")
    assert live(one, 60, 0).ready == 6


def test_a_lowered_ceiling_takes_replicas_away_at_once_and_drains_them() -> None:
    one = model(floor=6, drain_s=20.0)
    one.replace(Config(Envelope(1, 2, 32)))
    assert (one.ready, one.draining) == (2, 4)
    assert live(one, 20, 0).draining == 0
    assert one.tally.replica_s == 6 * 20


def test_a_lowered_floor_alone_leaves_the_lowering_to_the_native_scaler() -> None:
    one = live(model(floor=3), 5, 0)
    one.replace(Config(Envelope(1, 10, 32)))
    assert live(one, 1700, 0).ready == 3
    assert live(one, 100, 0).ready == 2


def test_a_changed_thread_count_brings_a_second_set_and_switches_when_it_is_ready() -> None:
    one = model(floor=3)
    one.replace(Config(Envelope(3, 10, 16)))
    live(one, 60 - STEP, 10)
    assert (one.upgrading, one.ready, one.starting, one.capacity) == (True, 3, 3, 96)
    live(one, STEP, 10)
    assert (one.upgrading, one.ready, one.starting, one.capacity) == (False, 3, 0, 48)
    assert one.tally.replica_s == 6 * 60


def test_going_back_in_the_middle_of_an_upgrade_drops_the_new_set() -> None:
    one = model(floor=2)
    one.replace(Config(Envelope(2, 10, 16)))
    live(one, 30, 10)
    one.replace(Config(Envelope(2, 10, 32)))
    assert (one.upgrading, one.ready, one.starting) == (False, 2, 0)


def test_a_floor_raised_during_an_upgrade_reaches_the_new_set() -> None:
    one = model(floor=1)
    one.replace(Config(Envelope(1, 10, 16)))
    live(one, 30, 10)
    one.replace(Config(Envelope(4, 10, 16)))
    live(one, 60, 10)
    assert (one.ready, one.capacity) == (4, 64)


def test_disabling_removes_all_replicas_and_refuses_work_until_it_is_started() -> None:
    one = model(floor=2)
    one.disable()
    live(one, 60, 5)
    assert (one.health.state, one.replicas, one.tally.replica_s) == ("DISABLED", 0, 0)
    assert one.tally.overload_share == 1
    one.launch()
    assert one.health.state == "STARTING"
    assert live(one, 60, 5).ready == 2


def test_starting_what_runs_changes_nothing() -> None:
    one = model(floor=2)
    one.launch()
    assert (one.ready, one.starting) == (2, 0)


def test_broken_replicas_make_it_degraded_or_failed_until_they_are_back() -> None:
    one = model(floor=2)
    one.lose(1)
    assert (one.health.state, one.health.is_ready) == ("DEGRADED", True)
    one.lose(1)
    assert (one.health.state, one.health.is_ready) == ("FAILED", False)
    assert live(one, 60, 0).health.state == "ACTIVE"


# --- cost -----------------------------------------------------------------------------------

T4 = Resources(vcpus=2, memory_gib=16, gpus=1, gpu_type="T4")


def day_of(one: DeploymentModel, *, lowered: bool) -> DeploymentModel:
    """Ten hours that need eight replicas, then fourteen that need one."""
    live(one, 10 * HOUR, 8 * 32 * 0.8)
    if lowered:
        one.replace(Config(Envelope(1, 1, 32), resources=T4))
    return live(one, 14 * HOUR, 1)


@pytest.mark.parametrize(
    ("floor", "lowered", "replica_hours", "compute_s"),
    [(8, False, 192, 829_440), (1, False, 108, 466_560), (8, True, 94, 406_080)],
)
def test_a_day_costs_what_the_worked_example_says(
    floor: int, lowered: bool, replica_hours: float, compute_s: float
) -> None:
    config = Config(Envelope(floor, 8, 32), resources=T4)
    day = day_of(DeploymentModel(config, ready=8), lowered=lowered)
    assert day.tally.replica_s / HOUR == pytest.approx(replica_hours, rel=1e-3)
    assert day.tally.compute_s == pytest.approx(compute_s, rel=1e-3)


def test_starting_replicas_are_metered() -> None:
    one = model(ready=0)
    one.launch()
    assert live(one, 60, 0).tally.replica_s == 60


def test_a_gpu_without_a_known_rate_has_no_cost_instead_of_none() -> None:
    config = Config(Envelope(1, 1, 32), resources=Resources(gpus=1, gpu_type="H200"))
    assert live(DeploymentModel(config), 60, 0).tally.compute_s is None
    priced = DeploymentModel(config, gpu_rates={"H200": 6.0})
    assert live(priced, 60, 0).tally.compute_s == 360


# --- properties -----------------------------------------------------------------------------

envelopes = st.builds(
    lambda low, more, threads: Envelope(low, low + more, threads),
    st.integers(0, 6),
    st.integers(0, 6),
    st.sampled_from([1, 8, 32]),
)
moments = st.tuples(st.floats(0, 400, allow_nan=False), st.floats(0.1, 900), st.none() | envelopes)


@given(envelopes, st.lists(moments, max_size=30), st.floats(0, 300), st.floats(0, 60))
def test_whatever_comes_work_is_conserved_and_replicas_stay_within_bounds(
    start: Envelope,
    story: list[tuple[float, float, Envelope | None]],
    cold_start_s: float,
    drain_s: float,
) -> None:
    one = DeploymentModel(Config(start), cold_start_s=cold_start_s, drain_s=drain_s)
    for demand, seconds, change in story:
        if change is not None:
            one.replace(Config(change))
        one.step(seconds, demand)
        bounds, tally = one.config.envelope, one.tally
        assert one.running + one.queued == pytest.approx(demand)
        if not one.upgrading:
            assert one.replicas <= bounds.max_replicas
            assert one.replicas >= bounds.min_replicas
        found = tally.served_js + tally.queued_js + tally.refused_js
        assert found == pytest.approx(tally.demand_js)
        assert 0 <= tally.overload_share <= tally.crowded_share <= 1 + 1e-9


@given(envelopes, st.floats(0, 400), st.integers(1, 200))
def test_running_jobs_never_exceed_the_ready_threads(
    start: Envelope, demand: float, steps: int
) -> None:
    one = DeploymentModel(Config(start))
    for _ in range(steps):
        room = one.capacity
        one.step(STEP, demand)
        assert one.running <= room


@given(st.floats(0, 400), st.integers(1, 500))
def test_equal_models_under_equal_load_stay_equal(demand: float, steps: int) -> None:
    one, other = model(), model()
    for _ in range(steps):
        one.step(STEP, demand)
        other.step(STEP, demand)
    assert one.tally == other.tally


@pytest.mark.parametrize("demand", [-1.0, math.nan, math.inf])
def test_a_demand_that_cannot_be_is_refused(demand: float) -> None:
    with pytest.raises(ValueError, match="demand must be finite and at least 0"):
        model().step(1.0, demand)


@pytest.mark.parametrize("dt_s", [0.0, -1.0, math.nan])
def test_time_only_goes_forward(dt_s: float) -> None:
    with pytest.raises(ValueError, match="dt_s must be finite and above 0"):
        model().step(dt_s, 0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"up_threshold": 1.5}, "up_threshold must be in"),
        ({"up_threshold": 0.5}, "up_threshold must be at least down_threshold"),
        ({"up_delay_s": 3600.0}, "0 <= up_delay_s <= down_delay_s"),
    ],
)
def test_scaling_obeys_the_documented_constraints(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Scaling(**wrong)
