"""Hypothesis strategies for everything that a policy can be shown, likely or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Learned,
    Limits,
    Missing,
    Mode,
    NativeScaling,
    Observation,
    Override,
    Recommended,
    Resources,
    Series,
    Signal,
)

NOW = 1_795_420_800.0
"""Monday, 2026-11-23 08:00 UTC: the moment of most observations, Unix seconds."""

MONTH_S = 30 * 86_400.0
STRANGER = "a_signal_that_no_policy_names"
STATES = ("ACTIVE", "STARTING", "DEGRADED", "DISABLED", "FAILED", "HIBERNATING", "A_NEW_WORD")

# What a dashboard shows, what a broken exporter shows, and what only a computer would think of.
values = st.one_of(
    st.floats(0, 1000),
    st.integers(0, 200).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
moments = st.just(NOW) | st.floats(NOW - MONTH_S, NOW + MONTH_S)


_small, _threads, _scales = st.integers(0, 24), st.integers(1, 96), st.sampled_from((1, 1, 1, 400))


# A strategy that is built anew at every draw costs several times what it draws.
@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    """Legal envelopes: mostly a few replicas, sometimes thousands."""
    low, scale = draw(_small), draw(_scales)
    return Envelope(low * scale, (low + draw(_small)) * scale, draw(_threads))


_envelopes = envelopes()
_truths = st.booleans()
_gaps = st.sampled_from((0.5, 5.0, 15.0, 60.0, 900.0))
_unevenness = st.integers(0, 3)
_newest = st.sampled_from((0.0, -3.0, -240.0, -7200.0, 45.0, 3600.0))
_backs = st.sampled_from((None, None, 0.0, 100.0, 7200.0))


@cache
def _up_to(samples: int) -> st.SearchStrategy[list[float]]:
    return st.lists(values, min_size=1, max_size=samples)


@st.composite
def series(draw: st.DrawFn, at: float = NOW, samples: int = 12) -> Series:
    """Up to `samples` samples that rise in time, most of them before `at`, some ahead of it."""
    found = draw(_up_to(samples))
    gap = draw(_gaps)
    uneven = draw(_unevenness)
    newest = at + draw(_newest)
    times = [newest]
    for place in range(1, len(found)):
        times.append(times[-1] - gap * (1 + place % (1 + uneven)))
    back = draw(_backs)
    return Series(
        tuple(reversed(times)),
        tuple(found),
        draw(_truths),
        None if back is None else at - back,
    )


missing = st.builds(Missing, st.sampled_from(Absence), st.just(""), st.none() | moments)


_RANGES = (Range(0), Range(0, 0), Range(1, 20), Range(2, 4), Range(30, 100))
_THREAD_RANGES = (Range(1), Range(1, 32), Range(8, 8), Range(64, 256))
_limits = st.builds(
    Limits, st.sampled_from(_RANGES), st.sampled_from(_RANGES), st.sampled_from(_THREAD_RANGES)
)


_AGES = (0.0, 30.0, 299.0, 301.0, 3000.0, 90_000.0)
_ages = st.lists(st.sampled_from(_AGES), max_size=2, unique=True)


@st.composite
def _changes(draw: st.DrawFn, at: float) -> tuple[Change, ...]:
    ages = sorted(draw(_ages), reverse=True)
    return tuple(
        Change(at - age, draw(_envelopes), draw(_envelopes), draw(_truths)) for age in ages
    )


@st.composite
def _recommended(draw: st.DrawFn, at: float) -> tuple[Recommended, ...]:
    edges = [*sorted(draw(_ages), reverse=True), 0.0]
    return tuple(
        Recommended(draw(_envelopes), at - first, at - last) for first, last in pairwise(edges)
    )


_said = st.sampled_from((None, None, *Control))
_ends = st.sampled_from((None, -60.0, 3600.0))
_modes = st.sampled_from(Mode)
_dials = st.sampled_from(Dial)


@st.composite
def _overrides(draw: st.DrawFn, at: float) -> tuple[Override, ...]:
    control = draw(_said)
    if control is None:
        return ()
    after = draw(_ends)
    ends = None if after is None else at + after
    if control is Control.MODE:
        return (Override(control, "ada", "trial", ends, mode=draw(_modes)),)
    if control in {Control.PAUSE, Control.BRAKE}:
        return (Override(control, "ada", "load test", ends),)
    dial = draw(_dials)
    return (Override(control, "ada", "incident", ends, dial, draw(_threads)),)


_healths = st.builds(
    Health,
    st.sampled_from(STATES),
    st.booleans(),
    st.sampled_from(("", "ri.models.main.version.1")),
)
_learned = st.sampled_from((Learned(), Learned(8), Learned(64, 0.0), Learned(None, 3600.0)))
_resources = st.sampled_from(
    (
        Resources(),
        Resources(0.5, 2.0),
        Resources(8.0, 64.0, 1, "T4"),
        Resources(None, None, 8, "H100"),
        Resources(4.0, None, 1, "A_NEW_GPU"),
    )
)
_native = st.sampled_from(
    (NativeScaling(), NativeScaling(1.0, 0.0, 0.0), NativeScaling(0.05, 3600.0, 7200.0))
)


_read_ages = st.sampled_from((5.0, 0.0, 3600.0))
_watched_ages = st.sampled_from((MONTH_S, 3600.0, 60.0, 0.0))
_kinds = st.sampled_from(("series", "missing", "none"))


@st.composite
def observations(
    draw: st.DrawFn,
    needs: Sequence[str] = (),
    *,
    known: Sequence[str] = (),
    absent: Sequence[str] = (),
    at: float | None = None,
) -> Observation:
    """Any observation of one deployment, with the signals that a policy `needs`.

    A signal is a series, is missing or was never read; those in `known` are always a series
    and those in `absent` never one. `at` is Unix seconds, any month around NOW when left out.
    """
    at = draw(moments) if at is None else at
    return Observation(
        at=at,
        deployment="chat",
        envelope=draw(_envelopes),
        envelope_at=at - draw(_read_ages),
        health=draw(_healths),
        limits=draw(_limits),
        signals=draw(_signals(at, (*needs, STRANGER), known, absent)),
        changes=draw(_changes(at)),
        recommended=draw(_recommended(at)),
        overrides=draw(_overrides(at)),
        learned=draw(_learned),
        mode=draw(_modes),
        resources=draw(_resources),
        native=draw(_native),
        watched_since=at - draw(_watched_ages),
    )


@st.composite
def _signals(
    draw: st.DrawFn, at: float, names: Sequence[str], known: Sequence[str], absent: Sequence[str]
) -> dict[str, Signal]:
    found: dict[str, Signal] = {}
    for name in dict.fromkeys((*names, *known)):
        kind = "series" if name in known else draw(_kinds)
        if name in absent and kind == "series":
            kind = "missing"
        if kind != "none":
            some: st.SearchStrategy[Signal] = series(at) if kind == "series" else missing
            found[name] = draw(some)
    return found
