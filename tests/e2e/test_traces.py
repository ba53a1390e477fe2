"""A real daemon, a real collector: one trace from the tick to the PUT and its read-back."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from tests.fakes.collector import collector
from tests.fakes.daemon import autoscaler, stage, until


async def test_a_change_is_one_trace_from_the_query_to_the_read_back(tmp_path: Path) -> None:
    async with collector() as there, stage(tmp_path) as made:
        made.site.tree["tracing"] = {"url": there.url}
        async with made.site.daemon() as daemon:
            await until(daemon.latest, "a first decision")
            made.knob.jobs = 200.0
            told = await daemon.until_outcome("applied", "as_planned")
            daemon.child.send(signal.SIGTERM)
            ended = await daemon.child.ended()
    spans = [span for span in there.spans if span.trace_id.hex() == told["trace"]]
    names = {span.name for span in spans}
    assert {"tick", "observe", "query", "fit", "write", "intend", "re-read", "put"} <= names
    assert "read back" in names
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert any(line.get("trace") == told["trace"] for line in lines)


async def test_without_the_section_opentelemetry_is_never_loaded(tmp_path: Path) -> None:
    code = (
        "import sys, asyncio; from autoscaler.wiring import serve, build;"
        "import autoscaler.runtime.tick;"
        "print([m for m in sys.modules if m.startswith(('opentelemetry', 'requests'))])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"


async def test_a_tracing_section_is_checked(tmp_path: Path) -> None:
    async with stage(tmp_path) as made:
        made.site.tree["tracing"] = {"url": "ftp://x", "sample": 2}
        made.site.write()
        ended = await autoscaler("check", "--config", str(made.site.file), folder=tmp_path, env={})
    assert ended.code == 78
    assert "tracing.url" in ended.err
    assert "tracing.sample" in ended.err
