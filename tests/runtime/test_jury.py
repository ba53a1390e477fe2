"""A policy that takes its time: told, counted, left out, asked again; the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.observation import Observation
from autoscaler.core.proposal import Abstain, Answer, Apart, PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.ports import NotYet, Stopped
from autoscaler.runtime.jury import Jury
from autoscaler.runtime.quarantine import EVERYWHERE, Patience, Quarantine
from autoscaler.runtime.tick import Tick
from autoscaler.runtime.watchdog import Watchdog
from policies.target_load import TargetLoad
from tests.fakes.world import FakeClock
from tests.runtime.test_tick import RIDS, Stage, managed
from tests.strategies import wants

QUIET = Abstain(because(Code.NOT_SCHEDULED, "nothing to say"))
LOAD = PolicyEntry("load", TargetLoad())


@dataclass(frozen=True)
class Slow:
    """Takes `seconds` of the clock for the deployments in `who`; for all when there are none."""

    clock: FakeClock
    seconds: float = 2.0
    who: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        return ()

    def propose(self, seen: Observation) -> Answer:
        if not self.who or seen.deployment in self.who:
            self.clock.forward(self.seconds)
        return QUIET


@dataclass
class Cells:
    """Workers of a fake kind: `hang` and `away` name deployments; the others are answered."""

    clock: FakeClock
    hang: set[str] = field(default_factory=set)
    away: bool = False
    takes_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    async def ask(self, apart: Apart, seen: Observation) -> Answer:
        self.asked.append(f"{apart.kind} of {seen.deployment}")
        await asyncio.sleep(0)
        self.clock.forward(self.takes_s)
        if self.away:
            raise NotYet("its process is not up yet")
        if seen.deployment in self.hang:
            raise Stopped("it gave no answer within 1 s")
        return wants(floor=9)

    def begin(self, kinds: Iterable[str]) -> None:
        self.begun.extend(kinds)

    async def close(self) -> None:
        return


async def stage_of(
    *names: str, slow: Slow | None = None, apart: bool = False, clock: FakeClock | None = None
) -> Stage:
    """A group whose deployments have the policy `load`, and one that is slow or kept apart."""
    clock = clock or FakeClock()
    policy = slow or Slow(clock, 0.0)
    odd = PolicyEntry("odd", policy, apart=Apart("odd_kind") if apart else None)
    cast = [managed(name, policies=(LOAD, odd)) for name in names]
    return await Stage(clock=clock).set(*cast)


def judged_by(stage: Stage, workers: Cells | None = None, after: int = 3) -> Jury:
    jury = Jury(stage.clock, workers, Quarantine(Patience(after=after)))
    stage.tick = Tick("online", 15.0, stage.seats, replace(stage.tick.world, jury=jury))
    return jury


def said(decision: Decision, policy: str = "odd") -> Code:
    return next(v.answer.reason.code for v in decision.plan.votes if v.policy == policy)


# --- inside the daemon ----------------------------------------------------------------------------


@pytest.mark.fault(49)
async def test_a_policy_that_is_slow_three_times_is_left_out_and_asked_again_later() -> None:
    stage = await stage_of("chat", slow=Slow(clock := FakeClock()), clock=clock)
    jury = judged_by(stage)
    codes = [said(await stage.turn(load=60)) for _ in range(4)]
    assert codes == [Code.NOT_SCHEDULED] * 3 + [Code.POLICY_QUARANTINED]
    assert (jury.overran["slow"], jury.left_out()) == (3, 1)
    took = clock.monotonic()
    left_out = await stage.turn(load=60)
    # The tick itself takes no time any more, and says for how long that holds.
    assert clock.monotonic() - took == 15.0
    odd = next(v.answer.reason for v in left_out.plan.votes if v.policy == "odd")
    assert str(odd).startswith("it is left out for 4 min")
    assert "one evaluation took 2.00 s" in str(odd)
    assert said(await stage.turn(load=60, after=300.0)) is Code.NOT_SCHEDULED
    # On trial: one more slowness sends it back, for twice as long.
    assert said(await stage.turn(load=60, after=301.0)) is Code.POLICY_QUARANTINED
    assert jury.left_out() == 1


async def test_the_others_raise_while_one_is_left_out_but_nothing_is_lowered_without_it() -> None:
    clock = FakeClock()
    stage = await stage_of("chat", slow=Slow(clock), clock=clock)
    judged_by(stage, after=1)
    assert said(await stage.turn(load=60)) is Code.NOT_SCHEDULED
    raised = await stage.turn(load=200)
    assert said(raised) is Code.POLICY_QUARANTINED
    assert raised.outcome.kind is Kind.APPLIED
    floors = [(await stage.turn(load=1)).plan.after.min_replicas for _ in range(15)]
    assert floors == [9] * 15


async def test_a_policy_that_is_slow_with_one_deployment_is_left_out_there_alone() -> None:
    clock = FakeClock()
    stage = await stage_of("chat", "rerank", slow=Slow(clock, 2.0, ("chat",)), clock=clock)
    judged_by(stage)
    for _ in range(4):
        await stage.turn(load=60)
    chat, rerank = (await stage.tick.run()).decisions
    assert (said(chat), said(rerank)) == (Code.POLICY_QUARANTINED, Code.NOT_SCHEDULED)


def test_a_policy_that_is_slow_with_three_deployments_is_left_out_everywhere() -> None:
    quarantine = Quarantine(Patience(after=3))
    for name in ("a", "b"):
        assert quarantine.strike("odd", name, 100.0, "slow") is None
    assert quarantine.strike("odd", "c", 101.0, "slow") is not None
    assert quarantine.left_out("odd", "never seen", 102.0) is not None
    assert quarantine.left_out("load", "a", 102.0) is None
    assert quarantine.left_out("odd", "a", 102.0 + 300.0) is None


def test_slowness_long_ago_is_forgotten() -> None:
    quarantine = Quarantine(Patience(after=3))
    rests = [quarantine.strike("odd", "a", at, "slow") for at in (0.0, 500.0, 1000.0, 1500.0)]
    assert rests == [None] * 4


def test_a_rest_doubles_up_to_an_hour_and_is_forgotten_after_a_good_one() -> None:
    quarantine, now, rests = Quarantine(Patience(after=1)), 0.0, []
    for _ in range(6):
        rest = quarantine.strike("odd", EVERYWHERE, now, "slow")
        assert rest is not None
        rests.append(rest.seconds)
        now = rest.until + 1.0
    assert rests == [300, 600, 1200, 2400, 3600, 3600]
    again = quarantine.strike("odd", EVERYWHERE, now + 3600.0, "slow")
    assert again is not None
    assert again.seconds == 300


async def test_what_one_policy_uses_of_a_tick_is_not_taken_from_the_others() -> None:
    clock = FakeClock()
    # Each of its evaluations is quick enough; together they would take a third of an interval.
    slow = Slow(clock, 0.4)
    cast = ["chat", "rerank"]
    stage = await stage_of(*cast, slow=slow, clock=clock)
    stage.seats = stage.seats * 20
    jury = judged_by(stage)
    began = clock.monotonic()
    decisions = (await stage.tick.run()).decisions
    assert clock.monotonic() - began <= 7.5 + 0.4
    codes = [said(one) for one in decisions]
    assert codes == [Code.NOT_SCHEDULED] * 19 + [Code.POLICY_SLOW] * 21
    assert jury.overran["slow"] == 1
    assert {said(one, "load") for one in decisions} != {Code.POLICY_SLOW}


@pytest.mark.fault(47)
async def test_a_policy_that_blocks_the_loop_is_seen_as_lag_and_its_old_plan_is_not_written() -> (
    None
):
    clock = FakeClock()
    stage = await stage_of("chat", slow=Slow(clock, 45.0), clock=clock)
    jury = judged_by(stage)
    watchdog = Watchdog(clock)
    probe = asyncio.create_task(watchdog.probe())
    await asyncio.sleep(0)
    late = await stage.turn(load=200)
    for _ in range(3):
        await asyncio.sleep(0)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    assert (late.outcome.kind, late.outcome.reason.code) == (Kind.DEFERRED, Code.TOO_OLD)
    assert stage.platform.writes == []
    assert watchdog.worst() >= 45.0
    # The next plan is a new one, made of what is seen then.
    stage.seats[0].managed = replace(stage.seats[0].managed, policies=(LOAD,))
    assert (await stage.turn(load=300)).outcome.kind is Kind.APPLIED
    assert [rid for rid, _ in stage.platform.writes] == [RIDS["chat"]]
    assert jury.overran["slow"] >= 1


# --- in a process of its own --------------------------------------------------------------------


async def test_a_policy_apart_bids_like_any_other() -> None:
    stage = await stage_of("chat", apart=True)
    judged_by(stage, Cells(stage.clock))
    decision = await stage.turn(load=60)
    assert decision.plan.wanted.min_replicas == 9


@pytest.mark.fault(49)
async def test_a_policy_apart_that_hangs_is_an_abstention_and_the_others_go_on() -> None:
    stage = await stage_of("chat", "rerank", apart=True)
    cells = Cells(stage.clock, {"chat"})
    jury = judged_by(stage, cells)
    await stage.turn(load=200)
    chat, rerank = (await stage.tick.run()).decisions
    assert said(chat) is Code.POLICY_HUNG
    assert rerank.plan.wanted.min_replicas == 9
    assert RIDS["chat"] in dict(stage.platform.writes)
    assert jury.overran["stopped"] == 2


async def test_a_policy_apart_that_hangs_three_times_is_not_even_asked() -> None:
    stage = await stage_of("chat", "rerank", apart=True)
    cells = Cells(stage.clock, {"chat"})
    judged_by(stage, cells)
    codes = [said(await stage.turn(load=60)) for _ in range(5)]
    assert codes == [Code.POLICY_HUNG] * 3 + [Code.POLICY_QUARANTINED] * 2
    assert cells.asked.count("odd_kind of chat") == 3
    assert cells.asked.count("odd_kind of rerank") == 5


async def test_those_apart_may_use_a_part_of_the_tick_and_no_more() -> None:
    stage = await stage_of("chat", "rerank", apart=True)
    judged_by(stage, Cells(stage.clock, takes_s=4.6))
    chat, rerank = (await stage.turn(load=60), (stage.ears.reports[-1].decisions[1]))
    assert chat.plan.wanted.min_replicas == 9
    assert said(rerank) is Code.POLICY_SLOW


async def test_a_process_that_is_not_up_yet_is_no_fault_of_the_policy() -> None:
    stage = await stage_of("chat", apart=True)
    jury = judged_by(stage, Cells(stage.clock, away=True))
    codes = [said(await stage.turn(load=60)) for _ in range(5)]
    assert codes == [Code.POLICY_STARTING] * 5
    assert jury.left_out() == 0


async def test_without_processes_nobody_is_asked_inside_instead() -> None:
    stage = await stage_of("chat", slow=Slow(clock := FakeClock()), apart=True, clock=clock)
    jury = judged_by(stage)
    assert said(await stage.turn(load=60)) is Code.POLICY_STARTING
    assert jury.overran["slow"] == 0


async def test_processes_are_begun_before_the_first_tick() -> None:
    stage = await stage_of("chat", "rerank", apart=True)
    cells = Cells(stage.clock)
    judged_by(stage, cells).prepare(stage.seats)
    assert cells.begun == ["odd_kind"]


async def test_a_reload_lets_everybody_be_asked_again() -> None:
    jury = Jury(FakeClock())
    jury.strike("slow", "odd", "chat", "why")
    jury.quarantine.strike("odd", EVERYWHERE, 1000.0, "why")
    jury.take(Patience(), None)
    assert jury.left_out() == 0
    assert jury.overran["slow"] == 1
