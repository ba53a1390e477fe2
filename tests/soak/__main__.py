"""An hour (or another time) of real work with sources that fail: `python -m tests.soak --minutes 60`.

Samples go to `--record` as lines of JSON while it runs; at the end a table says how each measure
grew after the warm-up. It ends with 1 when something grew for certain and by more than it may.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import tempfile
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp

from tests.chaos.scene import Scene, scene
from tests.fakes.daemon import Daemon, until
from tests.fakes.partition import Link
from tests.soak.counted import __file__ as counted
from tests.soak.judge import table
from tests.soak.samples import Sample, look

DEPLOYMENTS = 20
EVERY_S = 30.0
KEEP_ROWS = 3000
DAY = 40.0
"""A load takes 17 to 37 minutes from one top to the next, or a fortieth of that when hurried."""
TROUBLE_S = (20.0, 90.0)
RELOADS = 0.15
ANSWERS = (
    {"kind": "rate_limited", "retry_after_s": 1},
    {"kind": "server_error", "status": 502},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "garbage"},
    {"kind": "slow", "delay_s": 90.0},
)
"""What the platform does to a request now and then; its seconds are simulated ones."""


async def trouble(stage: Scene, daemon: Daemon, chance: random.Random) -> None:
    """Let one thing after the other fail, each for 2 to 30 seconds."""
    from autoscaler.lab.platform.faults import fault_from

    while True:
        await asyncio.sleep(chance.uniform(*TROUBLE_S))
        if chance.random() < RELOADS:
            daemon.child.send(signal.SIGHUP)
            continue
        if chance.random() < 0.4:
            stage.platform.faults.add(fault_from({**chance.choice(ANSWERS), "times": 3}))
            continue
        link = chance.choice([stage.to_platform, stage.to_prometheus, stage.to_prometheus])
        link.become(chance.choice([Link.REFUSE, Link.RESET, Link.BLACKHOLE, Link.SLOW]))
        await asyncio.sleep(chance.uniform(2.0, 30.0))
        link.become(Link.PASS)


async def visitors(daemon: Daemon, names: tuple[str, ...]) -> None:
    """People and machines that look at the page: lists, deployments, events."""
    while True:
        # On a busy machine an answer may be late; they come again.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with daemon.session.get(f"{daemon.site.url}/api/v1/events") as stream:
                await stream.content.readany()
            for path in ("/api/v1/deployments", f"/api/v1/deployments/{names[0]}", "/"):
                await daemon.page(path)
        await asyncio.sleep(5.0)


def running(
    stage: Scene, program: tuple[str, ...], *, hurried: bool
) -> AbstractAsyncContextManager[Daemon]:
    """The daemon with a journal that is full within the hour, hurried or with usual guards."""
    stage.site.tree["journal"] = {"keep_rows": KEEP_ROWS}
    if not hurried:
        guards = stage.site.tree["defaults"]["guards"]
        for name in ("stabilise", "cooldown", "settle", "step", "oscillation"):
            guards.pop(name)
    return stage.site.daemon(program=program)


async def soak(
    folder: Path, minutes: float, seed: int, record: Path, *, hurried: bool
) -> list[Sample]:
    """Run it and look every 30 s; every sample is in `record` as soon as it was taken."""
    stretch = 1.0 if hurried else DAY
    samples: list[Sample] = []
    counts = folder / "counts"
    program = (sys.executable, str(counted), str(counts))
    async with (
        scene(folder, DEPLOYMENTS, stretch) as stage,
        running(stage, program, hurried=hurried) as daemon,
    ):
        await until(lambda: asyncio.to_thread(counts.exists), "the daemon counts what it holds")
        began = time.monotonic()
        helpers = [
            asyncio.create_task(trouble(stage, daemon, random.Random(seed))),  # noqa: S311 - a seed's chance
            asyncio.create_task(visitors(daemon, stage.names)),
        ]
        with record.open("w", encoding="utf-8") as lines:
            while (at := time.monotonic() - began) < minutes * 60:
                await until(daemon.is_up, "the daemon answers", 60.0)
                samples.append(await look(daemon, counts, at))
                print(samples[-1].line(), file=lines, flush=True)
                assert not [task for task in helpers if task.done()], "a helper ended"
                await asyncio.sleep(EVERY_S)
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        told(f"{len(stage.record)} PUTs, {len(samples)} samples, seed {seed}")
        daemon.child.send(signal.SIGTERM)
        told(f"exit code {(await daemon.child.ended()).code}")
    return samples


def told(text: str) -> None:
    """Say something to whoever runs this."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Parse, run, print. 1 when something grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=20.0, help="minutes that do not count")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, default=Path("soak.jsonl"))
    parser.add_argument(
        "--hurried",
        action="store_true",
        help="several changes a second, a hundred times as many as in real life",
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        work = soak(Path(folder), given.minutes, given.seed, given.record, hurried=given.hurried)
        samples = asyncio.run(work)
    text, grew = table(samples, given.warm_up * 60)
    told(text)
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(main())
