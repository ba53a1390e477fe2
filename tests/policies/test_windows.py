"""How much past the policies and conditions say that they look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies._conditions import condition
from policies.concurrency import Concurrency
from policies.formula import Formula
from policies.latency_slo import LatencySlo
from policies.step import Band, Step
from policies.target_load import TargetLoad
from policies.thread_tuner import ThreadTuner

spans = st.floats(0, 86_400)


def test_a_target_looks_back_for_its_window_from_the_begin_of_a_wish() -> None:
    assert TargetLoad(window_s=60).windows == {"running_jobs": 60}
    waiting = TargetLoad(window_s=60, raise_after_s=30, lower_after_s=600, replicas_signal="up")
    assert waiting.windows == {"running_jobs": 660, "up": 600}
    assert TargetLoad(window_s=60, aggregate="last", zero_after_s=900).windows == {
        "running_jobs": 900
    }


@given(spans, spans)
def test_a_longer_wait_never_needs_less_past(one: float, other: float) -> None:
    short, long = sorted((one, other))
    needed = [TargetLoad(lower_after_s=wait).windows["running_jobs"] for wait in (short, long)]
    assert needed[0] <= needed[1]


def test_the_other_policies_look_back_for_their_windows() -> None:
    assert Step(above=(Band(0, None, 1),), window_s=600).windows == {"running_jobs": 600}
    assert Concurrency(scale_down_delay_s=300, replicas_signal="up").windows == {
        "running_jobs": 360,
        "up": 360,
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
