"""A journal filled by real ticks on fakes, as a configuration file says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Absence, Missing
from autoscaler.journal import open_journal
from autoscaler.plugins import check
from autoscaler.ports import Alone, Sample
from autoscaler.roster import Managed
from autoscaler.runtime.last_word import LastWord
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import Tick, World
from autoscaler.runtime.words import Words
from tests.fakes.configuration import ENVIRON
from tests.fakes.world import FakeClock, FakePlatform, FakeSource
from tests.strategies import NOW


def configured(folder: Path, name: str, **said: object) -> Path:
    """A configuration file of a few deployments; policy and guard options may be given."""
    policy = said.get("policy", "{kind: target_load, target: 0.7}")
    guards = said.get("guards", "{}")
    mode = said.get("mode", "apply")
    names = said.get("names", ("chat", "rerank"))
    limits = said.get("limits", "{min_replicas: {high: 30}, max_replicas: {high: 30}}")
    assert isinstance(names, Sequence)
    members = "".join(f"      {one}: {{rid: {rid_of(one)}}}\n" for one in names)
    path = folder / f"{name}.yaml"
    path.write_text(
        "platform:\n  url: https://acme.example\n"
        "sources:\n  prom: {kind: prometheus, url: 'http://127.0.0.1:9090'}\n"
        "defaults:\n"
        f"  mode: {mode}\n"
        f"  limits: {limits}\n"
        "  signals:\n"
        "    running_jobs: {source: prom, query: up, window: 2m}\n"
        "    error_share: {source: prom, query: up, window: 2m}\n"
        f"  policies:\n    load: {policy}\n"
        f"  guards: {guards}\n"
        f"groups:\n  online:\n    deployments:\n{members}"
        f"journal: {{url: 'sqlite:///{folder / 'journal.db'}'}}\n",
        encoding="utf-8",
    )
    return path


def rid_of(name: object) -> str:
    """The RID of a deployment of that name."""
    return f"ri.foundry-ml-live.main.live-deployment.{name}"


async def record(config: Path, folder: Path, ticks: int, seed: int = 1) -> str:
    """Run so many ticks of 15 s over a wild load; the URL of the journal that they filled."""
    url = f"sqlite:///{folder / 'journal.db'}"
    _, groups = check(config, ENVIRON)
    clock, rng = FakeClock(), Random(seed)  # noqa: S311 - load, not secrets
    journal = await open_journal(url, clock=clock)
    platform, source = FakePlatform(clock), FakeSource(clock)
    seats = [_seat(member, platform, clock) for group in groups for member in group.members]
    tick = Tick(
        "online",
        15.0,
        seats,
        World(
            clock,
            platform,
            {"prom": source},
            journal,
            (),
            LastWord(clock, Alone(), Words(clock, journal)),
        ),
    )
    for _ in range(ticks):
        clock.forward(15.0)
        source.values = {seat.managed.match: _sample(rng, clock.now()) for seat in seats}
        for seat in seats:
            seat.read_at = clock.now()
        await tick.run()
    await journal.close()
    return url


def _seat(member: Managed, platform: FakePlatform, clock: FakeClock) -> Seat:
    seat = Seat(member, watched_since=NOW - 10_000)
    seat.manage(member, 15.0)
    platform.holds(member.rid, Envelope(2, 4, 32))
    seat.was_read(platform.live[member.rid], clock.now())
    return seat


def _sample(rng: Random, at: float) -> Sample | Missing:
    if rng.random() < 0.05:
        return Missing(Absence.STALE, "nobody scraped it")
    return Sample(at, rng.choice((0.0, 1 / 3, 40.0, 90.0, 200.0)) * (0.5 + rng.random()))
