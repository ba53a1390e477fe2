"""Event streams: rendered once, resumed, bounded, and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse, ClientSession

from autoscaler.core.decision import Kind
from autoscaler.core.observation import Control, Override
from autoscaler.ports import TickReport
from autoscaler.web.api.events import Events
from autoscaler.web.api.parts import Parts
from autoscaler.web.server import Server, serve
from autoscaler.web.stream import KEPT, WAITING, Hub, rendered
from autoscaler.wiring.face.telling import MOST_DECISIONS, Telling
from tests.fakes.telemetry import NOW, decided
from tests.fakes.web import FakeControls, FakeFace, FakeRecords, Stands, entry

EVENTS = "/api/v1/events"


async def event(answer: ClientResponse) -> dict[str, str]:
    """The next event of a stream, its comments left out."""
    found: dict[str, str] = {}
    async with asyncio.timeout(60):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\n")
            if not line and "event" in found:
                return found
            name, _, value = line.partition(": ")
            found[name] = value


async def test_a_stream_begins_with_hello_and_tells_what_happens(
    site: Server, asked: Parts
) -> None:
    async with ClientSession(site.url) as session, session.get(EVENTS) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        hello = await event(answer)
        assert hello["event"] == "hello"
        assert json.loads(hello["data"])["version"] == "0.1.0"
        asked.hub.publish("tick", {"group": "online\nid: 7"})
        told = await event(answer)
        assert (told["event"], told["id"]) == ("tick", "run-1")
        assert json.loads(told["data"]) == {"group": "online\nid: 7"}


async def test_who_comes_back_gets_what_happened_meanwhile(site: Server, asked: Parts) -> None:
    for number in range(1, 4):
        asked.hub.publish("tick", {"number": number})
    last = {"Last-Event-ID": "run-1"}
    async with ClientSession(site.url) as session, session.get(EVENTS, headers=last) as answer:
        names = [(await event(answer))["event"] for _ in range(3)]
    assert names == ["hello", "tick", "tick"]


def ids(hub: Hub, last: str) -> list[str]:
    stream = hub.join(lambda: None, last)
    hub.leave(stream)
    return [line.split("\n")[0] for line in stream.take().decode().split("\n\n") if line]


def test_only_a_gap_that_is_known_in_full_is_filled() -> None:
    hub = Hub("run")
    for number in range(KEPT + 10):
        hub.publish("tick", {"number": number})
    newest = KEPT + 10
    assert ids(hub, f"run-{newest - 2}") == [f"id: run-{newest - 1}", f"id: run-{newest}"]
    for last in ("", "run-1", "other-5", "run-x", "run--1", f"run-{newest}", "run-" + "9" * 40):
        assert ids(hub, last) == []


def test_a_reader_that_is_too_slow_is_dropped_and_nobody_waits_for_it() -> None:
    dropped: list[str] = []
    open_now: list[int] = []
    hub = Hub("run", open_now.append, lambda: dropped.append("counted"))
    slow = hub.join(lambda: dropped.append("dropped"))
    for number in range(WAITING):
        hub.publish("tick", {"number": number})
    quick = hub.join(lambda: dropped.append("wrong"))
    hub.publish("tick", {})
    assert dropped == ["dropped", "counted"]
    assert (slow.ended, quick.ended) == (True, False)
    assert quick.take() == rendered("tick", {}, f"run-{WAITING + 1}")
    assert open_now == [1, 2, 1]


async def test_a_reader_that_never_reads_loses_its_connection(site: Server, asked: Parts) -> None:
    port = int(site.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET {EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.readline()
    while asked.hub.listening:
        asked.hub.publish("tick", {"text": "x" * 50_000})
        await asyncio.sleep(0)
    writer.close()


async def test_streams_are_bounded_and_the_next_one_is_told_so(asked: Parts) -> None:
    asked.hub = Hub("run", most=2)
    server = await serve(asked, "127.0.0.1:0")
    async with (
        ClientSession(server.url) as session,
        session.get(EVENTS) as one,
        session.get(EVENTS) as two,
    ):
        await event(one)
        await event(two)
        async with session.get(EVENTS) as three:
            assert (three.status, three.headers["Retry-After"]) == (503, "10")
            assert orjson.loads(await three.read())["detail"].startswith("too many streams")
    await server.close()


async def test_a_server_that_closes_does_not_wait_for_open_streams(
    asked: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoscaler.web.server.GOODBYE_S", 600.0)
    server = await serve(asked, "127.0.0.1:0")
    async with ClientSession(server.url) as session, session.get(EVENTS) as answer:
        await event(answer)
        async with asyncio.timeout(60.0):  # less than what other requests get
            await server.close()
        assert await answer.content.read() == b""


async def test_a_quiet_stream_shows_that_it_lives(asked: Parts) -> None:
    written: list[bytes] = []

    class Answer:
        async def write(self, data: bytes) -> None:
            written.append(data)
            if len(written) == 2:
                asked.hub.leave(stream)

    stream = asked.hub.join(lambda: None)
    await Events(asked, heartbeat_s=0.001)._pass_on(Answer(), stream)  # type: ignore[arg-type]  # all that is used of it
    assert written == [b":\n\n", b":\n\n"]


# --- what is told ---------------------------------------------------------------------------


def told(hub: Hub) -> list[tuple[str, dict[str, Any]]]:
    """Everything that was published so far."""
    found = []
    for _, body in hub._ring:
        lines = dict(line.split(": ", 1) for line in body.decode().strip().split("\n"))
        found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_a_tick_tells_of_itself_and_of_decisions_that_are_new() -> None:
    telling = Telling(Hub("run"))
    first, second = decided("chat"), decided("rerank", Kind.FAILED)
    report = TickReport("online", NOW, 0.2, 0.0, [first, second])
    telling.told(report)
    telling.told(replace(report, at=NOW + 15))
    seen = [(name, data.get("deployment")) for name, data in told(telling.hub)]
    assert seen == [
        ("tick", None),
        ("decision", "rerank"),
        ("decision", "chat"),
        ("tick", None),
        ("decision", "rerank"),
    ]
    assert told(telling.hub)[0][1]["decisions"] == 2


def test_a_tick_of_a_large_fleet_tells_of_a_hundred_decisions() -> None:
    telling = Telling(Hub("run"))
    everybody = [decided(f"d{n}") for n in range(300)]
    telling.told(TickReport("online", NOW, 0.2, 0.0, everybody))
    assert len(told(telling.hub)) == 1 + MOST_DECISIONS


async def test_overrides_are_told_whichever_way_they_came() -> None:
    telling, controls = Telling(Hub("run")), FakeControls()
    records = FakeRecords(FakeFace())
    await telling.look(controls, records)
    stream = telling.hub.join(lambda: None)
    await telling.look(controls, records)
    controls.stands = [Stands("1", "fleet", Override(Control.PAUSE, "ada", "incident"), 1.0)]
    await telling.look(controls, records)
    controls.stands = []
    await telling.look(controls, records)
    telling.hub.leave(stream)
    found = [(data["action"], data["override"]["id"]) for _, data in told(telling.hub)]
    assert found == [("added", "1"), ("ended", "1")]


async def test_nobody_is_asked_for_overrides_while_nobody_listens() -> None:
    class Unasked(FakeControls):
        async def standing(self) -> list[Stands]:
            raise AssertionError("nobody listens")

    await Telling(Hub("run")).look(Unasked(), FakeRecords(FakeFace()))


async def test_entries_of_the_trail_are_told_once_each() -> None:
    telling, records = Telling(Hub("run")), FakeRecords(FakeFace(), entries=[entry(1)])
    stream = telling.hub.join(lambda: None)
    await telling.look(FakeControls(), records)
    records.entries += [entry(2), entry(3)]
    for _ in range(2):
        await telling.look(FakeControls(), records)
    telling.hub.leave(stream)
    assert [(name, data["seq"]) for name, data in told(telling.hub)] == [
        ("activity", 2),
        ("activity", 3),
    ]
