"""Who is managed in a run, how the configuration says so, and how much there is to do."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from autoscaler.lab.platform.deployment import rid_of
from autoscaler.lab.sim.world import World

PLATFORM, METRICS, OTHER = 7001, 7002, 7003
SECRET = "simulated-secret"  # noqa: S105 - of a world in memory
JOBS, HURT = "running_jobs", "slow_share"
# Jobs in a thread that policies aim at.
TARGET = 0.7
# Each group asks in its own words, so that the world can tell whose question it was.
QUERIES = {
    (JOBS, "online"): "sum by (deployment) (jobs)",
    (JOBS, "batch"): "sum by (deployment) (jobs_of_all)",
    (HURT, "online"): "max by (deployment) (slow_share)",
    (HURT, "batch"): "max by (deployment) (slow_share_of_all)",
}
PORTS = {JOBS: METRICS, HURT: OTHER}
MAX_AGE_S = 90.0
MOST_JOBS = 5000.0
GRACE_S = 300.0
COOLDOWN_S = 300.0
THREADS_COOLDOWN_S = 3600.0
RATE, BURST = 2.0, 12
# How long a load stays where it is, on average.
LEVEL_S = 2400.0
INTERVALS_S = (45, 60, 90, 120)
RESYNCS_S = (300, 600)
# Its policies say all kinds of nonsense at times.
ERRATIC = Path(__file__).parent / "erratic"


@dataclass(slots=True)
class Member:
    """One deployment as the configuration names it. Limits are (lowest, highest)."""

    name: str
    group: str
    replicas: tuple[int, int]
    most: tuple[int, int]
    mode: str = "apply"
    managed: bool = True
    signals: tuple[str, ...] = (JOBS, HURT)
    erratic: bool = False

    @property
    def rid(self) -> str:
        """Its RID on the platform."""
        return _rid(self.name)


@cache
def _rid(name: str) -> str:
    return rid_of("deployment", name)


@dataclass(slots=True)
class Fleet:
    """Everybody, and the load on each: a day's swing with steps and bursts, a pure function."""

    world: World
    members: list[Member]
    intervals: dict[str, float]
    resync_s: float
    overloaded: bool = False
    """From now on everybody has far more to do than it can."""
    keep_s: float | None = None
    """How long the journal keeps rows; None: longer than any run."""
    _levels: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    @classmethod
    def made(
        cls, world: World, size: int, days: float, harsh: float = 1.0, mode: str = ""
    ) -> Fleet:
        """A fleet that the seed decides, whose load steps `harsh` times as often as usual."""
        chance = world.chance("fleet")
        intervals = {group: float(chance.choice(INTERVALS_S)) for group in ("online", "batch")}
        members = [_member(chance, index, size) for index in range(size)]
        fleet = cls(world, members, intervals, float(chance.choice(RESYNCS_S)))
        for member in members:
            fleet._levels[member.name] = _levels(chance, world.now, days, LEVEL_S / harsh)
            member.mode = mode or member.mode
        return fleet

    def jobs(self, name: str, now: float) -> float:
        """How many requests one deployment has at this time of the world."""
        if self.overloaded:
            return 900.0
        starts, levels = self._levels[name]
        level = levels[max(0, bisect_right(starts, now) - 1)]
        return round(level * (1 + 0.5 * math.sin(now / 13_750)), 1)

    def member(self, rid: str) -> Member | None:
        """Who this is."""
        return next((one for one in self.members if one.rid == rid), None)

    def settings(self, folder: Path) -> str:
        """The configuration file's text, as the fleet is now."""
        groups: dict[str, Any] = {
            name: {"interval": seconds, "deployments": {}, "fleet": {"patience": "10d"}}
            for name, seconds in self.intervals.items()
        }
        for one in self.members:
            if one.managed:
                groups[one.group]["deployments"][one.name] = _entry(one)
        return json.dumps(
            {
                "platform": {
                    "url": f"http://127.0.0.1:{PLATFORM}",
                    "auth": {"client_id": "simulated", "client_secret_file": f"{folder}/secret"},
                    "resync": self.resync_s,
                    "pacing": {"requests_per_second": RATE, "burst": BURST, "concurrency": 4},
                },
                "sources": {
                    "prom": {"kind": "prometheus", "url": f"http://127.0.0.1:{METRICS}"},
                    "other": {"kind": "prometheus", "url": f"http://127.0.0.1:{OTHER}"},
                },
                "plugins": {"directories": [str(ERRATIC)]},
                "defaults": _DEFAULTS,
                "groups": {name: part for name, part in groups.items() if part["deployments"]},
                "journal": {"url": f"sqlite:///{folder}/journal.db", "keep": self.keep_s},
                "web": {
                    "listen": "127.0.0.1:0",
                    "detail": "basic" if self.keep_s is None else "full",
                },
                "log": {"level": "error"},
            }
        )


def _member(chance: Random, index: int, size: int) -> Member:
    low, high = chance.choice((0, 1, 1, 2)), chance.choice((8, 20, 40))
    group = "online" if index < size / 2 else "batch"
    return Member(
        f"d{index:03d}",
        group,
        (low, high),
        (max(1, low), high + chance.choice((0, 10))),
        mode=chance.choice(("apply",) * 8 + ("raise_only", "recommend")),
        signals=chance.choice(((JOBS,), (JOBS, HURT), (JOBS, HURT))),
        erratic=chance.random() < 0.15,  # noqa: PLR2004 - every seventh
    )


def _levels(
    chance: Random, start: float, days: float, mean_s: float
) -> tuple[list[float], list[float]]:
    starts, levels = [start], [chance.uniform(0, 300)]
    while starts[-1] < start + days * 86_400:
        starts.append(starts[-1] + chance.expovariate(1 / mean_s))
        levels.append(chance.choice((0.0, 5.0, 40.0, 120.0, 300.0, 600.0)) * chance.uniform(0.7, 1))
    return starts, levels


def _entry(one: Member) -> dict[str, Any]:
    """What the file says of one deployment."""
    policies: dict[str, Any] = {}
    signals = {
        name: {
            "source": "prom" if name == JOBS else "other",
            "query": QUERIES[name, one.group],
            "label": "deployment",
            "max_age": MAX_AGE_S,
            "window": "10m",
            "plausible": {"low": 0, "high": MOST_JOBS},
        }
        for name in one.signals
    }
    if one.erratic:
        policies["erratic"] = {"kind": "erratic", "signal": JOBS}
    return {
        "rid": one.rid,
        "mode": one.mode,
        "limits": {
            "min_replicas": {"low": one.replicas[0], "high": one.replicas[1]},
            "max_replicas": {"low": one.most[0], "high": one.most[1]},
        },
        "signals": signals,
        "policies": policies,
    }


_DEFAULTS: dict[str, Any] = {
    "mode": "apply",
    "limits": {"threads": {"low": 8, "high": 64}},
    "policies": {
        "load": {"kind": "target_load", "signal": JOBS, "target": TARGET, "window": "60s"},
        "more_threads": {"kind": "formula", "threads": f"48 if {JOBS} > 250 else 32"},
    },
    "guards": {
        "recovery": {"grace": GRACE_S},
        "cooldown": {"raise": 0, "lower": COOLDOWN_S, "threads": THREADS_COOLDOWN_S},
    },
}
