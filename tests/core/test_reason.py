"""Reasons, and which of a policy's can be recorded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.proposal import Abstain, Proposal, fault_of
from autoscaler.core.reason import Code, Reason, because

GOOD = because(Code.LIMITS, "{want} is outside {range}", want=9, range="0..8")


def test_a_reason_reads_as_its_sentence_with_its_facts() -> None:
    assert str(GOOD) == "9 is outside 0..8"
    assert str(because(Code.IDLE, "no request")) == "no request"


@pytest.mark.parametrize("sentence", ["{wnat} is too much", "{want:%} of", "{want.high}", "{want"])
def test_a_sentence_that_does_not_fit_its_facts_is_shown_as_it_is(sentence: str) -> None:
    assert str(because(Code.LIMITS, sentence, want="much")) == sentence


@given(st.text(max_size=40), st.floats() | st.text(max_size=5))
def test_no_sentence_breaks_the_line_that_shows_it(sentence: str, fact: float | str) -> None:
    assert isinstance(str(because(Code.LIMITS, sentence, fact=fact)), str)


@pytest.mark.parametrize("kind", [Abstain, lambda reason: Proposal({}, reason)])
def test_an_answer_whose_reason_cannot_be_recorded_is_not_valid(kind: Any) -> None:
    assert fault_of(kind(GOOD)) == ""
    assert fault_of(kind("because")) == "its reason must be a Reason, got str"
    odd: Any = (("range", (0, 8)),)
    assert fault_of(kind(Reason(Code.LIMITS, "outside", odd))) == (
        "fact range must be a number or a text, got tuple"
    )
