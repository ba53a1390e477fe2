"""Every curl line of docs/api.md is run against a real server, and every endpoint is named."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from pathlib import Path

import pytest

from autoscaler.web.access import Access, Gate, Role, Token, Tokens, digest_of
from autoscaler.web.openapi import openapi
from autoscaler.web.server import serve
from tests.fakes.web import busy, parts

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
SECRET = "fas_docs"


def examples() -> list[str]:
    return re.findall(r"^curl .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


async def test_every_example_answers_with_success() -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing: apt-get install curl")
    asked = parts(busy(30))
    tokens = Tokens([Token("alice", Role.OPERATOR, digest_of(SECRET))])
    asked.gate = Gate(Access(tokens, write_enabled=True))
    server = await serve(asked, "127.0.0.1:0")
    try:
        for line in examples():
            told = line.replace("http://127.0.0.1:9464", server.url).replace("$TOKEN", SECRET)
            command = shlex.split(told.replace("overrides/ID", "overrides/o1"))
            process = await asyncio.create_subprocess_exec(
                *command, "--noproxy", "*", "--fail-with-body", stdout=asyncio.subprocess.PIPE
            )
            out, _ = await process.communicate()
            assert process.returncode == 0, (line, out)
    finally:
        await server.close()
    assert len(examples()) >= 11


def test_every_endpoint_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for path in openapi()["paths"]:
        name = path.removeprefix("/api/v1/").replace("{name}", "NAME").replace("{id}", "ID")
        assert name.removesuffix("/ID") in text, path
