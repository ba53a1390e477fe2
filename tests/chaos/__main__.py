"""Minutes of trouble for the real daemon: `python -m tests.chaos --minutes 10 --seed 1`.

A supervisor kills, stops, starves and cuts off `autoscaler run` beside the simulated platform and
a real Prometheus, while people pause and pin. Then the platform's own record of PUTs is held
against the journal. It ends with 1 when anything is wrong; the seed repeats the order of troubles.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import Plan, Result, run

TICKS = 2


def told(result: Result) -> str:
    """The result as text."""
    verdict, ends, recovery = result.verdict, result.ends, result.recovery
    worst = max(ends.stopped_in_s, default=0.0)
    troubles = ", ".join(f"{name} {count}" for name, count in sorted(result.done.items()))
    plan = result.plan
    lines = [
        f"seed {plan.seed}, {plan.seconds / 60:g} minutes, {plan.deployments} deployments",
        f"troubles: {sum(result.done.values())} ({troubles})",
        f"runs of the daemon by exit code: {dict(sorted(ends.codes.items()))}",
        f"SIGTERM to exit: at most {worst:.2f} s in {len(ends.stopped_in_s)} orderly ends",
        f"{verdict.puts} PUTs, {verdict.lowerings} of them lowerings, {verdict.intents} intents",
        f"oldest plan that a PUT arrived for: {verdict.oldest_s:.2f} s",
        f"words of operators: {len(result.words)}",
        f"normal in tick {recovery.ticks} after the last fault",
        f"writes that a kill had left open then: {len(recovery.looked_up)}",
        f"a sudden load was answered for everybody in {recovery.raised_s:.1f} s",
        f"wrong: {len(result.wrong)}",
    ]
    return "\n".join([*lines, *result.wrong])


def main() -> int:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--deployments", type=int, default=8)
    parser.add_argument("--only", action="append", help="one kind of trouble; may be repeated")
    parser.add_argument("--longest", type=float, default=8.0, help="seconds of one trouble")
    parser.add_argument("--mutant", default="", help="a protection to switch off")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        plan = Plan(
            given.minutes * 60,
            seed,
            given.deployments,
            given.longest,
            kinds=given.only,
            mutant=given.mutant,
        )
        result = asyncio.run(run(Path(folder), plan))
    sys.stdout.write(told(result) + "\n")
    return 1 if result.wrong or result.recovery.ticks > TICKS else 0


if __name__ == "__main__":
    sys.exit(main())
