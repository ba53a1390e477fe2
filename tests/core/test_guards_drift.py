"""The rail `drift`: adopt, restore or freeze what somebody else has changed."""

from __future__ import annotations

import pytest

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.drift import Drift, before_the_hand, corrections
from autoscaler.core.observation import Absence, Change, Missing, Observation
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code
from tests.strategies import NOW, entry, seen, wants

Numbers = tuple[int, int, int]
HAND = (8, 10, 32)


def own(ago: float, before: Numbers, after: Numbers) -> Change:
    return Change(NOW - ago, Envelope(*before), Envelope(*after))


def hand(ago: float, before: Numbers, after: Numbers) -> Change:
    return Change(NOW - ago, Envelope(*before), Envelope(*after), foreign=True)


def look(*changes: Change, now: Numbers = HAND) -> Observation:
    return seen(changes=changes, envelope=Envelope(*now))


def plan(after: Numbers, before: Numbers = HAND) -> Plan:
    return Plan(Envelope(*before), Envelope(*after), Envelope(*after))


RAISED = hand(600, (4, 10, 32), HAND)


# --- adopt -----------------------------------------------------------------------------------


@pytest.mark.fault(34)
def test_what_a_hand_raised_is_not_lowered_for_an_hour() -> None:
    kept = Drift().shape(plan((3, 7, 32)), look(RAISED))
    assert kept.after == Envelope(8, 8, 32)
    assert kept.trail[-1].reason.code is Code.DRIFT_ADOPTED
    assert Drift().shape(plan((9, 12, 32)), look(RAISED)).after == Envelope(9, 12, 32)
    old = hand(3600, (4, 10, 32), HAND)
    assert Drift().shape(plan((3, 7, 32)), look(old)).after == Envelope(3, 7, 32)


@pytest.mark.fault(34, 81)
def test_what_a_hand_lowered_is_not_raised_for_an_hour() -> None:
    lowered = hand(60, (12, 20, 64), HAND)
    kept = Drift().shape(plan((12, 20, 64)), look(lowered))
    assert kept.after == Envelope(*HAND)
    assert Drift().shape(plan((2, 5, 16)), look(lowered)).after == Envelope(2, 5, 16)
    assert Drift(grace_s=60).shape(plan((12, 20, 64)), look(lowered)).after.threads == 64


def test_the_newest_hand_on_a_dial_counts() -> None:
    twice = look(hand(900, (4, 10, 32), (9, 10, 32)), hand(600, (9, 10, 32), HAND))
    assert Drift().shape(plan((3, 10, 32)), twice).after.min_replicas == 3
    assert Drift().shape(plan((9, 10, 32)), twice).after.min_replicas == 8


def test_own_raises_above_a_hand_may_be_taken_back() -> None:
    grown = look(RAISED, own(300, HAND, (14, 20, 32)), now=(14, 20, 32))
    kept = Drift().shape(plan((3, 20, 32), (14, 20, 32)), grown)
    assert kept.after.min_replicas == 8


def test_own_changes_alone_are_no_drift() -> None:
    mine = look(own(60, (4, 10, 32), HAND))
    for stance in ("adopt", "restore", "freeze"):
        assert Drift(stance).shape(plan((3, 7, 32)), mine).after == Envelope(3, 7, 32)
    assert Drift().shape(plan(HAND), look(RAISED)).after == Envelope(*HAND)


# --- restore ---------------------------------------------------------------------------------

OWN = own(4000, (2, 10, 32), (4, 10, 32))
RESTORE = Drift(stance="restore")


def test_a_hand_is_put_back_to_the_last_own_change() -> None:
    back = RESTORE.shape(plan(HAND), look(OWN, RAISED))
    assert back.after == Envelope(4, 10, 32)
    assert back.trail[-1].reason.code is Code.DRIFT_RESTORED
    assert "correction 1 of this hour" in str(back.trail[-1].reason)


def test_the_policies_have_their_word_on_what_was_there_before() -> None:
    sight = look(OWN, RAISED)
    wish = decide(sight, [entry("load", wants(floor=6)), entry("new", wants(1), shadow=True)], ())
    assert RESTORE.shape(wish, sight).after.min_replicas == 6
    threads = decide(sight, [entry("load", wants(threads=16))], ())
    assert RESTORE.shape(threads, sight).after == Envelope(4, 10, 16)


def test_after_two_corrections_an_hour_it_adopts() -> None:
    fight = (
        OWN,
        hand(3000, (4, 10, 32), HAND),
        own(2900, HAND, (4, 10, 32)),
        hand(2000, (4, 10, 32), HAND),
        own(1900, HAND, (4, 10, 32)),
        hand(1000, (4, 10, 32), HAND),
    )
    assert corrections(fight, NOW - 3600) == 2
    assert RESTORE.shape(plan(HAND), look(*fight)).after == Envelope(*HAND)
    assert RESTORE.shape(plan((3, 10, 32)), look(*fight)).after == Envelope(*HAND)
    assert Drift("restore", most=3).shape(plan(HAND), look(*fight)).after.min_replicas == 4
    assert corrections(fight, NOW - 2000) == 1


def test_without_an_own_change_there_is_nothing_to_go_back_to() -> None:
    assert RESTORE.shape(plan(HAND), look(RAISED)).after == Envelope(*HAND)
    assert RESTORE.shape(plan((3, 10, 32)), look(RAISED)).after == Envelope(*HAND)


def test_once_put_back_the_policies_go_on() -> None:
    done = look(OWN, RAISED, own(100, HAND, (4, 10, 32)), now=(4, 10, 32))
    assert RESTORE.shape(plan((2, 10, 32), (4, 10, 32)), done).after.min_replicas == 2


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ((OWN, RAISED), 4),
        ((OWN, RAISED, own(10, HAND, (8, 12, 32))), 4),
        ((OWN, RAISED, own(10, HAND, (9, 10, 32))), None),
        ((OWN, hand(10, (4, 10, 32), (4, 12, 32))), None),
        ((own(10, (4, 9, 32), (4, 10, 32)), RAISED), 4),
        ((RAISED,), None),
    ],
)
def test_what_was_there_before_the_hand_is_told_by_the_changes(
    changes: tuple[Change, ...], found: int | None
) -> None:
    assert before_the_hand(changes, Dial.MIN_REPLICAS) == found


def test_own_moves_with_the_hand_are_no_corrections() -> None:
    assert corrections((RAISED, own(10, HAND, (9, 10, 32))), NOW - 3600) == 0
    assert corrections((own(10, HAND, (9, 10, 32)),), NOW - 3600) == 0


def test_a_correction_passes_every_rail_behind_it() -> None:
    rails = tuple(RESTORE if guard is Drift else guard() for guard in GUARDS)
    blind = seen(
        changes=(OWN, RAISED),
        envelope=Envelope(*HAND),
        signals={"jobs": Missing(Absence.SOURCE_FAILED)},
    )
    assert decide(blind, [], rails).after == Envelope(*HAND)
    clear = look(OWN, RAISED)
    assert decide(clear, [], rails).after == Envelope(4, 10, 32)


# --- freeze ----------------------------------------------------------------------------------


def test_freezing_holds_everything_for_the_grace() -> None:
    frozen = Drift("freeze").shape(plan((9, 12, 32)), look(RAISED))
    assert frozen.hold is not None
    assert str(frozen.hold.reason) == "somebody else changed it, so everything holds for 50 min"
    assert frozen.hold.reason.code is Code.DRIFT_FROZEN
    assert Drift("freeze").shape(plan(HAND), look(RAISED)).hold is not None
    assert Drift("freeze", grace_s=600).shape(plan((9, 12, 32)), look(RAISED)).hold is None


def test_an_unknown_stance_is_refused() -> None:
    with pytest.raises(ValueError, match="stance must be one of adopt, restore, freeze"):
        Drift("fight")
