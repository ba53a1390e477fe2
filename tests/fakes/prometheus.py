"""A real Prometheus for tests: its own port and directory, started and stopped in the test."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
import pytest

PROGRAM = "prometheus"
HOW_TO_INSTALL = "prometheus is not installed: apt-get install prometheus"
_CONFIG = """\
global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}
rule_files: {rules}
scrape_configs:
- job_name: under-test
  static_configs: [{{targets: {targets}}}]
"""


def promtool_or_skip() -> str:
    """The path of promtool, which comes with Prometheus."""
    return prometheus_or_skip("promtool")


def prometheus_or_skip(program: str = PROGRAM) -> str:
    """The program's path. Skips the test where it is missing; fails it in CI."""
    found = shutil.which(program)
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(HOW_TO_INSTALL)
    pytest.skip(HOW_TO_INSTALL)


_FIRST_PORT, _LAST_PORT = 12_000, 31_999
_LAST_TAKEN = Path(tempfile.gettempdir()) / "autoscaler-tests-last-port"


def free_port() -> int:
    """A TCP port on loopback that nobody listens on, and that no other test is given.

    Ports that the kernel hands out (32768 and up on Linux) may be taken by any outgoing connection
    between the choice and its use, so these lie below; a counter that all runs on this machine
    share keeps two tests from choosing the same.
    """
    with _LAST_TAKEN.open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        port = int(counter.read() or _FIRST_PORT)
        for _ in range(_FIRST_PORT, _LAST_PORT):
            port = _FIRST_PORT if port >= _LAST_PORT else port + 1
            if _is_free(port):
                counter.truncate(0)
                counter.write(str(port))
                return port
    raise AssertionError(f"no free port between {_FIRST_PORT} and {_LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class RealPrometheus:
    """Scrapes `targets` ("host:port") every `scrape_interval` ("1s"); `url` once it is entered.

    Raises RuntimeError when it is not ready within `ready_s` seconds or ends at once.
    """

    def __init__(
        self,
        targets: Sequence[str],
        scrape_interval: str = "1s",
        *,
        flags: Sequence[str] = (),
        rules: Sequence[Path] = (),
        ready_s: float = 60.0,
    ) -> None:
        self._targets = list(targets)
        self._interval = scrape_interval
        self._flags = flags
        self._rules = [str(path) for path in rules]
        self._ready_s = ready_s
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        program = prometheus_or_skip()
        self._directory = tempfile.TemporaryDirectory(prefix="prometheus-")
        home = Path(self._directory.name)
        targets = orjson.dumps(self._targets).decode()
        config = home / "prometheus.yml"
        rules = orjson.dumps(self._rules).decode()
        filled = _CONFIG.format(interval=self._interval, targets=targets, rules=rules)
        config.write_text(filled)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with (home / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
                *self._flags,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
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

    @property
    def pid(self) -> int:
        """Its process, while the block runs."""
        assert self._process is not None
        return self._process.pid

    async def instant(self, promql: str) -> list[dict[str, object]]:
        """The result of an instant query, as it comes."""
        url = f"{self.url}/api/v1/query"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data={"query": promql}) as got,
        ):
            answer = await got.json()
        result: list[dict[str, object]] = answer["data"]["result"]
        return result

    async def get(self, path: str, **parameters: str) -> Any:
        """The `data` of a page of its API. Raises AssertionError for an error."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/api/v1/{path}", params=parameters) as got,
        ):
            answer = await got.json()
        assert answer["status"] == "success", answer
        return answer["data"]

    async def until(self, promql: str, timeout_s: float = 60.0) -> None:
        """Wait until `promql` answers at least one series. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not await self.instant(promql):  # noqa: ASYNC110 - another process gives no event
                await asyncio.sleep(0.1)

    async def _until_ready(self) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(self._ready_s), aiohttp.ClientSession() as session:
                while not await _ready(session, f"{self.url}/-/ready"):
                    if self._process.returncode is not None:
                        raise RuntimeError(f"prometheus ended at once: {self._log()}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise RuntimeError(f"prometheus is not ready: {self._log()}") from None

    def _log(self) -> str:
        assert self._directory is not None
        return (Path(self._directory.name) / "log").read_text(errors="replace")[-2_000:]

    async def _stop(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 15.0)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._directory is not None:
            self._directory.cleanup()


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
