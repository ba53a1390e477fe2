"""Whose word counts, and what it does to a write that is about to leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.controls import (
    Standing,
    by_scope,
    check,
    mode_at,
    said,
    scopes,
)
from autoscaler.core.decide import decide
from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.guards import GUARDS
from autoscaler.core.leaving import Write, stopped
from autoscaler.core.observation import Control, Mode, Override
from autoscaler.core.reason import Code
from autoscaler.core.standing import standing
from tests.strategies import NOW, entry, envelopes, seen, wants

PAUSE = Override(Control.PAUSE, "ada", "load test", NOW + 60)
BRAKE = Override(Control.BRAKE, "grace", "INC-42", NOW + 60)
RAISE = Write(seen(), Envelope(4, 10, 32), Envelope(6, 10, 32))
LOWER = Write(seen(), Envelope(4, 10, 32), Envelope(2, 10, 32))
MIXED = Write(seen(), Envelope(4, 10, 32), Envelope(6, 10, 16))
CONTROLS = st.sampled_from(Control)


def mode(which: Mode, ends: float | None = NOW + 60) -> Override:
    return Override(Control.MODE, "edsger", "trial", ends, mode=which)


def pin(value: int, dial: Dial = Dial.MIN_REPLICAS) -> Override:
    return Override(Control.PIN, "ada", "launch", None, dial, value)


def test_the_narrowest_mode_wins_and_in_one_scope_the_newest() -> None:
    words = (mode(Mode.OBSERVE), mode(Mode.RECOMMEND), mode(Mode.RAISE_ONLY))
    assert mode_at(Mode.APPLY, words, NOW) is Mode.RAISE_ONLY
    assert mode_at(Mode.APPLY, words[:2], NOW) is Mode.RECOMMEND
    assert mode_at(Mode.APPLY, (), NOW) is Mode.APPLY


@given(st.lists(st.sampled_from(Mode), max_size=4), st.sampled_from(Mode))
def test_a_mode_that_has_expired_is_not_heard(past: list[Mode], configured: Mode) -> None:
    words = tuple(mode(each, NOW) for each in past)
    assert mode_at(configured, words, NOW) is configured
    assert mode_at(configured, (mode(Mode.APPLY), *words), NOW) is Mode.APPLY


def test_the_narrowest_pin_wins() -> None:
    rails = tuple(guard() for guard in GUARDS)
    words = (pin(9), pin(7))
    assert decide(seen(overrides=words), [], rails).after.min_replicas == 7
    assert decide(seen(overrides=words[::-1]), [], rails).after.min_replicas == 9


def test_words_stand_by_scope_the_widest_first() -> None:
    assert scopes("online", "chat") == ("fleet", "group:online", "chat")
    assert scopes(None, "chat") == ("fleet", "chat")
    first, second = Standing("1", "chat", PAUSE, NOW), Standing("2", "chat", BRAKE, NOW + 1)
    assert by_scope([first, second]) == {"chat": (PAUSE, BRAKE)}


@given(CONTROLS, CONTROLS)
def test_a_word_of_another_kind_is_not_heard(kind: Control, other: Control) -> None:
    words = (Override(kind, "ada", "x"),)
    assert (said(words, other, NOW) is not None) is (kind is other)


@given(envelopes(), envelopes(), st.sampled_from(Mode))
def test_no_write_leaves_under_a_pause(before: Envelope, after: Envelope, set_to: Mode) -> None:
    outcome = stopped(Write(seen(), before, after), (PAUSE,), set_to, NOW)
    assert outcome is not None
    assert (outcome.kind, outcome.reason.code) == (Kind.HELD, Code.PAUSED)
    assert str(outcome.reason) == "paused by ada (load test)"


@pytest.mark.parametrize(
    ("write", "code"), [(RAISE, None), (LOWER, Code.BRAKED), (MIXED, Code.BRAKED)]
)
def test_a_brake_stops_the_writes_that_lower(write: Write, code: Code | None) -> None:
    outcome = stopped(write, (BRAKE,), Mode.APPLY, NOW)
    assert (outcome.reason.code if outcome else None) is code


@pytest.mark.parametrize(
    ("which", "raised", "lowered"),
    [
        (Mode.OBSERVE, Code.MODE_OBSERVE, Code.MODE_OBSERVE),
        (Mode.RECOMMEND, Code.MODE_RECOMMEND, Code.MODE_RECOMMEND),
        (Mode.RAISE_ONLY, None, Code.MODE_RAISE_ONLY),
        (Mode.APPLY, None, None),
    ],
)
def test_a_late_mode_stops_what_it_does_not_write(
    which: Mode, raised: Code | None, lowered: Code | None
) -> None:
    for write, code in ((RAISE, raised), (LOWER, lowered)):
        for configured, words in ((Mode.APPLY, (mode(which),)), (which, ())):
            outcome = stopped(write, words, configured, NOW)
            assert (outcome.reason.code if outcome else None) is code
            assert outcome is None or ("edsger" in str(outcome.reason)) is bool(words)


def test_a_pin_that_the_plan_did_not_know_sends_it_back() -> None:
    outcome = stopped(RAISE, (pin(9),), Mode.APPLY, NOW)
    assert outcome is not None
    assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.OVERRULED)
    assert str(outcome.reason).startswith("ada asked for a pin while it waited (launch)")
    known = replace(RAISE, seen=seen(overrides=(pin(9),)))
    assert stopped(known, (pin(9),), Mode.APPLY, NOW) is None


def test_a_mode_that_an_operator_set_says_by_whom_and_why() -> None:
    sight = seen(mode=Mode.OBSERVE, overrides=(mode(Mode.OBSERVE),))
    plan = decide(sight, [entry("load", wants(floor=6))], ())
    outcome = standing(plan, sight.mode, sight)
    assert outcome is not None
    told = "edsger set the mode to observe (trial): nothing is recommended or written"
    assert str(outcome.reason) == told
    assert str(standing(plan, sight.mode).reason).startswith("the mode is observe")  # type: ignore[union-attr]  # it is one


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        (replace(PAUSE, value=3), "pause takes no dial and no value"),
        (replace(BRAKE, dial=Dial.THREADS), "brake takes no dial"),
        (replace(pin(3), mode=Mode.APPLY), "mode must be one of observe, recommend"),
        (Override(Control.MODE, "ada", "x"), "mode must be one of observe, recommend"),
        (pin(-1), r"value must be in 0..2147483647, got -1"),
        (pin(0, Dial.THREADS), r"value must be in 1..2147483647, got 0"),
        (pin(2**31), "got 2147483648"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused(word: Override, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        check("fleet", word)


@pytest.mark.parametrize("word", [PAUSE, BRAKE, mode(Mode.OBSERVE), pin(0), pin(1, Dial.THREADS)])
def test_a_word_that_makes_sense_is_taken(word: Override) -> None:
    check("fleet", word)
