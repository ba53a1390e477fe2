"""`formula`: the dials as expressions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Absence, Missing, Observation, Series
from autoscaler.core.proposal import LARGEST_BID, Abstain, Bid, Proposal, fault_of
from autoscaler.core.reason import Code
from autoscaler.plugins.options import build_options
from policies.formula import Formula
from tests.strategies import NOW, SOME, observations, seen


def look(**signals: float | Missing | tuple[float, ...]) -> Observation:
    """Signals by their newest value, or by values that are 15 s apart."""
    found: dict[str, Series | Missing] = {}
    for name, given_ in signals.items():
        if isinstance(given_, Missing):
            found[name] = given_
            continue
        values = given_ if isinstance(given_, tuple) else (given_,)
        times = tuple(NOW - 15 * i for i in reversed(range(len(values))))
        found[name] = Series(times, values)
    return seen(envelope=Envelope(4, 10, 32), signals=found)


def bids(policy: Formula, observation: Observation) -> dict[Dial, Bid]:
    answer = policy.propose(observation)
    assert isinstance(answer, Proposal), answer
    return dict(answer.bids)


def floor(text: str, **signals: Any) -> int | None:
    return bids(Formula(min_replicas=text), look(**signals))[Dial.MIN_REPLICAS].want


GONE = Missing(Absence.STALE)


def test_a_formula_sets_the_floor() -> None:
    policy = Formula(min_replicas="ceil(running_jobs / (threads * 0.7))")
    assert policy.needs == ("running_jobs",)
    assert bids(policy, look(running_jobs=100)) == {Dial.MIN_REPLICAS: Bid(want=5)}
    reason = policy.propose(look(running_jobs=100)).reason
    assert reason.code is Code.COMPUTED
    assert str(reason) == "floor want 5"


def test_every_dial_has_its_formula_and_its_way_to_bid() -> None:
    policy = Formula(
        min_replicas='avg(running_jobs, "30s") / threads',
        min_replicas_as="at_least",
        max_replicas="2 * max_replicas",
        max_replicas_as="at_most",
        threads="if_(latency > 2, threads - 8, threads)",
    )
    assert policy.needs == ("running_jobs", "latency")
    assert policy.windows == {"running_jobs": 30}
    observation = look(running_jobs=(500, 64, 96, 128), latency=3)
    assert bids(policy, observation) == {
        Dial.MIN_REPLICAS: Bid(at_least=3),
        Dial.MAX_REPLICAS: Bid(at_most=20),
        Dial.THREADS: Bid(want=24),
    }
    assert str(policy.propose(observation).reason) == (
        "floor at least 3; ceiling at most 20; threads want 24"
    )


def test_the_longest_window_of_a_signal_counts() -> None:
    policy = Formula(min_replicas='max(a, "5m") + avg(b, "1m")', max_replicas='max(a, "9m")')
    assert policy.windows == {"a": 540, "b": 60}


def test_fractions_are_rounded_up_but_not_dust() -> None:
    assert floor("running_jobs / threads", running_jobs=33) == 2
    assert floor("0.1 * running_jobs", running_jobs=30) == 3
    assert floor("running_jobs", running_jobs=0.2) == 1
    assert floor("running_jobs - 1", running_jobs=1.0 - 1e-9) == 0


# --- KEDA's scalingModifiers ----------------------------------------------------------------
# The formulas of KEDA's documentation (concepts/scaling-deployments, scalingModifiers), written
# in expr-lang there, and what they come to: trig_one, trig_two, trig_three -> result.

KEDA = (
    ("(trig_one + trig_two)/2", "(trig_one + trig_two) / 2", (4.0, 8.0, 0.0), 6),
    (
        "trig_one > 2 ? trig_one + trig_two : 1",
        "trig_one + trig_two if trig_one > 2 else 1",
        (3.0, 4.0, 0.0),
        7,
    ),
    (
        "trig_one > 2 ? trig_one + trig_two : 1",
        "if_(trig_one > 2, trig_one + trig_two, 1)",
        (2.0, 4.0, 0.0),
        1,
    ),
    (
        "count([trig_one,trig_two,trig_three],{#>1}) > 1 ? 5 : 0",
        "if_(count(trig_one > 1, trig_two > 1, trig_three > 1) > 1, 5, 0)",
        (2.0, 0.0, 3.0),
        5,
    ),
    (
        "count([trig_one,trig_two,trig_three],{#>1}) > 1 ? 5 : 0",
        "if_(count(trig_one > 1, trig_two > 1, trig_three > 1) > 1, 5, 0)",
        (2.0, 0.0, 1.0),
        0,
    ),
    (
        "trig_one < 2 ? trig_one+trig_two >= 2 ? 5 : 10 : 0",
        "(5 if trig_one + trig_two >= 2 else 10) if trig_one < 2 else 0",
        (1.0, 1.0, 0.0),
        5,
    ),
    (
        "trig_one < 2 ? trig_one+trig_two >= 2 ? 5 : 10 : 0",
        "(5 if trig_one + trig_two >= 2 else 10) if trig_one < 2 else 0",
        (1.0, 0.5, 0.0),
        10,
    ),
)


@pytest.mark.parametrize(("theirs", "ours", "triggers", "result"), KEDA, ids=[k[0] for k in KEDA])
def test_what_keda_says_can_be_said_here(
    theirs: str, ours: str, triggers: tuple[float, ...], result: int
) -> None:
    named = dict(zip(("trig_one", "trig_two", "trig_three"), triggers, strict=True))
    assert floor(ours, **named) == result
    if theirs != ours.replace(" / ", "/"):
        with pytest.raises(ValueError, match="min_replicas: column"):
            Formula(min_replicas=theirs)


def test_what_keda_takes_instead_of_a_failed_trigger_can_be_said_here() -> None:
    assert floor("first_of(trig_one, trig_two, 8)", trig_one=GONE, trig_two=3) == 3
    assert floor("first_of(trig_one, trig_two, 8)", trig_one=GONE, trig_two=GONE) == 8


# --- no value -------------------------------------------------------------------------------


def test_without_data_it_abstains_and_names_the_signal() -> None:
    answer = Formula(min_replicas="running_jobs + queued").propose(
        look(running_jobs=100, queued=GONE)
    )
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.SIGNAL_MISSING
    assert str(answer.reason) == "queued is too old"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / (running_jobs - 4)", "the formula of floor has no value: it divides by zero"),
        ("running_jobs % 0", "the formula of floor has no value: it divides by zero"),
        ("sqrt(-running_jobs)", "no value: it takes the root of a negative number"),
        ("1e300 * 1e300 * running_jobs", "no value: it goes beyond all numbers"),
        ("-running_jobs", "the formula of floor gives -4, which is not in 0..1000000"),
        ("1e7 * running_jobs", "the formula of floor gives 4e+07, which is not in 0..1000"),
    ],
)
def test_a_result_that_is_no_number_of_replicas_abstains_with_the_reason(
    text: str, why: str
) -> None:
    answer = Formula(min_replicas=text).propose(look(running_jobs=4))
    assert isinstance(answer, Abstain)
    assert answer.reason.code is Code.NOT_COMPUTABLE
    assert why in str(answer.reason)


def test_no_threads_at_all_is_no_answer() -> None:
    answer = Formula(threads="threads - 32").propose(look())
    assert str(answer.reason) == "the formula of threads gives 0, which is not in 1..1000000"
    assert bids(Formula(threads="0.4"), look()) == {Dial.THREADS: Bid(want=1)}


def test_while_one_formula_lacks_data_the_others_only_raise() -> None:
    policy = Formula(
        min_replicas="running_jobs", max_replicas="9", max_replicas_as="at_most", threads="queued"
    )
    observation = look(running_jobs=2, queued=GONE)
    assert bids(policy, observation) == {Dial.MIN_REPLICAS: Bid(at_least=2)}
    assert str(policy.propose(observation).reason) == ("floor at least 2; queued is too old")


def test_a_formula_that_divides_by_zero_does_not_hold_back_the_others() -> None:
    policy = Formula(min_replicas="running_jobs", threads="1 / running_jobs")
    assert bids(policy, look(running_jobs=0)) == {Dial.MIN_REPLICAS: Bid(want=0)}


# --- at start -------------------------------------------------------------------------------


def test_a_mistake_is_refused_at_start_and_pointed_at() -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole text is looked at next
        Formula(max_replicas='2 * averge(running_jobs, "5m")')
    assert str(refused.value) == (
        "max_replicas: column 5: 'averge' is no function: did you mean avg?\n"
        '  2 * averge(running_jobs, "5m")\n'
        "      ^"
    )


def test_a_formula_without_formulas_is_refused() -> None:
    with pytest.raises(ValueError, match="one of min_replicas, max_replicas, threads must be"):
        Formula()
    with pytest.raises(ValueError, match="threads_as must be one of want, at_least, at_most"):
        Formula(threads="8", threads_as="exactly")


def test_a_configuration_that_is_wrong_is_told_where() -> None:
    built = build_options(Formula, {"min_replicas": "running_jobs >"})
    assert built.faults[0].path == ("min_replicas",)
    assert built.faults[0].rule.startswith("column 15: it cannot be read")


# --- promises -------------------------------------------------------------------------------

texts = st.sampled_from(
    [
        "running_jobs / threads",
        'percentile(running_jobs, 95, "5m") / (threads * 0.7)',
        'first_of(rate(running_jobs, "5m"), error_share, 8) + min_replicas',
        'max_replicas if error_share > 0.05 else max(running_jobs, "2m")',
        "1 / (running_jobs - error_share)",
        "running_jobs * running_jobs * running_jobs - error_share",
    ]
)


@given(texts, st.just("") | texts, st.sampled_from(["want", "at_least", "at_most"]), observations())
@settings(max_examples=SOME, deadline=None)
def test_every_answer_is_valid_and_always_the_same(
    one: str, other: str, bound: str, observation: Observation
) -> None:
    policy = Formula(min_replicas=one, threads=other, min_replicas_as=bound, threads_as=bound)
    answer = policy.propose(observation)
    assert fault_of(answer) == ""
    assert str(answer.reason)
    assert policy.propose(observation) == answer
    if isinstance(answer, Proposal):
        for bid in answer.bids.values():
            assert max(bid.want or 0, bid.at_least or 0, bid.at_most or 0) <= LARGEST_BID
