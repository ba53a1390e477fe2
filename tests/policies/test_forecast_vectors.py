"""`forecast`, held against what AWS documents of predictive scaling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Envelope, Range
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.observation import Absence, Limits, Missing, Series, Signal
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import PolicyEntry
from policies.forecast import Forecast
from tests.strategies import NOW, seen

AWS = json.loads((Path(__file__).parents[1] / "vectors" / "aws.json").read_text("utf-8"))


def planned(forecast: float, envelope: Envelope, buffer: float = 0, most: int = 1000) -> Plan:
    """What comes of a forecast alone, with one thread a replica and all of it to be used."""
    ahead = Series((NOW + 60,), (forecast,))
    signals: dict[str, Signal] = {
        "forecast": ahead,
        "forecast_keep": ahead,
        "forecast_ceiling": ahead,
        "running_jobs": Missing(Absence.EMPTY),
    }
    ranges = Limits(Range(1, most), Range(1, most), Range(1, None))
    policy = Forecast(target=1.0, buffer=buffer, spare=0)
    observation = seen(envelope=envelope, limits=ranges, signals=signals)
    return decide(observation, [PolicyEntry("ahead", policy)], (LimitsGuard(),))


@pytest.mark.parametrize(
    "case", AWS["predictive_max_capacity"], ids=lambda c: f"{c['behavior']}-{c['buffer_pct']}"
)
def test_a_forecast_passes_the_ceiling_as_in_aws(case: dict[str, Any]) -> None:
    # AWS has one maximum. Here `max_replicas` follows the forecast, and the limits are the promise.
    honour = case["behavior"] == "HonorMaxCapacity"
    plan = planned(
        case["forecast"],
        Envelope(1, case["max"], 1),
        buffer=(case["buffer_pct"] or 0) / 100,
        most=case["max"] if honour else 1000,
    )
    assert plan.after.max_replicas == case["expect_effective_max"]


@pytest.mark.parametrize(
    "case", AWS["predictive_never_scales_in"], ids=lambda c: f"{c['actual']}-for-{c['forecast']}"
)
def test_a_forecast_alone_never_removes_capacity_as_in_aws(case: dict[str, Any]) -> None:
    plan = planned(case["forecast"], Envelope(case["actual"], case["actual"], 1))
    assert plan.after.min_replicas == case["expect"]
    assert plan.after.max_replicas >= case["expect"]
