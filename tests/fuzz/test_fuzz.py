"""What fuzzing found stays found: the corpus is replayed, and Hypothesis adds some of its own."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict
from sqlalchemy import RowMapping

from autoscaler.codec import CodecError, decode_decision
from autoscaler.core.observation import Missing
from autoscaler.forecast import persist
from autoscaler.foundry.body import DEEPEST, decode
from autoscaler.foundry.errors import InvalidAnswer
from autoscaler.foundry.units import duration_s
from autoscaler.foundry.wire import envelope_of
from autoscaler.journal.state import _state
from autoscaler.lab.traces import TraceError, read_trace
from autoscaler.runtime.history import blob
from autoscaler.settings.units import Given, seconds
from autoscaler.sources.exposition.answer import Gauge
from autoscaler.sources.exposition.query import Query
from autoscaler.sources.exposition.text import Exposition, exposition_of
from autoscaler.sources.promql.answer import number_of, rows_of
from autoscaler.sources.wire.fetch import Body, Failure
from autoscaler.web.body import BadField, Fields
from autoscaler.web.params import BadParameter, Params
from autoscaler.web.params import _mark as cursor_mark
from tests.fuzz.targets import OPTIONS, TARGETS, stored

CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(CORPUS.glob("*/*"))


def test_the_corpus_is_small_and_every_target_has_one() -> None:
    assert sum(path.stat().st_size for path in INPUTS) < 300_000
    assert {path.parent.name for path in INPUTS} == set(TARGETS)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_input_of_the_corpus_breaks_its_parser(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_no_parser_breaks_on_pieces_of_its_corpus_put_together(target: str) -> None:
    whole = [path.read_bytes()[:2000] for path in INPUTS if path.parent.name == target]

    @settings(max_examples=30, deadline=None, database=None, derandomize=True)
    @given(st.sampled_from(whole), st.sampled_from(whole), st.data())
    def tried(one: bytes, other: bytes, data: st.DataObject) -> None:
        cut = data.draw(st.integers(0, len(one)))
        begin = data.draw(st.integers(0, len(other)))
        TARGETS[target](one[:cut] + data.draw(st.binary(max_size=8)) + other[begin:])

    tried()


def test_an_answer_whose_kind_is_a_list_is_a_failure_and_no_crash() -> None:
    answer = b'{"status":"success","data":{"resultType":[],"result":[]}}'
    assert isinstance(rows_of(Body(200, "application/json", answer), "vector", 9, str), Failure)


@pytest.mark.parametrize("values", [("+Inf", "-Inf"), ("1e308", "1e308")])
def test_series_that_have_no_sum_leave_the_value_missing(values: tuple[str, str]) -> None:
    text = "".join(f'm{{d="a",x="{at}"}} {value}\n' for at, value in enumerate(values))
    read = exposition_of(Body(200, "text/plain", text.encode()), 1.0, 9)
    assert isinstance(read, Exposition)
    found = Gauge(Query("m"), "d").values(read)
    assert not isinstance(found, Failure)
    assert isinstance(found.values["a"], Missing)


def test_a_delay_beyond_all_numbers_is_no_delay() -> None:
    assert duration_s({"value": 1e308, "unit": "YEARS"}) is None


def test_an_answer_is_nested_as_deep_as_it_can_be_compared_and_no_deeper() -> None:
    inside = '{"a":' * (DEEPEST - 1) + "{}" + "}" * (DEEPEST - 1)
    assert decode(inside.encode())
    with pytest.raises(InvalidAnswer, match=f"nested deeper than {DEEPEST}"):
        decode(f'{{"a":{inside}}}'.encode())


@pytest.mark.parametrize("value", [0.0, 1.0, 0, 1])
def test_a_number_is_not_taken_for_a_truth(value: float) -> None:
    with pytest.raises(BadField, match="t must be true or false"):
        Fields({"t": value}, ("t",)).true("t")


def test_a_number_of_seconds_beyond_the_limit_is_refused_from_the_environment_too() -> None:
    for value in (1e30, Given("1e30")):
        with pytest.raises(ValueError, match="must be a duration"):
            seconds(value)


def test_a_count_that_no_platform_means_is_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidAnswer, match=r"minReplicas .* must be a whole number in 0\.\.2147"):
        envelope_of({"minReplicas": 10**5000, "maxReplicas": 3})


def test_a_stored_forecast_with_numbers_beyond_a_double_is_refused() -> None:
    head = (CORPUS / "forecast" / "a-number-beyond-a-double").read_bytes()
    with pytest.raises(ValueError, match="finite numbers"):
        persist.unpack(stored(head), OPTIONS)


@pytest.mark.parametrize("wrong", [(math.nan,), (math.inf,), (math.inf, -math.inf)])
def test_a_stored_forecast_whose_means_are_no_numbers_is_refused(wrong: tuple[float, ...]) -> None:
    means = struct.pack(f"<{len(wrong)}f", *wrong).ljust(persist.MEANS_BYTES, b"\0")
    head = (CORPUS / "forecast" / "head").read_bytes()
    kept = stored(head, zlib.compress(bytes(persist.MAXIMA_BYTES) + means))
    with pytest.raises(ValueError, match="finite numbers"):
        persist.unpack(kept, OPTIONS)
    persist.unpack(stored(head), OPTIONS)


def test_a_refusal_of_the_codec_is_told_however_deep_its_value_is_nested() -> None:
    with pytest.raises(CodecError, match="nested too deeply"):
        decode_decision(b"[" * 1000 + b"]" * 1000)


ROW = json.loads((CORPUS / "state_row" / "row").read_bytes())


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("recommended", [[1, "4", 32, 1.0, 2.0]], "a count must be a whole number, got '4'"),
        ("recommended", [[True, 4, 32, 1.0, 2.0]], "a count must be a whole number, got True"),
        ("recommended", [[1, 4.0, 32, 1.0, 2.0]], "a count must be a whole number, got 4.0"),
        ("recommended", [[1, 4, 32, "inf", 2.0]], "a time must be finite Unix seconds, got 'inf'"),
        ("watched_since", math.nan, "a time must be finite Unix seconds, got nan"),
    ],
)
def test_a_damaged_state_row_is_not_taken_for_what_was_wanted(
    column: str, value: object, words: str
) -> None:
    row = {**ROW, column: value}
    texts = {name: json.dumps(row[name]) for name in ("recommended", "learned", "returned")}
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        _state(cast("RowMapping", row | texts), 1.0, 1.0)


def test_a_history_of_infinite_loads_is_refused() -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        blob.unpack((CORPUS / "history" / "an-infinite-load").read_bytes())


def test_a_damaged_gzip_is_refused_by_the_trace_reader(tmp_path: Path) -> None:
    file = tmp_path / "damaged.csv.gz"
    file.write_bytes((CORPUS / "trace" / "gzip-with-a-broken-block").read_bytes())
    with pytest.raises(TraceError, match="damaged"):
        read_trace(file)


@pytest.mark.parametrize("value", ["x", -1, True, 2**70, [1], {}])
def test_a_made_up_cursor_never_reaches_the_journal(value: object) -> None:
    query = MultiDict(cursor=_made(value))
    params = Params(cast("web.Request", SimpleNamespace(query=query)), ("cursor",))
    with pytest.raises(BadParameter, match="must be the `next` of an answer"):
        params.place("k")


def _made(value: object) -> str:
    told = [cursor_mark("k", None), value]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode()


@pytest.mark.parametrize("value", ["1_000", "\u0661", True, 1])
def test_a_value_that_only_python_takes_for_a_number_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="a value must be"):
        number_of(value)
