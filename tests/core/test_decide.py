from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.controls import said as word_of
from autoscaler.core.decide import decide
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.observation import (
    Control,
    Learned,
    Limits,
    Missing,
    Mode,
    Observation,
    Override,
)
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Abstain, Answer, Bid, PolicyEntry, Proposal, fault_of
from autoscaler.core.reason import Code, because
from autoscaler.core.standing import standing
from tests.strategies import MANY, NOW, entries, entry, observations, seen, wants

RAILS = tuple(guard() for guard in GUARDS)
UNSTABILISED = tuple(
    Stabilise(raise_window_s=0, lower_window_s=0) if guard is Stabilise else guard()
    for guard in GUARDS
)


@pytest.mark.fault(59)
@settings(max_examples=MANY)
@given(observations(), entries())
def test_whatever_the_policies_say_the_plan_is_legal(
    seen: Observation, said: tuple[PolicyEntry, ...]
) -> None:
    plan = decide(seen, said, RAILS)
    after = plan.after
    assert 0 <= after.min_replicas <= after.max_replicas
    if plan.hold or seen.mode is Mode.RAISE_ONLY or on(seen, Control.BRAKE):
        return
    assert after.max_replicas in seen.limits.max_replicas
    assert after.min_replicas in seen.limits.min_replicas
    ceiling = seen.learned.thread_ceiling
    assert ceiling is None or after.threads <= ceiling
    assert ceiling is not None or after.threads in seen.limits.threads


def on(seen: Observation, control: Control) -> bool:
    """Whether an operator's word of this kind is active."""
    return word_of(seen.overrides, control, seen.at) is not None


@settings(max_examples=MANY)
@given(observations(), entries())
def test_under_a_brake_nothing_is_ever_lowered(
    seen: Observation, said: tuple[PolicyEntry, ...]
) -> None:
    brake = Override(Control.BRAKE, "ada", "incident", NOW + 60)
    plan = decide(replace(seen, overrides=(brake, *seen.overrides)), said, UNSTABILISED)
    assert all(plan.after[dial] >= plan.before[dial] for dial in Dial)
    free = decide(seen, said, UNSTABILISED)
    if not on(seen, Control.PAUSE) and not free.hold:
        # What would have been raised still is: the brake takes nothing else away.
        assert all(plan.after[dial] >= free.after[dial] for dial in Dial)


@settings(max_examples=MANY)
@given(observations(), entries())
def test_a_pause_moves_nothing(seen: Observation, said: tuple[PolicyEntry, ...]) -> None:
    pause = Override(Control.PAUSE, "ada", "load test")
    plan = decide(replace(seen, overrides=(*seen.overrides, pause)), said, RAILS)
    assert plan.after == plan.before
    assert plan.hold is not None
    assert plan.hold.reason.code is Code.PAUSED


@settings(max_examples=MANY)
@given(observations(), entries())
def test_words_that_have_expired_do_nothing(
    seen: Observation, said: tuple[PolicyEntry, ...]
) -> None:
    over = tuple(replace(word, expires_at=seen.at) for word in seen.overrides)
    spent = decide(replace(seen, overrides=over), said, RAILS)
    assert spent == decide(replace(seen, overrides=()), said, RAILS)


@settings(max_examples=MANY)
@given(observations(), entries(), st.sampled_from(Dial), st.integers(1, 60))
def test_a_pin_and_a_floor_stay_inside_the_limits(
    seen: Observation, said: tuple[PolicyEntry, ...], dial: Dial, value: int
) -> None:
    calm = replace(seen, mode=Mode.APPLY, learned=Learned())
    for control in (Control.PIN, Control.FLOOR):
        word = Override(control, "ada", "launch", None, dial, value)
        plan = decide(replace(calm, overrides=(word,)), said, RAILS)
        assert plan.hold or all(plan.after[each] in seen.limits[each] for each in Dial)


@pytest.mark.fault(6)
@settings(max_examples=MANY)
@given(observations(), entries())
def test_no_lowering_with_a_missing_input(seen: Observation, said: tuple[PolicyEntry, ...]) -> None:
    blind = any(isinstance(signal, Missing) for signal in seen.signals.values())
    inside = all(seen.envelope[dial] in seen.limits[dial] for dial in Dial)
    ceiling = seen.learned.thread_ceiling
    allowed = ceiling is None or seen.envelope.threads <= ceiling
    pinned = any(o.control is Control.PIN for o in seen.overrides)
    if not (blind and inside and allowed) or pinned:
        return
    plan = decide(seen, said, UNSTABILISED)
    assert all(plan.after[dial] >= plan.before[dial] for dial in Dial)


@settings(max_examples=MANY)
@given(observations(), entries())
def test_a_hold_is_final(seen: Observation, said: tuple[PolicyEntry, ...]) -> None:
    plan = decide(seen, said, RAILS)
    if plan.hold:
        assert plan.after == plan.before
        assert plan.move(Envelope(0, 99, 1), "late", plan.hold.reason) is plan
        assert plan.held("late", plan.hold.reason) is plan


@settings(max_examples=MANY)
@given(observations(), entries(), st.randoms(use_true_random=False))
def test_merge_has_no_order(
    seen: Observation, said: tuple[PolicyEntry, ...], chance: random.Random
) -> None:
    shuffled = list(said)
    chance.shuffle(shuffled)
    one, other = decide(seen, said, RAILS), decide(seen, shuffled, RAILS)
    assert (one.after, one.trail, one.hold) == (other.after, other.trail, other.hold)


@settings(max_examples=MANY // 4)
@given(observations(), entries())
def test_nothing_moves_without_a_reason(seen: Observation, said: tuple[PolicyEntry, ...]) -> None:
    plan = decide(seen, said, RAILS)
    for dial in Dial:
        value = plan.before[dial]
        for step in plan.trail:
            if step.dial is dial:
                assert step.before == value
                assert str(step.reason)
                value = step.after
        assert value == plan.after[dial]


@pytest.mark.fault(14)
def test_a_higher_want_raises_the_floor() -> None:
    plan = decide(seen(), [entry("load", wants(floor=6))], RAILS)
    assert plan.after == Envelope(6, 10, 32)
    assert str(plan.trail[0]) == "floor 4 -> 6 by load: a test wants it"


def test_a_floor_above_the_ceiling_pulls_the_ceiling_up() -> None:
    plan = decide(seen(), [entry("load", wants(floor=12))], RAILS)
    assert plan.after == Envelope(12, 12, 32)
    assert plan.trail[-1].reason.code is Code.CEILING_FOLLOWS_FLOOR


def test_a_cost_cap_beats_a_floor() -> None:
    cap = Proposal({Dial.MAX_REPLICAS: Bid(at_most=5)}, because(Code.LIMITS, "a cap"))
    plan = decide(seen(), [entry("load", wants(floor=8)), entry("cap", cap)], ())
    assert plan.after == Envelope(5, 5, 32)
    assert plan.trail[0].reason.code is Code.CEILING_BEATS_FLOOR


def test_a_shadow_is_heard_but_never_merged() -> None:
    plan = decide(seen(), [entry("new", wants(floor=9), shadow=True)], RAILS)
    assert not plan.moves
    assert plan.votes[0].shadow


@pytest.mark.fault(48)
def test_a_crash_stays_in_its_own_seat() -> None:
    class Broken:
        needs: tuple[str, ...] = ()

        def propose(self, seen: Observation) -> Answer:
            raise KeyError("weights")

    broken = PolicyEntry("broken", Broken())
    plan = decide(seen(), [broken, entry("load", wants(floor=6))], RAILS)
    assert plan.after.min_replicas == 6
    assert plan.votes[0].answer.reason.code is Code.POLICY_CRASHED
    assert "KeyError" in str(plan.votes[0].answer.reason)


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        Proposal({Dial.THREADS: Bid(want=True)}, because(Code.LIMITS, "x")),
        Proposal({Dial.THREADS: Bid(want=-1)}, because(Code.LIMITS, "x")),
        Proposal({Dial.THREADS: Bid(at_most=2.5)}, because(Code.LIMITS, "x")),  # type: ignore[arg-type]  # wrong on purpose
        Proposal({Dial.THREADS: Bid(at_least=10**9)}, because(Code.LIMITS, "x")),
    ],
)
def test_an_invalid_answer_becomes_an_abstention(answer: object) -> None:
    plan = decide(seen(), [entry("odd", answer)], RAILS)
    assert plan.votes[0].answer.reason.code is Code.POLICY_INVALID
    assert fault_of(answer)


def test_a_policy_bids_only_on_its_own_dials() -> None:
    only = frozenset({Dial.THREADS})
    plan = decide(seen(), [entry("load", wants(floor=9), dials=only)], RAILS)
    assert not plan.moves


@pytest.mark.parametrize(
    ("holds", "code"),
    [(False, Code.CONDITION_FALSE), (Missing, Code.CONDITION_UNKNOWN), (True, None)],
)
def test_a_condition_decides_whether_a_policy_is_asked(holds: object, code: Code | None) -> None:
    from autoscaler.core.observation import Absence

    class When:
        needs: tuple[str, ...] = ()

        def holds(self, seen: Observation) -> bool | Missing:
            return Missing(Absence.EMPTY) if holds is Missing else bool(holds)

    plan = decide(seen(), [entry("load", wants(floor=6), when=When())], RAILS)
    if code is None:
        assert plan.after.min_replicas == 6
    else:
        assert plan.votes[0].answer.reason.code is code


def decision(plan: Plan, outcome: Outcome) -> Decision:
    return Decision("1", NOW, "chat", "ri.a.b.c.d", "online", Mode.APPLY, seen(), plan, outcome)


def test_the_headline_says_what_moved_and_why() -> None:
    plan = decide(seen(), [entry("load", wants(floor=6))], RAILS)
    done = decision(plan, Outcome(Kind.APPLIED, because(Code.AS_PLANNED, "as planned")))
    assert done.headline() == "floor 4 -> 6: a test wants it"
    still = decision(plan, Outcome(Kind.HELD, because(Code.NOT_OURS, "not ours")))
    assert still.headline() == "floor 4 -> 6 held back: not ours"
    swung = Plan(plan.before, plan.before, plan.wanted, (), plan.trail)
    refused = decision(swung, Outcome(Kind.REFUSED, because(Code.NOT_FOUND, "gone")))
    assert refused.headline() == "refused: gone"


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (Mode.OBSERVE, Kind.HELD),
        (Mode.RECOMMEND, Kind.RECOMMENDED),
        (Mode.RAISE_ONLY, None),
        (Mode.APPLY, None),
    ],
)
def test_the_mode_says_who_may_write(mode: Mode, kind: Kind | None) -> None:
    plan = decide(seen(), [entry("load", wants(floor=6))], RAILS)
    outcome = standing(plan, mode)
    assert (outcome.kind if outcome else None) == kind


def test_a_hold_says_why_it_holds() -> None:
    held = decide(seen(), [entry("load", wants(floor=6))], RAILS).held(
        "x", because(Code.PAUSED, "p")
    )
    outcome = standing(held, Mode.APPLY)
    assert outcome is not None
    assert (outcome.kind, str(outcome.reason)) == (Kind.HELD, "p")


def test_a_still_plan_says_why_it_stands() -> None:
    abstain = Abstain(because(Code.SIGNAL_MISSING, "no data"))
    blind = standing(
        decide(seen(), [entry("a", abstain, shadow=True), entry("b", abstain)], ()), Mode.APPLY
    )
    assert blind is not None
    assert (blind.kind, str(blind.reason)) == (Kind.HELD, "no data")
    calm = standing(decide(seen(), [entry("load", wants(floor=4))], ()), Mode.APPLY)
    assert calm is not None
    assert (calm.kind, str(calm.reason)) == (Kind.UNCHANGED, "a test wants it")
    nobody = standing(decide(seen(), [], RAILS), Mode.APPLY)
    assert nobody is not None
    assert nobody.reason.code is Code.NO_OPINION
    capped = seen(limits=Limits(max_replicas=Range(1, 10), min_replicas=Range(1, 4)))
    plan = standing(decide(capped, [entry("load", wants(floor=9))], RAILS), Mode.APPLY)
    assert plan is not None
    assert plan.reason.code is Code.LIMITS
