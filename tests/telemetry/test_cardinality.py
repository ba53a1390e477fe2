"""The number of series has an end that the documentation tells."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autoscaler.core.decision import Decision
from autoscaler.telemetry.cardinality import ONE_HOT, most
from autoscaler.telemetry.catalogue import DAEMON, DEPLOYMENTS, GUARDS, Scope
from autoscaler.telemetry.forecasts import ForecastReading
from autoscaler.telemetry.inside import Reading
from autoscaler.telemetry.metrics import Detail, Metrics
from autoscaler.telemetry.readings import SETS
from tests.fakes.telemetry import HandClock, decided, decisions, report, wanting

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def series(told: Metrics, accept: str = "") -> list[str]:
    body, _ = told.render(accept)
    return [
        line.split("#", 1)[0]
        for line in body.decode().splitlines()
        if line.startswith("foundry_autoscaler_")
    ]


def metrics(detail: Detail) -> Metrics:
    told = Metrics(
        HandClock(), version="1", groups=["a", "b"], sources=["x", "y", "z"], detail=detail
    )
    told.skewed(0.5)
    return told


def daemon() -> int:
    return most(DAEMON, {"group": 2, "source": 3, "sink": 0})


def test_the_daemon_has_all_its_series_from_the_start_and_never_more() -> None:
    told = metrics("full")
    told.watch_inside(lambda: Reading(intervals={"a": 15.0, "b": 60.0}))
    assert len(series(told)) == daemon()


@given(st.lists(decisions(), min_size=1, max_size=3, unique_by=lambda d: d.deployment))
@settings(max_examples=30, phases=PHASES)
def test_no_decision_whatever_it_is_has_more_series_than_documented(told: list[Decision]) -> None:
    signals = max(len(one.seen.signals) for one in told)
    policies = max(len(one.plan.votes) for one in told)
    for full, detail in ((True, "full"), (False, "basic")):
        seen = metrics("full" if full else "basic")
        before = len(series(seen))
        seen.told(report(*told, group="a"))
        each = most(DEPLOYMENTS, {"signal": signals, "policy": policies}, full=full)
        # At basic detail each further guard that holds it is one more.
        more = 0 if full else len(GUARDS) - 1
        assert len(series(seen)) - before <= len(told) * (each + more), detail


def test_only_metrics_with_one_series_per_value_shrink_at_basic_detail() -> None:
    assert SETS.keys() == ONE_HOT
    assert most(DEPLOYMENTS, {}, full=False) < most(DEPLOYMENTS, {})
    everything = [metric for metric in DEPLOYMENTS if metric.scope is Scope.FULL]
    assert most(everything, {}, full=False) == 0


def test_exemplars_and_a_thousand_ticks_add_no_series() -> None:
    told = metrics("full")
    told.watch_forecasts(lambda: [ForecastReading("chat", "f", 0.9, 0.9, 0.9, 0.1, 9, 60.0)])
    told.told(report(decided(votes=(wanting(9, 12),)), group="a"))
    once = series(told)
    for _ in range(1000):
        told.told(report(decided(votes=(wanting(9, 12),)), group="a"))
    assert len(series(told)) == len(once)
    marked = series(told, "application/openmetrics-text")
    assert len(marked) == len(once)
