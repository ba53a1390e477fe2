"""Alerts in a hurry: the shipped rules with short durations, and what a Prometheus says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.prometheus import RealPrometheus

RULES = Path(__file__).parents[2] / "config" / "prometheus"
FACTOR = 60
# An hour of waiting would still be a minute, and a day half an hour.
LONGEST_FOR_S = 5.0
LONGEST_RANGE_S = 60.0
SHORTEST_S = 1.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RANGE = re.compile(r"\[(\d+[smhd])\]")


def seconds(text: str) -> float:
    """`10m` as 600."""
    return int(text[:-1]) * _UNITS[text[-1]]


def shorter(text: str, longest_s: float) -> str:
    """A sixtieth of a duration, between a second and `longest_s`, as Prometheus writes it."""
    return f"{min(longest_s, max(SHORTEST_S, seconds(text) / FACTOR)) * 1000:.0f}ms"


def quickened(folder: Path) -> list[Path]:
    """Copies of the shipped rule files in which only the durations differ."""
    made = []
    for name in ("rules.yaml", "alerts.yaml"):
        tree = yaml.safe_load((RULES / name).read_text(encoding="utf-8"))
        for group in tree["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule["expr"] = _RANGE.sub(
                    lambda found: f"[{shorter(found[1], LONGEST_RANGE_S)}]", rule["expr"]
                )
                if "for" in rule:
                    rule["for"] = shorter(rule["for"], LONGEST_FOR_S)
        path = folder / f"quick-{name}"
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        made.append(path)
    return made


@dataclass(slots=True)
class Siren:
    """Remembers every alert that was seen firing, with what it told first."""

    prometheus: RealPrometheus
    fired: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def listen(self) -> set[str]:
        """What fires now."""
        alerts = (await self.prometheus.get("alerts"))["alerts"]
        firing = [alert for alert in alerts if alert["state"] == "firing"]
        for alert in firing:
            name = alert["labels"]["alertname"].removeprefix("FoundryAutoscaler")
            self.fired.setdefault(name, alert)
        return {alert["labels"]["alertname"].removeprefix("FoundryAutoscaler") for alert in firing}
