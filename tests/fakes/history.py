"""A real Prometheus that already knows a past: blocks made by promtool, then the server itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import pytest

from tests.fakes.prometheus import HOW_TO_INSTALL, free_port, prometheus_or_skip

Samples = Iterable[tuple[float, float]]


def promtool_or_skip() -> str:
    """The program's path. Skips the test where it is missing; fails it in CI."""
    found = shutil.which("promtool")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(HOW_TO_INSTALL)
    if found is None:
        pytest.skip(HOW_TO_INSTALL)
    return found


class LoadedPrometheus:
    """`past` maps a metric's labels, such as `jobs{deployment="chat"}`, to (Unix time, value)."""

    def __init__(self, past: Mapping[str, Samples]) -> None:
        self._past = past
        self._home = tempfile.TemporaryDirectory(prefix="prometheus-past-")
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        promtool, server = promtool_or_skip(), prometheus_or_skip()
        home = Path(self._home.name)
        text = home / "past.om"
        text.write_text("\n".join(_lines(self._past)) + "\n# EOF\n")
        data = home / "data"
        await _run(promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(data))
        (home / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = await asyncio.create_subprocess_exec(
            server,
            f"--config.file={home / 'prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=1y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await self._until_ready()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _until_ready(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(60.0), aiohttp.ClientSession() as session:
            while not await _ready(session, f"{self.url}/-/ready"):
                if self._process.returncode is not None:
                    raise RuntimeError("prometheus ended at once")
                await asyncio.sleep(0.05)

    async def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self._home.cleanup()


def _lines(past: Mapping[str, Samples]) -> list[str]:
    metrics = {series.partition("{")[0] for series in past}
    lines: list[str] = []
    for metric in sorted(metrics):
        lines.append(f"# TYPE {metric} gauge")
        for series, samples in past.items():
            if series.partition("{")[0] == metric:
                lines += [f"{series} {value:.4f} {at:.3f}" for at, value in samples]
    return lines


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()[-2000:]


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def samples_of(values: Sequence[float], start: float, step: float) -> list[tuple[float, float]]:
    """Evenly spaced samples from `start` (Unix seconds) on."""
    return [(start + index * step, value) for index, value in enumerate(values)]
