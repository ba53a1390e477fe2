"""What the signals of a replay carry, made from the simulated deployment at each moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autoscaler.lab.platform.load import Load
from autoscaler.lab.platform.model import DeploymentModel

SERVICE_S = 0.5
"""Service time of one request alone, seconds."""
CROWDING = 0.1
"""How much longer a request takes for each other one in its replica."""
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Sight:
    """One moment of a replay: `t_s` seconds after its begin."""

    t_s: float
    model: DeploymentModel
    load: Load

    @property
    def per_replica(self) -> float:
        """Requests that run in each ready replica."""
        return self.model.running / max(1, self.model.ready)


Feed = Callable[[Sight], float]


def _queue_age(sight: Sight) -> float:
    """How long the last in the queue waits, by Little's law."""
    served_per_s = max(1, sight.model.capacity) / SERVICE_S
    return sight.model.queued / served_per_s * 10


def _hourly_plan(sight: Sight) -> float:
    """Somebody's plan: the average demand of this quarter of an hour, in replicas of 24 jobs."""
    quarter = math.floor(sight.t_s / (HOUR_S / 4)) * HOUR_S / 4
    demand = [sight.load.at(quarter + minute * 60.0) for minute in range(15)]
    return float(math.ceil(max(demand) / 24))


def _nights(sight: Sight) -> float:
    """The load by day, and nothing in every second period of 90 minutes."""
    return 0.0 if int(sight.t_s // 5400) % 2 else max(1.0, sight.load.at(sight.t_s))


FEEDS: Mapping[str, Feed] = MappingProxyType(
    {
        "load": lambda sight: sight.model.running + sight.model.queued,
        "running": lambda sight: sight.model.running,
        "replicas": lambda sight: float(sight.model.replicas),
        "rate": lambda sight: sight.load.at(sight.t_s) / SERVICE_S,
        "crowded": lambda sight: SERVICE_S * (1 + CROWDING * max(0.0, sight.per_replica - 1)),
        "queue_age": _queue_age,
        "hourly_plan": _hourly_plan,
        "nights": _nights,
    }
)
MEANT: Mapping[str, str] = MappingProxyType(
    {
        "load": "running and waiting requests",
        "running": "running requests",
        "replicas": "running replicas",
        "rate": "arrivals per second",
        "crowded": "a service time that grows with the requests in a replica",
        "queue_age": "how long requests wait",
        "hourly_plan": "a plan for each quarter of an hour",
        "nights": "the load, with nothing at all in every second 90 minutes",
        "ahead": "the demand that will come, as if it were known",
        "constant": "always",
    }
)


def value_of(feed: str, sight: Sight) -> float:
    """The value of a feed now: the name of one, or `constant 0.5`."""
    kind, _, rest = feed.partition(" ")
    return float(rest) if kind == "constant" else FEEDS[kind](sight)


def told(feed: str) -> str:
    """What a feed is, for a caption."""
    kind, _, rest = feed.partition(" ")
    unit = " s ahead" if kind == "ahead" else ""
    return f"{MEANT[kind]}{f' ({rest}{unit})' if rest else ''}"
