"""Policy `pass_through`: another system knows the number, this one carries it over.

Source of the rules: Nomad Autoscaler, strategies pass-through (the newest value of a metric,
fraction cut off, with max_scale_up and max_scale_down) and fixed-value (a number of the
configuration), held against their answers in tests/vectors.

Differences on purpose:

* A number older than `max_age_s` is not carried over: the other system may be gone.
* A number below 0 counts as 0, and 1 thread is the least, where Nomad would ask for -3.
* The number may also serve as a floor or a ceiling for what other policies want (`bound`).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Abstain, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, because


def truncated(number: float, low: int, high: int) -> int:
    """`number` without its fraction, held within low..high."""
    return int(max(low, min(number, high)))


def capped(wanted: int, current: int, max_raise: int | None, max_lower: int | None) -> int:
    """`wanted`, at most `max_raise` above and `max_lower` below `current`."""
    if max_raise is not None:
        wanted = min(wanted, current + max_raise)
    if max_lower is not None:
        wanted = max(wanted, current - max_lower)
    return wanted


@dataclass(frozen=True, slots=True)
class PassThrough:
    """Carry a number of another system, or a fixed one, over to one dial."""

    signal: str = field(
        default="", metadata=meta("whose newest value is the number; empty: the fixed `value`")
    )
    value: int | None = field(
        default=None, metadata=meta("the fixed number, without a signal", ge=0, le=LARGEST_BID)
    )
    dial: Dial = field(
        default=Dial.MIN_REPLICAS,
        metadata=meta("the dial to set", one_of=tuple(dial.value for dial in DIALS)),
    )
    bound: str = field(
        default="want",
        metadata=meta(
            "`want` sets the dial; `at_least` and `at_most` only bound what others want",
            one_of=("want", "at_least", "at_most"),
        ),
    )
    low: int = field(default=0, metadata=meta("the least to carry over", ge=0, le=LARGEST_BID))
    high: int = field(
        default=LARGEST_BID, metadata=meta("the most to carry over", ge=0, le=LARGEST_BID)
    )
    max_age_s: float = field(
        default=300.0, metadata=meta("an older number is not carried over", unit="s", gt=0)
    )
    max_raise: int | None = field(
        default=None, metadata=meta("raise the dial by at most this at once", ge=1)
    )
    max_lower: int | None = field(
        default=None, metadata=meta("lower the dial by at most this at once", ge=1)
    )

    def __post_init__(self) -> None:
        check_options(self)
        if bool(self.signal) == (self.value is not None):
            raise ValueError(
                "either signal or value must be given, and not both, "
                f"got signal {self.signal!r} and value {self.value!r}"
            )
        if self.low > self.high:
            raise ValueError(f"low must be at most high, got {self.low} and {self.high}")

    @property
    def needs(self) -> tuple[str, ...]:
        """The signal that holds the number; none for a fixed one."""
        return (self.signal,) if self.signal else ()

    def propose(self, seen: Observation) -> Answer:
        """Bid the number as it stands; abstain when it is missing or too old."""
        if self.value is not None:
            return self._bid(seen, float(self.value), "the configuration", 0.0)
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        known = bisect_right(series.times, seen.at)
        if not known:
            return Abstain(
                because(Code.SIGNAL_TOO_SHORT, "{signal} has no value yet", signal=self.signal)
            )
        age = seen.at - series.times[known - 1]
        if age > self.max_age_s:
            return Abstain(
                because(
                    Code.SIGNAL_STALE,
                    "{signal} is {age:span} old, at most {max_age:span} are allowed",
                    signal=self.signal,
                    age=age,
                    max_age=self.max_age_s,
                )
            )
        return self._bid(seen, series.values[known - 1], self.signal, age)

    def _bid(self, seen: Observation, number: float, source: str, age: float) -> Answer:
        low = max(self.low, 1) if self.dial is Dial.THREADS else self.low
        asked = truncated(number, low, self.high)
        wanted = capped(asked, seen.envelope[self.dial], self.max_raise, self.max_lower)
        sentence = "{source} says {number:g}" + (" ({age:span} ago)" if self.signal else "")
        sentence += ": {dial:dial} {bound} {wanted}"
        if not low <= int(number) <= self.high:
            sentence += ", held within {low}..{high}"
        if wanted != asked:
            sentence += ", changed by no more than {most} at once"
        most = self.max_raise if wanted < asked else self.max_lower
        reason = because(
            Code.PASSED_THROUGH,
            sentence,
            source=source,
            number=number,
            age=age,
            dial=self.dial.value,
            bound=self.bound.replace("_", " "),
            wanted=wanted,
            low=low,
            high=self.high,
            most=most or 0,
        )
        return Proposal({self.dial: self._as_bound(min(wanted, LARGEST_BID))}, reason)

    def _as_bound(self, wanted: int) -> Bid:
        if self.bound == "want":
            return Bid(want=wanted)
        return Bid(at_least=wanted) if self.bound == "at_least" else Bid(at_most=wanted)
