from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.fleet import Candidate, fit, lowers, raises, urgency
from autoscaler.core.plan import Plan
from tests.strategies import envelopes


def plan(before: Envelope, after: Envelope) -> Plan:
    return Plan(before, after, after)


def candidate(name: str, floor: int, priority: int = 0) -> Candidate:
    return Candidate(name, plan(Envelope(4, 20, 32), Envelope(floor, 20, 32)), priority)


@pytest.mark.fault(27, 82)
def test_raises_go_before_lowerings_the_most_urgent_first() -> None:
    fitted = fit([candidate("down", 2), candidate("up", 5), candidate("far up", 12)], writes=2)
    assert [c.deployment for c in fitted.go] == ["far up", "up"]
    assert [w.candidate.deployment for w in fitted.waiting] == ["down"]
    assert "2 writes of 3 fit into this tick" in str(fitted.waiting[0].reason)


def test_priority_decides_among_raises() -> None:
    fitted = fit([candidate("far up", 12), candidate("vital", 5, priority=9)], writes=1)
    assert [c.deployment for c in fitted.go] == ["vital"]


@given(st.lists(st.tuples(envelopes(), envelopes()), max_size=12), st.integers(0, 8))
def test_everybody_goes_or_waits_and_the_budget_holds(
    pairs: list[tuple[Envelope, Envelope]], writes: int
) -> None:
    asked = [Candidate(f"d{i}", plan(*pair)) for i, pair in enumerate(pairs)]
    fitted = fit(asked, writes)
    assert len(fitted.go) <= writes
    assert {c.deployment for c in fitted.go} | {w.candidate.deployment for w in fitted.waiting} == {
        c.deployment for c in asked
    }
    if any(raises(w.candidate.plan) for w in fitted.waiting):
        assert all(raises(c.plan) for c in fitted.go)


def test_urgency_counts_guaranteed_capacity() -> None:
    assert urgency(candidate("x", 8).plan) == 1.0
    assert urgency(candidate("x", 2).plan) == -0.5
    assert lowers(candidate("x", 2).plan)
    assert not lowers(candidate("x", 8).plan)
