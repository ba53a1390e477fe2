"""From SIGTERM to the exit while a PUT hangs: `python -m tests.chaos.stop --runs 10`.

The PUT's answer would take a minute; a page follows the stream of events, the metrics hang, and so
does the receiver of the news that it stops. What may be taken is the PUT's deadline and one second.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.fakes.daemon import stage, until
from tests.fakes.partition import Link, Network

SLACK_S = 1.0


async def once(folder: Path, deadline_s: float) -> float:
    """One orderly end; seconds from SIGTERM to the exit. Raises AssertionError."""
    async with stage(folder) as world, Network(1) as nowhere:
        nowhere.become(Link.BLACKHOLE)
        news = {"url": nowhere.url, "format": "json", "kinds": ["stopped"], "severity": "info"}
        world.site.tree["notify"] = {"oncall": news | {"wait": 0, "interval": 1}}
        world.site.tree["platform"]["timeouts"]["write"] = deadline_s
        async with world.site.daemon() as daemon:
            await until(daemon.latest, "a first decision")
            stream = await daemon.session.get(f"{world.site.url}/api/v1/events")
            await world.fault("slow", "replace", delay_s=60)
            world.knob.jobs = 100.0
            await world.until_struck()
            await world.fault("slow", "metrics", delay_s=60, times=None)
            began = time.monotonic()
            daemon.child.send(signal.SIGTERM)
            ended = await daemon.child.ended(60.0)
            took = time.monotonic() - began
            stream.close()
            assert (ended.code, ended.err) == (0, ""), ended
    return took


async def measured(runs: int, deadline_s: float) -> list[float]:
    """All of them, in seconds."""
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(prefix="stop-") as folder:
            found.append(await once(Path(folder), deadline_s))
    return sorted(found)


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.stop", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--deadline", type=float, default=4.0, help="platform.timeouts.write, s")
    given = parser.parse_args()
    found = asyncio.run(measured(given.runs, given.deadline))
    middle = found[len(found) // 2]
    sys.stdout.write(
        f"{given.runs} ends with a PUT of {given.deadline:g} s in flight: "
        f"median {middle:.2f} s, at most {found[-1]:.2f} s\n"
    )
    return 1 if found[-1] > given.deadline + SLACK_S else 0


if __name__ == "__main__":
    sys.exit(main())
