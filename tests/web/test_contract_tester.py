"""A public contract tester (schemathesis) tries the API against its own document."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

import pytest

from autoscaler.web.access import Access, Gate, Role, Token, Tokens, digest_of
from autoscaler.web.api.parts import Parts
from autoscaler.web.server import serve
from tests.fakes.web import FakeControls, FakeRecords, FakeWhatIf, entry

SECRET = "fas_operator-of-the-contract-tester"
# Left out: a stream has no end, so its own tests read it. Not asked for: that everything of the
# right shape is accepted, for a cursor is good for one question and `from` lies before `to`.
OPTIONS = (
    *("--phases", "fuzzing", "--max-examples", "4", "--generation-deterministic", "--no-color"),
    *("--exclude-path", "/api/v1/events", "--exclude-checks", "positive_data_acceptance"),
)


class Everything:
    """Contains whatever one asks for."""

    def __contains__(self, _: object) -> bool:
        return True


@pytest.mark.slow
async def test_schemathesis_finds_nothing_neither_as_a_reader_nor_as_an_operator(
    asked: Parts, tmp_path: Path
) -> None:
    assert isinstance(asked.records, FakeRecords)
    asked.records.entries = [entry(n) for n in range(1, 50)]
    asked.what_if = FakeWhatIf()
    assert isinstance(asked.controls, FakeControls)
    # Names are made up by the tester: only so do its words get as far as being said.
    asked.controls.known = Everything()
    tokens = Tokens([Token("ops", Role.OPERATOR, digest_of(SECRET))])
    # It gives wrong tokens on purpose: with a minute between any two, nobody has to wait for it.
    minutes = itertools.count(step=60)
    asked.gate = Gate(Access(tokens, write_enabled=True), lambda: float(next(minutes)))
    server = await serve(asked, "127.0.0.1:0")
    try:
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("schemathesis")), "run"),
            f"{server.url}/api/v1/openapi.json",
            *OPTIONS,
            *("--header", f"Authorization: Bearer {SECRET}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        )
        async with asyncio.timeout(180):
            out, _ = await process.communicate()
    finally:
        await server.close()
    told = out.decode(errors="replace")
    assert process.returncode == 0, told[-6_000:]
    assert "Tested: 17" in told
