"""A candidate as lines of a configuration, and as what those lines make of a deployment."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoscaler.core.decide import Guard
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.observation import Limits
from autoscaler.lab.tune.space import AHEAD, Candidate
from autoscaler.plugins import check
from autoscaler.roster import Managed
from autoscaler.settings.units import scalar

TUNED = "tuned"
DEFAULT_WINDOW_S = 600.0
# A configuration needs a platform that is never asked and a token that is never sent.
ENVIRON = {"AUTOSCALER_PLATFORM__AUTH__TOKEN": "never-sent"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lines will stand: what is there already.

    `demand` is the signal of running and queued requests, `window_s` how much of it is kept.
    `guards` are the present ones, `replaced` the policies that the tuned one stands in for,
    `name` what it is called; nothing else there may have that name.
    """

    interval_s: float
    cold_start_s: float
    limits: Limits
    demand: str = "running_jobs"
    window_s: float = DEFAULT_WINDOW_S
    guards: tuple[Guard, ...] = tuple(guard() for guard in GUARDS)
    replaced: tuple[str, ...] = ("load",)
    name: str = TUNED


def layer(candidate: Candidate, place: Place) -> dict[str, dict[str, Any]]:
    """The options as plain data, for a deployment, a group or the defaults."""
    policies: dict[str, Any] = dict.fromkeys(place.replaced)
    found: dict[str, dict[str, Any]] = {"policies": policies, "guards": _guards(candidate, place)}
    if candidate.kind == AHEAD:
        lead = duration(max(1.0, place.cold_start_s))
        forecast = {"of": place.demand, "tau": candidate.risk, "lead": lead}
        policies[place.name] = {
            "kind": AHEAD,
            "signal": place.name,
            "demand": place.demand,
            "target": candidate.fill,
        }
        return {"forecasts": {place.name: forecast}, **found}
    policies[place.name] = {
        "kind": candidate.kind,
        "signal": place.demand,
        "target": candidate.risk,
        "window": duration(candidate.window_s),
        "headroom": candidate.headroom,
    }
    return found


def _guards(candidate: Candidate, place: Place) -> dict[str, Any]:
    said: dict[str, dict[str, Any]] = {
        "deadband": {"lower_share": candidate.deadband},
        "stabilise": {"lower_window": duration(candidate.stable_s)},
        "cooldown": {"lower": duration(candidate.cooldown_s)},
    }
    types = {type(guard) for guard in place.guards}
    for name, cls in (("deadband", Deadband), ("stabilise", Stabilise), ("cooldown", Cooldown)):
        if cls not in types:
            said[name]["enabled"] = True
    return said


def text(candidate: Candidate, place: Place) -> str:
    """The lines to paste under `defaults:`, a group or a deployment."""
    lines = []
    for section, entries in layer(candidate, place).items():
        lines.append(f"{section}:")
        lines += [f"  {name}: {_flow(options)}" for name, options in entries.items()]
    return "\n".join(lines)


def _flow(options: Mapping[str, Any] | None) -> str:
    if options is None:
        return "null"
    said = ", ".join(f"{key}: {_scalar(value)}" for key, value in options.items())
    return f"{{{said}}}"


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and scalar(value) == value:
        return value
    return json.dumps(value)


_PLAIN = re.compile(r"[A-Za-z0-9_.]+")


def duration(seconds: float) -> str:
    """`90s`, `2m`, `1h`: the largest unit that is whole."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def managed(candidate: Candidate, place: Place) -> Managed:
    """The deployment that these lines make, through the same door as `autoscaler check`.

    Raises ConfigError when the lines are not accepted.
    """
    said = "\n".join(f"  {line}" for line in text(candidate, place).splitlines())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tuned.yaml"
        signals = _signals(candidate, place)
        path.write_text(f"{_frame(place)}\ndefaults:\n  {signals}\n{said}\n", "utf-8")
        _, groups = check(path, ENVIRON)
    made = groups[0].members[0]
    return replace(made, limits=place.limits, guards=guards(candidate, place.guards))


def guards(candidate: Candidate, present: Sequence[Guard]) -> tuple[Guard, ...]:
    """The present guards with the candidate's windows; all else in them stays as it is."""
    known = {type(guard): guard for guard in present}
    deadband, stabilise, cooldown = (
        known.get(Deadband, Deadband()),
        known.get(Stabilise, Stabilise()),
        known.get(Cooldown, Cooldown()),
    )
    tuned: dict[type, Guard] = {}
    if isinstance(deadband, Deadband):
        tuned[Deadband] = replace(deadband, lower_share=candidate.deadband)
    if isinstance(stabilise, Stabilise):
        tuned[Stabilise] = replace(stabilise, lower_window_s=candidate.stable_s)
    if isinstance(cooldown, Cooldown):
        tuned[Cooldown] = replace(cooldown, lower_s=candidate.cooldown_s)
    merged = {**known, **tuned}
    return tuple(merged[cls] for cls in GUARDS if cls in merged)


def _signals(candidate: Candidate, place: Place) -> str:
    # What is older than the policy's own window changes nothing and costs most of the time.
    window = min(place.window_s, max(SHORTEST_S, candidate.window_s))
    signal = {"source": "prom", "query": "up", "window": window}
    return f"signals: {json.dumps({place.demand: signal})}"


SHORTEST_S = 120.0


def _frame(place: Place) -> str:
    """The rest of a configuration around the lines; JSON is YAML."""
    deployments = {"simulated": {"rid": "ri.foundry-ml-live.main.live-deployment.simulated"}}
    sections = {
        "platform": {"url": "https://tune.invalid"},
        "sources": {"prom": {"kind": "prometheus", "url": "http://127.0.0.1:9090"}},
        "groups": {TUNED: {"interval": place.interval_s, "deployments": deployments}},
    }
    return "\n".join(f"{name}: {json.dumps(data)}" for name, data in sections.items())
