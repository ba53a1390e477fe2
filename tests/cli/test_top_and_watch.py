"""`top` and `watch` over a real server's API, without a terminal."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.cli.story import tell
from autoscaler.cli.top import HEADS, seen, spark, table
from autoscaler.cli.watch import followed, latest, lines
from autoscaler.web.server import serve
from autoscaler.wiring.client import Api, Unknown, Unreachable, parsed
from tests.fakes.web import busy, parts


async def invoked(*words: str) -> Any:
    """A command, in a thread, for it asks a server that runs here."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


@pytest.fixture
async def url() -> Any:
    """A server with thirty deployments in every kind of trouble."""
    server = await serve(parts(busy(30)), "127.0.0.1:0")
    yield server.url
    await server.close()


async def test_top_prints_a_line_for_every_deployment(url: str) -> None:
    """Problems first, the daemon in short on top, why at the end."""
    told = await invoked("top", "--url", url, "--once")
    assert told.exit_code == 0, told.output
    first, empty, heads, *rows = told.output.splitlines()
    assert "30 deployments" in first
    assert empty == ""
    assert heads.split()[:3] == ["name", "status", "load"]
    assert len(rows) == 30
    assert rows[0].split()[1] in {"failed", "refused", "blind", "stale"}


async def test_top_sorts_and_filters_and_speaks_csv_json_and_markdown(url: str) -> None:
    """For scripts and for tickets."""
    told = await invoked("top", "--url", url, "--sort", "name", "--search", "chat", "-o", "csv")
    heads, *rows = csv.reader(io.StringIO(told.output))
    assert tuple(heads) == HEADS
    names = [row[0] for row in rows]
    assert names == sorted(names)
    assert names
    assert all("chat" in name for name in names)
    told = await invoked("top", "--url", url, "-o", "json", "--limit", "3")
    assert len(json.loads(told.output)["deployments"]) == 3
    told = await invoked("top", "--url", url, "-o", "md", "--limit", "3")
    assert told.output.splitlines()[1] == "|" + "---|" * len(HEADS)


async def test_top_refuses_what_the_api_refuses(url: str) -> None:
    """With the API's own sentence."""
    told = await invoked("top", "--url", url, "--once", "--sort", "colour")
    assert told.exit_code == 1
    assert "colour" in told.output


async def test_the_live_table_has_the_same_cells(url: str) -> None:
    """And says when the daemon is gone."""
    found = await asyncio.to_thread(seen, Api(url), {"limit": 5})
    assert table(found).row_count == 5
    assert table(found, "gone").title == "gone"


@pytest.mark.parametrize("command", [("top", "--once"), ("watch", "chat")])
async def test_without_a_daemon_it_says_where_it_looked(command: tuple[str, ...]) -> None:
    """And what to do."""
    told = await invoked(*command, "--url", "http://127.0.0.1:9")
    assert told.exit_code == 3
    assert "no daemon answers at http://127.0.0.1:9" in told.output


async def test_watch_tells_the_last_decision_and_then_each_tick(url: str) -> None:
    """The first in full; an unknown name is no silence."""
    told = await invoked("watch", "rerank", "--url", url, "--count", "1")
    assert told.exit_code == 0, told.output
    assert "rerank" in told.output
    told = await invoked("watch", "nobody", "--url", url)
    assert told.exit_code == 1
    assert "nobody" in told.output


async def test_watch_prints_news_in_full_and_the_rest_in_a_line(url: str) -> None:
    """A tick that says the same is one line, a change is the whole story."""
    first = await asyncio.to_thread(latest, Api(url), "rerank")
    assert first is not None
    quiet = {**first, "id": "2", "outcome": {**first["outcome"], "kind": "unchanged"}}
    quiet["headline"] = "no change: all is well"
    loud = {**first, "id": "3", "headline": "floor 1 -> 2: more"}
    said = list(lines(first, [first, quiet, loud], as_json=False))
    assert said[0] == tell(first)
    assert said[1].endswith("no change: all is well")
    assert "floor 1 -> 2: more" in said[2]
    assert len(said) == 3
    whole = list(lines(first, [quiet], as_json=True, count=1))
    assert [json.loads(each)["id"] for each in whole] == [first["id"]]


class Flaky(Api):
    """Goes away once and comes back."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")
        self.tries = 0

    def get(self, path: str, **_: object) -> Any:
        assert path == "/deployments/chat"
        return {"latest": {"id": "1"}}

    def events(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        self.tries += 1
        if self.tries == 1:
            raise Unreachable("gone")
        yield "tick", {}


def test_watch_survives_a_restart_of_the_daemon() -> None:
    """It waits, says so, and goes on."""
    said: list[str] = []
    slept: list[float] = []
    found = next(followed(Flaky(), "chat", said.append, slept.append))
    assert found == {"id": "1"}
    assert said == ["the daemon does not answer; waiting for it"]
    assert slept == [2.0]


async def test_the_client_keeps_what_has_not_changed(url: str) -> None:
    """An ETag saves the way."""
    api = Api(url)
    once = await asyncio.to_thread(api.get, "/deployments")
    assert await asyncio.to_thread(api.get, "/deployments") == once
    with pytest.raises(Unknown):
        await asyncio.to_thread(api.get, "/decisions/none")


def test_events_are_read_from_lines() -> None:
    """Comments and broken data are left out."""
    text = [": hi\n", "event: tick\n", 'data: {"at": 1}\n', "\n", "event: x\n", "data: {\n", "\n"]
    assert list(parsed(iter(text))) == [("tick", {"at": 1})]


def test_a_sparkline_leaves_gaps_where_nothing_is_known() -> None:
    """Missing is not zero."""
    assert spark([0, 5, None, 10], 4) == "▁▅ █"
    assert spark([]) == ""
    assert len(spark(list(range(100)))) == 12
