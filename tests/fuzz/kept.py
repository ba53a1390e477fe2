"""What the journal keeps as text and what a policy's own process answers, as targets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import orjson

from autoscaler.core.proposal import fault_of
from autoscaler.isolation.pool import _answer
from autoscaler.journal.aside import UNREADABLE
from autoscaler.journal.state import _state
from autoscaler.ports import Stopped
from tests.strategies import NOW

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

COLUMNS = ("group_name", "recommended", "learned", "returned", "watched_since")


def state_row(data: bytes) -> None:
    """A deployment's state row, its columns of text made by others: a legal state, or unreadable."""
    try:
        given = orjson.loads(data)
        columns = {name: given[name] for name in COLUMNS}
    except (ValueError, TypeError, LookupError):
        return
    texts = ("recommended", "learned", "returned")
    row = columns | {name: orjson.dumps(columns[name]).decode() for name in texts}
    try:
        state = _state(cast("RowMapping", row), NOW, NOW)
    except UNREADABLE:
        return
    for wish in state.recommended:
        numbers = (wish.envelope.min_replicas, wish.envelope.max_replicas, wish.envelope.threads)
        assert all(type(number) is int for number in numbers)
        assert 0 <= numbers[0] <= numbers[1]
        assert math.isfinite(wish.since)
        assert math.isfinite(wish.until)
    assert math.isfinite(state.watched_since)


def worker_answer(data: bytes) -> None:
    """A line of a policy's own process: an answer to judge, or its process is stopped."""
    try:
        answer = _answer(data)
    except Stopped:
        return
    assert isinstance(fault_of(answer), str)
    assert len(str(answer.reason)) < 1_100_000
