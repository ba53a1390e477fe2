"""The page in a real browser."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from importlib import resources
from pathlib import Path

import pytest

from autoscaler.web.api.files import FILES
from autoscaler.web.server import serve
from tests.fakes.web import FakeFace, busy, parts

STATIC = resources.files("autoscaler.web").joinpath("static")


def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("chromium is missing: apt-get install chromium")
    return found


async def dom(face: FakeFace, profile: Path, path: str = "/") -> str:
    """The page's document after five seconds of its own time."""
    server = await serve(parts(face), "127.0.0.1:0")
    try:
        process = await asyncio.create_subprocess_exec(
            chromium(),
            *("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"),
            *(f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom"),
            server.url + path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
    finally:
        await server.close()
    assert b"CONSOLE" not in err, err.decode(errors="replace")[-2_000:]
    return out.decode()


@pytest.mark.server
async def test_the_page_shows_a_row_for_every_deployment(tmp_path: Path) -> None:
    face = busy(30)
    shown = await dom(face, tmp_path)
    names = re.findall(r'<button class="name"[^>]*>([^<]+)</button>', shown)
    assert sorted(names) == sorted(face.decisions)
    assert "30 shown" in shown
    assert '<span id="pulse-text">live</span>' in shown
    assert "the platform answered 503" in shown


@pytest.mark.server
async def test_an_address_opens_a_row_with_its_reasons(tmp_path: Path) -> None:
    shown = await dom(busy(30), tmp_path, "/?search=rerank&open=rerank")
    assert 'aria-expanded="true"' in shown
    assert "min_replicas 8 -&gt; 10 by load: a peak of 41 jobs needs more replicas" in shown


@pytest.mark.server
async def test_a_hostile_name_stays_text(tmp_path: Path) -> None:
    face = busy(1)
    (decision,) = face.decisions.values()
    name = "<img src=x onerror=document.title='owned'>"
    from dataclasses import replace

    face.decisions = {name: replace(decision, deployment=name)}
    shown = await dom(face, tmp_path)
    assert "<title>Autoscaler</title>" in shown
    assert "&lt;img src=x" in shown


def test_the_page_asks_nobody_else_and_builds_no_html_from_text() -> None:
    for name, _ in FILES.values():
        text = STATIC.joinpath(name).read_text(encoding="utf-8")
        foreign = re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]+", text)
        assert foreign in ([], ["http://www.w3.org"]), name
        for word in ("innerHTML =", "insertAdjacentHTML", "document.write", "eval(", " style="):
            assert word not in text, (name, word)
