"""Whole journals, filled by real ticks, replayed with the same and with other configurations."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from autoscaler.lab.replay import Summary, Verdict, replay, tree
from autoscaler.lab.replay import text as told
from autoscaler.plugins import check
from autoscaler.ports import JournalError
from tests.fakes.configuration import ENVIRON
from tests.fakes.recording import configured, record
from tests.fakes.world import FakeClock
from tests.strategies import NOW

CALM = "{cooldown: {lower: 0s}, stabilise: {lower_window: 0s}}"


async def replayed(url: str, config: Path, **more: object) -> Summary:
    groups = check(config, ENVIRON)[1]
    return await replay(url, groups, clock=FakeClock(), **more)  # type: ignore[arg-type]  # tests name them


async def test_a_journal_of_applied_changes_comes_out_identical(tmp_path: Path) -> None:
    config = configured(tmp_path, "same")
    url = await record(config, tmp_path, 200)
    summary = await replayed(url, config)
    assert summary.identical
    assert summary.recorded == summary.replayed == summary.count(Verdict.IDENTICAL) > 100
    assert "identical" in told(summary, "same.yaml")
    assert tree(summary)["identical"] is True


@pytest.mark.slow
async def test_ten_thousand_decisions_come_out_identical(tmp_path: Path) -> None:
    names = tuple(f"d{i}" for i in range(300))
    nervous = "{kind: target_load, window: 0s, tolerance: 0}"
    config = configured(
        tmp_path, "same", names=names, mode="recommend", guards=CALM, policy=nervous
    )
    url = await record(config, tmp_path, 40)
    pages: list[int] = []
    summary = await replayed(url, config, progress=pages.append)
    assert summary.replayed >= 10_000
    assert summary.identical
    assert pages == sorted(pages)
    assert pages[-1] == summary.recorded


async def test_another_configuration_is_told_apart_deployment_by_deployment(tmp_path: Path) -> None:
    url = await record(configured(tmp_path, "then", guards=CALM), tmp_path, 60)
    other = configured(tmp_path, "now", names=("chat",), policy="{kind: target_load, target: 0.4}")
    summary = await replayed(url, other, most_shown=2)
    assert not summary.identical
    assert set(summary.rows) == {"chat"}
    assert set(summary.unmanaged) == {"rerank"}
    assert summary.reasons.total() == summary.replayed - summary.count(Verdict.IDENTICAL)
    assert len(summary.shown) == 2
    page = told(summary, "now.yaml")
    assert f"{summary.unmanaged.total()} of deployments that now.yaml does not manage" in page
    assert "decided otherwise, first 2 of" in page
    assert "is not replayed" in page
    found = tree(summary)
    assert found["deployments"]["chat"]["higher"]["min_replicas"] > 0
    assert len(found["otherwise"]) == 2


async def test_since_and_deployment_narrow_it_down(tmp_path: Path) -> None:
    config = configured(tmp_path, "same")
    url = await record(config, tmp_path, 40)
    everything = await replayed(url, config)
    late = await replayed(url, config, since=NOW + 300)
    chat = await replayed(url, config, deployment="chat")
    assert 0 < late.recorded < everything.recorded
    assert late.first_at is not None
    assert late.first_at >= NOW + 300
    assert set(chat.rows) == {"chat"}
    assert chat.recorded == everything.rows["chat"].replayed


async def test_rows_of_another_version_are_counted_and_named(tmp_path: Path) -> None:
    config = configured(tmp_path, "same")
    url = await record(config, tmp_path, 20)
    with create_engine(url).begin() as connection:
        spoil = "update decision set body = '{}' where id = (select min(id) from decision)"
        connection.execute(text(spoil))
    summary = await replayed(url, config)
    assert (summary.unreadable, summary.identical) == (1, False)
    assert "1 that cannot be read, first 0" in told(summary, "same.yaml")


async def test_a_journal_that_is_not_there_is_said(tmp_path: Path) -> None:
    config = configured(tmp_path, "same")
    with pytest.raises(JournalError, match="there is no journal"):
        await replayed(f"sqlite:///{tmp_path / 'none.db'}", config)


async def test_a_signal_that_was_not_recorded_is_said(tmp_path: Path) -> None:
    url = await record(configured(tmp_path, "then"), tmp_path, 10)
    page = told(await replayed(url, forecasting(tmp_path, "now")), "now.yaml")
    assert "signal forecast was not recorded in" in page


async def test_recorded_forecasts_are_replayed_as_they_were(tmp_path: Path) -> None:
    config = forecasting(tmp_path, "same")
    url = await record(config, tmp_path, 60)
    summary = await replayed(url, config)
    assert summary.identical
    assert not summary.rows["chat"].unrecorded
    assert summary.replayed > 20


def forecasting(folder: Path, name: str) -> Path:
    """A configuration whose policy reads forecasts."""
    path = configured(folder, name, policy="{kind: forecast}")
    text_of = path.read_text(encoding="utf-8")
    said = "  forecasts: {forecast: {of: running_jobs}}\n  signals:\n"
    path.write_text(text_of.replace("  signals:\n", said, 1), encoding="utf-8")
    return path
