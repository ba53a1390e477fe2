"""A process that runs out of file descriptors: what its rooms say before, meanwhile and after.

`python -m tests.faults.exhausted PLACE` prints one line of JSON. It takes the descriptors itself,
so that everything that needs a new one meets the kernel's own refusal.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Missing
from autoscaler.core.proposal import Apart
from autoscaler.foundry import FixedSecret, FoundryOptions, FoundryPlatform, TokenLogin
from autoscaler.isolation import Order, Pool
from autoscaler.journal import SqlJournal, open_journal
from autoscaler.ports import JournalError, NotYet, Question, Stopped, Unread
from autoscaler.runtime.clock import SystemClock
from autoscaler.sources.prometheus import Prometheus, PrometheusOptions, Query, build
from autoscaler.web.server import serve
from tests.fakes.foundry import BRISK, RID, TOKEN, Watch, foundry
from tests.fakes.sources import Ears, MetricsServer, instants, vector
from tests.fakes.telemetry import decided
from tests.fakes.web import busy, parts
from tests.strategies import NOW, seen

DESCRIPTORS = 96
ONE = ({"d": "chat"}, NOW, "3")
AGE = ({"d": "chat"}, NOW, str(NOW - 3))
CALM = Envelope(1, 3, 32)
"""What the deployment of the fake platform begins with."""


@contextmanager
def exhausted() -> Iterator[None]:
    """Not one descriptor is left in this block."""
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        yield
    finally:
        for each in held:
            os.close(each)


class Rooms:
    """Everything of the daemon that opens something."""

    def __init__(
        self, platform: FoundryPlatform, source: Prometheus, journal: SqlJournal, page: str
    ) -> None:
        self.platform = platform
        self.source = source
        self.journal = journal
        self.page = page
        self.pool = Pool(Order(deadline_s=30.0, cpu_s=60.0), SystemClock())

    async def close(self) -> None:
        """Let go of every connection and process."""
        for room in (self.platform, self.source, self.pool):
            await room.close()

    async def say(self) -> dict[str, str]:
        """One attempt at each; whatever is no answer of the room's own is a crash."""
        return {
            "source": await self._source(),
            "reading": await self._reading(),
            "write": await self._write(),
            "journal": await self._journal(),
            "policy": await self._policy(),
            "page": await self._page(),
        }

    async def _source(self) -> str:
        jobs = Question("jobs", Query.parse("sum by (d) (jobs)"), "d", 90.0)
        answer = await self.source.read(jobs, NOW)
        return "missing" if isinstance(answer, Missing) else "read"

    async def _reading(self) -> str:
        return "unread" if isinstance(await self.platform.read(RID), Unread) else "read"

    async def _write(self) -> str:
        now = await self.platform.read(RID)
        before = CALM if isinstance(now, Unread) else now.envelope
        after = replace(before, min_replicas=3 - before.min_replicas)
        return (await self.platform.apply(RID, before, after)).kind.value

    async def _journal(self) -> str:
        try:
            await self.journal.intend(replace(decided(), id=f"{time.time_ns():016x}-0000-a-00000"))
        except JournalError:
            return "refused"
        return "recorded"

    async def _policy(self) -> str:
        try:
            return (await self.pool.ask(Apart("pass_through"), seen())).kind
        except (NotYet, Stopped):
            return "not asked"

    async def _page(self) -> str:
        try:
            async with aiohttp.ClientSession() as session, session.get(self.page) as answer:
                return str(answer.status)
        except (aiohttp.ClientError, OSError):
            return "unreachable"


async def main(place: Path) -> None:
    """Print what each room says: with descriptors, without, and with some again."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    clock = SystemClock()
    journal = await open_journal(f"sqlite:///{place}/a.db", clock=clock)
    server = await serve(parts(busy(1)), "127.0.0.1:0")
    async with (
        foundry() as stack,
        MetricsServer(instants(vector(ONE), vector(AGE))) as metrics,
    ):

        def opened() -> Rooms:
            # Without connections that are kept alive, which would need no new descriptor.
            # Nor with a breaker that rests for half a minute: the test has no time for it.
            pacing = replace(BRISK, breaker_failures=1000)
            options = FoundryOptions(url=stack.url, pacing=pacing, read_timeout_s=5)
            login, chance = TokenLogin(FixedSecret(TOKEN)), random.Random(7)  # noqa: S311 - no secret
            platform = FoundryPlatform(options, login, clock, chance, Watch())
            prom = PrometheusOptions(url=metrics.url, timeout_s=5.0)
            source = build("prom", prom, Ears(), clock)
            return Rooms(platform, source, journal, f"{server.url}/livez")

        first, second = opened(), opened()
        said = {"before": await first.say()}
        await first.close()
        with exhausted():
            said["without"] = await second.say()
        said["after"] = await second.say()
        await second.close()
        await server.close()
        await journal.close()
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
