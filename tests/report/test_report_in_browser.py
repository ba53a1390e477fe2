"""The report in a real browser: everything is drawn, nobody is asked, nothing is complained of."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from autoscaler.lab.backtest import Actuator, BacktestOptions, Scale, World, hpa, peers
from autoscaler.lab.fromconfig import calibrated
from autoscaler.lab.report.page import write_report
from autoscaler.lab.report.study import Load, run_study
from tests.fakes.traces import day

HOSTILE = "<img src=x onerror=document.title='owned'>"


def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("chromium is missing: apt-get install chromium")
    return found


def report(folder: Path, name: str = "day") -> Path:
    world = World(most=30)
    sets = [calibrated(world), hpa(0.7), *peers()[:2]]
    loads = [Load(day(name, 8), Scale(8.0)), Load(day("other", 8), Scale(8.0), 1.7e9)]
    study = run_study(loads, sets, BacktestOptions(world), tuple(Actuator))
    path = folder / "report.html"
    write_report(path, study, [HOSTILE])
    return path


async def dom(page: Path, profile: Path, mark: str = "", width: int = 1280) -> str:
    process = await asyncio.create_subprocess_exec(
        chromium(),
        *("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000"),
        *(f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom"),
        *(f"--window-size={width},900", "--host-resolver-rules=MAP * ~NOTFOUND"),
        f"file://{page}{mark}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert b"CONSOLE" not in err, err.decode(errors="replace")[-2_000:]
    return out.decode()


@pytest.mark.server
@pytest.mark.slow
async def test_everything_is_drawn(tmp_path: Path) -> None:
    shown = await dom(report(tmp_path), tmp_path / "profile")
    assert "<b>Forecast (ours)</b> leaves" in shown
    assert shown.count("<canvas") >= 3
    rows = re.findall(r'<span class="mark \w+"></span>([^<]+)</td>', shown)
    assert sorted(rows) == [
        "Forecast (ours)",
        "Kubernetes HPA 70 %",
        "Oracle (knows the future)",
        "Platform alone",
        "Static at past peak",
    ]
    assert 'aria-sort="ascending"' in shown
    assert re.search(r'<p class="said">forecast: up to [\d.]+ requests expected', shown)


@pytest.mark.server
@pytest.mark.slow
async def test_an_address_brings_back_what_was_chosen(tmp_path: Path) -> None:
    mark = "#trace=other&actuator=envelope_evict&set=hpa_70%25&other="
    shown = await dom(report(tmp_path), tmp_path / "profile", mark, 390)
    assert "<b>Kubernetes HPA 70 %</b> leaves" in shown
    assert "other: Kubernetes HPA 70 %." in shown


@pytest.mark.server
@pytest.mark.slow
async def test_hostile_names_stay_text(tmp_path: Path) -> None:
    shown = await dom(report(tmp_path, HOSTILE), tmp_path / "profile")
    assert "<title>Autoscaling backtest</title>" in shown
    assert "&lt;img src=x" in shown
