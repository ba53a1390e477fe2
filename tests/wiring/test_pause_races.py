"""An operator's stop counts before the next PUT, on every path, however late it comes.

A write is on its way through the real platform client against a server on loopback. It waits for
its pace, in virtual time, or has just read the deployment, when somebody says stop.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autoscaler.activity import Act
from autoscaler.core.decide import decide
from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.guards.brake import Brake
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.mode import Mode as ModeGuard
from autoscaler.core.guards.override import Override as OverrideGuard
from autoscaler.core.observation import Control, Health, Mode, Override
from autoscaler.core.reason import Code
from autoscaler.foundry import FixedSecret, FoundryOptions, FoundryPlatform, TokenLogin
from autoscaler.foundry.options import PacingOptions
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import Alone, JournalError, Live
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.pausefile import PauseFile
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import Tick, World
from autoscaler.wiring.controls import Controls
from autoscaler.wiring.signals import pausing
from tests.fakes.configuration import ENVIRON, text_of, written
from tests.fakes.daemon import autoscaler
from tests.fakes.foundry import RID, TOKEN, Stack, VirtualClock, Watch, foundry
from tests.fakes.world import Troubles
from tests.runtime.test_tick import managed
from tests.strategies import entry, wants

BEFORE = Envelope(4, 8, 32)
# The rails that operators move; the others would hold back a lowering for minutes.
RAILS = (Hold(), OverrideGuard(), Limits(), ModeGuard(), Brake())
RAISED = wants(floor=6)
LOWERED = wants(floor=2)
PAUSE = Override(Control.PAUSE, "ada", "INC-42")
# Three requests of a write at one a second: it waits two seconds for them.
CAREFUL = PacingOptions(requests_per_second=1, burst=1)


class Waiting(VirtualClock):
    """Time in which something happens during the next wait."""

    act: Callable[[], Awaitable[object]] | None = None

    async def sleep(self, seconds: float) -> None:
        act, self.act = self.act, None
        if act is not None:
            await act()
        await super().sleep(seconds)


async def rounds(done: Callable[[], bool]) -> None:
    """Let the event loop turn until something is so, and not for ever."""
    for _ in range(1000):
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError("it is not so after 1,000 rounds")


@dataclass
class Race:
    """One deployment, one tick, the real client, the real journal and every way to say stop."""

    folder: Path
    stack: Stack
    clock: Waiting
    journal: SqlJournal
    daemon: Daemon
    tick: Tick
    controls: Controls = field(init=False)

    def __post_init__(self) -> None:
        self.controls = Controls(self.daemon, self.journal)

    async def by_api(self) -> None:
        await self.controls.add("fleet", PAUSE)

    async def by_command(self) -> None:
        told = await self.command("pause", "chat", "--endless", "--why", "INC-42")
        assert told.startswith("chat is paused")

    async def by_file(self) -> None:
        (self.folder / "PAUSE").write_text("INC-42", encoding="utf-8")

    async def by_signal(self) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        # The loop hears of it in one of its next rounds: that is "received".
        await rounds(lambda: self.daemon.operators.words.file.word() is not None)

    async def command(self, *arguments: str) -> str:
        config = str(self.folder / "config.yaml")
        env = {**ENVIRON, "AUTOSCALER_CONFIG": config}
        told = await autoscaler(*arguments, folder=self.folder, env=env)
        assert told.code == 0, told.err
        return told.out

    async def run(self, act: Callable[[], Awaitable[object]], moment: str = "pace") -> Decision:
        """The decision of a tick during which `act` happens.

        The write waits for its `pace` then, or has just done its `reading` of the deployment.
        """
        acts: list[asyncio.Task[object]] = []

        async def now() -> object:
            return await act()

        if moment == "pace":
            self.clock.act = act
        else:
            self.stack.after_get = lambda: acts.append(asyncio.create_task(now()))
        (decision,) = (await self.tick.run()).decisions
        await asyncio.gather(*acts)
        return decision

    async def is_honest(self, decision: Decision) -> None:
        """It was not sent, and the record says so, whose word it was included."""
        assert "PUT" not in self.stack.methods()
        seen, one = decision.seen, self.daemon.seats["chat"].managed
        assert seen.overrides
        # A replay of the record comes to the same plan.
        assert decide(seen, one.policies, one.guards) == decision.plan
        assert await self.journal.dangling() == []
        newest = await self.journal.activity(before_seq=None, limit=9, kinds=[*map(str, Kind)])
        assert (newest[0].kind, newest[0].ref) == (Act(decision.outcome.kind), decision.id)
        assert (await self.journal.verify()).broken is None


@asynccontextmanager
async def racing(folder: Path, bid: object, mode: Mode = Mode.APPLY) -> AsyncIterator[Race]:
    """A write of this bid that is about to begin."""
    text = text_of(journal=f"journal: {{url: 'sqlite:///{folder / 'journal.db'}'}}\n")
    written(folder, text)
    clock = Waiting()
    journal = await open_journal(f"sqlite:///{folder / 'journal.db'}", clock=clock)
    async with foundry() as stack:
        stack.configuration().update(minReplicas=4, maxReplicas=8)
        daemon = Daemon(clock, random.Random(1), journal, (), Alone(), Troubles())  # noqa: S311 - jitter
        daemon.operators.words.file = PauseFile(folder / "PAUSE")
        options = FoundryOptions(url=stack.url, pacing=CAREFUL)
        login, chance = TokenLogin(FixedSecret(TOKEN)), random.Random(7)  # noqa: S311 - jitter
        platform = FoundryPlatform(options, login, clock, chance, Watch(), daemon.last_word)
        one = managed(rid=RID, mode=mode, signals={}, guards=RAILS, policies=(entry("it", bid),))
        seat = Seat(one, Live(RID, BEFORE, Health("ACTIVE", is_ready=True)), clock.now())
        daemon.seats = {"chat": seat}
        world = World(clock, platform, {}, journal, (), daemon.last_word)
        tick = daemon.ticks["online"] = Tick("online", 15.0, [seat], world)
        with pausing(daemon.operators.words.file):
            yield Race(folder, stack, clock, journal, daemon, tick)
        await platform.close()
    await journal.close()


@pytest.fixture
async def raising(tmp_path: Path) -> AsyncIterator[Race]:
    async with racing(tmp_path, RAISED) as race:
        yield race


@pytest.fixture
async def lowering(tmp_path: Path) -> AsyncIterator[Race]:
    async with racing(tmp_path, LOWERED) as race:
        yield race


WAYS = [Race.by_api, Race.by_command, Race.by_file, Race.by_signal]


async def test_without_a_word_it_waits_for_its_pace_and_is_written(raising: Race) -> None:
    async def nothing() -> None:
        assert raising.stack.methods() == []  # it waits, and the intent is recorded
        assert len(await raising.journal.dangling()) == 1

    decision = await raising.run(nothing)
    assert decision.outcome.kind is Kind.APPLIED
    assert raising.stack.methods() == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_pause_while_it_waits_for_its_pace_stops_it(
    raising: Race, way: Callable[[Race], Awaitable[None]]
) -> None:
    decision = await raising.run(lambda: way(raising))
    assert (decision.outcome.kind, decision.outcome.reason.code) == (Kind.HELD, Code.PAUSED)
    assert raising.stack.methods() == ["GET"]
    await raising.is_honest(decision)
    again = (await raising.tick.run()).decisions[0]
    assert again.outcome.reason.code is Code.PAUSED


@pytest.mark.parametrize("way", [Race.by_api, Race.by_file, Race.by_signal])
async def test_a_pause_between_its_reading_and_its_put_stops_it(
    raising: Race, way: Callable[[Race], Awaitable[None]]
) -> None:
    decision = await raising.run(lambda: way(raising), "reading")
    assert (decision.outcome.kind, decision.outcome.reason.code) == (Kind.HELD, Code.PAUSED)
    await raising.is_honest(decision)


@pytest.mark.parametrize("way", [Race.by_file, Race.by_signal])
async def test_file_and_signal_work_while_the_store_does_not(
    raising: Race, way: Callable[[Race], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_at: float, _after: int | None) -> None:
        await asyncio.Event().wait()

    async def both() -> None:
        raising.daemon.operators.words.store_s = 0.01
        monkeypatch.setattr(raising.journal, "heard", hang)
        await way(raising)

    decision = await raising.run(both)
    assert (decision.outcome.kind, decision.outcome.reason.code) == (Kind.HELD, Code.PAUSED)
    await raising.is_honest(decision)


async def test_what_was_said_counts_while_the_store_fails(
    raising: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_at: float, _after: int | None) -> None:
        raise JournalError("disk full")

    async def both() -> None:
        await raising.by_api()
        monkeypatch.setattr(raising.journal, "heard", broken)

    decision = await raising.run(both)
    assert decision.outcome.reason.code is Code.PAUSED
    await raising.is_honest(decision)


@pytest.mark.parametrize("by_command", [False, True])
@pytest.mark.parametrize(
    ("word", "arguments", "kind", "code"),
    [
        (Override(Control.BRAKE, "ada", "x"), ("brake", "chat"), Kind.HELD, Code.BRAKED),
        (
            Override(Control.MODE, "ada", "x", mode=Mode.OBSERVE),
            ("mode", "chat", "observe"),
            Kind.HELD,
            Code.MODE_OBSERVE,
        ),
        (
            Override(Control.MODE, "ada", "x", mode=Mode.RECOMMEND),
            ("mode", "chat", "recommend"),
            Kind.RECOMMENDED,
            Code.MODE_RECOMMEND,
        ),
        (
            Override(Control.MODE, "ada", "x", mode=Mode.RAISE_ONLY),
            ("mode", "chat", "raise_only"),
            Kind.HELD,
            Code.MODE_RAISE_ONLY,
        ),
        (
            Override(Control.FLOOR, "ada", "x", dial=Dial.MIN_REPLICAS, value=4),
            ("floor", "chat", "min_replicas=4"),
            Kind.DEFERRED,
            Code.OVERRULED,
        ),
    ],
)
async def test_whatever_forbids_a_lowering_stops_one_that_waits(
    lowering: Race,
    *,
    by_command: bool,
    word: Override,
    arguments: tuple[str, ...],
    kind: Kind,
    code: Code,
) -> None:
    async def act() -> None:
        if by_command:
            await lowering.command(*arguments, "--endless", "--why", "x")
        else:
            await lowering.controls.add("chat", word)

    decision = await lowering.run(act)
    assert (decision.outcome.kind, decision.outcome.reason.code) == (kind, code)
    await lowering.is_honest(decision)


@pytest.mark.parametrize(
    "word",
    [
        Override(Control.BRAKE, "ada", "x"),
        Override(Control.MODE, "ada", "x", mode=Mode.RAISE_ONLY),
    ],
)
async def test_a_raise_goes_on_under_a_brake(raising: Race, word: Override) -> None:
    decision = await raising.run(lambda: raising.controls.add("fleet", word))
    assert decision.outcome.kind is Kind.APPLIED


async def test_a_wider_word_does_not_undo_a_narrower_one(raising: Race) -> None:
    calm = Override(Control.MODE, "ada", "x", mode=Mode.OBSERVE)
    free = replace(calm, mode=Mode.APPLY)
    await raising.controls.add("chat", free)
    decision = await raising.run(lambda: raising.controls.add("fleet", calm))
    assert decision.outcome.kind is Kind.APPLIED


async def test_a_word_for_another_deployment_stops_nothing(raising: Race) -> None:
    raising.daemon.seats["rerank"] = Seat(managed("rerank"))
    decision = await raising.run(lambda: raising.controls.add("rerank", PAUSE))
    assert decision.outcome.kind is Kind.APPLIED


async def test_a_deployment_that_is_let_go_is_written_again(raising: Race) -> None:
    stands = await raising.controls.add("fleet", PAUSE)
    assert (await raising.tick.run()).decisions[0].outcome.reason.code is Code.PAUSED
    await raising.controls.end(stands.id, "grace")
    assert (await raising.tick.run()).decisions[0].outcome.kind is Kind.APPLIED


async def test_a_configuration_that_only_observes_can_be_let_loose_for_a_while(
    tmp_path: Path,
) -> None:
    loose = Override(Control.MODE, "ada", "trial", mode=Mode.APPLY)
    async with racing(tmp_path, RAISED, Mode.OBSERVE) as race:
        assert (await race.tick.run()).decisions[0].outcome.reason.code is Code.MODE_OBSERVE
        await race.controls.add("chat", loose)
        decision = (await race.tick.run()).decisions[0]
    assert (decision.outcome.kind, decision.mode) == (Kind.APPLIED, Mode.APPLY)


async def test_a_signal_makes_the_file_and_another_removes_it(raising: Race) -> None:
    file = raising.daemon.operators.words.file
    assert file.path is not None
    await raising.by_signal()
    assert file.path.read_text(encoding="utf-8").startswith("signal: SIGUSR1 at 20")
    word = PauseFile(file.path).word()  # as the next process reads it
    assert word is not None
    assert word.author == "signal"
    os.kill(os.getpid(), signal.SIGUSR2)
    await rounds(lambda: file.word() is None)
    assert not file.path.exists()
