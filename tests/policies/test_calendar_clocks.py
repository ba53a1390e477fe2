"""Calendars where clocks are put forward and back, in both hemispheres, and at the year's edges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from policies._spans import DAY_S, FAR_S, Schedule, Span
from policies._window import Window, schedule_of
from policies._zone import instant, local_time, told, wall_time, zone_of
from tests.strategies import SOME

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Asia/Kolkata",
    "Africa/Casablanca",
)
START = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
zones = st.sampled_from(ZONES)
moments = st.integers(0, 3 * 365 * DAY_S).map(lambda s: START + s)
walls = moments.map(lambda at: datetime.fromtimestamp(at, UTC).replace(tzinfo=None))
minutes = st.integers(0, 1439)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def schedule(**options: Any) -> Schedule:
    return schedule_of(Window(**options))


def spans(begin: str, end: str, /, **options: Any) -> list[str]:
    """What is open between two instants, in UTC."""
    found = schedule(**options).between(unix(begin), unix(end))
    return [f"{utc(span.start)} to {utc(span.end)}" for span in found]


def utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %H:%M")


# Berlin: 02:00 to 03:00 is skipped on 2026-03-29 and doubled on 2026-10-25.
# Sydney: 02:00 to 03:00 is skipped on 2026-10-04 and doubled on 2026-04-05.
NORTH_SPRING = ("2026-03-28T12:00Z", "2026-03-29T12:00Z", "Europe/Berlin")
SOUTH_SPRING = ("2026-10-03T04:00Z", "2026-10-04T04:00Z", "Australia/Sydney")
NORTH_AUTUMN = ("2026-10-24T12:00Z", "2026-10-25T12:00Z", "Europe/Berlin")
SOUTH_AUTUMN = ("2026-04-04T04:00Z", "2026-04-05T04:00Z", "Australia/Sydney")


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    ("edge", "expected"),
    [(NORTH_SPRING, "29 01:00 to 29 02:00"), (SOUTH_SPRING, "03 16:00 to 03 17:00")],
)
def test_a_start_that_is_skipped_in_spring_is_the_next_valid_instant(
    edge: tuple[str, str, str], expected: str
) -> None:
    begin, end, zone = edge
    assert spans(begin, end, time="02:30-04:00", zone=zone) == [expected]
    assert spans(begin, end, start="30 2 * * *", end="0 4 * * *", zone=zone) == [expected]
    assert spans(begin, end, start="30 2 * * *", duration_s=3600.0, zone=zone) == [expected]


@pytest.mark.parametrize("edge", [NORTH_SPRING, SOUTH_SPRING])
def test_a_window_that_is_skipped_whole_does_not_open(edge: tuple[str, str, str]) -> None:
    begin, end, zone = edge
    assert spans(begin, end, time="02:10-02:50", zone=zone) == []
    assert spans(begin, end, start="10 2 * * *", end="50 2 * * *", zone=zone) == []


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    ("edge", "half_hour", "to_four"),
    [
        (NORTH_AUTUMN, "25 00:15 to 25 00:45", "25 00:30 to 25 03:00"),
        (SOUTH_AUTUMN, "04 15:15 to 04 15:45", "04 15:30 to 04 18:00"),
    ],
)
def test_a_doubled_hour_counts_once(
    edge: tuple[str, str, str], half_hour: str, to_four: str
) -> None:
    begin, end, zone = edge
    assert spans(begin, end, time="02:15-02:45", zone=zone) == [half_hour]
    assert spans(begin, end, start="15 2 * * *", end="45 2 * * *", zone=zone) == [half_hour]
    assert spans(begin, end, start="15 2 * * *", duration_s=1800.0, zone=zone) == [half_hour]
    assert spans(begin, end, time="02:30-04:00", zone=zone) == [to_four]


def test_a_window_around_the_change_lasts_an_hour_less_or_more() -> None:
    spring, autumn = NORTH_SPRING, NORTH_AUTUMN
    assert spans(*spring[:2], time="01:00-05:00", zone=spring[2]) == ["29 00:00 to 29 03:00"]
    assert spans(*autumn[:2], time="01:00-05:00", zone=autumn[2]) == ["24 23:00 to 25 04:00"]


def test_in_the_second_coming_of_an_hour_its_first_coming_lies_behind() -> None:
    at = unix("2026-10-25T01:20Z")  # 02:20 CET, for the second time
    both = schedule(start="30 2 * * *", end="0 12 * * *", zone="Europe/Berlin")
    assert both.open_at(at) == Span(unix("2026-10-25T00:30Z"), unix("2026-10-25T11:00Z"))
    at_three = schedule(start="0 3 * * *", end="0 12 * * *", zone="Europe/Berlin")
    assert at_three.open_at(at) is None
    assert at_three.between(at, at + 60) == ()
    later = schedule(start="0 3 * * *", duration_s=60.0, zone="Europe/Berlin")
    assert later.next_edge(at) == (unix("2026-10-25T02:00Z"), True)


def test_half_an_hour_and_a_whole_day_can_be_skipped_too() -> None:
    lord_howe = zone_of("Australia/Lord_Howe")
    skipped = instant(datetime.fromisoformat("2026-10-04T02:15"), lord_howe)
    assert told(skipped, lord_howe) == "Sun 2026-10-04 02:30 +11"
    apia = zone_of("Pacific/Apia")
    dateline = instant(datetime.fromisoformat("2011-12-30T12:00"), apia)
    assert told(dateline, apia) == "Sat 2011-12-31 00:00 +14"


def test_a_window_goes_over_midnight() -> None:
    assert spans("2026-11-23T12:00Z", "2026-11-24T12:00Z", time="22:00-06:00") == [
        "23 22:00 to 24 06:00"
    ]


def test_a_window_belongs_to_the_day_of_its_start() -> None:
    friday = {"days": "Fri", "time": "22:00-06:00"}
    assert spans("2026-11-23T00:00Z", "2026-11-30T00:00Z", **friday) == ["27 22:00 to 28 06:00"]


def test_weekdays_go_over_the_end_of_the_week() -> None:
    begin, end = "2026-11-23T00:00Z", "2026-11-30T00:00Z"
    assert spans(begin, end, days="Sat-Mon", time="10:00-11:00") == [
        "23 10:00 to 23 11:00",
        "28 10:00 to 28 11:00",
        "29 10:00 to 29 11:00",
    ]
    assert spans(begin, end, days="Sunday", time="23:00-01:00") == [
        "22 23:00 to 23 01:00",
        "29 23:00 to 30 01:00",
    ]


def test_one_window_spans_a_weekend_or_almost_a_week() -> None:
    begin, end = "2026-11-24T00:00Z", "2026-12-01T00:00Z"
    weekend = {"time": "Fri 18:00-Mon 06:00"}
    assert spans(begin, end, **weekend) == ["27 18:00 to 30 06:00"]
    assert spans(begin, end, spec="Fri 18:00-Mon 06:00 UTC") == ["27 18:00 to 30 06:00"]
    assert schedule(**weekend).open_at(unix("2026-11-30T05:59Z")) is not None
    assert schedule(**weekend).open_at(unix("2026-11-30T06:00Z")) is None
    assert spans(begin, end, time="Wed 08:00-Wed 07:00") == [
        "18 08:00 to 25 07:00",
        "25 08:00 to 02 07:00",
    ]
    assert spans(begin, end, time="Wed 08:00-Wed 09:00") == ["25 08:00 to 25 09:00"]


@pytest.mark.fault(46)
def test_the_turn_of_the_year_and_a_leap_day_are_days_like_others() -> None:
    turn = {"dates": ("12-31..01-01",), "zone": "Pacific/Auckland"}
    assert spans("2026-12-30T00:00Z", "2027-01-03T00:00Z", **turn) == ["30 11:00 to 01 11:00"]
    leap = schedule(dates=("02-29",))
    assert leap.next_edge(unix("2097-01-01T00:00Z")) == (unix("2104-02-29T00:00Z"), True)
    assert leap.open_at(unix("2028-02-29T12:00Z")) is not None
    cron = schedule(start="0 0 29 2 *", end="0 12 29 2 *")
    assert cron.next_edge(unix("2097-01-01T00:00Z")) == (unix("2104-02-29T00:00Z"), True)
    assert cron.next_edge(unix("2104-02-29T00:00Z")) == (unix("2104-02-29T12:00Z"), False)


def test_days_that_meet_are_told_as_one_window() -> None:
    whole = schedule(days="Mon-Fri", zone="Europe/Berlin")
    monday = whole.open_at(unix("2026-11-23T12:00Z"))
    assert monday is not None
    assert utc(whole.closes(monday)) == "27 23:00"
    for_ever = schedule(time="00:00-24:00")
    today = for_ever.open_at(unix("2026-11-23T12:00Z"))
    assert today is not None
    assert for_ever.closes(today) == float("inf")


def test_a_window_that_never_comes_again_has_no_next_edge() -> None:
    assert schedule(dates=("2020-01-01",)).next_edge(unix("2026-01-01T00:00Z")) is None
    assert schedule().next_edge(unix("2026-01-01T00:00Z")) is None


def test_a_tick_every_minute_is_one_long_window() -> None:
    minutes = schedule(start="* * * * *", duration_s=90.0)
    span = minutes.open_at(unix("2026-11-23T12:00Z"))
    assert span is not None
    assert minutes.closes(span) == float("inf")
    assert minutes.next_edge(unix("2026-11-23T12:00Z")) is None


def test_starts_on_days_that_do_not_count_are_left_out() -> None:
    batch = {"start": "0 22 * * *", "end": "0 2 * * *", "days": "Sat", "zone": "UTC"}
    assert spans("2026-11-23T00:00Z", "2026-11-30T00:00Z", **batch) == ["28 22:00 to 29 02:00"]
    never = schedule(start="0 22 * * *", end="0 2 * * *", dates=("2010-01-01",))
    assert never.open_at(unix("2026-11-23T23:00Z")) is None
    rare = schedule(start="* * * * *", end="0 0 1 1 *", dates=("2010-01-01",))
    assert rare.open_at(unix("2026-11-23T23:00Z")) is None


def test_a_start_that_falls_on_an_end_opens_nothing() -> None:
    same = {"start": "0 8 * * *", "end": "0 8,20 * * *"}
    assert spans("2026-11-23T00:00Z", "2026-11-24T00:00Z", **same) == []


# --- promises -------------------------------------------------------------------------------


@given(walls, walls, zones)
@settings(max_examples=SOME)
def test_later_on_the_wall_is_never_earlier_in_time(
    one: datetime, other: datetime, zone: str
) -> None:
    early, late = sorted((one, other))
    assert instant(early, zone_of(zone)) <= instant(late, zone_of(zone))


@given(walls, zones)
@settings(max_examples=SOME)
def test_a_local_time_is_itself_or_the_next_valid_one(wall: datetime, zone: str) -> None:
    place = zone_of(zone)
    at = instant(wall, place)
    assert wall_time(at, place) >= wall
    if wall_time(at, place) != wall:
        assert wall_time(at - 1, place) < wall
        assert local_time(at, place).utcoffset() != local_time(at - 1, place).utcoffset()


@given(moments, zones, minutes, minutes, st.sets(st.integers(0, 6), min_size=1))
@settings(max_examples=SOME)
def test_far_from_a_change_of_clocks_the_wall_decides(
    at: float, zone: str, begin: int, end: int, days: set[int]
) -> None:
    if begin == end:
        end = (end + 1) % 1440
    place = zone_of(zone)
    around = {local_time(at + day * DAY_S, place).utcoffset() for day in range(-3, 4)}
    if len(around) > 1:
        return
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    window = schedule(
        zone=zone,
        days=",".join(names[day] for day in sorted(days)),
        time=f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}",
    )
    wall = wall_time(at, place)
    minute = wall.hour * 60 + wall.minute
    today, yesterday = wall.weekday() in days, (wall - timedelta(days=1)).weekday() in days
    if begin < end:
        expected = today and begin <= minute < end
    else:
        expected = (today and minute >= begin) or (yesterday and minute < end)
    assert (window.open_at(at) is not None) is expected


crons = st.builds(
    "{} {} {} * {}".format,
    st.sampled_from(["0", "30", "*/20", "5,50"]),
    st.sampled_from(["*", "2", "8", "*/6", "23"]),
    st.sampled_from(["*", "*", "1", "L"]),
    st.sampled_from(["*", "*", "Mon", "Mon-Fri", "Sun"]),
)


def last(cron: str, at: float) -> datetime:
    found: datetime = next(
        CronSim(cron, datetime.fromtimestamp(at, UTC) + timedelta(seconds=1), reverse=True)
    )
    return found


@given(crons, crons, moments)
@settings(max_examples=SOME, deadline=None)
def test_open_means_that_the_last_start_is_later_than_the_last_end(
    start: str, end: str, at: float
) -> None:
    opened = schedule(start=start, end=end).open_at(at)
    assert (opened is not None) is (last(start, at) > last(end, at))


@given(crons, st.integers(1, 3 * DAY_S), moments)
@settings(max_examples=SOME, deadline=None)
def test_open_means_that_the_last_start_is_no_longer_ago_than_it_lasts(
    start: str, duration: int, at: float
) -> None:
    opened = schedule(start=start, duration_s=float(duration)).open_at(at)
    assert (opened is not None) is (last(start, at).timestamp() + duration > at)


WINDOWS: tuple[dict[str, Any], ...] = (
    {"time": "08:00-20:00", "days": "Mon-Fri"},
    {"time": "22:00-02:30"},
    {"time": "Fri 18:00-Mon 06:00"},
    {"start": "30 2 * * *", "end": "0 9 * * *"},
    {"start": "*/45 * * * *", "duration_s": 600.0},
    {"dates": ("12-24..01-06",), "time": "02:00-03:00"},
    {"days": "Sat,Sun"},
    {"holidays": ("DE-BY",), "on_holidays": "only"},
)


@given(st.sampled_from(WINDOWS), zones, moments)
@settings(max_examples=SOME, deadline=None)
def test_the_next_edge_is_where_it_opens_or_closes(
    window: dict[str, Any], zone: str, at: float
) -> None:
    found = schedule(**window, zone=zone)
    edge = found.next_edge(at)
    assert edge is not None
    when, opens = edge
    assert when > at
    assert (found.open_at(when) is not None) is opens
    assert (found.open_at(when - 1e-3) is not None) is not opens
    assert (found.open_at((at + when) / 2) is not None) is not opens


@given(st.sampled_from(WINDOWS), zones, moments, st.floats(0, DAY_S))
@settings(max_examples=SOME, deadline=None)
def test_a_lead_opens_earlier_by_itself(
    window: dict[str, Any], zone: str, at: float, lead: float
) -> None:
    found = schedule(**window, zone=zone)
    span = found.open_at(at, lead)
    inside = found.between(at, at + lead + 1e-6)
    assert (span is not None) is bool(inside)
    if span is not None:
        assert span.start <= at + lead
        assert at < span.end


def test_it_looks_as_far_as_from_one_leap_day_to_the_next() -> None:
    days = (date(2104, 2, 29) - date(2096, 2, 29)).days
    assert days * DAY_S < FAR_S
