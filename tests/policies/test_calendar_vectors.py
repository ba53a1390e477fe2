"""Calendars answer as py-kube-downscaler's time specifications and Nomad's schedules do."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.envelope import Dial
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.plugins.options import build_options
from policies.calendar import Calendar
from tests.strategies import seen

PLACE = Path(__file__).parents[1] / "vectors"
VECTORS = json.loads((PLACE / "calendar.json").read_text("utf-8"))
NOMAD = json.loads((PLACE / "nomad.json").read_text("utf-8"))["schedule"]


def is_open(options: dict[str, Any], now: str) -> bool:
    """Through the same door as a configuration."""
    window = {**options, "at_least": {"min_replicas": 7}}
    built = build_options(Calendar, {"windows": {"window": window}})
    assert not built.faults
    answer = built.value.propose(seen(at=datetime.fromisoformat(now).timestamp()))
    assert isinstance(answer, Proposal)
    bids = dict(answer.bids)
    assert bids in ({}, {Dial.MIN_REPLICAS: Bid(at_least=7)})
    return bool(bids)


@pytest.mark.parametrize("case", VECTORS["time_spec"], ids=lambda c: f"{c['spec']} at {c['now']}")
def test_time_specifications_answer_as_the_downscaler(case: dict[str, Any]) -> None:
    assert is_open({"spec": case["spec"]}, case["now"]) is case["expect"]


@pytest.mark.parametrize("case", VECTORS["nomad_schedule"], ids=lambda c: c["name"])
def test_schedules_answer_as_nomad(case: dict[str, Any]) -> None:
    assert is_open(case["schedule"], case["now"]) is case["expect"]


def test_every_case_of_nomads_schedules_is_held() -> None:
    assert VECTORS["nomad_schedule"] == NOMAD
    assert len(NOMAD) == 28
    assert len(VECTORS["time_spec"]) == 19
