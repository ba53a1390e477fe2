"""How much past the policies and conditions say that they look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Observation, Series, Signal
from autoscaler.core.proposal import Policy
from policies._conditions import condition
from policies.concurrency import Concurrency
from policies.formula import Formula
from policies.idle import Idle
from policies.latency_slo import LatencySlo
from policies.step import Band, Step
from policies.target_load import TargetLoad
from policies.thread_tuner import ThreadTuner
from tests.strategies import NOW, seen

spans = st.floats(0, 86_400)


def test_a_target_looks_back_for_its_window_from_the_begin_of_a_wish() -> None:
    assert TargetLoad(window_s=60).windows == {"running_jobs": 60}
    waiting = TargetLoad(window_s=60, raise_after_s=30, lower_after_s=600, replicas_signal="up")
    assert waiting.windows == {"running_jobs": 720, "up": 660}
    assert TargetLoad(window_s=60, aggregate="last", zero_after_s=900).windows == {
        "running_jobs": 960
    }


@given(spans, spans)
def test_a_longer_wait_never_needs_less_past(one: float, other: float) -> None:
    short, long = sorted((one, other))
    needed = [TargetLoad(lower_after_s=wait).windows["running_jobs"] for wait in (short, long)]
    assert needed[0] <= needed[1]


def test_the_other_policies_look_back_for_their_windows() -> None:
    assert Step(above=(Band(0, None, 1),), window_s=600).windows == {"running_jobs": 600}
    assert Concurrency(scale_down_delay_s=300, replicas_signal="up").windows == {
        "running_jobs": 420,
        "up": 420,
    }
    assert LatencySlo().windows == {"arrival_rate": 60, "service_time": 600}
    assert LatencySlo(observed="p95").windows == {
        "arrival_rate": 600,
        "service_time": 600,
        "p95": 600,
    }
    assert ThreadTuner().windows == {"service_latency": 3600, "running_jobs": 3600}
    assert ThreadTuner(errors="bad").windows["bad"] == 900
    assert Formula(min_replicas='max(jobs, "5m") + avg(jobs, "9m")').windows == {"jobs": 540}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("jobs > 3", {}),
        ('avg(jobs, "5m") > 3', {"jobs": 300}),
        ({"not": 'avg(jobs, "5m") > 3'}, {"jobs": 300}),
        ({"calendar": {"days": "Mon-Fri"}}, {}),
        (
            {"any": ['avg(jobs, "5m") > 3', 'max(jobs, "9m") > 3', 'min(load, "1m") > 3']},
            {"jobs": 540, "load": 60},
        ),
        ({"all": [{"calendar": {"days": "Sat"}}, 'rate(jobs, "2m") > 0']}, {"jobs": 120}),
    ],
)
def test_a_condition_looks_back_for_the_longest_of_its_windows(
    said: object, expected: dict[str, float]
) -> None:
    # A calendar has no windows over signals, and says nothing of them.
    assert getattr(condition(said), "windows", {}) == expected


# --- what they say is what they read ----------------------------------------------------------

POLICIES: dict[str, Policy] = {
    "target_load": TargetLoad(window_s=300),
    "target_load that waits": TargetLoad(lower_after_s=600, raise_after_s=300),
    "target_load of the last": TargetLoad(aggregate="last", lower_after_s=600),
    "target_load of the mean": TargetLoad(aggregate="mean", lower_after_s=600, window_s=120),
    "step": Step(above=(Band(0, None, 1),), window_s=600, points=9),
    "concurrency": Concurrency(stable_window_s=300, scale_down_delay_s=300),
    "latency_slo": LatencySlo(signal="running_jobs", load_is="jobs", service="latency"),
    "latency_slo that corrects": LatencySlo(
        signal="running_jobs", load_is="jobs", service="latency", observed="latency"
    ),
    "thread_tuner": ThreadTuner(latency="latency"),
    "idle": Idle(opt_in=True, wakes_by="platform", after_s=600),
    "formula": Formula(min_replicas='ceil(max(running_jobs, "10m") / threads)'),
}


def steady(policy: Policy, load: float, every_s: float, kept_s: float) -> Observation:
    """Hours of the same load, of which each series keeps only the last `kept_s` seconds."""
    # Samples are half a gap old, so that none lies on the edge of a window.
    ages = [every_s * (i + 0.5) for i in range(int(7200 / every_s)) if every_s * (i + 0.5) < kept_s]
    times = tuple(NOW - age for age in reversed(ages))
    values = {"running_jobs": load, "latency": 0.5}
    signals: dict[str, Signal] = {
        name: Series(times, (values[name],) * len(times)) for name in policy.needs
    }
    return seen(envelope=Envelope(4, 8, 8), signals=signals)


@pytest.mark.parametrize("every_s", [10.0, 15.0, 30.0, 60.0])
@pytest.mark.parametrize("load", [0.0, 4.0, 30.0, 100.0])
@pytest.mark.parametrize("name", POLICIES)
def test_the_past_that_is_asked_for_is_enough(name: str, load: float, every_s: float) -> None:
    policy = POLICIES[name]
    asked = max(policy.windows.values())  # type: ignore[attr-defined]  # all of these have it
    whole = policy.propose(steady(policy, load, every_s, 7200))
    cut = policy.propose(steady(policy, load, every_s, asked))
    assert getattr(cut, "bids", None) == getattr(whole, "bids", None)


@pytest.mark.parametrize(
    "name",
    ["target_load that waits", "target_load of the last", "concurrency", "idle", "step"],
)
def test_half_of_the_past_would_not_be_enough(name: str) -> None:
    policy, load = POLICIES[name], 100.0 if name == "step" else 0.0
    asked = max(policy.windows.values())  # type: ignore[attr-defined]  # all of these have it
    whole = policy.propose(steady(policy, load, 60.0, 7200))
    cut = policy.propose(steady(policy, load, 60.0, asked / 2))
    assert getattr(cut, "bids", None) != getattr(whole, "bids", None)
