"""How several policies become one number, held against the answers of Nomad and AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.decide import decide
from autoscaler.core.envelope import Envelope
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Abstain, Policy, PolicyEntry, Proposal
from autoscaler.core.reason import Code, because
from tests.strategies import entry, seen, wants

FOLDER = Path(__file__).parents[1] / "vectors"
NOMAD = json.loads((FOLDER / "nomad.json").read_text("utf-8"))
AWS = json.loads((FOLDER / "aws.json").read_text("utf-8"))

NOW = 10
ONE_MODE = (
    "the mode belongs to the deployment, so one policy's dry run cannot silence the others: "
    "`shadow: true` keeps that policy's number out of the merge instead"
)
NO_ABORT = (
    "one broken policy does not silence the others: it abstains, they may still raise, and "
    "the guard `freshness` lets nobody lower"
)


def decided(policies: list[PolicyEntry], floor: int = NOW) -> Plan:
    return decide(seen(envelope=Envelope(floor, 100, 8)), policies, ())


# --- preempt: two checks of one policy -------------------------------------------------------


def number(action: dict[str, Any]) -> int:
    """Nomad's direction and count as a number of replicas, in its order around ten."""
    start = {"down": 0, "none": NOW, "up": NOW + 1, "recommendation": NOW + 1}
    return start[action["direction"]] + int(action["count"])


@pytest.mark.parametrize("case", NOMAD["preempt"], ids=lambda case: case["name"])
def test_the_safer_of_two_wishes_wins_as_in_nomad(
    case: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    if case["expect"]["direction"] == "recommendation":
        request.applymarker(pytest.mark.xfail(reason=ONE_MODE, strict=True))
    a, b = (wants(floor=number(case[each])) for each in "ab")
    for order in ([entry("a", a), entry("b", b)], [entry("b", b), entry("a", a)]):
        assert decided(order).after.min_replicas == number(case["expect"])


# --- pick_winner: what all policies say together ---------------------------------------------


def handled(name: str, one: dict[str, Any]) -> PolicyEntry:
    """Nomad's `none` is no opinion here, and a result that is not eligible is a shadow's."""
    action = one["action"]
    if action is None:
        said: Proposal | Abstain = Abstain(because(Code.SIGNAL_MISSING, "no data"))
    elif action["direction"] == "none":
        said = Proposal({}, because(Code.WITHIN_TOLERANCE, "nothing to change"))
    else:
        said = wants(floor=int(action["count"]))
    return entry(name, said, shadow=one["handler"] is None)


@pytest.mark.parametrize("case", NOMAD["pick_winner"], ids=lambda case: case["name"])
def test_the_same_policy_wins_as_in_nomad(case: dict[str, Any]) -> None:
    policies = [
        handled(f"{group}-{place}", one)
        for group, ones in case["groups"].items()
        for place, one in enumerate(ones)
    ]
    current = 3  # between the cases' counts of 1 and 5
    plan = decided(policies, current)
    expected = case["expect"]
    if expected is None or expected["direction"] == "none":
        assert not plan.moves
    else:
        assert plan.after.min_replicas == expected["count"]


# --- scaling_needed: whether there is anything to write --------------------------------------


@pytest.mark.parametrize(
    "case",
    NOMAD["scaling_needed"],
    ids=lambda c: f"{c['direction']}-{c['current']}-to-{c['count']}",
)
def test_the_same_answers_call_for_a_write_as_in_nomad(case: dict[str, Any]) -> None:
    said = wants(floor=None if case["direction"] == "none" else case["count"])
    assert decided([entry("one", said)], case["current"]).moves is case["expect"]


# --- on_error: a policy that fails -----------------------------------------------------------


class Breaks:
    """A policy with a bug."""

    needs: tuple[str, ...] = ()

    def propose(self, seen: object) -> Proposal:
        raise ZeroDivisionError("a bug")


@pytest.mark.parametrize("case", NOMAD["on_error"], ids=lambda case: case["name"])
def test_a_policy_that_fails_is_left_out_as_nomad_ignores_it(
    case: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    if case["expect"] == "abort_policy":
        request.applymarker(pytest.mark.xfail(reason=NO_ABORT, strict=True))
    tried: Policy = Breaks() if case["strategy_raises"] else entry("tried", wants(floor=14)).policy
    plan = decided([PolicyEntry("tried", tried), entry("other", wants(floor=12))])
    numbers = {"skip_check": 12, "use_result": 14, "abort_policy": NOW}
    assert plan.after.min_replicas == numbers[case["expect"]]


@pytest.mark.parametrize("asked", [3, NOW, 12])
def test_while_a_policy_fails_the_others_may_only_raise(asked: int) -> None:
    policies = [PolicyEntry("tried", Breaks()), entry("other", wants(floor=asked))]
    plan = decide(seen(envelope=Envelope(NOW, 100, 8)), policies, (Freshness(),))
    assert plan.after.min_replicas == max(NOW, asked)


# --- AWS ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", AWS["multi_policy_max"], ids=lambda c: str(c["desired"]))
def test_the_largest_of_several_policies_wins_as_in_aws(case: dict[str, Any]) -> None:
    for floor in (1, 9, 30):
        policies = [entry(f"p{i}", wants(floor=n)) for i, n in enumerate(case["desired"])]
        assert decided(policies, floor).after.min_replicas == case["expect"]
        assert decided(policies[::-1], floor).after.min_replicas == case["expect"]
