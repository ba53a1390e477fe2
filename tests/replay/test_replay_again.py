"""Deciding again: the same answer from the same configuration, and what differs from another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.codec import decode_decision, encode, encode_decision
from autoscaler.core.controls import mode_at
from autoscaler.core.decide import decide
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.fleet import Budget, Candidate, fit
from autoscaler.core.guards import GUARDS
from autoscaler.core.observation import (
    Absence,
    Limits,
    Missing,
    Mode,
    Observation,
    Series,
)
from autoscaler.core.plan import Hold, Plan
from autoscaler.core.proposal import Abstain, PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.lab.replay import Compared, Difference, Roster, Verdict, again
from autoscaler.lab.replay.again import NOTHING, UNHEARD, as_decided, decided
from autoscaler.ports import Question
from autoscaler.roster import Discovery, Group, Managed, SignalSpec
from policies.forecast import Forecast
from policies.target_load import TargetLoad
from tests.strategies import NOW, SOME, entry, observations, seen, wants

SPEC = SignalSpec("prom", Question("running_jobs", "q", "deployment", 90.0), window_s=600.0)
RID = "ri.foundry-ml-live.main.live-deployment.chat"
LIMITS = Limits(Range(1, 30), Range(1, 30), Range(1, 64))
BUSY = {"running_jobs": Series((NOW - 5,), (200.0,))}
BECAUSE = because(Code.AS_PLANNED, "so it is")


def managed(target: float = 0.7, **parts: object) -> Managed:
    base: dict[str, object] = {
        "name": "chat",
        "rid": RID,
        "group": "online",
        "match": "chat",
        "mode": Mode.APPLY,
        "limits": LIMITS,
        "policies": (PolicyEntry("load", TargetLoad(target=target)),),
        "guards": tuple(guard() for guard in GUARDS),
        "signals": {"running_jobs": SPEC, "error_share": SPEC},
    }
    return Managed(**(base | parts))  # type: ignore[arg-type]  # tests name the fields


def recorded(by: Managed, look: Observation, plan: Plan | None = None) -> Decision:
    """A decision as a tick makes it and a journal gives it back."""
    # A tick asks for signals in the order of its configuration.
    signals = {name: look.signals[name] for name in by.signals if name in look.signals}
    # As in a tick, an operator's word on the mode counts.
    mode = mode_at(by.mode, look.overrides, look.at)
    shown = replace(look, limits=by.limits, mode=mode, signals=signals)
    made = Decision(
        "id",
        look.at,
        by.name,
        by.rid,
        by.group,
        mode,
        shown,
        plan or decide(shown, by.policies, by.guards),
        Outcome(Kind.APPLIED, BECAUSE),
    )
    return decode_decision(encode_decision(made))


def compared(by: Managed, other: Managed, look: Observation | None = None) -> Compared:
    return again(recorded(by, look or seen(signals=BUSY)), other)


def found(one: Compared) -> Difference:
    assert one.difference is not None
    return one.difference


@settings(max_examples=SOME)
@given(observations(), st.floats(0.1, 1.0))
def test_the_same_configuration_decides_the_same_byte_for_byte(
    look: Observation, target: float
) -> None:
    one = compared(managed(target), managed(target), look)
    assert one.verdict is Verdict.IDENTICAL
    assert encode(Plan, one.now) == encode(Plan, one.then)
    assert one.difference is None


# Sentences show whole percents: two targets that differ by less read the same.
SHARES = st.integers(10, 100).map(lambda percent: percent / 100)


@settings(max_examples=SOME)
@given(observations(), SHARES, SHARES, st.sampled_from(Mode))
def test_whatever_differs_is_told_and_whatever_is_told_differs(
    look: Observation, target: float, other: float, mode: Mode
) -> None:
    one = compared(managed(target), managed(other, mode=mode), look)
    same = encode(Plan, one.then) == encode(Plan, one.now) and one.then_end == one.now_end
    assert (one.verdict is Verdict.IDENTICAL) == same
    assert (one.difference is None) == same
    if one.difference is not None:
        assert one.difference.then_sentence != one.difference.now_sentence


def test_a_lower_target_raises_further_and_the_first_step_says_so() -> None:
    one = compared(managed(0.7), managed(0.5))
    assert one.verdict is Verdict.OTHERWISE
    assert one.then.after.min_replicas == 9
    assert one.now.after.min_replicas == 12  # 13 are needed, one write may add 8
    assert found(one).where == "step 1"
    assert "floor 4 -> 9 by load" in found(one).then_sentence
    assert "floor 4 -> 13 by load" in found(one).now_sentence


def test_limits_and_mode_are_those_of_the_other_configuration() -> None:
    tight = managed(limits=Limits(Range(1, 6), Range(1, 8), Range(1, 64)))
    one = compared(managed(), tight)
    assert one.now.after == Envelope(6, 8, 32)
    assert found(one).then == NOTHING
    assert found(one).now == "limits: limits"


def test_a_mode_that_does_not_write_ends_otherwise_with_the_same_plan() -> None:
    one = compared(managed(), managed(mode=Mode.RECOMMEND))
    assert one.then.after == one.now.after
    assert (one.then_end, one.now_end) == ("written", "recommended")
    assert found(one).where == "mode"
    assert found(one).now == "mode: recommend"


def test_another_vote_with_the_same_end_is_retold() -> None:
    more = (*managed().policies, entry("floor", wants(floor=3)))
    one = compared(managed(), managed(policies=more))
    assert one.verdict is Verdict.RETOLD
    assert found(one).where == "vote of floor"
    assert found(one).then_sentence == "no such policy"
    assert found(one).now_sentence == "floor: min_replicas want 3: a test wants it"


def test_policies_in_another_order_are_retold() -> None:
    both = (entry("a", wants(floor=5)), entry("b", wants(floor=3)))
    one = compared(managed(policies=both), managed(policies=both[::-1]))
    assert (one.verdict, found(one).where) == (Verdict.RETOLD, "order")


def test_a_hold_that_the_other_configuration_would_not_make_is_told() -> None:
    blind = seen(signals={"running_jobs": Missing(Absence.STALE)})
    told = again(
        recorded(managed(), blind, Plan(CALM, CALM, CALM, (), (), Hold("hold", BECAUSE))),
        managed(policies=()),
    )
    assert (told.verdict, found(told).where) == (Verdict.RETOLD, "hold")
    assert found(told).then_sentence == "held by hold: so it is"
    assert found(told).now_sentence == "not held"


def test_a_signal_that_nobody_recorded_is_named() -> None:
    ahead = managed(policies=(PolicyEntry("ahead", Forecast()),))
    assert compared(managed(), ahead).unrecorded == (
        "forecast",
        "forecast_keep",
        "forecast_ceiling",
    )


def test_signals_come_back_in_the_order_of_the_configuration() -> None:
    both = {"running_jobs": Missing(Absence.STALE), "error_share": Missing(Absence.STALE)}
    one = compared(managed(), managed(), seen(signals=both, envelope=Envelope(9, 12, 32)))
    assert one.verdict is Verdict.IDENTICAL


@pytest.mark.parametrize("code", sorted(UNHEARD))
def test_a_policy_that_was_not_heard_for_its_slowness_is_not_heard_again(code: Code) -> None:
    here, look = managed(), seen(envelope=Envelope(3, 9, 8), signals=BUSY)
    silent = Abstain(because(code, "it took too long"))
    then = decide(look, here.policies, here.guards, lambda *_: silent)
    compared = again(recorded(here, look, then), here)
    assert compared.verdict is Verdict.IDENTICAL
    heard = again(recorded(here, look), here)
    assert heard.now != compared.now


@given(st.integers(0, 20))
def test_what_the_fleet_did_to_a_plan_is_taken_back(room: int) -> None:
    plan = recorded(managed(), seen(signals=BUSY)).plan
    cut = fit([Candidate("chat", plan)], Budget(1, raise_replicas=room)).go
    assert all(as_decided(one.plan) == plan for one in cut)


def test_a_fleet_that_stops_all_lowering_is_taken_back_too() -> None:
    plan = recorded(managed(), seen()).plan
    lowered = plan.move(Envelope(2, 5, 32), "load", BECAUSE)
    assert as_decided(lowered.not_below("fleet", BECAUSE)) == lowered
    assert as_decided(lowered.held("fleet", BECAUSE)) == lowered


def test_a_policy_called_fleet_is_left_alone() -> None:
    one = managed(policies=(entry("fleet", wants(floor=6, ceiling=12)),))
    assert compared(one, one).verdict is Verdict.IDENTICAL


def test_nobody_was_asked_before_the_platform_was_read() -> None:
    unread = recorded(managed(), seen(), Plan(CALM, CALM, CALM).held("reading", BECAUSE))
    assert not decided(unread)
    assert decided(recorded(managed(), seen()))


CALM = Envelope(4, 10, 32)


@pytest.mark.parametrize(
    ("name", "rid", "manages"),
    [
        ("chat", RID, True),
        ("renamed", RID, True),
        ("chat", "ri.a.b.c.made-anew", True),
        ("scorer-master", "ri.a.b.c.x", True),
        ("scorer-release-7", "ri.a.b.c.x", True),
        ("scorer-release-old-7", "ri.a.b.c.x", False),
        ("scorer-feature", "ri.a.b.c.x", False),
        ("by-x", "ri.a.b.c.x", True),
        ("by-y", "ri.a.b.c.x", False),
        ("other", "ri.a.b.c.x", False),
    ],
)
def test_a_deployment_is_found_by_rid_name_or_discovery(name: str, rid: str, manages: bool) -> None:
    branches = Discovery(
        "ri.model",
        managed(name="scorer-{branch}", rid=""),
        ("master", "release/*"),
        ("release/old-*",),
    )
    by_rid = Discovery("ri.model", managed(name="by-{rid}", rid=""))
    roster = Roster([Group("online", 15.0, (managed(),), (branches, by_rid))])
    decision = replace(recorded(managed(), seen()), deployment=name, rid=rid)
    assert (roster.managed(decision) is not None) == manages
    assert roster.managed(decision) is roster.managed(decision)


def test_dials_keep_their_order() -> None:
    assert list(Dial) == [Dial.MIN_REPLICAS, Dial.MAX_REPLICAS, Dial.THREADS]
