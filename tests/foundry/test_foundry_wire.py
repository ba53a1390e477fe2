"""Raw JSON in, three dials changed, nothing lost."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Health, NativeScaling, Resources
from autoscaler.foundry.body import decode, encode
from autoscaler.foundry.errors import InvalidAnswer
from autoscaler.foundry.units import duration_s, memory_gib, number, whole
from autoscaler.foundry.wire import altered, configuration_of, envelope_of, live_of, merge, same
from tests.fakes.foundry import EXAMPLE_ANSWER, EXAMPLE_REQUEST, MODEL, RID

DIALS = ("minReplicas", "maxReplicas", "threadCount")

texts = st.text(max_size=12)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**64, max_value=2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(texts, v, max_size=4), max_leaves=12
)
counts = st.integers(0, 10_000)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    low, high = sorted((draw(counts), draw(counts)))
    return Envelope(low, high, draw(st.integers(1, 512)))


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """A configuration of any age of the API: known fields in any form, and unknown ones."""
    made: dict[str, Any] = draw(st.dictionaries(texts, values, max_size=6))
    known = {
        "cpu": st.just(1.0) | values,
        "memory": st.just("256MiB") | values,
        "gpu": st.fixed_dictionaries({"count": counts, "type": texts, "next": values}) | values,
        "scalingConfiguration": values,
        "sources": st.lists(texts, max_size=3),
        "environmentVariables": st.dictionaries(texts, texts, max_size=3),
    }
    for key, strategy in known.items():
        if draw(st.booleans()):
            made[key] = draw(strategy)
    was = draw(envelopes())
    made["minReplicas"] = draw(st.sampled_from([was.min_replicas, float(was.min_replicas)]))
    made["maxReplicas"] = was.max_replicas
    if draw(st.booleans()):
        made["threadCount"] = draw(st.sampled_from([was.threads, None]))
    return made


@pytest.mark.fault(32)
@given(configurations(), envelopes())
def test_nothing_is_lost_between_reading_and_writing(raw: dict[str, Any], to: Envelope) -> None:
    fresh = decode(encode({"runtimeConfiguration": raw}))["runtimeConfiguration"]
    untouched = copy.deepcopy(fresh)
    sent = decode(encode(merge(fresh, to)))
    assert envelope_of(sent) == to
    others = {key: value for key, value in raw.items() if key not in DIALS}
    assert {key: sent[key] for key in others} == others
    # repr tells 1.0 from 1 and -0.0 from 0.0, which == does not.
    assert repr({key: sent[key] for key in others}) == repr(others)
    assert set(raw) <= set(sent) <= set(raw) | set(DIALS)
    assert fresh == untouched


@given(configurations())
def test_a_merge_of_what_is_there_changes_not_a_byte(raw: dict[str, Any]) -> None:
    assert encode(merge(raw, envelope_of(raw))) == encode(raw)


@given(configurations())
def test_what_came_back_as_it_was_sent_is_not_called_altered(raw: dict[str, Any]) -> None:
    assert altered(raw, copy.deepcopy(raw)) == ()
    assert altered(raw, raw | {"added by the platform": 1}) == ()


def test_the_vendors_example_response_is_understood() -> None:
    live = live_of(EXAMPLE_ANSWER)
    assert (live.rid, live.model_rid, live.branch) == (RID, MODEL, "master")
    assert live.envelope == Envelope(1, 3, 32)
    version = EXAMPLE_ANSWER["modelVersion"]["modelVersionRid"]
    assert live.health == Health("ACTIVE", is_ready=True, model_version=version)
    assert live.resources == Resources(1.0, 0.25)
    assert live.native == NativeScaling()


def test_the_vendors_example_request_survives_to_the_byte() -> None:
    body = decode(EXAMPLE_REQUEST.encode())
    configuration = configuration_of(body)
    assert encode({"runtimeConfiguration": merge(configuration, Envelope(1, 3, 32))}) == (
        EXAMPLE_REQUEST.encode()
    )
    raised = encode(merge(configuration, Envelope(2, 4, 16))).decode()
    assert raised == (
        '{"minReplicas":2,"maxReplicas":4,"cpu":1.0,"memory":"256MiB","threadCount":16}'
    )


def test_secrets_of_the_configuration_stay_behind() -> None:
    answer = copy.deepcopy(EXAMPLE_ANSWER)
    answer["runtimeConfiguration"] |= {
        "environmentVariables": {"A": "canary-1"},
        "sources": ["canary-2"],
        "gpu": {"count": 1, "type": "canary 3"},
    }
    assert "canary" not in repr(live_of(answer))


def test_threads_that_are_not_told_are_32() -> None:
    assert envelope_of({"minReplicas": 0, "maxReplicas": 2}) == Envelope(0, 2, 32)
    assert merge({"minReplicas": 0, "maxReplicas": 2}, Envelope(0, 2, 32)) == {
        "minReplicas": 0,
        "maxReplicas": 2,
    }


def test_a_full_configuration_is_read() -> None:
    answer = copy.deepcopy(EXAMPLE_ANSWER)
    answer["runtimeConfiguration"] |= {
        "cpu": 0.5,
        "memory": "16GiB",
        "gpu": {"count": 2, "type": "T4"},
        "scalingConfiguration": {
            "scaleUpLoadThreshold": 0.6,
            "scaleUpDelay": {"value": 30, "unit": "SECONDS"},
            "scaleDownDelay": {"value": 2, "unit": "HOURS"},
            "scaleDownLoadThreshold": 0.3,
        },
    }
    del answer["branch"]
    answer["status"] = {"state": "BRAND_NEW", "isReady": False, "more": 1}
    live = live_of(answer)
    assert live.resources == Resources(0.5, 16.0, 2, "T4")
    assert live.native == NativeScaling(0.6, 30.0, 7200.0)
    assert (live.branch, live.health.state) == (None, "BRAND_NEW")


BROKEN: list[tuple[str, object, str]] = [
    ("rid", None, "rid"),
    ("rid", 7, "rid"),
    ("status", None, "status"),
    ("status", {"state": "", "isReady": True}, "state"),
    ("status", {"state": "ACTIVE", "isReady": "yes"}, "isReady"),
    ("modelVersion", {}, "modelVersionRid"),
    ("runtimeConfiguration", [], "runtimeConfiguration"),
    ("runtimeConfiguration", {"maxReplicas": 1}, "minReplicas"),
    ("runtimeConfiguration", {"minReplicas": True, "maxReplicas": 1}, "minReplicas"),
    ("runtimeConfiguration", {"minReplicas": 0.5, "maxReplicas": 1}, "minReplicas"),
    ("runtimeConfiguration", {"minReplicas": -1, "maxReplicas": 1}, "minReplicas"),
    ("runtimeConfiguration", {"minReplicas": 2, "maxReplicas": 1}, "maxReplicas"),
    (
        "runtimeConfiguration",
        {"minReplicas": 1, "maxReplicas": 1, "threadCount": 0},
        "threadCount",
    ),
]


@pytest.mark.fault(32)
@pytest.mark.parametrize(("key", "value", "field"), BROKEN)
def test_a_missing_or_wrong_field_is_named(key: str, value: object, field: str) -> None:
    with pytest.raises(InvalidAnswer, match=field):
        live_of(EXAMPLE_ANSWER | {key: value})


@given(st.dictionaries(texts | st.sampled_from(sorted(EXAMPLE_ANSWER)), values))
def test_any_object_is_understood_or_refused_in_our_own_words(answer: dict[str, Any]) -> None:
    try:
        live_of(answer)
    except InvalidAnswer:
        return


@pytest.mark.fault(31)
@given(st.binary(max_size=60))
def test_any_bytes_are_decoded_or_refused_in_our_own_words(body: bytes) -> None:
    try:
        decode(body)
    except InvalidAnswer as refused:
        kept = refused.__context__, refused.__cause__
    else:
        return
    # No foreign error hangs on to it: that would keep the body, which may hold secrets.
    assert kept == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b'{"a": 1, "a": 2}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": "\xff"}',
        b'{"a": 1',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_cannot_be_written_back_unchanged_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidAnswer):
        decode(body)


def test_unpaired_surrogates_survive() -> None:
    raw = b'{"a":"\\ud800","b":"\\u00e9"}'
    assert encode(decode(raw)) == raw


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, None, True),
        ([1], [1.0], True),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"value": 60, "unit": "SECONDS"}, {"value": 1, "unit": "MINUTES"}, True),
        ({"value": 60, "unit": "SECONDS"}, {"value": 1, "unit": "HOURS"}, False),
        ({"value": 1, "unit": "FORTNIGHTS"}, {"value": 1.0, "unit": "FORTNIGHTS"}, True),
        ("1", 1, False),
    ],
)
def test_equality_is_by_meaning(one: object, other: object, equal: bool) -> None:
    assert same(one, other) is same(other, one) is equal


def test_altered_names_what_was_lost_or_changed() -> None:
    sent = {"cpu": 1.0, "memory": "1GiB", "sources": [], "odd key!": 1, "threadCount": 4}
    assert altered(sent, {"cpu": 1, "memory": "2GiB"}) == ("memory", "(unnamed)")


@pytest.mark.parametrize(
    ("text", "gib"),
    [
        ("256MiB", 0.25),
        ("1GiB", 1.0),
        ("1024 KiB", 2**-10),
        ("2TiB", 2048.0),
        ("1GB", 10**9 / 2**30),
        ("1G", 10**9 / 2**30),
        ("1Gi", 1.0),
        ("1.5GiB", 1.5),
        ("1073741824", 1.0),
        ("lots", None),
        ("-1GiB", None),
        (7, None),
    ],
)
def test_memory_is_read_in_gib(text: object, gib: float | None) -> None:
    assert memory_gib(text) == gib


@given(st.integers(0, 10**6), st.sampled_from("KMGT"))
def test_binary_and_decimal_memory_differ_by_their_base(amount: int, letter: str) -> None:
    binary, decimal = memory_gib(f"{amount}{letter}iB"), memory_gib(f"{amount}{letter}B")
    assert binary is not None
    assert decimal is not None
    assert binary >= decimal


def test_numbers_are_not_truth_values() -> None:
    assert (whole(True), number(True), whole("1"), whole(2.0)) == (None, None, None, 2)
    assert number(10**400) is None
    assert duration_s({"value": -1, "unit": "SECONDS"}) is None
    assert duration_s({"value": 1}) is None


def test_a_body_is_plain_ascii_json() -> None:
    assert json.loads(encode({"ü": [1.0, 10**30]})) == {"ü": [1.0, 10**30]}
    assert encode({"ü": 1}).isascii()
