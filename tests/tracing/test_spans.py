"""The steps of a tick as spans: which there are, whose children, and what becomes of them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from autoscaler import steps
from autoscaler.codec import decode_decision, describe, encode_decision
from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.guards import GUARDS
from autoscaler.core.observation import Limits, Mode
from autoscaler.core.proposal import PolicyEntry
from autoscaler.ports import Alone, Question
from autoscaler.roster import Managed, SignalSpec
from autoscaler.runtime.last_word import LastWord
from autoscaler.runtime.seat import Seat
from autoscaler.runtime.tick import Tick, World
from autoscaler.runtime.words import Words
from autoscaler.telemetry.decision_log import DecisionLog
from autoscaler.telemetry.tracing import Tracing, TracingOptions, _exporter
from policies.target_load import TargetLoad
from tests.fakes.collector import collector
from tests.fakes.prometheus import free_port
from tests.fakes.world import Ears, FakeClock, FakeJournal, FakePlatform, FakeSource
from tests.strategies import NOW

QUESTION = Question("running_jobs", "q", "deployment", 90.0)
RID = "ri.a.b.c.chat"


def options(url: str = "http://127.0.0.1:1/v1/traces", **more: Any) -> TracingOptions:
    return TracingOptions(url, "autoscaler", "1", **more)


class Scene:
    """One deployment under 80 jobs, and its group's tick."""

    def __init__(self, tracer: steps.Tracer) -> None:
        self.clock, self.journal, self.ears = FakeClock(), FakeJournal(), Ears()
        self.platform = FakePlatform(self.clock)
        self.platform.holds(RID, Envelope(2, 4, 32))
        managed = Managed(
            "chat",
            RID,
            "online",
            "chat",
            Mode.APPLY,
            Limits(),
            (PolicyEntry("load", TargetLoad()),),
            tuple(guard() for guard in GUARDS),
            {"running_jobs": SignalSpec("prom", QUESTION, window_s=600.0)},
        )
        seat = Seat(managed, watched_since=NOW - 10_000)
        seat.was_read(self.platform.live[RID], NOW)
        words = Words(self.clock, self.journal)
        world = World(
            self.clock,
            self.platform,
            {"prom": FakeSource(self.clock, load=80.0)},
            self.journal,
            (self.ears,),
            LastWord(self.clock, Alone(), words, lambda: False),
            tracer,
        )
        self.tick = Tick("online", 15.0, [seat], world)


@contextmanager
def traced(
    memory: InMemorySpanExporter, **more: Any
) -> Iterator[tuple[Scene, Callable[[], dict[str, ReadableSpan]]]]:
    tracing = Tracing(options(**more), memory)

    def spans() -> dict[str, ReadableSpan]:
        tracing.close()
        return {span.name: span for span in memory.get_finished_spans()}

    try:
        yield Scene(tracing), spans
    finally:
        tracing.close()


async def test_each_step_of_a_tick_is_a_span_below_the_one_around_it() -> None:
    with traced(InMemorySpanExporter()) as (scene, spans):
        await scene.tick.run()
        found = spans()
    parents = {
        name: next((o.name for o in found.values() if o.context.span_id == s.parent.span_id), "")
        if s.parent
        else None
        for name, s in found.items()
        if s.context is not None
    }
    assert parents == {
        "tick": None,
        "observe": "tick",
        "query": "observe",
        "decide": "tick",
        "fit": "tick",
        "write": "tick",
        "intend": "write",
        "record": "tick",
        "tell": "tick",
    }


async def test_spans_say_what_was_asked_and_what_came_of_it_and_nothing_free_of_bounds() -> None:
    with traced(InMemorySpanExporter()) as (scene, spans):
        await scene.tick.run()
        found = spans()
    assert dict(found["query"].attributes or {}) == {
        "autoscaler.source": "prom",
        "autoscaler.signal": "running_jobs",
        "autoscaler.samples": 3,
        "autoscaler.complete": True,
    }
    written = dict(found["write"].attributes or {})
    assert written.pop("autoscaler.decision")
    assert written == {
        "autoscaler.deployment": "chat",
        "autoscaler.outcome": "applied",
        "autoscaler.reason": "as_planned",
    }


async def test_the_decision_its_record_and_its_log_line_name_the_trace() -> None:
    with traced(InMemorySpanExporter()) as (scene, spans):
        report = await scene.tick.run()
        found = spans()
    context = found["tick"].context
    assert context is not None
    (decision,) = report.decisions
    assert decision.outcome.kind is Kind.APPLIED
    assert decision.trace == f"{context.trace_id:032x}"
    assert decode_decision(encode_decision(decision)) == decision
    assert describe(decision)["trace"] == decision.trace
    lines: list[dict[str, object]] = []

    class Log:
        def info(self, _: str, **facts: object) -> None:
            lines.append(facts)

        debug = warning = info

    DecisionLog(Log()).told(report)  # type: ignore[arg-type]  # all of a logger that is called
    assert lines[0]["trace"] == decision.trace


async def test_a_record_of_before_there_were_traces_is_still_read() -> None:
    report = await Scene(steps.UNTRACED).tick.run()
    (decision,) = report.decisions
    old = encode_decision(decision).replace(b',"trace":""', b"")
    assert b"trace" not in old
    assert decode_decision(old) == decision


async def test_the_same_is_decided_whether_somebody_traces_or_not() -> None:
    with traced(InMemorySpanExporter()) as (scene, _):
        one = await scene.tick.run()
    other = await Scene(steps.UNTRACED).tick.run()
    assert [d.plan for d in one.decisions] == [d.plan for d in other.decisions]
    assert [d.outcome for d in one.decisions] == [d.outcome for d in other.decisions]
    assert other.decisions[0].trace == ""


async def test_a_share_of_the_ticks_can_be_traced() -> None:
    memory = InMemorySpanExporter()
    with traced(memory, sample=0.3) as (scene, spans):
        traces = [(await scene.tick.run()).decisions[0].trace for _ in range(60)]
        spans()
    ticks = [span for span in memory.get_finished_spans() if span.name == "tick"]
    assert 0 < len(ticks) < 60
    assert len(ticks) == sum(1 for trace in traces if trace)


async def test_an_error_marks_its_step_with_its_kind_alone() -> None:
    memory = InMemorySpanExporter()
    tracing = Tracing(options(), memory)
    with (
        pytest.raises(ValueError, match="hunter2"),
        steps.tick(tracing, "online"),
        steps.step("put"),
    ):
        raise ValueError("hunter2")
    tracing.close()
    put, tick = memory.get_finished_spans()
    assert put.status.description == "ValueError"
    assert "hunter2" not in put.to_json() + tick.to_json()


def test_a_step_outside_of_a_traced_tick_is_nothing() -> None:
    assert steps.step("put") is steps.SILENT


async def test_a_collector_that_is_down_costs_spans_and_no_time() -> None:
    await _many_ticks(f"http://127.0.0.1:{free_port()}/v1/traces")
    _nobody_is_left()


async def test_a_collector_that_never_answers_costs_spans_and_no_time() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        await _many_ticks(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1/traces")
    _nobody_is_left()


async def _many_ticks(url: str) -> None:
    """A queue of 64 steps, 500 of them in the way of it: none waits, and the end is in time."""
    chosen = options(url, queue=64, timeout_s=60.0, delay_s=0.01)
    exporter = _exporter(chosen)
    tracing = Tracing(chosen, exporter)
    scene = Scene(tracing)
    began = time.monotonic()
    for _ in range(60):
        report = await scene.tick.run()
        assert report.decisions
    tracing.close(grace_s=0.2)
    # An export would wait 60 s for its answer; generous, because machines are busy.
    assert time.monotonic() - began < 55.0
    exporter.shutdown()


def _nobody_is_left() -> None:
    """No thread sends on, or draws random numbers, while other tests run."""
    for thread in threading.enumerate():
        if thread.name.startswith(("Otel", "tracing")):
            thread.join(60.0)
            assert not thread.is_alive(), thread.name


async def test_a_collector_gets_it_all_over_real_http_with_the_token() -> None:
    async with collector() as there:
        tracing = Tracing(options(there.url, token="canary-token"))
        report = await Scene(tracing).tick.run()
        await asyncio.to_thread(tracing.close, 10.0)
    names = {span.name for span in there.spans}
    assert {"tick", "observe", "decide", "write", "record", "tell"} <= names
    assert {span.trace_id.hex() for span in there.spans} == {report.decisions[0].trace}
    assert set(there.tokens) == {"Bearer canary-token"}
    assert there.services == {"autoscaler"}


def test_a_collector_that_refuses_is_told_of_once_and_so_is_its_recovery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from autoscaler.telemetry import tracing as room

    told: list[str] = []

    class Log:
        def warning(self, event: str, **facts: object) -> None:
            told.append(event)

        info = warning

    monkeypatch.setattr(room, "log", Log())
    memory = InMemorySpanExporter()
    exporter = room._told(memory)
    memory.shutdown()
    for _ in range(3):
        exporter.export([])
    memory._stopped = False
    exporter.export([])
    exporter.export([])
    assert told == ["failing", "works again"]
