"""What holds for every test."""

from __future__ import annotations

import gc
import os
from itertools import groupby

import pytest
from hypothesis import HealthCheck, settings

# Wall-clock deadlines fail on busy machines and find no bugs; speed belongs in benchmarks.
settings.register_profile(
    "calm", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("calm")

# Thousands of tests and all their modules stay until the end: no look for garbage goes through
# them, neither while they are collected nor later.
gc.disable()

REAL = ("tests/e2e/", "tests/cli/", "tests/docs/", "tests/prometheus/", "tests/recommend/")
"""Where a slow test waits for real processes; any other slow one keeps its core busy."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers a core for the whole suite: half of its tests wait. None for a part of it."""
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS
    narrowed = config.option.keyword or config.option.markexpr or config.option.collectonly
    return 2 * len(os.sched_getaffinity(0)) if whole and not narrowed else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under xdist each worker begins with its share of the slow tests."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items[:] = spread(items, workers)


def pytest_collection_finish() -> None:
    """From here on there is garbage again."""
    gc.freeze()
    gc.enable()


def spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The tests in one pile for each worker, as `--dist worksteal` hands them out.

    No worker is left alone with a slow one at the end, and waiting goes beside counting: one
    half of the workers begins with slow tests that wait, the other with slow ones that do not.
    A module stays together, for what its tests share.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    ids = {item.nodeid for item in slow}
    rest = [item for item in items if item.nodeid not in ids]
    lumps = [list(lump) for _, lump in groupby(slow, key=lambda item: item.path)]
    piles: list[list[pytest.Item]] = [[] for _ in range(workers)]
    half = workers // 2
    for lump in sorted(lumps, key=len, reverse=True):
        waits = lump[0].nodeid.startswith(REAL)
        min(piles[:half] if waits else piles[half:], key=len).extend(lump)
    for pile in piles:
        missing = max(0, -(-len(items) // workers) - len(pile))
        pile.extend(rest[:missing])
        del rest[:missing]
    return [item for pile in piles for item in pile]
