"""Pace, breaker and backoff: hours in milliseconds."""

from __future__ import annotations

import asyncio
import random
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.foundry.backoff import (
    LONGEST_RETRY_AFTER_S,
    do_not_retry,
    full_jitter,
    retry_after_s,
)
from autoscaler.foundry.breaker import Breaker
from autoscaler.foundry.bucket import LOWEST_SHARE, RECOVERY_S, AdaptiveRate, Bucket
from autoscaler.foundry.errors import (
    AnswerFacts,
    BreakerOpen,
    PaceExhausted,
    TimedOut,
    TooManyRequests,
)
from autoscaler.foundry.options import PacingOptions
from autoscaler.foundry.pacing import LONGEST_LINE, Pace
from tests.fakes.foundry import VirtualClock, Watch

NOW = 1_800_000_000.0
RNG = random.Random(1)  # noqa: S311 - jitter is no secret


def pace(clock: VirtualClock, **options: float) -> tuple[Pace, Watch]:
    watch = Watch()
    return Pace(PacingOptions(**options), clock, random.Random(3), watch), watch  # type: ignore[arg-type]  # noqa: S311 - tests name the fields; jitter is no secret


# --- backoff ---------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.floats(0.001, 10), st.floats(0.001, 100), st.integers())
def test_a_backoff_lies_between_nothing_and_its_doubling_and_its_cap(
    attempt: int, base: float, cap: float, seed: int
) -> None:
    wait = full_jitter(attempt, base, cap, random.Random(seed))  # noqa: S311 - jitter
    assert 0 <= wait <= min(cap, base * 2.0 ** min(attempt, 60))


def test_full_jitter_spreads_over_the_whole_range() -> None:
    waits = [full_jitter(2, 1.0, 30.0, RNG) for _ in range(2000)]
    assert min(waits) < 0.1
    assert max(waits) > 3.9
    assert 1.9 < sum(waits) / len(waits) < 2.1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("5", 5.0),
        (" 1.5 ", 1.5),
        ("999999999", LONGEST_RETRY_AFTER_S),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Fri, 15 Jan 2027 08:01:00 -0000", 60.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("\u0665", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, seconds: float | None) -> None:
    found = retry_after_s({"Retry-After": text}, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_ignored(text: str) -> None:
    found = retry_after_s({"Retry-After": text}, NOW)
    assert found is None or 0 <= found <= LONGEST_RETRY_AFTER_S


@pytest.mark.fault(27)
def test_the_platforms_hint_is_honoured_whatever_its_case() -> None:
    assert do_not_retry({"QoS-Retry-Hint": " DO-NOT-RETRY "})
    assert not do_not_retry({"QoS-Retry-Hint": "propagate"})
    assert not do_not_retry({})


# --- bucket ----------------------------------------------------------------------------------


async def held_up(waiting: int, rate: float, burst: int, block_s: float) -> list[float]:
    """When requests leave that wait for their turn while the process is held up, seconds after."""
    clock = VirtualClock()
    bucket, left = Bucket(AdaptiveRate(rate), burst, clock), list[float]()
    began = clock.monotonic()

    async def ask() -> None:
        await bucket.take(1, 1e9)
        left.append(clock.monotonic() - began)

    asking = [asyncio.create_task(ask()) for _ in range(waiting)]
    await asyncio.sleep(0)
    clock.forward(block_s)
    await asyncio.gather(*asking)
    return [when - block_s for when in left]


@pytest.mark.parametrize(("waiting", "rate", "burst"), [(40, 1.0, 5), (40, 10.0, 1), (12, 0.5, 3)])
async def test_after_a_blocked_loop_a_burst_leaves_and_no_flood(
    waiting: int, rate: float, burst: int
) -> None:
    left = await held_up(waiting, rate, burst, block_s=1000.0)
    at_once = sum(when <= 0 for when in left)
    # A burst went before it, and one goes after it.
    assert at_once <= 2 * burst
    late = left[2 * burst :]
    assert late == pytest.approx([(n + 1) / rate for n in range(len(late))])


@given(
    st.lists(
        st.tuples(st.floats(0.0, 20.0), st.integers(1, 3), st.booleans()), min_size=1, max_size=30
    ),
    st.sampled_from((0.5, 1.0, 7.0)),
    st.integers(3, 9),
)
def test_nobody_waits_at_the_door_while_nothing_is_held_up(
    asked: list[tuple[float, int, bool]], rate: float, burst: int
) -> None:
    async def all_of() -> None:
        clock = VirtualClock()
        bucket = Bucket(AdaptiveRate(rate), burst, clock)
        for pause, tokens, returns in asked:
            clock.forward(pause)
            began, owed = clock.monotonic(), max(0.0, tokens - bucket.within(0.0))
            await bucket.take(tokens, 1e9)
            assert clock.monotonic() - began <= owed / rate + 0.01
            if returns:
                bucket.give_back(tokens)

    asyncio.run(all_of())


async def test_a_burst_leaves_at_once_and_the_rest_at_the_rate() -> None:
    clock = VirtualClock()
    bucket = Bucket(AdaptiveRate(2.0), 5, clock)
    start = clock.monotonic()
    left = []

    async def one() -> None:
        await bucket.take(1, 60)
        left.append(clock.monotonic() - start)

    await asyncio.gather(*[one() for _ in range(9)])
    assert left == pytest.approx([0, 0, 0, 0, 0, 0.5, 1.0, 1.5, 2.0])


async def test_an_hour_of_requests_keeps_to_the_rate() -> None:
    clock = VirtualClock()
    bucket = Bucket(AdaptiveRate(1.0), 5, clock)
    start, taken = clock.monotonic(), 0
    while clock.monotonic() - start < 3600:
        await bucket.take(1, 60)
        taken += 1
    assert 3600 <= taken <= 3606


async def test_who_would_wait_too_long_is_told_so_and_takes_nothing() -> None:
    clock = VirtualClock()
    bucket = Bucket(AdaptiveRate(0.1), 1, clock)
    assert await bucket.take(1, 0) == 0
    with pytest.raises(PaceExhausted, match=r"10\.0 s") as caught:
        await bucket.take(1, 9)
    assert caught.value.wait_s == pytest.approx(10)
    assert await bucket.take(1, 10) == pytest.approx(10)


async def test_a_caller_that_gives_up_gives_back() -> None:
    clock = VirtualClock()
    bucket = Bucket(AdaptiveRate(1.0), 1, clock)
    await bucket.take(1, 0)
    waiter = asyncio.create_task(bucket.take(10, 60))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert await bucket.take(1, 1) == pytest.approx(1)


async def test_a_shut_bucket_holds_those_who_wait_already() -> None:
    clock = VirtualClock()
    bucket = Bucket(AdaptiveRate(1.0), 1, clock)
    await bucket.take(1, 0)
    waiter = asyncio.create_task(bucket.take(1, 60))
    await asyncio.sleep(0)
    bucket.shut(20)
    assert await waiter == pytest.approx(20)
    bucket.shut(100)
    with pytest.raises(PaceExhausted):
        await bucket.take(1, 60)
    assert bucket.within(99) == 0
    assert bucket.within(130) == pytest.approx(30)


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=50))
def test_the_adaptive_rate_stays_between_its_floor_and_its_top(
    events: list[tuple[float, bool]],
) -> None:
    rate, now = AdaptiveRate(8.0), 0.0
    for span, refused in events:
        earlier = rate.at(now)
        now += span
        assert rate.at(now) >= earlier
        if refused:
            rate.cut(now)
        assert 8.0 * LOWEST_SHARE <= rate.at(now) <= 8.0
    assert rate.at(now + RECOVERY_S) == 8.0


def test_a_refusal_halves_the_rate_once_and_time_brings_it_back() -> None:
    rate = AdaptiveRate(4.0)
    rate.cut(100.0)
    rate.cut(100.5)
    assert rate.at(100.5) == pytest.approx(2.0, abs=0.1)
    assert rate.at(115.0) == pytest.approx(3.0)
    assert rate.at(131.0) == 4.0


# --- breaker ---------------------------------------------------------------------------------


def test_failures_in_a_row_open_the_breaker_and_one_probe_decides() -> None:
    clock = VirtualClock()
    breaker = Breaker(3, 30.0, clock)
    for _ in range(2):
        breaker.failed(probe=breaker.admit())
    breaker.succeeded()
    for _ in range(3):
        assert not breaker.is_open
        breaker.failed(probe=breaker.admit())
    assert breaker.opens_in() == 30
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.forward(30)
    assert breaker.admit() is True
    with pytest.raises(BreakerOpen):
        breaker.admit()
    breaker.failed(probe=True)
    assert breaker.opens_in() == 30
    clock.forward(30)
    breaker.abandoned(probe=breaker.admit())
    assert breaker.admit() is True
    breaker.succeeded()
    assert not breaker.is_open


@given(st.lists(st.sampled_from(["fail", "succeed", "wait", "abandon"]), max_size=60))
def test_a_breaker_always_opens_its_door_again(events: list[str]) -> None:
    clock = VirtualClock()
    breaker = Breaker(2, 10.0, clock)
    for event in events:
        if event == "wait":
            clock.forward(4)
            continue
        try:
            probe = breaker.admit()
        except BreakerOpen:
            continue
        if event == "fail":
            breaker.failed(probe=probe)
        elif event == "succeed":
            breaker.succeeded()
        else:
            breaker.abandoned(probe=probe)
    clock.forward(10)
    breaker.admit()


# --- pace ------------------------------------------------------------------------------------


async def test_a_turn_gives_back_what_it_did_not_use() -> None:
    clock = VirtualClock()
    made, _ = pace(clock, requests_per_second=0.001, burst=3)
    assert made.room(0) == 1
    async with made.turn(3) as turn:
        await turn.start()
        turn.ended(None)
        assert made.room(0) == 0
    assert made.bucket.within(0) == pytest.approx(2)


async def test_room_counts_what_is_saved_up_and_what_comes() -> None:
    clock = VirtualClock()
    made, _ = pace(clock, requests_per_second=1.0, burst=5)
    assert [made.room(s) for s in (0, 1, 10, 60)] == [1, 2, 5, 21]


async def test_no_more_turns_at_once_than_allowed() -> None:
    clock = VirtualClock()
    made, _ = pace(clock, requests_per_second=1000, burst=1000, concurrency=2)
    inside, most = 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with made.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*[one() for _ in range(20)])
    assert most == 2


async def test_a_line_that_is_too_long_turns_people_away() -> None:
    clock = VirtualClock()
    made, _ = pace(clock, requests_per_second=1000, burst=1000, concurrency=1)
    gate = asyncio.Event()

    async def one() -> None:
        async with made.turn():
            await gate.wait()

    line = [asyncio.create_task(one()) for _ in range(LONGEST_LINE)]
    await asyncio.sleep(0)
    with pytest.raises(PaceExhausted, match="stand in line"):
        await one()
    gate.set()
    await asyncio.gather(*line)
    await one()


@pytest.mark.fault(27)
async def test_a_refusal_slows_everybody_down_and_the_watch_is_told() -> None:
    clock = VirtualClock()
    made, watch = pace(clock, requests_per_second=8, burst=1)
    async with made.turn() as turn:
        await turn.start()
        turn.ended(TooManyRequests(AnswerFacts(429, retry_after_s=12.0)))
    assert watch.paces == [(4.0, False)]
    assert (made.room(11), made.room(13)) == (0, 1)
    clock.forward(RECOVERY_S)
    made.tell()
    assert watch.paces[-1] == (8.0, False)


async def test_a_request_cut_short_frees_the_probe() -> None:
    clock = VirtualClock()
    made, watch = pace(clock, breaker_failures=1, breaker_open_s=5, burst=50)
    async with made.turn() as turn:
        await turn.start()
        turn.ended(TimedOut())
    assert watch.paces == [(1.0, True)]
    with pytest.raises(BreakerOpen):
        async with made.turn():
            pass
    clock.forward(6)
    async with made.turn() as turn:
        await turn.start()
        turn.abandoned()
    async with made.turn() as turn:
        await turn.start()
        turn.ended(None)
    assert watch.paces[-1] == (1.0, False)


def test_a_long_retry_after_is_not_slept_through() -> None:
    made, _ = pace(VirtualClock())
    assert made.backoff_s(0, TooManyRequests(AnswerFacts(429, retry_after_s=31.0))) is None
    short = made.backoff_s(0, TooManyRequests(AnswerFacts(429, retry_after_s=29.0)))
    assert short == 29.0
    plain = made.backoff_s(3, TimedOut())
    assert plain is not None
    assert 0 <= plain <= 2.0


@pytest.mark.parametrize(
    "wrong",
    [{"requests_per_second": 0}, {"burst": 0}, {"attempts": 0}, {"breaker_open_s": float("nan")}],
)
def test_options_out_of_range_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PacingOptions(**wrong)  # type: ignore[arg-type]  # the test is about wrong values
