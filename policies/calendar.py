"""Policy `calendar`: floors, ceilings and exact values by weekday, time, date, cron and holiday.

    windows:
      office: {days: Mon-Fri, time: 07:30-20:00, at_least: {min_replicas: 6}}
      batch:  {start: 0 22 * * *, duration: 2h, at_most: {max_replicas: 4}}

A window is open from its start until just before its end. Several may be open: the highest
floor, the lowest ceiling and the highest exact value hold, and a ceiling beats a floor.

Capacity is there when a window opens: floors and exact values count `lead` seconds ahead of it,
by default as long as the deployment has been seen to take to start (p95), if that is known.
Ahead of its start an exact value only raises, and a ceiling does not count at all.

Clocks: a start or end that is skipped in spring is the next valid instant; in a doubled hour
both mean its first coming, so nothing happens twice. `duration` is real time.

Sources of the rules, held against their answers in tests/vectors/calendar.json: the time
specifications of py-kube-downscaler (`spec`) and the schedules of Nomad Autoscaler (`start` with
`end` or `duration`). Differences on purpose: a time may go over midnight, every window has a time
zone of its own, and an unknown one is refused at start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.merge import SILENCE, merge
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal
from autoscaler.core.reason import Code, Reason, because
from autoscaler.core.words import dial as spoken
from policies._spans import DAY_S, NEVER, Schedule, Span
from policies._window import Window, plain_window, schedule_of
from policies._zone import told, zone_of

OUTLOOK_S = 400 * DAY_S
"""How far ahead windows are looked at for what may be a mistake: a year and a month."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number per dial; a dial that is left out is not meant."""

    min_replicas: int | None = field(
        default=None, metadata=meta("guaranteed replicas", ge=0, le=LARGEST_BID)
    )
    max_replicas: int | None = field(
        default=None, metadata=meta("replicas at most", ge=0, le=LARGEST_BID)
    )
    threads: int | None = field(
        default=None, metadata=meta("requests at once per replica", ge=1, le=LARGEST_BID)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def __getitem__(self, dial: Dial) -> int | None:
        if dial is Dial.MIN_REPLICAS:
            return self.min_replicas
        return self.max_replicas if dial is Dial.MAX_REPLICAS else self.threads


NOTHING = Numbers()


@dataclass(frozen=True, slots=True)
class Entry(Window):
    """A window and what it asks for while it is open."""

    at_least: Numbers = field(default=NOTHING, metadata=meta("floors for what others want"))
    at_most: Numbers = field(default=NOTHING, metadata=meta("ceilings for what others want"))
    want: Numbers = field(default=NOTHING, metadata=meta("exact values"))
    lead_s: float | None = field(
        default=None,
        metadata=meta(
            "floors count this much earlier; else the calendar's", unit="s", ge=0, le=DAY_S
        ),
    )

    def __post_init__(self) -> None:
        # The bare `super()` of a slotted dataclass would ask for the class before it was slotted.
        Window.__post_init__(self)
        if not self.bids():
            raise ValueError("one of at_least, at_most, want must have a number for a dial")

    def bids(self) -> Mapping[Dial, Bid]:
        """What it asks for while it is open."""
        found = {d: Bid(self.want[d], self.at_least[d], self.at_most[d]) for d in DIALS}
        return {dial: bid for dial, bid in found.items() if bid != SILENCE}

    def bids_ahead(self) -> Mapping[Dial, Bid]:
        """What it asks for before it opens: nothing that could lower a dial."""
        ahead = {
            dial: merge(Bid(at_least=bid.want), Bid(at_least=bid.at_least))
            for dial, bid in self.bids().items()
        }
        return {dial: bid for dial, bid in ahead.items() if bid != SILENCE}


@dataclass(frozen=True, slots=True)
class Event:
    """A window opens or closes at `at`, Unix seconds."""

    at: float
    window: str
    opens: bool


@dataclass(frozen=True, slots=True)
class _Opening:
    """A window as it is looked at every tick."""

    name: str
    schedule: Schedule
    lead_s: float | None
    now: Mapping[Dial, Bid]
    ahead: Mapping[Dial, Bid]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Bid what the calendar says for now, and for when capacity ordered now would be there."""

    windows: Mapping[str, Entry] = field(
        default_factory=dict, metadata=meta("the windows, each under a name of its own")
    )
    zone: str = field(
        default="UTC", metadata=meta("IANA time zone of windows that do not name their own")
    )
    holidays: tuple[str, ...] = field(
        default=(), metadata=meta("holidays of windows that do not name their own: DE-BY, 12-24")
    )
    lead_s: float | None = field(
        default=None,
        metadata=meta(
            "lead of windows without; else the learnt start-up", unit="s", ge=0, le=DAY_S
        ),
    )
    _openings: tuple[_Opening, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        check_options(self)
        if not self.windows:
            raise ValueError("windows must have at least one window")
        try:
            zone_of(self.zone)
        except ValueError as error:
            raise ValueError(f"zone {error}") from None
        openings = tuple(self._opening(name, each) for name, each in self.windows.items())
        object.__setattr__(self, "_openings", openings)

    def _opening(self, name: str, entry: Entry) -> _Opening:
        try:
            schedule = schedule_of(plain_window(entry, self.zone, self.holidays))
        except ValueError as error:
            raise ValueError(f"windows: {name}: {error}") from None
        lead_s = self.lead_s if entry.lead_s is None else entry.lead_s
        return _Opening(name, schedule, lead_s, entry.bids(), entry.bids_ahead())

    @property
    def needs(self) -> tuple[str, ...]:
        """No signals: a calendar only reads the clock."""
        return ()

    def propose(self, seen: Observation) -> Answer:
        """Merge the bids of all windows that are open, or will be within their lead."""
        at, learned = seen.at, seen.learned.startup_s or 0.0
        bids: dict[Dial, Bid] = {}
        found: list[tuple[_Opening, Span]] = []
        for each in self._openings:
            span = each.schedule.open_at(at, learned if each.lead_s is None else each.lead_s)
            asked = {} if span is None else each.now if span.start <= at else each.ahead
            if span is None or not asked:
                continue
            found.append((each, span))
            for dial, bid in asked.items():
                bids[dial] = merge(bids[dial], bid) if dial in bids else bid
        return Proposal(bids, _reason(found, bids, at))

    def next_event(self, at: float) -> Event | None:
        """The next window that opens or closes after `at` (Unix seconds); None for years."""
        events = [
            Event(edge[0], each.name, edge[1])
            for each in self._openings
            if (edge := each.schedule.next_edge(at)) is not None
        ]
        return min(events, key=lambda event: event.at, default=None)

    def warnings(self, at: float) -> tuple[str, ...]:
        """What may be a mistake in the year after `at`: windows that never open, or disagree.

        Windows without any limit of time are meant to lie under the others.
        """
        looks = {
            each.name: (each, each.schedule.between(at, at + OUTLOOK_S))
            for each in self._openings
            if not each.schedule.always
        }
        empty = [
            f"window {name} does not open within a year" for name, s in looks.items() if not s[1]
        ]
        pairs = combinations(looks.values(), 2)
        return (*empty, *(text for one, other in pairs for text in _overlap(*one, *other)))


def _overlap(
    one: _Opening, spans: tuple[Span, ...], other: _Opening, others: tuple[Span, ...]
) -> Iterator[str]:
    start = _first_common(spans, others)
    if start is None:
        return
    for dial in DIALS:
        mine, theirs = one.now.get(dial, SILENCE), other.now.get(dial, SILENCE)
        clash = _clash(mine, theirs)
        if clash:
            when = told(start, one.schedule.zone)
            yield (
                f"windows {one.name} and {other.name} overlap from {when}: "
                f"{dial.value} {mine} and {theirs}; {clash}"
            )


def _clash(one: Bid, other: Bid) -> str:
    """How two bids on one dial disagree, empty when they do not."""
    both = merge(one, other)
    floor, roof = both.at_least, both.at_most
    if floor is not None and roof is not None and floor > roof:
        return "the ceiling holds"
    for mine, theirs in ((one.want, other.want), (one.at_least, other.at_least)):
        if mine is not None and theirs is not None and mine != theirs:
            return "the higher holds"
    ceilings = {one.at_most, other.at_most} - {None}
    return "the lower holds" if len(ceilings) > 1 else ""


def _first_common(one: tuple[Span, ...], other: tuple[Span, ...]) -> float | None:
    """The first instant at which spans of both are open."""
    mine, theirs = iter(one), iter(other)
    left, right = next(mine, None), next(theirs, None)
    while left is not None and right is not None:
        start = max(left.start, right.start)
        if start < min(left.end, right.end):
            return start
        if left.end < right.end:
            left = next(mine, None)
        else:
            right = next(theirs, None)
    return None


CLOSED = because(Code.NOT_SCHEDULED, "no window of the calendar is open")


def _reason(found: list[tuple[_Opening, Span]], bids: Mapping[Dial, Bid], at: float) -> Reason:
    if not found:
        return CLOSED
    ahead = any(span.start > at for _, span in found)
    asked = ", ".join(f"{spoken(dial.value)} {bid}" for dial, bid in bids.items())
    if not ahead and len(found) == 1:
        return _alone(*found[0], asked)
    return because(
        Code.SCHEDULED_AHEAD if ahead else Code.SCHEDULED,
        "{windows}: {asked}",
        windows=", ".join(_told(each, span, at) for each, span in found),
        asked=asked,
    )


def _alone(each: _Opening, span: Span, asked: str) -> Reason:
    """The reason for a single open window, with its end as a fact."""
    sentence, end = "{asked} by window {windows}", each.schedule.closes(span)
    if end == NEVER:
        return because(Code.SCHEDULED, sentence, windows=each.name, asked=asked)
    zone = each.schedule.zone.key
    return because(Code.SCHEDULED, sentence, windows=each.name, asked=asked, until=end, zone=zone)


def _told(each: _Opening, span: Span, at: float) -> str:
    zone = each.schedule.zone
    if span.start > at:
        return f"{each.name} (opens in {span.start - at:.0f} s, at {told(span.start, zone)})"
    end = each.schedule.closes(span)
    return f"{each.name} (always)" if end == NEVER else f"{each.name} (until {told(end, zone)})"
