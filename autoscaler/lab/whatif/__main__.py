"""The subprocess of a what-if: a request on standard input, progress and the result as lines.

Every line is JSON: `{"progress": 0.4}`, then `{"result": ...}` or `{"problem": "..."}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import resource
import sys
from pathlib import Path
from typing import Any

from autoscaler.lab.history import Outcomes
from autoscaler.lab.whatif.ask import CPU_S, MEMORY_BYTES, Ask
from autoscaler.lab.whatif.compare import Side, compare
from autoscaler.lab.whatif.past import NoPastError, past_of
from autoscaler.plugins.assemble import assembled, sources_of
from autoscaler.plugins.tried import UntriableError, member, tried
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import ConfigError, read_tree

NICE = 15
# Reading the past is about this share of the whole.
READING = 0.2


def main() -> int:
    """Run what is asked for; 0 when there is a result."""
    _humble()
    ask = Ask.of(sys.stdin.readline())
    try:
        _say({"result": asyncio.run(answer(ask))})
    except (NoPastError, UntriableError, ConfigError, OSError) as problem:
        _say({"problem": str(problem)})
        return 1
    except MemoryError:
        _say({"problem": "it needs more memory than it may have: ask for fewer days"})
        return 1
    return 0


def _humble() -> None:
    """Behind everybody else on this machine, and never more than a share of it."""
    with contextlib.suppress(OSError):
        os.nice(NICE)
    for kind, most in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, CPU_S)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


async def answer(ask: Ask) -> dict[str, Any]:
    """Read the past and compare. Raises what `main` tells of."""
    path = Path(ask.config)
    tree = read_tree(path)
    now = member(assembled(tree), ask.deployment, ask.group)
    changed = tried(path, ask.deployment, ask.policies, ask.group)
    then = member(changed, ask.deployment, ask.group)
    if now is None or then is None:
        raise UntriableError(f"deployment {ask.deployment!r} is not in the configuration")
    watch = Outcomes()
    sources = sources_of(tree, watch, SystemClock())
    try:
        past = await past_of(
            ask, now[0], sources, watch, lambda share: _say({"progress": READING * share})
        )
    finally:
        for source in sources.values():
            await source.close()
    return compare(
        ask,
        Side(*now),
        Side(*then),
        past,
        lambda share: _say({"progress": READING + (1 - READING) * share}),
    )


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(_finite(what)) + "\n")
    sys.stdout.flush()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
