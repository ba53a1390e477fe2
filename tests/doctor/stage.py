"""A world to be examined, and the findings by check."""

from __future__ import annotations

from typing import Any

from autoscaler.wiring.doctor import Finding, examine
from tests.fakes.daemon import Stage


async def findings(world: Stage) -> dict[str, Finding]:
    """By check; the configuration is written as the test left it."""
    return {one.check: one for one in await examine(world.site.write())}


def chat(world: Stage) -> dict[str, Any]:
    found: dict[str, Any] = world.site.tree["groups"]["online"]["deployments"]["chat"]
    return found
