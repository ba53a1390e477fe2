"""Numbers, spans and times as they are said."""

from __future__ import annotations

import pytest
from hypothesis import given

from autoscaler.core.moves import because_of
from autoscaler.core.reason import Code, because
from autoscaler.core.words import clock, counted, listed, sentence, span
from tests.fakes.decisions import decisions

NOW = 1_795_426_867.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (60, "60 s"),
        (150, "150 s"),
        (180, "3 min"),
        (212, "3 min 32 s"),
        (660, "11 min"),
        (7_800, "2 h 10 min"),
        (172_800, "2 days"),
        (90_000, "25 h"),
        (270_000, "3 days 3 h"),
        (float("inf"), "an unknown time"),
    ],
)
def test_a_span_has_the_unit_that_people_would_use(seconds: float, said: str) -> None:
    """Never 86400 s."""
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        (NOW, "UTC", "09:41 UTC"),
        (NOW, "Europe/Zurich", "10:41 Europe/Zurich"),
        (NOW + 86_400, "UTC", "Tue 24 Nov 09:41 UTC"),
        (NOW + 400 * 86_400, "UTC", "28 Dec 2027 09:41 UTC"),
        (NOW, "Nowhere/At_all", "09:41 UTC"),
        (1e300, "UTC", "a time beyond all calendars"),
    ],
)
def test_a_moment_names_its_zone_and_its_day_when_it_is_another(
    at: float, zone: str, said: str
) -> None:
    """Nobody has to convert anything."""
    assert clock(at, NOW, zone) == said


def test_nouns_and_lists_read_well() -> None:
    """One replica, two replicas; a, b and c."""
    assert [counted(n, "replica") for n in (0, 1, 2)] == ["0 replicas", "1 replica", "2 replicas"]
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([]) == ""
    assert sentence("in_flight was 3") == "in_flight was 3."
    assert sentence("policy load wants floor 3") == "Policy load wants floor 3."


def test_an_operators_word_without_end_says_so() -> None:
    """A pause that nobody ends must not look like one that ends."""
    paused = because(Code.PAUSED, "paused by {who} ({why})", who="ada", why="load test")
    assert because_of(paused, NOW) == "paused by ada (load test) without end"


def test_a_reason_of_an_older_version_is_told_as_it_was_written() -> None:
    """The journal keeps sentences; old places still find their facts."""
    old = because(Code.COOLDOWN, "it moved lately; {left:.0f} s to wait", left=200.0)
    assert because_of(old, NOW) == "it moved lately; 200 s to wait (until 09:45 UTC)"


@given(decisions)
def test_every_decision_can_be_told(decision: object) -> None:
    """Whatever a policy wrote into its reason, telling does not fail."""
    assert decision.headline()  # type: ignore[attr-defined]  # a strategy of decisions
    assert decision.told().endswith((".", "!", "?"))  # type: ignore[attr-defined]  # the same
