"""A run: trouble after trouble, operators beside it, a calm end, and what came of it all."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.checker import LEAVES_S, Verdict, Word, intents_of, judge
from tests.chaos.mutant import __file__ as mutant
from tests.chaos.recovery import Recovery, recover
from tests.chaos.scene import Scene, scene
from tests.chaos.supervisor import Ends, Supervisor
from tests.chaos.troubles import Span, Troubles
from tests.fakes.daemon import until
from tests.fakes.nursery import INSTALLED

BREAK_S = 4.0
PINNED = 5
BOTH = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, out of which seed, on how many deployments; `kinds` None means all.

    `mutant` switches a protection of the daemon off.
    """

    seconds: float
    seed: int
    deployments: int = 8
    longest_s: float = 8.0
    operators: bool = True
    kinds: Sequence[str] | None = None
    mutant: str = ""


@dataclass(slots=True)
class Result:
    """What came of a run."""

    plan: Plan
    verdict: Verdict
    ends: Ends
    done: dict[str, int]
    recovery: Recovery
    words: list[Word] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be."""
        return [*self.verdict.broken, *self.ends.wrong]


async def run(folder: Path, plan: Plan) -> Result:
    """Play it. Raises AssertionError when something never comes back."""
    chance = random.Random(plan.seed)  # noqa: S311 - a seed's chance
    words: list[Word] = []
    async with (
        scene(folder, plan.deployments) as stage,
        Supervisor(stage.site, _program(plan)) as supervisor,
    ):
        await supervisor.up()
        pinned = await _pinned(stage) if plan.operators else None
        troubles = Troubles(stage, supervisor, chance, longest_s=plan.longest_s)
        async with _operators(stage, words, chance, plan):
            await _trouble(troubles, plan)
        recovery = await recover(stage, supervisor)
        if pinned is not None:
            words.append(Word(stage.names[2], Span(pinned, time.time()), PINNED))
        await supervisor.finish()
        puts = list(zip(stage.record.times, stage.record, strict=True))
        intents = await asyncio.to_thread(intents_of, stage.site.journal)
        verdict = judge(puts, intents, troubles.history, words)
        verified = await stage.site.cli("journal", "verify")
        if verified.code != 0:
            verdict.broken.append(f"the record does not verify: {verified.out}{verified.err}")
    return Result(plan, verdict, supervisor.ends, troubles.history.done, recovery, words)


def _program(plan: Plan) -> Sequence[str]:
    return (sys.executable, mutant, plan.mutant) if plan.mutant else INSTALLED


async def _trouble(troubles: Troubles, plan: Plan) -> None:
    """One thing after the other, at times two at once; each kind at least once if there is time."""
    kinds = list(plan.kinds or troubles.kinds())
    chance, over = troubles.chance, time.monotonic() + plan.seconds
    waiting: list[str] = []
    while time.monotonic() < over:
        await asyncio.sleep(chance.uniform(0.2, min(BREAK_S, plan.longest_s)))
        if not waiting:
            waiting = chance.sample(kinds, len(kinds))
        now = [waiting.pop()]
        if chance.random() < BOTH and waiting:
            now.append(waiting.pop())
        await asyncio.gather(*(troubles.one(name) for name in now))


# --- operators ----------------------------------------------------------------------------------


async def _pinned(stage: Scene) -> float:
    """Pin a dial for the whole run; when that was acknowledged and has been seen to count."""
    name = stage.names[2]
    value = f"min_replicas={PINNED}"
    done = await stage.site.cli("pin", name, value, "--endless", "--why", "chaos")
    assert done.code == 0, done.err
    return _counts_from()


@asynccontextmanager
async def _operators(
    stage: Scene, words: list[Word], chance: random.Random, plan: Plan
) -> AsyncIterator[None]:
    task = asyncio.create_task(_pausing(stage, words, random.Random(chance.random())))  # noqa: S311 - likewise
    if not plan.operators:
        task.cancel()
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _pausing(stage: Scene, words: list[Word], chance: random.Random) -> None:
    """Pause a deployment by the command line for a while, again and again."""
    while True:
        name = chance.choice(stage.names[3:])
        done = await stage.site.cli("pause", name, "--endless", "--why", "chaos")
        if done.code != 0:
            continue  # the journal was busy: it was not acknowledged
        begin = _counts_from()
        try:
            await asyncio.sleep(chance.uniform(5.0, 25.0))
        finally:
            words.append(Word(name, Span(begin, time.time())))
            await _resumed(stage, name)
        await asyncio.sleep(chance.uniform(1.0, 5.0))


async def _resumed(stage: Scene, name: str) -> None:
    async def done() -> bool:
        return (await stage.site.cli("resume", name)).code == 0

    await until(done, f"{name} goes on", 120.0)


def _counts_from() -> float:
    """A word that is acknowledged now stops every PUT whose last word is asked from now on."""
    return time.time() + LEAVES_S
