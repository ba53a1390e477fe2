"""An SLO chooses the risk of a real daemon: from a real Prometheus' past, kept over a restart."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from autoscaler.core.envelope import Envelope
from tests.fakes.daemon import Daemon, Json, Stage, stage, until
from tests.fakes.history import LoadedPrometheus
from tests.recommend.test_recommend_from_prometheus import QUERY, past

pytestmark = [pytest.mark.server, pytest.mark.slow]


def forecasting(here: Stage, prometheus: str) -> None:
    """Decide by a forecast of `jobs`, at an SLO of 2 %; everything else is as it was."""
    tree = here.site.tree
    tree["sources"] = {"prom": {"kind": "prometheus", "url": prometheus}}
    jobs: Json = {"source": "prom", "query": QUERY, "max_age": "300s"}
    tree["defaults"] |= {
        "signals": {"jobs": jobs},
        "forecasts": {"ahead": {"of": "jobs", "slo": 0.02, "history": "3d"}},
        "policies": {"plan": {"kind": "forecast", "signal": "ahead", "demand": "jobs"}},
    }


async def chosen(daemon: Daemon) -> Json | None:
    status, text = await daemon.page("/api/v1/deployments/chat")
    found = json.loads(text)["learned"]["chosen"] if status == 200 else []
    return dict(found[0]) if found else None


async def test_an_slo_chooses_the_risk_beside_the_ticks_and_outlives_a_restart(
    tmp_path: Path,
) -> None:
    end = time.time() // 60 * 60
    async with (
        LoadedPrometheus(past(end)) as server,
        stage(tmp_path, envelope=Envelope(2, 20, 32)) as here,
    ):
        forecasting(here, server.url)
        async with here.site.daemon() as daemon:
            first = await until(lambda: chosen(daemon), "a risk is chosen", 120.0)
            assert first["met"] is True
            assert first["expected"] <= first["slo"] == 0.02
            assert first["hours"] == pytest.approx(36, abs=1)
            label = {"deployment": "chat", "forecast": "ahead"}
            assert await daemon.metric("forecast_slo_met", **label) == 1.0
            assert await daemon.metric("forecast_tau_ratio", **label) == first["tau"]

            async def told() -> bool:
                sentence = str(await daemon.latest())
                return "without room (tau" in sentence

            await until(told, "the decision tells the risk")
        async with here.site.daemon() as again:
            assert await until(lambda: chosen(again), "it is remembered") == first
