from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.observation import Missing, Series
from autoscaler.core.options import check_options, meta
from autoscaler.core.reason import Code, because
from tests.strategies import NOW, seen, series


@given(series(), st.floats(0, 1000))
def test_a_window_holds_exactly_the_samples_inside(found: Series, back: float) -> None:
    start = NOW - back
    inside = tuple(v for t, v in zip(found.times, found.values, strict=True) if t >= start)
    assert found.since(start) == inside


@pytest.mark.fault(6)
def test_a_signal_that_was_never_read_is_missing_and_not_zero() -> None:
    assert isinstance(seen().signal("running_jobs"), Missing)


@pytest.mark.fault(52)
def test_an_observation_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen().at = 1.0  # type: ignore[misc]  # that is the point


def test_a_reason_is_a_sentence_with_its_numbers() -> None:
    assert str(because(Code.LIMITS, "{a:.1f} of {b}", a=1.25, b="x")) == "1.2 of x"
    assert str(because(Code.LIMITS, "a plain {sentence}")) == "a plain {sentence}"


def test_a_choice_outside_the_list_is_refused() -> None:
    @dataclass(frozen=True)
    class Options:
        how: str = field(default="fast", metadata=meta("how", one_of=("fast", "safe")))
        often: int = field(default=1, metadata=meta("how often", gt=0, le=9))
        really: bool = field(default=True, metadata=meta("really"))

        def __post_init__(self) -> None:
            check_options(self)

    assert Options("safe").how == "safe"
    with pytest.raises(ValueError, match="how must be one of fast, safe, got 'slow'"):
        Options("slow")
    with pytest.raises(ValueError, match="often must be at most 9, got 10"):
        Options(often=10)
