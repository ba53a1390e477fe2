"""Metrics in: one question per signal for the whole group, matched to its deployments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from autoscaler.core.observation import Absence, Missing, Series, Signal
from autoscaler.ports import Question, Reading, Sample, Source
from autoscaler.roster import SignalSpec
from autoscaler.runtime.seat import Seat
from autoscaler.steps import step

# Sources tolerate samples so far ahead of this clock.
AHEAD_S = 30.0

Asked = tuple[str, Question]
"""A source's name and what it is asked."""


async def ask_all(
    sources: Mapping[str, Source], asked: Iterable[Asked], at: float, deadline_s: float
) -> dict[Asked, Reading | Missing]:
    """Ask every distinct question once, all at the same time.

    A source that breaks its promise not to raise, or that is later than `deadline_s`, costs
    its own signals and nothing else.
    """
    questions = list(dict.fromkeys(asked))
    answers = await asyncio.gather(
        *(_asked(sources, source, question, at, deadline_s) for source, question in questions)
    )
    return dict(zip(questions, answers, strict=True))


async def _asked(
    sources: Mapping[str, Source], source: str, question: Question, at: float, deadline_s: float
) -> Reading | Missing:
    with step("query", source=source, signal=question.signal) as asking:
        answer = await _ask(sources[source], question, at, deadline_s)
        if isinstance(answer, Missing):
            asking.say(missing=answer.why.value)
        else:
            asking.say(samples=len(answer.samples), complete=answer.complete)
    return answer


async def _ask(
    source: Source, question: Question, at: float, deadline_s: float
) -> Reading | Missing:
    try:
        async with asyncio.timeout(deadline_s):
            return await source.read(question, at)
    except TimeoutError:
        return Missing(Absence.SOURCE_FAILED, f"no answer within {deadline_s:g} s")
    except Exception as bug:  # noqa: BLE001 - a source's bug must not stop the others
        return Missing(Absence.SOURCE_FAILED, f"the source crashed with {type(bug).__name__}")


Answers = Mapping[int, Reading | Missing]
"""By the identity of the specification: ten thousand deployments share three of them, and
hashing a question for each deployment and tick costs more than reading the sample."""


def distinct(seats: Iterable[Seat]) -> tuple[SignalSpec, ...]:
    """Every specification that the seats share, each once."""
    specs = {id(spec): spec for seat in seats for spec in seat.managed.signals.values()}
    return tuple(specs.values())


async def answers_for(
    specs: Sequence[SignalSpec], sources: Mapping[str, Source], at: float, deadline_s: float
) -> Answers:
    """The answer for each specification; equal questions are asked once."""
    asked = [(spec.source, spec.question) for spec in specs]
    answers = await ask_all(sources, asked, at, deadline_s)
    return {id(spec): answers[spec.source, spec.question] for spec in specs}


def take(seat: Seat, answers: Answers, at: float) -> None:
    """Put this tick's samples into the seat's windows; signs of life before who needs them."""
    later = []
    for name, spec in seat.managed.signals.items():
        if spec.zero_while:
            later.append((name, spec))
            continue
        seat.signals[name] = _signal(seat, name, spec, answers[id(spec)], at)
    for name, spec in later:
        seat.signals[name] = _signal(seat, name, spec, answers[id(spec)], at)


def _signal(
    seat: Seat, name: str, spec: SignalSpec, answer: Reading | Missing, at: float
) -> Signal:
    past, known = seat.series.get(name), seat.signals.get(name)
    recovered: float | None = at
    sample = answer if isinstance(answer, Missing) else _sample(seat, spec, answer, at)
    if isinstance(sample, Missing):
        seat.returned.pop(name, None)
        seat.noted = seat.noted and isinstance(known, Missing)
        return Missing(sample.why, sample.detail, past.last_at if past else None)
    complete = answer.complete if isinstance(answer, Reading) else True
    if past is not None and past.last_at > at + AHEAD_S:
        # A clock was put back: beside that sample every new one would count as old for long.
        past = None
    elif name in seat.returned:
        # Of before the restart: one that was away then is back now.
        recovered = seat.returned[name] or at
    elif not isinstance(known, Missing):
        # Missing counts also without a past: a source that was away at the start comes back too.
        recovered = past.recovered_at if past else None
    seat.returned.pop(name, None)
    seat.noted = seat.noted and not isinstance(known, Missing)
    start = at - spec.window_s
    series = extended(past, sample, start, complete=complete, recovered_at=recovered)
    seat.series[name] = series
    return series


def _sample(seat: Seat, spec: SignalSpec, reading: Reading, at: float) -> Sample | Missing:
    found = reading.samples.get(seat.managed.match)
    if found is None:
        return _nothing(seat, spec, EMPTY, at) if spec.empty_is_zero else EMPTY
    if spec.nan_is_zero and isinstance(found, Missing) and found.why is Absence.UNDEFINED:
        return _nothing(seat, spec, found, at)
    if isinstance(found, Missing) or spec.plausible is None:
        return found
    low, high = spec.plausible
    if low <= found.value <= high:
        return found
    return Missing(
        Absence.IMPLAUSIBLE, f"{found.value:g} is outside the plausible {low:g}..{high:g}"
    )


EMPTY = Missing(Absence.EMPTY)


def _nothing(seat: Seat, spec: SignalSpec, found: Missing, at: float) -> Sample | Missing:
    """Zero, unless a sign of life is asked for and does not show: then nothing is known."""
    if not spec.zero_while:
        return Sample(at, 0.0)
    life = seat.signals.get(spec.zero_while)
    if isinstance(life, Series) and life.complete and life.last > 0:
        return Sample(at, 0.0)
    return Missing(found.why, f"{spec.zero_while} is not above 0")


def extended(
    past: Series | None,
    sample: Sample,
    start: float,
    *,
    complete: bool = True,
    recovered_at: float | None = None,
) -> Series:
    """The series with one more sample, without those before `start` (Unix seconds).

    A sample that is not newer than the last one changes only the flags: sources repeat
    themselves between two scrapes.
    """
    if past is None:
        return Series((sample.at,), (sample.value,), complete, recovered_at)
    times, values = past.times, past.values
    if sample.at <= times[-1]:
        if past.complete == complete and past.recovered_at == recovered_at:
            return past
        return Series(times, values, complete, recovered_at)
    drop, count = 0, len(times)
    while drop < count and times[drop] < start:
        drop += 1
    return Series(
        (*times[drop:], sample.at), (*values[drop:], sample.value), complete, recovered_at
    )


async def fill(sources: Mapping[str, Source], seats: Sequence[Seat], at: float) -> None:
    """Fill the windows of `seats` from the sources' own history, once, at start."""
    widest: dict[Asked, float] = {}
    for seat in seats:
        for spec in seat.managed.signals.values():
            key = (spec.source, spec.question)
            widest[key] = max(widest.get(key, 0.0), spec.window_s)
    found = await asyncio.gather(
        *(_past(sources[asked[0]], asked[1], at, window) for asked, window in widest.items())
    )
    pasts = dict(zip(widest, found, strict=True))
    for seat in seats:
        for name, spec in seat.managed.signals.items():
            past = pasts[spec.source, spec.question].get(seat.managed.match)
            if past is not None and name not in seat.series:
                seat.series[name] = _cut(past, at - spec.window_s)


async def fill_forecasts(sources: Mapping[str, Source], seats: Sequence[Seat], at: float) -> None:
    """Give forecasts that know nothing the past of their demand, one deployment after another."""
    pasts: dict[Asked, Mapping[str, Series]] = {}
    for seat in seats:
        foresight = seat.foresight
        for name in foresight.empty() if foresight else ():
            assert foresight is not None  # noqa: S101 - it has just told its names
            spec = foresight.specs[name]
            signal = seat.managed.signals[spec.of]
            asked = (signal.source, signal.question)
            if asked not in pasts:
                pasts[asked] = await _long_past(sources[asked[0]], asked[1], at, spec.history_s)
            past = pasts[asked].get(seat.managed.match)
            if past is not None:
                for _ in foresight.fill(name, past, seat.learned.startup_s):
                    await asyncio.sleep(0)


async def _long_past(
    source: Source, question: Question, at: float, span_s: float
) -> Mapping[str, Series]:
    try:
        async with asyncio.timeout(LONG_PAST_S):
            return await source.history(question, at - span_s, at, MINUTE_S)
    except Exception:  # noqa: BLE001 - without a past a forecast learns from now on
        return {}


MINUTE_S = 60.0
# Two weeks by the minute are many pages; a source that never ends must not keep the others waiting.
LONG_PAST_S = 120.0


async def _past(
    source: Source, question: Question, at: float, window_s: float
) -> Mapping[str, Series]:
    step = max(10.0, window_s / 240)
    try:
        async with asyncio.timeout(30.0):
            return await source.history(question, at - window_s, at, step)
    except Exception:  # noqa: BLE001 - history is a convenience: without it windows fill by themselves
        return {}


def _cut(past: Series, start: float) -> Series:
    values = past.since(start)
    if not values:
        return Series(past.times[-1:], past.values[-1:], past.complete)
    return Series(past.times[-len(values) :], values, past.complete)
