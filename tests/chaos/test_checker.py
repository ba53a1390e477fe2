"""The checker finds what it is for: each kind of wrong is planted once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.api import Put
from tests.chaos.checker import LEAVES_S, OLDEST_S, Intent, Word, judge
from tests.chaos.troubles import History, Span

LOW, HIGH = Envelope(2, 4, 32), Envelope(5, 8, 32)
RAISED = Intent("a", 100.0, "chat", "rid", LOW, HIGH, "applied")
LOWERED = Intent("b", 200.0, "chat", "rid", HIGH, LOW, "applied")
UP, DOWN = Put(0.0, "rid", LOW, HIGH, 200), Put(0.0, "rid", HIGH, LOW, 200)


def intents() -> list[Intent]:
    return [replace(RAISED), replace(LOWERED)]


def wrong(
    *puts: tuple[float, Put],
    blind: tuple[Span, ...] = (),
    words: tuple[Word, ...] = (),
    rows: list[Intent] | None = None,
) -> list[str]:
    rows = intents() if rows is None else rows
    return judge(puts, rows, History(blind=list(blind)), words).broken


def test_a_good_run_has_nothing_wrong_and_is_counted() -> None:
    verdict = judge([(101.0, UP), (203.0, DOWN)], intents(), History(), [])
    assert verdict.broken == []
    assert (verdict.puts, verdict.intents, verdict.lowerings) == (2, 2, 1)
    assert verdict.oldest_s == 3.0


@pytest.mark.parametrize("status", [200, 502])
def test_a_put_that_nobody_announced(status: int) -> None:
    found = wrong((99.0, replace(UP, status=status)), (101.0, UP), (201.0, DOWN))
    assert len(found) == 1
    assert "without an intent" in found[0]


def test_a_put_for_something_else_than_was_announced() -> None:
    found = wrong((101.0, replace(UP, after=Envelope(9, 9, 32))), rows=[replace(RAISED)])
    assert "without an intent" in found[0]


def test_a_put_that_is_made_twice() -> None:
    again = replace(UP, before=HIGH)
    found = wrong((101.0, UP), (102.0, again), (201.0, DOWN))
    assert any("made before" in one for one in found)


def test_a_put_over_what_somebody_else_wrote() -> None:
    found = wrong((101.0, replace(UP, before=Envelope(3, 4, 32))), (201.0, DOWN))
    assert len(found) == 1
    assert "something else" in found[0]


def test_a_put_of_an_old_plan() -> None:
    assert wrong((100.0 + OLDEST_S, UP), (201.0, DOWN)) == []
    found = wrong((100.1 + OLDEST_S, UP), (201.0, DOWN))
    assert len(found) == 1
    assert "stale" in found[0]


def test_a_lowering_without_data() -> None:
    found = wrong((101.0, UP), (201.0, DOWN), blind=(Span(90.0, 300.0),))
    assert [one.split(":")[0] for one in found] == ["lowered without data"]
    # A look that begins in the dark may be answered when the light is back.
    assert wrong((101.0, UP), (201.0, DOWN), blind=(Span(90.0, 200.5),)) == []


def test_a_put_against_an_operators_word() -> None:
    paused = Word("chat", Span(150.0, 300.0))
    pinned = Word("chat", Span(150.0, 300.0), pinned=5)
    other = Word("chat-1", Span(0.0, 300.0))
    for word in (paused, pinned):
        found = wrong((101.0, UP), (201.0, DOWN), words=(word, other))
        assert len(found) == 1
        assert "written against" in found[0]
    kept = Word("chat", Span(150.0, 300.0), pinned=2)
    assert wrong((101.0, UP), (201.0, DOWN), words=(kept,)) == []


def test_an_end_that_is_not_true_or_not_there() -> None:
    assert "applied without a PUT" in wrong(rows=[replace(RAISED)])[0]
    left = replace(RAISED, state="open")
    assert "without an end" in wrong((101.0, UP), rows=[left])[0]


def test_the_time_on_the_way_is_the_fences() -> None:
    assert LEAVES_S == 3.0
