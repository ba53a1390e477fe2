"""A PUT leaves within its deadline or not at all, and nothing of one that was given up arrives."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code, because
from autoscaler.foundry import FixedSecret, FoundryOptions, FoundryPlatform, TokenLogin
from autoscaler.foundry.door import Door, Request
from autoscaler.foundry.endpoints import endpoints
from autoscaler.foundry.errors import FoundryError, TimedOut
from autoscaler.foundry.fence import GRACE_S, UNFENCED, Fence
from autoscaler.ports import LastWord
from tests.fakes.foundry import BRISK, HANG, RID, TOKEN, Stack, VirtualClock, Watch, foundry

BEFORE, AFTER = Envelope(1, 3, 32), Envelope(2, 6, 32)


@dataclass
class Told:
    """A timer that only remembers what it was told."""

    kind: str = "told"
    at: float | None = None
    said: list[float | None] = field(default_factory=list)

    def set(self, at: float) -> None:
        self.at = at
        self.said.append(at)

    def clear(self) -> None:
        self.at = None
        self.said.append(None)


@dataclass
class Yard:
    """A platform with a fence, and its parts."""

    stack: Stack
    platform: FoundryPlatform
    clock: VirtualClock
    timer: Told
    fence: Fence


@asynccontextmanager
async def yard(last_word: LastWord, write_timeout_s: float = 4.0) -> AsyncIterator[Yard]:
    async with foundry() as stack:
        clock, timer = VirtualClock(), Told()
        fence = Fence(timer)
        options = FoundryOptions(url=stack.url, pacing=BRISK, write_timeout_s=write_timeout_s)
        chance = random.Random(7)  # noqa: S311 - jitter is no secret
        login = TokenLogin(FixedSecret(TOKEN))
        platform = FoundryPlatform(options, login, clock, chance, Watch(), last_word, fence)
        try:
            yield Yard(stack, platform, clock, timer, fence)
        finally:
            await platform.close()


@dataclass
class Asked:
    """A last word that says what the timer was set to when it was asked, and may take its time."""

    takes_s: float = 0.0
    kept: Outcome | None = None
    yard: Yard | None = None
    armed: list[float | None] = field(default_factory=list)

    async def __call__(self, rid: str, before: Envelope, after: Envelope) -> Outcome | None:
        assert self.yard is not None
        self.armed.append(self.yard.timer.at)
        self.yard.clock.forward(self.takes_s)
        return self.kept


# --- the timer --------------------------------------------------------------------------------


async def test_the_timer_runs_from_before_the_last_word_until_the_bytes_have_left() -> None:
    word = Asked()
    async with yard(word) as y:
        word.yard, began = y, y.clock.monotonic()
        assert (await y.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED
        assert word.armed == [began + 4.0 + GRACE_S]
        assert y.timer.said == [began + 4.0 + GRACE_S, None], "set once, cleared once"


async def test_a_put_that_waits_for_its_answer_holds_no_timer() -> None:
    word = Asked()
    async with yard(word) as y:
        word.yard = y
        y.stack.next("PUT", HANG)
        writing = asyncio.create_task(y.platform.apply(RID, BEFORE, AFTER))
        while y.stack.methods() != ["GET", "PUT"]:  # noqa: ASYNC110 - the stack gives no event
            await asyncio.sleep(0)
        assert y.timer.at is None, "a slow platform does not end a healthy daemon"
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_a_write_that_is_kept_back_leaves_no_timer_behind() -> None:
    paused = Outcome(Kind.HELD, because(Code.PAUSED, "paused"))
    word = Asked(kept=paused)
    async with yard(word) as y:
        word.yard = y
        assert (await y.platform.apply(RID, BEFORE, AFTER)).kind is Kind.HELD
        assert (y.timer.at, y.stack.methods()) == (None, ["GET"])


async def test_reading_sets_no_timer() -> None:
    async with yard(Asked()) as y:
        await y.platform.read(RID)
        assert y.timer.said == []


def test_the_earliest_deadline_of_several_puts_counts() -> None:
    clock, timer = VirtualClock(), Told()
    fence, now = Fence(timer), clock.monotonic()
    with fence.departure(clock, 4.0):
        with fence.departure(clock, 2.0):
            assert timer.at == now + 2.0 + GRACE_S
        assert timer.at == now + 4.0 + GRACE_S
    assert timer.at is None


def test_a_lease_ends_a_put_before_another_daemon_may_begin() -> None:
    clock, timer = VirtualClock(), Told()
    fence = Fence(timer)
    fence.lease_until = clock.monotonic() + 3.0
    with fence.departure(clock, 4.0) as leaving:
        assert timer.at == fence.lease_until
        assert leaving.left_s() == 3.0 - GRACE_S
        clock.forward(2.0)
        assert not leaving.may_leave()


# --- the daemon's own check -------------------------------------------------------------------


@pytest.mark.parametrize("takes_s", [4.0, 60.0])
async def test_a_daemon_that_slept_past_the_deadline_drops_the_write(takes_s: float) -> None:
    word = Asked(takes_s=takes_s)
    async with yard(word) as y:
        word.yard = y
        outcome = await y.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.TOO_OLD)
        assert "nothing was sent" in str(outcome.reason)
        assert y.stack.methods() == ["GET"]
        assert y.timer.at is None
        word.takes_s = 0.0
        assert (await y.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED


async def test_the_last_word_takes_its_time_from_the_puts_deadline() -> None:
    word = Asked(takes_s=3.9)
    async with yard(word) as y:
        word.yard = y
        y.stack.next("PUT", HANG)
        outcome = await y.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.FAILED, Code.OUTCOME_UNKNOWN)
        assert "no answer within 4 s" in str(outcome.reason)


# --- what is given up does not arrive ---------------------------------------------------------


async def given_up(size: int) -> tuple[FoundryError | None, bytes]:
    """The end of a PUT whose server reads only after it was given up, and all that it then got."""
    gone, ended, got = asyncio.Event(), asyncio.Event(), bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        with suppress(ConnectionResetError):
            while piece := await reader.read(1 << 20):
                got.extend(piece)
        writer.transport.abort()
        with suppress(ConnectionResetError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with server:
        door = Door(FoundryOptions(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        target = endpoints(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", preview=True)
        failed = None
        with UNFENCED.departure(VirtualClock(), 0.2) as leaving:
            body = b"x" * size
            request = Request("PUT", target.deployment(RID), 0.2, {}, body)
            try:
                await door.send(replace(request, departure=leaving))
            except FoundryError as caught:
                failed = caught
        gone.set()
        await ended.wait()
        await door.close()
    return failed, bytes(got)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_what_asyncio_still_holds_of_a_put_that_is_given_up_is_forgotten() -> None:
    size = 64 << 20
    failed, got = await given_up(size)
    assert isinstance(failed, TimedOut)
    # Without the abort 63 MB arrive; the kernel's own buffers hold a few.
    assert len(got) < size / 2
