"""The history of loads and envelopes: rings, blobs, lines; what is missing stays missing."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Limits, Mode, Observation, Series
from autoscaler.core.proposal import Abstain, Answer, PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.journal import open_journal
from autoscaler.ports import Chunk, JournalError, Question, TickReport
from autoscaler.roster import Managed, SignalSpec
from autoscaler.runtime.history.blob import POINTS, pack, unpack
from autoscaler.runtime.history.cost import UNKNOWN_COST, priced
from autoscaler.runtime.history.keeper import AT_ONCE, Keeper
from autoscaler.runtime.history.lines import Ahead, Raster, lines, looking, sparkline, tens_of
from autoscaler.runtime.history.recorder import Recorder
from autoscaler.runtime.history.track import MINUTES, NOTHING, Point, Track
from tests.fakes.telemetry import decided, observed, report

SMALL = Envelope(1, 4, 8)
NOW = 30_000_000


def test_a_minute_keeps_its_highest_load_and_its_last_envelope() -> None:
    track = Track(NOW)
    track.note(NOW, 3.0, (5.0, 6.0, 9.0), SMALL)
    track.note(NOW, 7.0, (4.0, 6.5, 8.0), Envelope(2, 5, 8))
    track.note(NOW, 5.0, None, None)
    assert track.point(NOW) == Point(7.0, 5.0, 6.5, 9.0, 2, 5, 8)


def test_minutes_without_a_tick_are_unknown_and_not_zero() -> None:
    track = Track(NOW)
    track.note(NOW, 3.0, None, SMALL)
    track.note(NOW + 5, 0.0, None, SMALL)
    assert [track.point(NOW + n).load for n in range(6)] == [3.0, None, None, None, None, 0.0]
    assert track.point(NOW + 2) == NOTHING
    assert track.point(NOW + 6) == NOTHING


def test_the_ring_forgets_after_six_hours() -> None:
    track = Track(NOW)
    track.note(NOW, 3.0, (1.0, 2.0, 3.0), SMALL)
    track.note(NOW + MINUTES, 1.0, None, SMALL)
    assert track.point(NOW) == NOTHING
    assert track.point(NOW + 1, MINUTES) == Point(1.0, None, None, None, 1, 4, 8)


def test_a_clock_that_was_put_back_fills_what_is_still_there() -> None:
    track = Track(NOW)
    track.note(NOW, 3.0, None, SMALL)
    track.note(NOW - 5, 2.0, None, SMALL)
    track.note(NOW - MINUTES, 9.0, None, SMALL)
    assert track.minute == NOW
    assert track.point(NOW - 5).load == 2.0
    assert track.point(NOW - MINUTES, MINUTES + 1).load == 3.0


def test_a_track_takes_what_is_promised() -> None:
    track = Track(NOW)
    track.note(NOW, 3.0, None, SMALL)
    assert track.bytes_used == 3_600
    track.note(NOW, 3.0, (1.0, 2.0, 3.0), SMALL)
    assert track.bytes_used == 7_920


def test_what_a_restart_left_is_taken_over_where_nothing_newer_is_known() -> None:
    track = Track(NOW)
    track.note(NOW, 3.0, None, SMALL)
    track.restore(NOW - 9, Point(50.0, 60.0, None, 70.0, 2, 3, 8))
    assert track.point(NOW) == Point(3.0, 60.0, None, 70.0, 1, 4, 8)
    assert track.point(NOW - 9) == Point(50.0, 60.0, None, 70.0, 2, 3, 8)


def test_a_number_too_large_for_its_place_is_the_largest() -> None:
    track = Track(NOW)
    track.note(NOW, None, None, Envelope(70_000, 900_000, 8))
    assert track.point(NOW) == Point(None, None, None, None, 65_534, 65_534, 8)


numbers = st.none() | st.floats(0, 1e6, width=32)
dials = st.none() | st.integers(0, 65_534)
points = st.builds(Point, numbers, numbers, numbers, numbers, dials, dials, dials)


@given(st.lists(points, min_size=POINTS, max_size=POINTS))
def test_points_come_back_from_their_bytes(given_points: list[Point]) -> None:
    body = pack(given_points)
    assert unpack(body) == given_points
    assert len(body) <= 560


@given(st.binary(max_size=600))
def test_bytes_that_are_none_of_ours_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="history"):
        unpack(body)


@given(st.floats(1e9, 2e9), st.floats(1, 31 * 86_400), st.integers(1, 2_000))
def test_a_raster_covers_its_span_with_no_more_points_than_asked(
    start: float, length: float, most: int
) -> None:
    raster = Raster.over(start, start + length, most)
    assert 1 <= raster.count <= most
    assert raster.step_s % 60 == 0
    assert raster.start <= start
    if most > 1:
        assert raster.start + raster.count * raster.step_s >= start + length


def test_lines_take_the_older_part_from_points_of_ten_minutes() -> None:
    track = Track(NOW)
    track.note(NOW, 5.0, None, SMALL)
    rows = [(60.0 * (NOW - 600), [Point(9.0, floor=2, ceiling=3, threads=4)] * POINTS)]
    look = looking(track, tens_of(rows))
    assert look(NOW - 600, 1).load == 9.0
    assert look(NOW - 599, 60).load == 9.0
    assert look(NOW, 1) == Point(5.0, None, None, None, 1, 4, 8)
    drawn = lines(Raster(60 * (NOW - 610), 600, 3), look, 60.0 * NOW, None)
    assert drawn["load"] == [None, 9.0, 9.0]
    assert drawn["capacity"] == [None, 8, 8]


def test_a_forecast_is_drawn_where_it_was_made_for_and_goes_on_ahead() -> None:
    track = Track(NOW)
    for minute in range(NOW - 4, NOW + 1):
        track.note(minute, 1.0, (float(minute - NOW + 10), 20.0, 30.0), SMALL)
    ahead = Ahead(lead_s=120.0, until_s=180.0, keep=21.0, ceiling=31.0)
    raster = Raster(60 * (NOW - 2), 60, 7)
    drawn = lines(raster, looking(track, {}), 60.0 * NOW, ahead)
    assert drawn["forecast"] == [6.0, 7.0, 8.0, 9.0, 10.0, None, None]
    assert drawn["keep"] == [20.0, 20.0, 20.0, 21.0, 21.0, 21.0, None]
    assert drawn["ceiling_forecast"] == [30.0, 30.0, 30.0, 31.0, 31.0, 31.0, None]
    assert drawn["load"] == [1.0, 1.0, 1.0, None, None, None, None]


def test_the_sources_own_past_fills_what_was_missed() -> None:
    track = Track(NOW)
    track.note(NOW, 5.0, None, SMALL)
    told = Series((60.0 * (NOW - 2) + 5, 60.0 * NOW + 1), (8.0, 4.0))
    drawn = lines(Raster(60 * (NOW - 2), 60, 3), looking(track, {}), 60.0 * NOW, None, told)
    assert drawn["load"] == [8.0, None, 5.0]


def test_a_sparkline_has_a_number_for_each_ten_minutes_that_were_seen() -> None:
    track = Track(NOW)
    track.note(NOW - 20, 4.0, None, SMALL)
    track.note(NOW, 6.0, None, SMALL)
    assert sparkline(track, NOW - 29, 3) == [4.0, None, 6.0]
    assert sparkline(None, NOW, 2) == [None, None]


def test_ticks_of_seconds_are_kept_one_by_one_beside_the_minutes() -> None:
    recorder = Recorder(lambda _: None)
    first = decided("chat")
    at = 60.0 * NOW
    for second in range(3):
        one = replace(first, at=at + second, seen=replace(first.seen, at=at + second))
        recorder.told(replace(report(one), at=at + second, interval_s=0.5))
    fine = recorder.fine("chat")
    assert fine is not None
    assert fine.unit_s == 1
    assert [fine.track.point(60 * NOW + n).floor for n in range(3)] == [2, 2, 2]


def test_ticks_a_minute_apart_need_no_ring_of_their_own() -> None:
    recorder = Recorder(lambda _: None)
    recorder.told(replace(report(decided("chat")), interval_s=60.0))
    assert recorder.fine("chat") is None


@given(st.integers(1, 59), st.integers(1, 2000), st.floats(1, 10_000))
def test_a_fine_raster_has_at_most_the_points_asked_for(
    unit_s: int, points: int, span: float
) -> None:
    raster = Raster.over(1e9, 1e9 + span, points, unit_s)
    assert raster.count <= points
    assert raster.step_s >= unit_s
    assert raster.start <= 1e9


# --- the journal ----------------------------------------------------------------------------


class Hand:
    """A clock that the test sets."""

    def __init__(self, minute: int) -> None:
        self.minute = minute

    def now(self) -> float:
        return 60.0 * self.minute + 30

    def monotonic(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} s here")


class Shelf:
    """Chunks in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, float], Chunk] = {}
        self.away = False

    async def keep_chunks(self, chunks: Sequence[Chunk]) -> None:
        if self.away:
            raise JournalError("the disk is full")
        self.kept |= {(one.deployment, one.at): one for one in chunks}

    async def chunks(self, deployments: Sequence[str], start: float) -> Sequence[Chunk]:
        if self.away:
            raise JournalError("the disk is full")
        found = (one for one in self.kept.values() if one.deployment in deployments)
        return sorted((one for one in found if one.at >= start), key=lambda one: one.at)


def tick(recorder: Recorder, minute: int, load: float) -> None:
    """One tick of a deployment called chat."""
    at = 60.0 * minute
    seen = observed("chat", at=at, signals={"running_jobs": Series((at,), (load,))})
    recorder.told(TickReport("online", at, 0.1, 0.0, [decided("chat", at=at, seen=seen)]))


class Reads:
    """A policy that reads running_jobs."""

    needs = ("running_jobs",)

    def propose(self, seen: Observation) -> Answer:
        return Abstain(because(Code.SIGNAL_MISSING, "it only reads"))


def recording() -> Recorder:
    policy = PolicyEntry("load", Reads())
    spec = SignalSpec("prom", Question("running_jobs", "q", "deployment", 90.0), 120.0)
    managed = Managed(
        "chat", "rid", "online", "chat", Mode.APPLY, Limits(), (policy,), (), {"running_jobs": spec}
    )
    return Recorder(lambda _: managed)


async def live(
    recorder: Recorder, shelf: Shelf, minutes: range, load: Callable[[int], float]
) -> Keeper:
    """Tick every minute, settle after each."""
    clock = Hand(minutes.start)
    keeper = Keeper(recorder, shelf, clock)
    for minute in minutes:
        clock.minute = minute
        tick(recorder, minute, load(minute))
        with suppress(JournalError):
            await keeper.settle()
    return keeper


async def test_a_restart_forgets_at_most_ten_minutes() -> None:
    shelf, first = Shelf(), recording()
    await live(first, shelf, range(NOW, NOW + 300), lambda m: float(m - NOW))
    second = recording()
    await live(second, shelf, range(NOW + 302, NOW + 303), lambda _: 7.0)
    track = second.track("chat")
    assert track is not None
    known = [m for m in range(NOW, NOW + 300) if track.point(m).load is not None]
    assert len(known) >= 290
    # A point of ten minutes has their highest load.
    assert track.point(NOW + 20).load == 29.0
    assert track.point(NOW + 301).load is None


async def test_what_was_kept_before_is_not_written_over_by_a_restart() -> None:
    shelf = Shelf()
    await live(recording(), shelf, range(NOW, NOW + 100), lambda _: 5.0)
    keeper = await live(recording(), shelf, range(NOW + 130, NOW + 160), lambda _: 9.0)
    tens = await keeper.tens("chat", 60.0 * NOW)
    loads = [tens[m].load if m in tens else None for m in range(NOW, NOW + 150, 10)]
    assert loads == [5.0] * 10 + [None] * 3 + [9.0] * 2


async def test_an_orderly_end_forgets_nothing() -> None:
    shelf = Shelf()
    keeper = await live(recording(), shelf, range(NOW, NOW + 15), lambda m: float(m - NOW))
    await keeper.finish()
    assert (await keeper.tens("chat", 60.0 * NOW))[NOW + 10].load == 14.0


async def test_a_journal_that_was_away_is_caught_up_with() -> None:
    shelf, recorder = Shelf(), recording()
    await live(recorder, shelf, range(NOW, NOW + 30), lambda _: 5.0)
    shelf.away = True
    keeper = await live(recorder, shelf, range(NOW + 30, NOW + 90), lambda _: 6.0)
    assert await keeper.tens("chat", 60.0 * NOW) == {}
    shelf.away = False
    await live(recorder, shelf, range(NOW + 90, NOW + 91), lambda _: 7.0)
    tens = await keeper.tens("chat", 60.0 * NOW)
    assert [tens[m].load for m in range(NOW, NOW + 90, 10)] == [5.0] * 3 + [6.0] * 6


async def test_a_chunk_that_cannot_be_read_is_a_gap() -> None:
    shelf = Shelf()
    keeper = await live(recording(), shelf, range(NOW, NOW + 300), lambda _: 5.0)
    key = min(shelf.kept)
    shelf.kept[key] = Chunk(*key, b"nonsense")
    assert min(await keeper.tens("chat", 60.0 * NOW)) == NOW + 240


async def test_a_large_fleet_is_written_in_turns_and_in_the_end_whole() -> None:
    shelf, recorder, clock = Shelf(), Recorder(lambda _: None), Hand(NOW)
    keeper = Keeper(recorder, shelf, clock)
    for minute in (NOW, NOW + 10):
        clock.minute, at = minute, 60.0 * minute
        fleet = [decided(f"d{n}", at=at) for n in range(2 * AT_ONCE + 1)]
        recorder.told(TickReport("online", at, 0.1, 0.0, fleet))
    sizes = []
    for _ in range(4):
        await keeper.settle()
        sizes.append(len({one.deployment for one in shelf.kept.values()}))
    assert sizes == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1, 2 * AT_ONCE + 1]


async def test_the_journal_keeps_chunks_and_lets_the_old_ones_go(tmp_path: Path) -> None:
    clock = Hand(NOW)
    journal = await open_journal(f"sqlite:///{tmp_path}/j.db", clock=clock)
    try:
        old, new = Chunk("chat", 60.0 * NOW - 16 * 86_400, b"a"), Chunk("chat", 60.0 * NOW, b"b")
        await journal.keep_chunks([old, new])
        await journal.keep_chunks([Chunk("chat", new.at, b"c"), Chunk("rerank", new.at, b"d")])
        found = await journal.chunks(["chat"], 0.0)
        assert [one.body for one in found] == [b"a", b"c"]
        await journal.prune(clock.now(), 30 * 86_400.0, 1_000)
        assert [one.body for one in await journal.chunks(["chat", "rerank"], 0.0)] == [b"c", b"d"]
    finally:
        await journal.close()


# --- cost -----------------------------------------------------------------------------------


def test_the_cost_of_today_begins_at_midnight_and_the_month_has_the_weeks_pace() -> None:
    midnight = 30_000_960  # a minute that begins a day
    assert midnight % 1440 == 0
    now = 60.0 * (midnight + 125)
    floors = {midnight - 60 + 10 * n: Point(floor=2, ceiling=3, threads=1) for n in range(19)}
    cost = priced(floors, 0.5, now)
    assert cost.today == 2 * 0.5 * 125 * 60
    day = datetime.fromtimestamp(now, UTC)
    assert cost.month == 2 * 0.5 * calendar.monthrange(day.year, day.month)[1] * 86_400


def test_what_was_not_recorded_costs_nothing_and_is_no_forecast() -> None:
    assert priced({}, 1.0, 60.0 * NOW) == UNKNOWN_COST
    short = {NOW - 20: Point(floor=2, ceiling=3, threads=1)}
    assert priced(short, 1.0, 60.0 * NOW).month is None
