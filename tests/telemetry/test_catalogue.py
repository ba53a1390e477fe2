"""The catalogue is whole, documented and to Prometheus's own taste."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autoscaler.core.decision import Kind
from autoscaler.core.observation import Control, Learned, Override
from autoscaler.telemetry.catalogue import DEPLOYMENTS, METRICS, Type
from autoscaler.telemetry.exposition import SPECIAL
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.readings import MANIES, ONES, SETS
from autoscaler.telemetry.reference import page
from tests.fakes.prometheus import promtool_or_skip
from tests.fakes.telemetry import HandClock, decided, observed, report, wanting

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_of_metrics_is_current() -> None:
    hint = "run: python -m autoscaler.telemetry.reference > docs/metrics.md"
    assert DOCS.read_text(encoding="utf-8") == page(), hint


def test_every_metric_has_a_name_of_its_own_and_a_sentence() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.help.endswith("."), metric.name
        assert "\n" not in metric.help
        assert metric.name.endswith("_total") == (metric.type is Type.COUNTER), metric.name
        assert bool(metric.buckets) == (metric.type is Type.HISTOGRAM), metric.name


def test_every_metric_of_a_deployment_knows_where_its_value_is_read() -> None:
    assert {metric.name for metric in DEPLOYMENTS} == {*ONES, *MANIES, *SETS, *SPECIAL}


@pytest.mark.server
@pytest.mark.parametrize("detail", ["full", "basic"])
def test_promtool_finds_nothing_to_complain_about(detail: str) -> None:
    words = (Override(Control.PIN, "ada", "trial"),)
    rich = observed(overrides=words, learned=Learned(thread_ceiling=16))
    told = Metrics(HandClock(), version="1", groups=["online"], sources=["prom"], detail=detail)  # type: ignore[arg-type]  # parametrised
    told.told(report(decided(kind=Kind.APPLIED, votes=(wanting(9, 12),), seen=rich)))
    told.told(report(decided('a"b\\c\nd')))
    body, _ = told.render("")
    command = [promtool_or_skip(), "check", "metrics"]
    checked = subprocess.run(command, input=body, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr, checked.stdout) == (0, b"", b"")
