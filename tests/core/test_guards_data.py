"""Rails that judge the data: plausibility, recovery, veto, consolidation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.guards.consolidation import Consolidation, survivors
from autoscaler.core.guards.plausibility import Plausibility
from autoscaler.core.guards.recovery import Recovery
from autoscaler.core.guards.veto import Veto
from autoscaler.core.observation import Absence, Missing, NativeScaling, Observation, Series
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code
from tests.strategies import NOW, seen

BEFORE = Envelope(4, 10, 32)
LOWER = Envelope(2, 6, 32)
HIGHER = Envelope(8, 16, 32)


def plan(after: Envelope, before: Envelope = BEFORE) -> Plan:
    return Plan(before, after, after)


def jobs(*values: float, recovered_at: float | None = None, ahead: float = 0.0) -> Series:
    times = tuple(NOW + ahead - 15 * i for i in reversed(range(len(values))))
    return Series(times, values, recovered_at=recovered_at)


def look(**signals: object) -> Observation:
    return seen(signals=signals)


# --- plausibility ----------------------------------------------------------------------------


@pytest.mark.fault(8)
def test_a_value_outside_its_declared_range_stops_lowering_with_its_own_code() -> None:
    odd = look(jobs=Missing(Absence.IMPLAUSIBLE, "-3 is outside the plausible 0..100"))
    kept = Plausibility().shape(plan(LOWER), odd)
    assert kept.after == BEFORE
    assert kept.trail[-1].reason.code is Code.IMPLAUSIBLE
    assert "-3 is outside the plausible 0..100" in str(kept.trail[-1].reason)
    assert Plausibility().shape(plan(HIGHER), odd).after == HIGHER


def test_any_other_absence_is_the_matter_of_freshness() -> None:
    gone = look(jobs=Missing(Absence.EMPTY))
    assert Plausibility().shape(plan(LOWER), gone).after == LOWER


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ((100, 110, 90, 100, 9), False),
        ((100, 110, 90, 100, 9, 8), False),
        ((100, 110, 90, 100, 9, 8, 0), True),
        ((100, 0, 100, 0), False),
        ((100, 100, 100, 100, 10), True),
        ((100, 5), False),
        ((5,), True),
        ((0, 0, 0, 0), True),
        ((100, 100, 100, 0, 0, 50), True),
    ],
)
def test_a_sudden_fall_needs_three_samples_before_anything_is_lowered(
    values: tuple[float, ...], passes: bool
) -> None:
    shaped = Plausibility().shape(plan(LOWER), look(jobs=jobs(*values)))
    assert shaped.after == (LOWER if passes else BEFORE)
    if not passes:
        assert shaped.trail[-1].reason.code is Code.DROP_UNCONFIRMED


def test_the_share_of_a_fall_and_its_strikes_are_options() -> None:
    halved = look(jobs=jobs(100, 100, 100, 40))
    assert Plausibility().shape(plan(LOWER), halved).after == LOWER
    assert Plausibility(drop_share=0.5).shape(plan(LOWER), halved).after == BEFORE
    assert Plausibility(drop_share=0.5, strikes=1).shape(plan(LOWER), halved).after == LOWER


def test_a_forecast_may_fall_as_it_likes() -> None:
    ahead = look(forecast=jobs(100, 100, 0, ahead=600))
    assert Plausibility().shape(plan(LOWER), ahead).after == LOWER


# --- recovery --------------------------------------------------------------------------------


@pytest.mark.fault(13)
def test_a_source_that_came_back_lowers_nothing_for_five_minutes() -> None:
    back = look(jobs=jobs(1, 1, recovered_at=NOW - 100))
    kept = Recovery().shape(plan(LOWER), back)
    assert kept.after == BEFORE
    assert (
        str(kept.trail[-1].reason) == "no lowering: jobs came back only lately; 3 min 20 s to wait"
    )
    assert Recovery().shape(plan(HIGHER), back).after == HIGHER
    assert Recovery(grace_s=100).shape(plan(LOWER), back).after == LOWER


def test_a_source_that_was_never_away_needs_no_grace() -> None:
    calm = look(jobs=jobs(1, 1), errors=Missing(Absence.EMPTY))
    assert Recovery().shape(plan(LOWER), calm).after == LOWER


# --- veto ------------------------------------------------------------------------------------

GUARDED = Veto({"error_share": 0.02, "p95_s": 2.0})


@pytest.mark.parametrize(
    ("errors", "latency", "words"),
    [
        (jobs(0.0, 0.02), jobs(1.0), ""),
        (jobs(0.0, 0.03), jobs(1.0), "no lowering: error_share is 0.03, above its line of 0.02"),
        (jobs(0.0), jobs(2.5), "no lowering: p95_s is 2.5, above its line of 2"),
        (jobs(0.0), Missing(Absence.STALE), "no lowering: p95_s is too old"),
    ],
)
def test_nothing_is_lowered_while_it_hurts(errors: object, latency: object, words: str) -> None:
    sight = look(error_share=errors, p95_s=latency)
    shaped = GUARDED.shape(plan(LOWER), sight)
    assert shaped.after == (BEFORE if words else LOWER)
    assert not words or (str(shaped.trail[-1].reason), shaped.trail[-1].reason.code) == (
        words,
        Code.VETOED,
    )
    assert GUARDED.shape(plan(HIGHER), sight).after == HIGHER


def test_without_lines_there_is_no_veto() -> None:
    assert Veto().shape(plan(LOWER), seen()).after == LOWER


def test_a_line_must_be_a_finite_number() -> None:
    with pytest.raises(ValueError, match="lines must be finite numbers, got nan for p95_s"):
        Veto({"p95_s": float("nan")})


# --- consolidation ---------------------------------------------------------------------------

COUNTING = Consolidation(signal="jobs")


def test_survivors_stay_below_the_platforms_line() -> None:
    # 96 jobs / (4 x 32) = 0.75 would reach the line; 5 replicas carry 0.6 each.
    kept = COUNTING.shape(plan(Envelope(2, 3, 32), Envelope(8, 20, 32)), look(jobs=jobs(96, 10)))
    assert kept.after == Envelope(5, 5, 32)
    assert kept.trail[-1].reason.code is Code.CONSOLIDATION
    assert "fewer than 5 replicas would be over 75% busy" in str(kept.trail[-1].reason)


def test_a_lowering_that_survivors_carry_passes() -> None:
    assert COUNTING.shape(plan(LOWER), look(jobs=jobs(40))).after == LOWER
    assert COUNTING.shape(plan(HIGHER), look(jobs=jobs(4000))).after == HIGHER


def test_the_line_is_the_platforms_own_unless_one_is_given() -> None:
    sight = seen(signals={"jobs": jobs(40)}, native=NativeScaling(up_threshold=0.5))
    assert COUNTING.shape(plan(LOWER), sight).after.min_replicas == 3
    assert Consolidation("jobs", line=0.9).shape(plan(LOWER), sight).after.min_replicas == 2
    never = seen(signals={"jobs": jobs(1)}, native=NativeScaling(up_threshold=0.0))
    assert COUNTING.shape(plan(LOWER), never).after == BEFORE


def test_replicas_wait_until_the_threads_that_replace_them_have_come() -> None:
    swap = plan(Envelope(4, 10, 64), Envelope(8, 10, 32))
    assert COUNTING.shape(swap, look(jobs=jobs(150))).after == Envelope(7, 10, 64)


@pytest.mark.parametrize("signal", [Missing(Absence.EMPTY), jobs(1, ahead=-900), None])
def test_without_a_load_nobody_knows_what_the_others_would_carry(signal: object) -> None:
    sight = seen() if signal is None else look(jobs=signal)
    assert COUNTING.shape(plan(LOWER), sight).after == BEFORE


def test_consolidation_tells_how_much_past_it_looks_at() -> None:
    assert Consolidation("jobs", window_s=900).windows == {"jobs": 900}
    assert Consolidation().windows == {}


def test_without_a_signal_consolidation_is_off() -> None:
    assert Consolidation().shape(plan(LOWER), look(jobs=jobs(4000))).after == LOWER


def test_no_load_needs_nobody() -> None:
    assert COUNTING.shape(plan(Envelope(0, 0, 32)), look(jobs=jobs(0))).after == Envelope(0, 0, 32)


@given(st.floats(0, 1e6), st.floats(0.1, 100), st.integers(0, 1000))
def test_survivors_are_the_fewest_below_the_line(peak: float, each: float, most: int) -> None:
    least = survivors(peak, each, most)
    assert 0 <= least <= most
    if 0 < least < most:
        assert peak / least < each * 1.000001
        assert least == 1 or peak / (least - 1) >= each * 0.999999
