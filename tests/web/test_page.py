"""The page's own files: what is served, where it comes from, and that names stay text."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from autoscaler.web.api.files import KINDS, PAGES, files
from autoscaler.web.server import serve
from tests.fakes.web import FakeFace, busy, parts

OURS = [(path, file) for path, file in files() if not path.startswith("vendor/")]
AXE = Path(__file__).parents[1] / "data" / "axe"
VENDOR = {path: file for path, file in files() if path.startswith("vendor/")}


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
            *(f"--user-data-dir={profile}", "--dump-dom"),
            server.url + path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
    finally:
        await server.close()
    return out.decode()


@pytest.mark.server
async def test_a_hostile_name_stays_text(tmp_path: Path) -> None:
    face = busy(1)
    (decision,) = face.decisions.values()
    name = "<img src=x onerror=document.title='owned'>"
    face.decisions = {name: replace(decision, deployment=name)}
    shown = await dom(face, tmp_path)
    assert "<title>Fleet · Autoscaler</title>" in shown
    assert "&lt;img src=x" in shown


async def test_every_address_of_the_page_is_answered_with_its_shell() -> None:
    server = await serve(parts(busy(1)), "127.0.0.1:0")
    try:
        async with aiohttp.ClientSession(server.url) as client:
            for page in PAGES:
                async with client.get(page.replace("{name}", "chat")) as answer:
                    assert answer.status == 200
                    assert '<div id="app">' in await answer.text()
            for path, _ in files():
                async with client.get(f"/static/{path}") as answer:
                    assert answer.status == 200
                    assert answer.headers["Content-Type"] == KINDS[path.rpartition(".")[2]]
                    tag = answer.headers["ETag"]
                async with client.get(f"/static/{path}", headers={"If-None-Match": tag}) as answer:
                    assert answer.status == 304
            for outside in ("/static/", "/static/../server.py", "/static/%2e%2e/server.py"):
                async with client.get(outside) as answer:
                    assert answer.status == 404
    finally:
        await server.close()


@pytest.mark.parametrize(("path", "file"), OURS, ids=[path for path, _ in OURS])
def test_the_page_asks_nobody_else_and_builds_no_html_from_text(path: str, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    foreign = re.findall(r"(?:https?:)?//[a-z][\w.-]*\.[a-z]+", text)
    assert foreign in ([], ["http://www.w3.org"])
    for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "unsafe"):
        assert word not in text
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize(("path", "file"), OURS, ids=[path for path, _ in OURS])
def test_every_file_that_the_page_loads_is_there(path: str, file: Path) -> None:
    known = {f"/static/{each}" for each, _ in files()}
    text = file.read_text(encoding="utf-8")
    loaded = set(re.findall(r"[\"'(](/static/[\w./-]+)[\"')]", text))
    folder = path.rpartition("/")[0]
    loaded |= {f"/static/{folder}/{each}" for each in re.findall(r'from "\./([\w.-]+)"', text)}
    assert loaded <= known


def test_the_shell_names_every_module_so_that_all_are_fetched_at_once() -> None:
    (shell,) = (file for path, file in OURS if path == "page.html")
    named = re.findall(r'modulepreload" href="/static/([\w./-]+)"', shell.read_text("utf-8"))
    assert sorted(named) == sorted(path for path, _ in files() if path.endswith(".js"))


def test_axe_core_is_what_its_package_published() -> None:
    told = (AXE / "README.md").read_text(encoding="utf-8")
    mark = hashlib.sha256((AXE / "axe.min.js").read_bytes()).hexdigest()
    assert mark in told
    assert "axe-core 4.14.1, MPL-2.0" in told


def test_third_party_code_is_what_its_packages_published() -> None:
    told = json.loads(VENDOR["vendor/VENDOR.json"].read_text(encoding="utf-8"))
    code = {path for path in VENDOR if path.endswith((".js", ".css"))}
    assert {f"vendor/{one['file']}" for one in told} == code
    for one in told:
        data = VENDOR[f"vendor/{one['file']}"].read_bytes()
        assert hashlib.sha256(data).hexdigest() == one["sha256"], one["file"]
        assert {"package", "version", "licence", "from", "from_sha256"} <= one.keys()
