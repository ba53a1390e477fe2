"""The example of each policy: for its page, for the contract tests and for the replay."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import yaml

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Health, Observation, Resources, Series, Signal
from autoscaler.lab.docs.options import Row
from autoscaler.plugins import check
from autoscaler.plugins.registry import ENTRY_KEYS
from autoscaler.roster import Managed

FRAME = """\
platform:
  url: https://acme.palantirfoundry.com   # the token: AUTOSCALER_PLATFORM__AUTH__TOKEN
sources:
  prom: {kind: prometheus, url: "http://127.0.0.1:9090"}
groups:
  online:
    interval: 15s
    mode: apply
    deployments:
      chat:
        rid: ri.foundry-ml-live.main.live-deployment.f351c142-0e4c-4b12-adc2-6e1539737ae9
"""
"""What stands around an example: its `defaults` are appended."""

SIGN_IN = MappingProxyType({"AUTOSCALER_PLATFORM__AUTH__TOKEN": "an-example-is-not-signed-in"})
MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
START = Envelope(4, 10, 32)
TABLE = Path(__file__).with_name("examples.yaml")


@dataclass(frozen=True, slots=True)
class Example:
    """One entry of the table; examples.yaml says what each part is."""

    name: str
    says: str
    config: str
    feeds: Mapping[str, str]
    trace: str
    hours: float
    tick_s: float
    start: datetime
    resources: Resources
    worked: Mapping[str, Any]
    promises: Mapping[str, Any]
    more: tuple[Mapping[str, Any], ...]

    @property
    def text(self) -> str:
        """The whole configuration."""
        return FRAME + self.config

    @property
    def options(self) -> Mapping[str, Any]:
        """The policy's options as the configuration says them."""
        entries = yaml.safe_load(self.config)["defaults"]["policies"]
        entry: Mapping[str, Any] = next(iter(entries.values()))
        return {key: value for key, value in entry.items() if key not in ENTRY_KEYS}


@cache
def examples() -> Mapping[str, Example]:
    """Every example by the policy's name."""
    table = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return MappingProxyType({name: _example(name, said) for name, said in table.items()})


def _example(name: str, said: Mapping[str, Any]) -> Example:
    return Example(
        name=name,
        says=said["says"],
        config=said["config"],
        feeds=said["feeds"],
        trace=said.get("trace", "azure_llm23_conv"),
        hours=said.get("hours", 0.9),
        tick_s=said.get("tick_s", 15.0),
        start=said.get("start", MORNING),
        resources=Resources(**said.get("resources", {})),
        worked=said["worked"],
        promises=said.get("promises", {}),
        more=tuple(said.get("more", ())),
    )


def managed(example: Example) -> Managed:
    """The example's deployment, from its text as the daemon would read it. Raises ConfigError."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "config.yaml"
        path.write_text(example.text, encoding="utf-8")
        _, groups = check(path, SIGN_IN)
    return groups[0].members[0]


def worked_observation(example: Example, deployment: Managed) -> Observation:
    """The observation of the worked example: few samples, nothing changed lately."""
    said = example.worked
    at = cast("datetime", said.get("at", MORNING)).timestamp()
    envelope = Envelope(*said.get("envelope", (4, 10, 32)))
    return Observation(
        at=at,
        deployment=deployment.name,
        envelope=envelope,
        envelope_at=at - 5,
        health=Health("ACTIVE", is_ready=True),
        limits=deployment.limits,
        signals={name: _series(at, samples) for name, samples in said["signals"].items()},
        resources=Resources(**said.get("resources", {})),
        watched_since=at - 86_400,
    )


def _series(at: float, samples: list[list[float]]) -> Signal:
    points = [point for sample in samples for point in _points(*sample)]
    return Series(
        tuple(at + offset for offset, _ in points), tuple(float(value) for _, value in points)
    )


def _points(
    first: float, value: float, last: float | None = None, step: float = 1
) -> list[tuple[float, float]]:
    count = 0 if last is None else round((last - first) / step)
    return [(first + step * place, value) for place in range(count + 1)]


def example_text(name: str, rows: Sequence[Row]) -> str:
    """The `defaults` that show a policy; those of somebody else's from its options alone."""
    if name in examples():
        return examples()[name].config
    lines = ["defaults:", "  policies:", f"    {name}:", f"      kind: {name}"]
    for row in rows:
        if row.default == "required":
            lines.append(f"      {row.name}: ...    # {row.doc}")
        elif row.default != "none":
            lines.append(f"      {row.name}: {row.default}")
    return "\n".join(lines) + "\n"
