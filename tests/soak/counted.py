"""The daemon's own program, which also counts what it holds, for somebody outside.

`python tests/soak/counted.py FILE run --config FILE` is `autoscaler run --config FILE`, except that
it writes its tasks and the memory blocks that Python has given out into FILE every ten seconds.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
from pathlib import Path
from typing import Any

EVERY_S = 10.0
PRUNE_S = 300.0
"""The journal is cleaned up every hour; here often enough to be seen within one."""


def count(place: Path) -> None:
    """Write the counts now and every ten seconds from now on."""
    # What is only waiting for the collector is no leak.
    gc.collect()
    counts = {"tasks": len(asyncio.all_tasks()), "blocks": sys.getallocatedblocks()}
    fresh = place.with_suffix(".new")
    fresh.write_text(json.dumps(counts), encoding="utf-8")
    fresh.replace(place)
    asyncio.get_running_loop().call_later(EVERY_S, count, place)


def plant(place: Path) -> None:
    """Begin to count when the daemon has started."""
    # The package gives this name to a function.
    serve: Any = importlib.import_module("autoscaler.wiring.serve")
    right = serve.start

    async def start(*given: Any, **named: Any) -> Any:
        running = await right(*given, **named)
        count(place)
        return running

    serve.start, serve.PRUNE_S = start, PRUNE_S


if __name__ == "__main__":
    plant(Path(sys.argv.pop(1)))
    from autoscaler.__main__ import main

    main()
