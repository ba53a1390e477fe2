from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.observation import Health, Learned
from autoscaler.runtime.startup import KEPT, StartupWatch, percentile, with_startup
from tests.strategies import NOW

READY = Health("ACTIVE", is_ready=True, model_version="v1")
STARTING = Health("STARTING", is_ready=False, model_version="v1")


def test_a_start_up_is_timed_from_the_raise_to_ready_again() -> None:
    watch, learned = StartupWatch(), Learned()
    watch.raised(NOW)
    learned = watch.read(STARTING, NOW + 5, learned)
    watch.raised(NOW + 20)
    learned = watch.read(READY, NOW + 90, learned)
    assert (learned.startup_s, learned.startups, learned.startups_of) == (90.0, (90.0,), "v1")
    assert watch.read(STARTING, NOW + 95, learned) is learned


def test_a_raise_that_never_unsettles_teaches_nothing() -> None:
    watch = StartupWatch()
    watch.raised(NOW)
    nothing = Learned()
    assert watch.read(READY, NOW + 5, nothing) is nothing
    assert watch.read(READY, NOW + 4000, nothing) is nothing
    assert watch.asked_at is None


def test_another_model_version_begins_anew() -> None:
    learned = with_startup(with_startup(Learned(), 60.0, "v1"), 200.0, "v2")
    assert learned.startups == (200.0,)


@given(st.lists(st.floats(1, 3600), min_size=1, max_size=40))
def test_the_learnt_time_is_one_that_was_seen_and_covers_nearly_all(times: list[float]) -> None:
    learned = Learned()
    for took in times:
        learned = with_startup(learned, took, "v1")
    kept = times[-KEPT:]
    assert list(learned.startups) == kept
    assert learned.startup_s in kept
    assert sum(t <= (learned.startup_s or 0) for t in kept) >= 0.95 * len(kept)


def test_the_percentile_is_the_nearest_rank() -> None:
    assert percentile(tuple(float(i) for i in range(1, 21)), 0.95) == 19.0
    assert percentile((7.0,), 0.95) == 7.0
