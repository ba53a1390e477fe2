from __future__ import annotations

from pathlib import Path

from autoscaler.journal import open_journal
from autoscaler.ports import Learnt
from tests.fakes.world import FakeClock
from tests.strategies import NOW

BODY = bytes(range(256)) * 8


async def test_what_a_forecast_learnt_comes_back_byte_for_byte(tmp_path: Path) -> None:
    url, clock = f"sqlite:///{tmp_path}/journal.db", FakeClock()
    journal = await open_journal(url, clock=clock)
    one = Learnt("chat", "forecast", NOW, BODY)
    await journal.keep([one, Learnt("rerank", "forecast", NOW, b"x")])
    await journal.keep([one])
    await journal.close()
    journal = await open_journal(url, clock=clock)
    assert list(await journal.learnt(["chat", "nobody"])) == [one]
    await journal.close()


async def test_a_forecast_that_nobody_writes_any_more_is_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = await open_journal(f"sqlite:///{tmp_path}/journal.db", clock=clock)
    await journal.keep([Learnt("gone", "forecast", NOW - 90_000, b"x")])
    await journal.keep([Learnt("chat", "forecast", NOW, b"y")])
    await journal.prune(NOW, 86_400.0, 1000)
    assert [one.deployment for one in await journal.learnt(["gone", "chat"])] == ["chat"]
    await journal.close()
