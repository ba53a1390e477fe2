"""JSON carries every decision there and back, and says where a broken one is broken."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from autoscaler.codec import (
    CodecError,
    decode,
    decode_decision,
    decode_observation,
    describe,
    encode,
    encode_decision,
    encode_observation,
    observation_schema,
)
from autoscaler.core.decide import draft
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import (
    Absence,
    Control,
    Missing,
    Mode,
    Observation,
    Override,
    Series,
)
from autoscaler.core.plan import Hold, Vote
from autoscaler.core.proposal import Abstain, Bid, Proposal
from autoscaler.core.reason import Code, Reason, because
from tests.fakes.decisions import decided, decisions
from tests.strategies import NOW, observations, seen, wants


@given(decisions)
def test_a_decision_survives_the_way_there_and_back(decision: Decision) -> None:
    written = encode_decision(decision)
    read = decode_decision(written)
    assert read == decision
    assert encode_decision(read) == written
    assert json.loads(written)  # plain JSON for anybody, not only for us


@given(observations())
def test_an_observation_survives_and_obeys_its_schema(look: Observation) -> None:
    written = encode_observation(look)
    assert decode_observation(written) == look
    Draft202012Validator(observation_schema()).validate(orjson.loads(written))


@given(st.floats(allow_nan=False))
def test_floats_survive_bit_for_bit(number: float) -> None:
    look = seen(signals={"x": Series((NOW,), (number,))})
    read = decode_observation(encode_observation(look)).signals["x"]
    assert isinstance(read, Series)
    assert read.last.hex() == number.hex()


def test_equal_mappings_give_equal_bytes_whatever_their_order_and_kind() -> None:
    one, two = Missing(Absence.EMPTY), Missing(Absence.STALE)
    grown = seen(signals={"b": two, "a": one})
    frozen = seen(signals=MappingProxyType({"a": one, "b": two}))
    assert encode_observation(grown) == encode_observation(frozen)


def test_what_json_cannot_say_is_spelled_out() -> None:
    odd = (("inf", math.inf), ("nan", math.nan), ("huge", 10**30), ("whole", 2), ("flag", True))
    outcome = Outcome(Kind.FAILED, Reason(Code.INTERNAL_ERROR, "odd", odd))
    written = encode_decision(replace(decided(), outcome=outcome))
    assert b'{"float":"inf"}' in written
    facts = dict(decode_decision(written).outcome.reason.facts)
    assert facts["inf"] == math.inf
    assert math.isnan(float(facts["nan"]))
    assert facts["huge"] == 10**30
    assert type(facts["whole"]) is int
    assert facts["flag"] is True


def test_a_lone_surrogate_becomes_its_escape_and_loses_no_record() -> None:
    outcome = Outcome(Kind.FAILED, Reason(Code.INTERNAL_ERROR, "bad \udc80 byte"))
    read = decode_decision(encode_decision(replace(decided(), outcome=outcome)))
    assert read.outcome.reason.sentence == "bad \\udc80 byte"


def test_a_field_with_a_default_may_be_absent() -> None:
    tree = orjson.loads(encode_observation(seen()))
    for name in ("changes", "native", "learned"):
        del tree[name]
    assert decode_observation(orjson.dumps(tree)) == seen()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("seen.envelope.threads", "32", "seen.envelope.threads must be a whole number, got '32'"),
        ("seen.envelope.threads", 0, "threads must be at least 1"),
        ("seen.envelope.threads", True, "must be a whole number, got True"),
        ("seen.at", "now", "seen.at must be a number, got 'now'"),
        ("seen.at", {"float": "many"}, "seen.at must be a number"),
        ("outcome.kind", "maybe", "outcome.kind must be one of unchanged, applied"),
        ("outcome.kind", [], "outcome.kind must be one of"),
        ("outcome.status", 1.5, "outcome.status must be a whole number, got 1.5"),
        ("seen.signals", [], "seen.signals must be an object, got []"),
        ("seen.signals", {"x": {"odd": 1}}, "seen.signals.x must be a Series or Missing"),
        ("seen.changes", {}, "seen.changes must be a list"),
        ("seen.colour", "red", "seen.colour is not a field of Observation, got 'red'"),
        ("outcome.reason.facts", [["a"]], "outcome.reason.facts[0] must have 2 items"),
        ("outcome.reason.facts", [["a", None]], "facts[0][1] must be a number or text, got None"),
        ("seen.health.is_ready", 1, "seen.health.is_ready must be true or false, got 1"),
        ("deployment", 7, "deployment must be text, got 7"),
        ("plan", None, "plan must be a Plan, got None"),
        ("outcome", {"reason": {}}, "must be a Reason"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path: str, value: object, words: str) -> None:
    tree = orjson.loads(encode_decision(decided()))
    *above, last = path.split(".")
    at = tree
    for name in above:
        at = at[name]
    at[last] = value
    if words.endswith("must be a Reason"):
        words = "outcome.kind is required"
    with pytest.raises(CodecError, match="got") as raised:
        decode_decision(orjson.dumps(tree))
    assert words in str(raised.value)


@given(st.binary(max_size=40))
def test_garbage_is_refused_and_never_crashes(garbage: bytes) -> None:
    with pytest.raises(CodecError):
        decode_decision(garbage)


def test_a_long_value_is_clipped_in_the_message() -> None:
    with pytest.raises(CodecError) as raised:
        decode_decision(b"x" * 10_000)
    assert len(str(raised.value)) < 300


def _told() -> Decision:
    look = seen(
        signals={
            "jobs": Series((NOW - 7,), (12.5,)),
            "errors": Missing(Absence.STALE, "too old", since=NOW - 60),
            "queue": Missing(Absence.NEVER_READ),
        }
    )
    votes = (
        Vote("load", wants(6, 12)),
        Vote("idea", Proposal({Dial.THREADS: Bid(at_most=8)}, because(Code.CLAMPED, "m")), True),
        Vote("cron", Abstain(because(Code.CONDITION_FALSE, "not {now}", now="today"))),
    )
    plan = draft(look, votes)
    outcome = Outcome(Kind.APPLIED, because(Code.AS_PLANNED, "done"), plan.after, 200, 0.4)
    return replace(decided(), seen=look, plan=plan, outcome=outcome)


def test_a_decision_is_told_in_sentences() -> None:
    told = describe(_told())
    assert told["seen"] == [
        {"name": "errors", "missing": "stale", "detail": "too old", "value": None, "age_s": 60.0},
        {"name": "jobs", "value": 12.5, "age_s": 7.0, "complete": True},
        {"name": "queue", "missing": "never_read", "detail": "", "value": None, "age_s": None},
    ]
    assert told["votes"][0]["bids"] == {"max_replicas": "want 12", "min_replicas": "want 6"}
    assert told["votes"][1]["shadow"] is True
    assert told["votes"][2]["sentence"] == "not today"
    assert told["trail"][0]["line"] == "floor 4 -> 6 by load: a test wants it"
    assert told["headline"].startswith("floor 4 -> 6")
    assert told["outcome"]["actual"] == {"min_replicas": 6, "max_replicas": 12, "threads": 32}
    assert told["hold"] is None


def test_a_hold_is_told_with_its_author() -> None:
    plan = replace(decided().plan, hold=Hold("hold", because(Code.PAUSED, "by {who}", who="ada")))
    told = describe(replace(decided(), plan=plan))
    assert told["hold"] == {"by": "hold", "code": "paused", "sentence": "by ada"}


@given(decisions)
def test_every_decision_can_be_told_and_sent(decision: Decision) -> None:
    json.dumps(describe(decision))


def test_a_sentence_that_does_not_fit_its_facts_is_told_as_written() -> None:
    outcome = Outcome(Kind.HELD, Reason(Code.PAUSED, "by {who}", (("whom", "ada"),)))
    told = describe(replace(decided(), outcome=outcome))
    assert told["headline"] == "no change: by {who}"
    assert told["outcome"]["sentence"] == "by {who}"


def test_the_schema_names_what_an_observation_needs() -> None:
    schema = observation_schema()
    assert set(schema["required"]) == {"at", "deployment", "envelope", "envelope_at", "health"}
    assert schema["additionalProperties"] is False
    assert Envelope.__name__ in schema["$defs"]


def test_a_word_of_an_older_version_is_still_read() -> None:
    old: dict[str, object] = {"control": "pin", "author": "ada", "why": "x", "expires_at": None}
    old |= {"dial": "threads", "value": 3}
    assert decode(Override, orjson.dumps(old)) == Override(
        Control.PIN, "ada", "x", None, Dial.THREADS, 3
    )


def test_a_words_id_and_mode_survive() -> None:
    word = Override(Control.MODE, "ada", "x", NOW, mode=Mode.OBSERVE, id="a-1")
    back = decode(Override, encode(Override, word))
    assert (back, back.id) == (word, "a-1")
