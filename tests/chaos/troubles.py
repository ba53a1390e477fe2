"""What goes wrong, one thing at a time, each for a while; all of it out of one seed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from autoscaler.lab.platform.faults import fault_from
from tests.chaos.scene import Scene
from tests.chaos.supervisor import Supervisor
from tests.fakes.daemon import until
from tests.fakes.partition import Link, Network
from tests.fakes.sleeping import sleeping

CUTS = (Link.REFUSE, Link.RESET, Link.BLACKHOLE)
# A sample is believed so long; one second more for the last one to have arrived.
SAMPLE_S = 6.0
ANSWERS = (
    {"kind": "rate_limited", "retry_after_s": 1},
    {"kind": "server_error", "status": 502},
    {"kind": "unavailable"},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "garbage"},
    {"kind": "slow_after", "delay_s": 180.0},
)
"""What the platform does to requests; its seconds are simulated ones, sixty to one."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something was so, Unix seconds."""

    begin: float
    end: float
    what: str = ""

    def holds(self, at: float) -> bool:
        """Whether a moment lies within."""
        return self.begin <= at < self.end


@dataclass(slots=True)
class History:
    """What was done, as far as judging needs it: in `blind` no true sample could be had."""

    blind: list[Span] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Troubles:
    """Everything that can be done to a scene. `longest_s` bounds how long each lasts."""

    scene: Scene
    supervisor: Supervisor
    chance: random.Random
    history: History = field(default_factory=History)
    longest_s: float = 8.0

    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """All kinds by name."""
        return {
            "kill": self.kill,
            "stop": self.stop,
            "starve": self.starve,
            "terminate": self.terminate,
            "reload": self.reload,
            "cut off from the platform": self.cut_platform,
            "slow to the platform": self.slow_platform,
            "cut off from Prometheus": self.cut_prometheus,
            "slow to Prometheus": self.slow_prometheus,
            "Prometheus stopped": self.stop_prometheus,
            "scrapes fail": self.fail_scrapes,
            "bad answers": self.bad_answers,
        }

    async def one(self, name: str) -> None:
        """Let one thing go wrong, and be right again at the end."""
        self.history.done[name] = self.history.done.get(name, 0) + 1
        await self.kinds()[name]()

    # --- the process ----------------------------------------------------------------------

    async def kill(self) -> None:
        """`kill -9`; the supervisor starts another one."""
        self.supervisor.send(signal.SIGKILL)
        await asyncio.sleep(self._some(0.1, 1.0))

    async def stop(self) -> None:
        """Stopped whole, as a suspended machine is."""
        self.supervisor.send(signal.SIGSTOP)
        await asyncio.sleep(self._some(0.2, self.longest_s))
        self.supervisor.send(signal.SIGCONT)

    async def starve(self) -> None:
        """A small share of the CPU, in bits."""
        until_s = time.monotonic() + self._some(1.0, self.longest_s)
        while time.monotonic() < until_s:
            self.supervisor.send(signal.SIGSTOP)
            await asyncio.sleep(self._some(0.03, 0.3))
            self.supervisor.send(signal.SIGCONT)
            await asyncio.sleep(self._some(0.005, 0.03))

    async def terminate(self) -> None:
        """An orderly end, and a new start."""
        await self.supervisor.up()
        self.supervisor.send(signal.SIGTERM)
        await asyncio.sleep(self._some(0.1, 1.0))

    async def reload(self) -> None:
        """The configuration is taken again."""
        # Before it is up the signal would simply end it.
        await self.supervisor.up()
        self.supervisor.send(signal.SIGHUP)

    # --- the network ----------------------------------------------------------------------

    async def cut_platform(self) -> None:
        """No way to the platform."""
        await self._broken(self.scene.to_platform, self.chance.choice(CUTS))

    async def slow_platform(self) -> None:
        """A slow way to it."""
        self.scene.to_platform.delay_s = self._some(0.05, 0.8)
        await self._broken(self.scene.to_platform, Link.SLOW)

    async def cut_prometheus(self) -> None:
        """No way to Prometheus."""
        await self._broken(self.scene.to_prometheus, self.chance.choice(CUTS), blinds=True)

    async def slow_prometheus(self) -> None:
        """A slow way to it."""
        self.scene.to_prometheus.delay_s = self._some(0.05, 0.8)
        await self._broken(self.scene.to_prometheus, Link.SLOW)

    async def _broken(self, link: Network, mode: Link, *, blinds: bool = False) -> None:
        span_s = self._some(0.5, self.longest_s)
        # Two at once on one link would end each other: what counts as cut off would be open.
        async with link.broken:
            link.become(mode)
            begin = time.time()
            await asyncio.sleep(span_s)
            if blinds:
                self.history.blind.append(Span(begin, time.time(), mode))
            link.become(Link.PASS)

    # --- the others -----------------------------------------------------------------------

    async def stop_prometheus(self) -> None:
        """Prometheus hangs; its port still takes connections."""
        pid = self.scene.prometheus.pid
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: asyncio.to_thread(sleeping, pid), "Prometheus is stopped")
        begin = time.time()
        await asyncio.sleep(self._some(0.5, self.longest_s))
        self.history.blind.append(Span(begin, time.time(), "stopped"))
        os.kill(pid, signal.SIGCONT)

    async def fail_scrapes(self) -> None:
        """Prometheus answers, and has nothing new to tell."""
        fault = self.scene.platform.faults.add(
            fault_from({"kind": "server_error", "operation": "metrics", "times": None})
        )
        begin = time.time()
        await asyncio.sleep(SAMPLE_S + self._some(0.5, self.longest_s))
        self.history.blind.append(Span(begin + SAMPLE_S, time.time(), "no scrapes"))
        self.scene.platform.faults.remove(fault)

    async def bad_answers(self) -> None:
        """The platform answers badly a few times."""
        operation = self.chance.choice(["get", "replace", None])
        given = {**self.chance.choice(ANSWERS), "operation": operation, "times": 3}
        if operation is None:
            given["operation"] = "replace"
        fault = self.scene.platform.faults.add(fault_from(given))
        await asyncio.sleep(self._some(0.5, self.longest_s))
        self.scene.platform.faults.remove(fault)

    def _some(self, least: float, most: float) -> float:
        return self.chance.uniform(least, most)
