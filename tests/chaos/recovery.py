"""The end of all trouble: how many ticks until everything is as on a good day."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from tests.chaos.scene import Scene
from tests.chaos.supervisor import Supervisor
from tests.fakes.daemon import Daemon, Json, until
from tests.fakes.partition import Link

PATIENCE_S = 120.0
# Reasons that say that something is still missing or broken.
TROUBLED = frozenset(
    {
        "signal_missing",
        "source_failed",
        "fleet_blind",
        "breaker_open",
        "pacing",
        "rate_limited",
        "platform_error",
        "outcome_unknown",
        "journal_unavailable",
        "internal_error",
        "too_old",
    }
)
# An open intent waits 15 s for a PUT that may still arrive: that is no trouble but care.
LOOKED_UP = "outcome_unknown"
BUSY = 250.0
# It needs 16 replicas at half load; the policy leaves as it is what lies within a tenth.
ANSWERED = 14


@dataclass(slots=True)
class Recovery:
    """How it came back.

    `ticks` is the number of the first tick after the last fault in which every deployment was
    decided on from true data with nothing in the way. `looked_up` are those that waited for the
    end of a write that a kill had left open. `raised_s` is how long a sudden load took to be
    answered on the platform.
    """

    ticks: int = 0
    troubled: dict[int, dict[str, str]] = field(default_factory=dict)
    looked_up: set[str] = field(default_factory=set)
    raised_s: float = 0.0


async def recover(stage: Scene, supervisor: Supervisor) -> Recovery:
    """End all trouble and watch. Raises AssertionError when it does not come back."""
    stage.platform.faults.clear()
    for link in (stage.to_platform, stage.to_prometheus):
        link.become(Link.PASS)
    daemon = await supervisor.up(PATIENCE_S)
    # The last of the faults may have been a kill: only now all of them are over.
    recovery, seen = Recovery(), await _last_tick(daemon, stage, time.time())
    await _normal(daemon, stage, recovery, seen)
    for name, wave in stage.waves.items():
        if name != stage.names[2]:
            wave.fixed = BUSY
    began = time.monotonic()
    try:
        await until(lambda: _raised(stage), "everybody is raised", PATIENCE_S)
    except AssertionError as late:
        seen_now = {name: await daemon.latest(name) for name in stage.names}
        raise AssertionError(f"{late}; now {seen_now}; {daemon.child.out[-3000:]}") from late
    recovery.raised_s = time.monotonic() - began
    await until(lambda: _all_ended(stage), "every intent has an end", PATIENCE_S)
    return recovery


async def _normal(daemon: Daemon, stage: Scene, recovery: Recovery, seen: int) -> None:
    """Watch tick after tick until nothing is in the way."""

    async def look() -> bool:
        found = await asyncio.gather(*(daemon.latest(name) for name in stage.names))
        ticks = {_tick(one) for one in found if one is not None}
        if None in found or len(ticks) != 1 or max(ticks) <= seen:
            return False
        number = max(ticks) - seen
        wrong = {
            name: code
            for name, one in zip(stage.names, found, strict=True)
            if one is not None and (code := _trouble(one))
        }
        recovery.looked_up |= {name for name, code in wrong.items() if code == LOOKED_UP}
        wrong = {name: code for name, code in wrong.items() if code != LOOKED_UP}
        recovery.troubled[number] = wrong
        recovery.ticks = number
        return not wrong

    await until(look, "a tick without trouble", PATIENCE_S)


async def _last_tick(daemon: Daemon, stage: Scene, at: float) -> int:
    """The number of the last tick that had begun by then; 0 when there was none."""
    one = await daemon.latest(stage.names[0])
    # A tick that is under way was begun before the last fault ended: it does not count either.
    running = one is not None and at - float(one["at"]) > 0
    return (_tick(one) + 1 if running else 0) if one is not None else 0


def _tick(one: Json) -> int:
    return int(one["id"].split("-")[1], 16)


def _trouble(one: Json) -> str:
    outcome = one["outcome"]
    hold = one["hold"] or {}
    codes = {outcome["code"], hold.get("code", "")}
    if blind := [signal["name"] for signal in one["seen"] if signal.get("value") is None]:
        return f"no {blind[0]}"
    return next(iter(sorted(codes & TROUBLED)), "")


async def _raised(stage: Scene) -> bool:
    names = [name for name, wave in stage.waves.items() if wave.fixed is not None]
    return all(stage.envelope(name).min_replicas >= ANSWERED for name in names)


async def _all_ended(stage: Scene) -> bool:
    from tests.chaos.checker import OPEN, intents_of

    found = await asyncio.to_thread(intents_of, stage.site.journal)
    return all(one.state != OPEN for one in found)
