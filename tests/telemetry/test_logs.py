"""Lines that are complete, redacted, and never in the way."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.reason import Code
from autoscaler.telemetry.decision_log import LINES, DecisionLog
from autoscaler.telemetry.logs import Format, Logs, configure
from autoscaler.telemetry.redaction import MASK, Redactor
from autoscaler.telemetry.troubles import EveryPlatformWatch, EverySourceWatch, Troubles
from autoscaler.telemetry.writer import Writer
from tests.fakes.telemetry import NOW, HandClock, decided, decisions, report, wanting

CANARY = 's3cr"et/canary value'
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@dataclass(slots=True)
class Pipe:
    """A descriptor to log to, whose other end is read by the test."""

    terminal: bool = False
    ends: tuple[int, int] = field(default_factory=os.pipe)

    def fileno(self) -> int:
        return self.ends[1]

    def isatty(self) -> bool:
        return self.terminal

    def close(self) -> None:
        for end in self.ends:
            os.close(end)


@dataclass(slots=True)
class Running:
    logs: Logs
    pipe: Pipe

    def text(self) -> str:
        assert self.logs.writer.drain(5.0)
        os.write(self.pipe.fileno(), b"\0")
        read = b""
        while not read.endswith(b"\0"):
            read += os.read(self.pipe.ends[0], 65536)
        return read[:-1].decode()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


def start(format_: Format = "json", level: str = "info", *, terminal: bool = False) -> Running:
    pipe = Pipe(terminal)
    return Running(configure(format_, level, stream=pipe), pipe)  # type: ignore[arg-type]  # the part of a stream that is used


@pytest.fixture
def running() -> Iterator[Running]:
    begun = start()
    yield begun
    begun.logs.close()
    begun.pipe.close()


def test_a_line_is_json_with_time_level_and_facts(running: Running) -> None:
    structlog.get_logger().info("started", groups=2)
    (line,) = running.lines()
    assert (line["event"], line["level"], line["groups"]) == ("started", "info", 2)
    assert line["at"].endswith("Z")


def test_lines_below_the_level_are_not_written(running: Running) -> None:
    structlog.get_logger().debug("detail")
    logging.getLogger("aiohttp.server").debug("detail")
    assert running.text() == ""


def test_an_unknown_level_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"level must be one of debug.* got 'loud'"):
        configure("json", "loud")


@pytest.mark.parametrize(("terminal", "is_json"), [(False, True), (True, False)])
def test_auto_is_json_unless_somebody_reads_it_on_a_terminal(terminal: bool, is_json: bool) -> None:
    begun = start("auto", terminal=terminal)
    structlog.get_logger().info("started")
    assert begun.text().startswith("{") is is_json
    begun.logs.close()
    begun.pipe.close()


def test_libraries_go_through_the_same_door(running: Running) -> None:
    running.logs.redactor.add(CANARY)
    logging.getLogger("aiohttp.server").warning("odd header %s", CANARY)
    logging.getLogger("apscheduler.executors").info("Running job")
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "broken %d", ("text",), None)
    running.logs.handler.handle(record)
    first, second = running.lines()
    assert (first["event"], first["logger"]) == (f"odd header {MASK}", "aiohttp.server")
    assert second["event"] == "broken %d"


def _refuse(mark: str) -> None:
    hidden_local = mark + CANARY
    raise RuntimeError(f"refused {CANARY} and {JWT}" + hidden_local[:0])


@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_traceback_has_no_locals_and_no_secrets(format_: Format) -> None:
    begun = start(format_)
    begun.logs.redactor.add(CANARY)
    try:
        _refuse("loc" + "al-")
    except RuntimeError:
        structlog.get_logger().exception("crashed")
        logging.getLogger("aiohttp").exception("crashed too")
    text = begun.text()
    begun.logs.close()
    begun.pipe.close()
    assert text.count("RuntimeError") >= 2
    assert "canary" not in text
    assert "eyJ" not in text
    assert "local-" not in text


@pytest.mark.parametrize("format_", ["json", "console"])
def test_no_way_of_saying_a_secret_gets_through(format_: Format) -> None:
    begun = start(format_)
    begun.logs.redactor.add(CANARY)
    log = structlog.get_logger()
    log.info("a", client_secret="short", Authorization="x", nested={"db": {"dsn": "pg"}})
    log.info("b", url="https://me:hunter2@host/", header="Bearer abcdefghijklmnopqrst")
    log.info("c", jwt=JWT, listed=[CANARY], quoted="s3cr%22et%2Fcanary%20value")
    log.info("d", odd=repr({"k": CANARY}), thing=RuntimeError(CANARY), env={"api-key": "v4lue"})
    text = begun.text()
    begun.logs.close()
    begun.pipe.close()
    for hidden in ("short", '"pg"', "hunter2", "abcdefghijkl", "eyJ", "canary", "v4lue"):
        assert hidden not in text, hidden
    assert text.count(MASK) >= 9


def test_names_of_secret_files_and_empty_secrets_are_shown() -> None:
    facts = {"token_file": "/run/x", "password": None, "count": 3}
    assert Redactor().event(facts) == facts


@given(
    st.text(st.characters(codec="utf-8"), min_size=6, max_size=30).filter(
        lambda secret: secret not in MASK
    ),
    st.text(max_size=10),
    st.text(max_size=10),
)
def test_a_loaded_secret_is_gone_from_any_text(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    assert secret not in redactor.scrub(before + secret + after).replace(MASK, "\0")


@given(st.dictionaries(st.text(), st.recursive(st.text() | st.integers(), st.lists)))
def test_redacting_never_fails_and_keeps_the_names(facts: dict[str, Any]) -> None:
    assert Redactor().event(facts).keys() == facts.keys()


def test_only_the_latest_secrets_are_remembered() -> None:
    redactor = Redactor()
    for number in range(100):
        redactor.add(f"token-number-{number}-")
    assert redactor.scrub("token-number-99-") == MASK
    assert redactor.scrub("token-number-0-") != MASK


def test_odd_values_are_written_and_not_raised(running: Running) -> None:
    structlog.get_logger().info("odd", surrogate="\ud800", big=2**80, thing=object())
    (line,) = running.lines()
    assert line["big"] == 2**80


@pytest.mark.fault(67)
def test_a_reader_that_stops_costs_lines_and_not_time() -> None:
    read, write = os.pipe()
    writer = Writer(write, room=4, notice=lambda lines: b"missed %d\n" % lines)
    for _ in range(50):
        writer.put(b"x" * 50_000)
    assert writer.dropped > 0
    assert not writer.drain(0.01)
    os.set_blocking(read, False)
    seen = b""
    while not writer.drain(0.01):
        seen += os.read(read, 65536) if _readable(read) else b""
    while _readable(read):
        seen += os.read(read, 65536)
    assert b"missed %d\n" % writer.dropped in seen
    writer.close()
    os.close(read)
    os.close(write)


def _readable(fd: int) -> bool:
    import select

    return bool(select.select((fd,), (), (), 0.01)[0])


def test_a_reader_that_is_gone_is_counted_and_does_not_crash() -> None:
    read, write = os.pipe()
    os.close(read)
    writer = Writer(write)
    writer.put(b"line\n")
    assert writer.drain(5.0)
    assert writer.dropped == 1
    writer.close()
    os.close(write)


# --- decisions --------------------------------------------------------------------------------


def said(*ticks: Decision) -> list[dict[str, Any]]:
    with capture_logs() as lines:
        log = DecisionLog()
        for tick in ticks:
            log.told(report(tick))
    return [dict(line) for line in lines if line["event"] == "decision"]


def test_a_tick_that_changes_nothing_is_counted_and_not_written() -> None:
    log = DecisionLog()
    with capture_logs() as lines:
        for _ in range(3):
            log.told(report(decided()))
    assert [line["event"] for line in lines] == ["tick"] * 3
    assert log.unwritten == {"unchanged": 3}


def test_a_change_is_always_written_with_its_reason() -> None:
    applied = decided(kind=Kind.APPLIED, votes=(wanting(3, 5),), status=200)
    first, second = said(applied, applied)
    assert first == second
    assert first["why"] == ("floor 2 -> 3, ceiling 4 -> 5: 12 jobs are too many; it ended applied")
    assert (first["before"], first["after"], first["status"]) == ("2..4 x 8", "3..5 x 8", 200)
    assert first["log_level"] == "info"


def test_a_failure_is_written_once_and_so_is_its_recovery() -> None:
    def failed(at: float) -> Decision:
        return decided(kind=Kind.FAILED, code=Code.PLATFORM_ERROR, at=at, status=503)

    lines = said(failed(NOW), failed(NOW + 15), decided(at=NOW + 40), decided(at=NOW + 55))
    assert [line["outcome"] for line in lines] == ["failed", "unchanged"]
    assert lines[0]["log_level"] == "warning"
    assert lines[1]["recovered_after_s"] == 40


def test_a_new_reason_is_written() -> None:
    held = [
        decided(kind=Kind.HELD, code=code) for code in (Code.PAUSED, Code.PAUSED, Code.NO_READING)
    ]
    assert [line["reason"] for line in said(*held)] == ["paused", "no_reading"]


def test_a_recommendation_is_written_again_when_its_numbers_change() -> None:
    def recommended(floor: int) -> Decision:
        return decided(kind=Kind.RECOMMENDED, code=Code.MODE_RECOMMEND, votes=(wanting(floor, 9),))

    lines = said(recommended(3), recommended(3), recommended(4))
    assert [line["after"] for line in lines] == ["3..9 x 8", "4..9 x 8"]


def test_ten_thousand_failures_at_once_are_two_hundred_lines_and_a_count() -> None:
    fleet = [decided(f"d{n}", Kind.FAILED, code=Code.PLATFORM_ERROR) for n in range(1_000)]
    with capture_logs() as lines:
        log = DecisionLog()
        log.told(report(*fleet))
        log.told(report(*fleet))
    assert sum(line["event"] == "decision" for line in lines) == LINES
    (more,) = [line for line in lines if line["event"] == "more decisions"]
    assert more["failed"] == 1_000 - LINES


def test_a_deployment_that_left_is_forgotten() -> None:
    held = decided(kind=Kind.HELD, code=Code.PAUSED)
    with capture_logs() as lines:
        log = DecisionLog()
        log.told(report(held))
        log.keep(())
        log.told(report(held))
    assert sum(line["event"] == "decision" for line in lines) == 2


@given(st.lists(decisions(), max_size=3))
def test_any_decision_can_be_written(told: list[Decision]) -> None:
    with capture_logs():
        DecisionLog().told(report(*told))


# --- troubles ---------------------------------------------------------------------------------


def test_a_source_that_fails_is_told_once_and_so_is_its_recovery() -> None:
    clock = HandClock()
    with capture_logs() as lines:
        troubles = Troubles(clock)
        watch = EverySourceWatch(troubles)
        for outcome in ("success", "error", "timeout"):
            watch.queried("prom", outcome, 0.1)
        clock.at += 30
        watch.queried("prom", "empty", 0.1)
        watch.queried("prom", "success", 0.1)
    assert [line["event"] for line in lines] == ["failing", "works again"]
    assert (lines[1]["lasted_s"], lines[1]["failures"]) == (30, 2)


def test_the_breaker_and_the_token_are_told_once_each_way() -> None:
    with capture_logs() as lines:
        watch = EveryPlatformWatch(Troubles(HandClock()))
        for is_open in (False, True, True, False):
            watch.paced(0.5, breaker_open=is_open)
        for status in ("401", "401", "200"):
            watch.requested("token", status, 0.1)
        watch.requested("replace", "503", 0.1)
        watch.retried("get", "timeout")
        watch.waited(1.0)
    assert [(line["event"], line["thing"]) for line in lines] == [
        ("failing", "platform"),
        ("works again", "platform"),
        ("failing", "token"),
        ("works again", "token"),
    ]


def test_a_run_that_was_missed_is_told() -> None:
    with capture_logs() as lines:
        Troubles(HandClock()).troubled("tick:online", "missed")
    assert lines[0]["job"] == "tick:online"
