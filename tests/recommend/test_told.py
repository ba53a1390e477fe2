"""Recommendations in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Resources
from autoscaler.lab.recommend.judge import Case, Judged, Terms, judge
from autoscaler.lab.recommend.told import CSV_HEADS, FORMATS, HEADS, as_json
from tests.fakes.traces import flat

SILENT = {"rerank": "no series is labelled 'rerank'"}


@pytest.fixture(scope="module")
def one() -> Judged:
    case = Case("chat", flat(44.0, 3), current=Envelope(1, 10, 32))
    found = judge(case, Terms(daemon=False))
    assert isinstance(found, Judged)
    return found


def test_json_tells_what_is_and_what_should_be(one: Judged) -> None:
    told = json.loads(as_json([one], SILENT))
    chat = told["deployments"]["chat"]
    assert chat["current"] == {"min_replicas": 1, "max_replicas": 10, "threads": 32}
    assert chat["recommended"] == {"min_replicas": 2, "max_replicas": 2, "threads": 32}
    cost = chat["compute_seconds_per_day"]
    assert cost["saved"] == pytest.approx(cost["current"] - cost["recommended"])
    assert cost["recommended"] == pytest.approx(2 * 0.2 * 86_400)
    assert told["unanswered"] == SILENT


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_nobody_is_forgotten(one: Judged, name: str) -> None:
    text = FORMATS[name]([one], SILENT)
    assert "chat" in text
    assert "no series is labelled" in text


def test_the_table_has_a_line_for_each_and_reasons_below(one: Judged) -> None:
    head, row, empty, *notes = FORMATS["table"]([one], SILENT).splitlines()
    assert all(title in head for title in HEADS)
    assert row.startswith("chat")
    assert "1..10 x 32" in row
    assert "2..2 x 32" in row
    assert empty == ""
    assert notes[-1] == "rerank: no answer: no series is labelled 'rerank'"


def test_csv_has_a_cell_for_every_head(one: Judged) -> None:
    rows = list(csv.reader(io.StringIO(FORMATS["csv"]([one], SILENT))))
    assert rows[0] == list(CSV_HEADS)
    assert {len(row) for row in rows} == {len(CSV_HEADS)}


def test_an_unpriced_gpu_is_said_and_not_guessed() -> None:
    gpu = Resources(gpus=1, gpu_type="H200")
    case = Case("chat", flat(44.0, 2), current=Envelope(1, 4, 32), resources=gpu)
    found = judge(case, Terms(daemon=False))
    assert isinstance(found, Judged)
    told = json.loads(as_json([found], {}))["deployments"]["chat"]
    assert told["compute_seconds_per_day"]["saved"] is None
    assert "H200 has no rate" in FORMATS["table"]([found], {})
