"""`calendar`: windows, what they ask for, and how early."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Learned, Observation
from autoscaler.core.proposal import Bid, Proposal, fault_of
from autoscaler.core.reason import Code
from policies.calendar import Calendar, Entry, Event, Numbers
from tests.strategies import SOME, observations, seen

SIX = Numbers(min_replicas=6)
OFFICE = Entry(days="Mon-Fri", time="07:30-20:00", at_least=SIX)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def look(now: str, startup_s: float | None = None) -> Observation:
    return seen(at=unix(now), envelope=Envelope(4, 10, 32), learned=Learned(startup_s=startup_s))


def bids(calendar: Calendar, now: str, startup_s: float | None = None) -> dict[Dial, Bid]:
    answer = calendar.propose(look(now, startup_s))
    assert isinstance(answer, Proposal)
    return dict(answer.bids)


def reason(calendar: Calendar, now: str, startup_s: float | None = None) -> tuple[Code, str]:
    found = calendar.propose(look(now, startup_s)).reason
    return found.code, str(found)


def berlin(**windows: Entry) -> Calendar:
    return Calendar(windows, zone="Europe/Berlin")


# --- open and closed ------------------------------------------------------------------------


def test_a_floor_holds_from_its_start_until_just_before_its_end() -> None:
    calendar = berlin(office=OFFICE)
    assert bids(calendar, "2026-11-23T06:29:59Z") == {}
    assert bids(calendar, "2026-11-23T06:30Z") == {Dial.MIN_REPLICAS: Bid(at_least=6)}
    assert bids(calendar, "2026-11-23T18:59:59Z") == {Dial.MIN_REPLICAS: Bid(at_least=6)}
    assert bids(calendar, "2026-11-23T19:00Z") == {}


def test_an_open_window_says_until_when() -> None:
    assert reason(berlin(office=OFFICE), "2026-11-23T08:00Z") == (
        Code.SCHEDULED,
        "floor at least 6 by window office",
    )


def test_a_closed_calendar_has_no_opinion_and_says_so() -> None:
    assert reason(berlin(office=OFFICE), "2026-11-22T08:00Z") == (
        Code.NOT_SCHEDULED,
        "no window of the calendar is open",
    )


def test_the_highest_floor_and_the_lowest_ceiling_hold_where_windows_overlap() -> None:
    calendar = berlin(
        base=Entry(want=Numbers(min_replicas=2, threads=16)),
        office=OFFICE,
        lunch=Entry(
            time="12:00-14:00", at_least=Numbers(min_replicas=8), at_most=Numbers(max_replicas=9)
        ),
        cap=Entry(time="10:00-16:00", at_most=Numbers(max_replicas=12)),
    )
    assert bids(calendar, "2026-11-23T11:30Z") == {
        Dial.MIN_REPLICAS: Bid(want=2, at_least=8),
        Dial.MAX_REPLICAS: Bid(at_most=9),
        Dial.THREADS: Bid(want=16),
    }
    assert reason(calendar, "2026-11-23T11:30Z")[1] == (
        "base (always), office (until Mon 2026-11-23 20:00 CET), lunch (until Mon 2026-11-23 "
        "14:00 CET), cap (until Mon 2026-11-23 16:00 CET): floor want 2, at least 8, "
        "threads want 16, ceiling at most 9"
    )


def test_each_window_may_have_a_time_zone_of_its_own() -> None:
    calendar = Calendar(
        {
            "tokyo": Entry(time="09:00-10:00", zone="Asia/Tokyo", at_least=SIX),
            "home": Entry(time="09:00-10:00", at_least=Numbers(min_replicas=3)),
        },
        zone="America/New_York",
    )
    assert bids(calendar, "2026-11-23T00:30Z") == {Dial.MIN_REPLICAS: Bid(at_least=6)}
    assert bids(calendar, "2026-11-23T14:30Z") == {Dial.MIN_REPLICAS: Bid(at_least=3)}


# --- lead -----------------------------------------------------------------------------------


def test_capacity_is_asked_for_as_early_as_it_has_taken_to_start() -> None:
    calendar = berlin(office=OFFICE)
    assert bids(calendar, "2026-11-23T06:28:29Z", startup_s=90) == {}
    assert bids(calendar, "2026-11-23T06:28:30Z", startup_s=90) == {
        Dial.MIN_REPLICAS: Bid(at_least=6)
    }
    assert reason(calendar, "2026-11-23T06:29Z", startup_s=90) == (
        Code.SCHEDULED_AHEAD,
        "office (opens in 60 s, at Mon 2026-11-23 07:30 CET): floor at least 6",
    )


def test_a_configured_lead_beats_the_learnt_one_and_a_windows_own_beats_both() -> None:
    ten = Calendar({"office": OFFICE}, zone="Europe/Berlin", lead_s=600)
    assert bids(ten, "2026-11-23T06:20Z", startup_s=5) != {}
    assert bids(ten, "2026-11-23T06:19Z", startup_s=3600) == {}
    none = Entry(time="07:30-20:00", at_least=SIX, lead_s=0)
    assert bids(Calendar({"office": none}, "UTC", lead_s=600), "2026-11-23T07:29Z") == {}


def test_ahead_of_its_start_a_window_can_only_raise() -> None:
    calendar = Calendar(
        {
            "peak": Entry(
                time="08:00-09:00",
                want=Numbers(min_replicas=5),
                at_least=Numbers(min_replicas=3, threads=8),
                at_most=Numbers(max_replicas=6),
            )
        },
        lead_s=300,
    )
    assert bids(calendar, "2026-11-23T07:58Z") == {
        Dial.MIN_REPLICAS: Bid(at_least=5),
        Dial.THREADS: Bid(at_least=8),
    }
    assert bids(calendar, "2026-11-23T08:00Z") == {
        Dial.MIN_REPLICAS: Bid(want=5, at_least=3),
        Dial.MAX_REPLICAS: Bid(at_most=6),
        Dial.THREADS: Bid(at_least=8),
    }


def test_a_ceiling_alone_is_not_there_ahead_of_its_start() -> None:
    calendar = Calendar(
        {"night": Entry(time="22:00-06:00", at_most=Numbers(max_replicas=2))}, lead_s=300
    )
    assert reason(calendar, "2026-11-23T21:58Z")[0] is Code.NOT_SCHEDULED
    assert bids(calendar, "2026-11-23T22:00Z") == {Dial.MAX_REPLICAS: Bid(at_most=2)}


# --- holidays and dates ---------------------------------------------------------------------


def test_public_holidays_of_a_region_close_a_window() -> None:
    office = Entry(days="Mon-Fri", time="08:00-18:00", on_holidays="skip", at_least=SIX)
    bavaria = Calendar({"office": office}, "Europe/Berlin", ("DE-BY",))
    germany = Calendar({"office": office}, "Europe/Berlin", ("de",))
    assert bids(bavaria, "2026-01-06T12:00Z") == {}  # Epiphany, a holiday in Bavaria only
    assert bids(germany, "2026-01-06T12:00Z") != {}
    assert bids(germany, "2026-12-25T12:00Z") == {}


def test_holidays_of_ones_own_can_open_a_window() -> None:
    sale = Entry(on_holidays="only", holidays=("11-27..11-30", "2026-06-01"), at_least=SIX)
    calendar = Calendar({"sale": sale}, holidays=("DE",))
    assert bids(calendar, "2031-11-29T12:00Z") != {}
    assert bids(calendar, "2026-06-01T12:00Z") != {}
    assert bids(calendar, "2027-06-01T12:00Z") == {}
    assert bids(calendar, "2026-12-25T12:00Z") == {}


def test_ranges_of_dates_have_both_their_ends() -> None:
    season = Entry(dates=("2026-12-24..2026-12-26", "02-27..03-01"), at_least=SIX)
    calendar = Calendar({"season": season})
    for day, open_ in (
        ("2026-12-23T23:59Z", False),
        ("2026-12-24T00:00Z", True),
        ("2026-12-26T23:59Z", True),
        ("2026-12-27T00:00Z", False),
        ("2028-02-29T12:00Z", True),
        ("2029-03-02T00:00Z", False),
    ):
        assert bool(bids(calendar, day)) is open_, day


def test_one_instant_to_another_is_a_window() -> None:
    launch = Entry(start="2026-11-27T09:00", end="2026-11-28T18:00+00:00", at_least=SIX)
    calendar = berlin(launch=launch)
    assert bids(calendar, "2026-11-27T07:59Z") == {}
    assert bids(calendar, "2026-11-27T08:00Z") != {}
    assert bids(calendar, "2026-11-28T17:59Z") != {}
    assert bids(calendar, "2026-11-28T18:00Z") == {}
    once = Entry(start="2026-11-27 09:00", duration_s=3600.0, at_least=SIX)
    assert bids(berlin(once=once), "2026-11-27T08:30Z") != {}
    assert bids(berlin(once=once), "2026-11-27T09:00Z") == {}


# --- what comes next, and what may be a mistake ---------------------------------------------


def test_the_next_event_is_the_nearest_of_all_windows() -> None:
    calendar = berlin(
        base=Entry(want=SIX),
        office=OFFICE,
        past=Entry(dates=("2020-01-01",), at_least=SIX),
        night=Entry(time="22:00-06:00", at_most=SIX),
    )
    noon = unix("2026-11-23T12:00Z")
    assert calendar.next_event(noon) == Event(unix("2026-11-23T19:00Z"), "office", opens=False)
    evening = unix("2026-11-23T19:00Z")
    assert calendar.next_event(evening) == Event(unix("2026-11-23T21:00Z"), "night", opens=True)
    assert berlin(base=Entry(want=SIX)).next_event(noon) is None


NOW = unix("2026-11-23T12:00Z")


def test_a_window_that_never_opens_is_told() -> None:
    past = berlin(past=Entry(dates=("2020-01-01",), at_least=SIX), office=OFFICE)
    assert past.warnings(NOW) == ("window past does not open within a year",)


def test_windows_that_disagree_are_told_with_the_first_time_that_they_do() -> None:
    lunch = Entry(days="Tue", time="12:00-14:00", at_least=Numbers(min_replicas=8))
    assert berlin(office=OFFICE, lunch=lunch).warnings(NOW) == (
        (
            "windows office and lunch overlap from Tue 2026-11-24 12:00 CET: "
            "min_replicas at least 6 and at least 8; the higher holds"
        ),
    )
    cap = Entry(days="Wed", at_most=Numbers(min_replicas=3))
    assert berlin(office=OFFICE, cap=cap).warnings(NOW) == (
        (
            "windows office and cap overlap from Wed 2026-11-25 07:30 CET: "
            "min_replicas at least 6 and at most 3; the ceiling holds"
        ),
    )
    caps = berlin(
        one=Entry(days="Wed", at_most=Numbers(threads=3)),
        two=Entry(days="Wed-Thu", at_most=Numbers(threads=4)),
    )
    assert caps.warnings(NOW)[0].endswith("threads at most 3 and at most 4; the lower holds")


def test_windows_that_agree_or_never_meet_or_lie_under_all_are_not_told() -> None:
    calendar = berlin(
        base=Entry(want=Numbers(min_replicas=2)),
        office=OFFICE,
        again=Entry(days="Mon", at_least=SIX),
        night=Entry(time="22:00-06:00", at_least=Numbers(min_replicas=1)),
        roof=Entry(days="Tue", at_most=Numbers(max_replicas=30)),
        weekend=Entry(days="Sat,Sun", time="08:00-10:00", at_least=Numbers(min_replicas=2)),
    )
    told = [text for text in calendar.warnings(NOW) if "night" not in text]
    assert told == []


# --- promises -------------------------------------------------------------------------------

numbers = st.builds(
    Numbers,
    st.none() | st.integers(0, 40),
    st.none() | st.integers(0, 40),
    st.none() | st.integers(1, 40),
).filter(lambda n: any(n[dial] is not None for dial in Dial))
hours = st.integers(0, 23).map("{:02}:00".format)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    begin, end = draw(hours), draw(hours)
    return Entry(
        days=draw(st.sampled_from(["", "Mon-Fri", "Sat,Sun", "Wed-Tue"])),
        time="" if begin == end else f"{begin}-{end}",
        zone=draw(st.sampled_from(["", "Europe/Berlin", "Australia/Sydney"])),
        at_least=draw(numbers),
        want=draw(st.just(Numbers()) | numbers),
        lead_s=draw(st.none() | st.floats(0, 86_400)),
    )


calendars = st.dictionaries(st.sampled_from("abcd"), entries(), min_size=1).map(Calendar)


@given(calendars, observations())
@settings(max_examples=SOME, deadline=None)
def test_every_answer_is_a_valid_proposal(calendar: Calendar, observation: Observation) -> None:
    answer = calendar.propose(observation)
    assert isinstance(answer, Proposal)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert calendar.needs == ()
    assert calendar.propose(observation) == answer


@given(calendars, observations())
@settings(max_examples=SOME, deadline=None)
def test_the_order_of_windows_does_not_matter(calendar: Calendar, observation: Observation) -> None:
    turned = Calendar(dict(reversed([*calendar.windows.items()])))
    one, other = calendar.propose(observation), turned.propose(observation)
    assert isinstance(one, Proposal)
    assert isinstance(other, Proposal)
    assert one.bids == other.bids


@given(calendars)
@settings(max_examples=50, deadline=None)
def test_warnings_and_events_are_told_for_any_calendar(calendar: Calendar) -> None:
    assert all(calendar.warnings(NOW))
    event = calendar.next_event(NOW)
    assert event is None or event.at > NOW
