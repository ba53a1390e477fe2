"""When nothing means no load: only by the user's word, and only while there is a sign of life."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.core.observation import Absence, Missing, Series
from autoscaler.ports import Reading, Sample
from autoscaler.roster import SignalSpec
from autoscaler.runtime.observe import take
from autoscaler.runtime.seat import Seat
from tests.runtime.test_tick import SPEC, managed
from tests.strategies import NOW

UNDEFINED = Missing(Absence.UNDEFINED, "the value is nan")
NAN_IS_ZERO = replace(SPEC, nan_is_zero=True)


def looked(
    found: Missing | None,
    spec: SignalSpec,
    life: float | Missing | None = None,
    *,
    complete: bool = True,
) -> Series | Missing:
    """The signal `running_jobs` when the source says `found`, and `up` is `life`."""
    seat = Seat(managed(signals={"running_jobs": spec, "up": replace(SPEC, window_s=0.0)}))
    up = seat.managed.signals["up"]
    sample = Sample(NOW, life) if isinstance(life, float) else life
    lives = {} if sample is None else {"chat": sample}
    samples = {} if found is None else {"chat": found}
    take(seat, {id(spec): Reading(samples), id(up): Reading(lives, complete)}, NOW)
    return seat.signals["running_jobs"]


def absence(signal: Series | Missing) -> Absence:
    assert isinstance(signal, Missing)
    return signal.why


def test_nan_is_missing_unless_it_is_said_to_be_no_load() -> None:
    assert absence(looked(UNDEFINED, SPEC)) is Absence.UNDEFINED
    assert looked(UNDEFINED, NAN_IS_ZERO) == Series((NOW,), (0.0,))


@pytest.mark.parametrize(
    "why", [w for w in Absence if w is not Absence.UNDEFINED], ids=lambda w: w.value
)
def test_nothing_else_that_is_missing_becomes_zero(why: Absence) -> None:
    both = replace(NAN_IS_ZERO, empty_is_zero=True)
    assert absence(looked(Missing(why), both)) is why


def test_an_empty_answer_is_not_a_nan() -> None:
    assert absence(looked(None, NAN_IS_ZERO)) is Absence.EMPTY


@pytest.mark.parametrize("found", [UNDEFINED, None], ids=["nan", "empty"])
def test_zero_needs_its_sign_of_life(found: Missing | None) -> None:
    spec = replace(NAN_IS_ZERO, empty_is_zero=True, zero_while="up")
    assert isinstance(looked(found, spec, 1.0), Series)
    for lifeless in (0.0, None, Missing(Absence.STALE)):
        signal = looked(found, spec, lifeless)
        assert isinstance(signal, Missing)
        assert signal.detail == "up is not above 0"
    assert isinstance(looked(found, spec, 1.0, complete=False), Missing)
