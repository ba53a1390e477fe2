"""Observations in, proposals or whole decisions out: what would be said, with nothing connected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import orjson

from autoscaler.codec import CodecError, encode, from_tree, to_tree
from autoscaler.core.decide import decide
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.observation import Limits, Mode, Observation, Series
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Answer, PolicyEntry
from autoscaler.core.reason import Code, because
from autoscaler.core.standing import standing
from autoscaler.plugins import PluginError, check
from autoscaler.plugins.options import build_options
from autoscaler.plugins.registry import Registry
from autoscaler.roster import Managed
from autoscaler.settings.problem import Hidden, dotted, meant, one_of, show

Reading = Callable[[bytes], Observation]
EVALUATED = Outcome(
    Kind.RECOMMENDED, because(Code.MODE_RECOMMEND, "evaluated only: nothing is written")
)


class InputError(Exception):
    """What was given cannot be evaluated; the text names the path, the rule and the value."""


def policy_answer(
    name: str, options: str = "{}", directories: Sequence[str] = ()
) -> Callable[[bytes], bytes]:
    """From an observation's JSON to the JSON of what one policy answers. Raises InputError."""
    entry = PolicyEntry(name, _policy(name, _json(options, "--options"), directories))
    hint = cast("Any", Answer)

    def answer(data: bytes) -> bytes:
        return encode(hint, entry.ask(observation_of(data)))

    return answer


def deployment_decision(config: Path, name: str) -> Callable[[bytes], Decision]:
    """From an observation's JSON to the decision that the daemon would make, written by nobody.

    The deployment's name, limits and mode come from the configuration where the observation
    leaves them out. Raises ConfigError, and InputError for an unknown deployment.
    """
    _, groups = check(config)
    members = {member.name: member for group in groups for member in group.members}
    if name not in members:
        known = meant(name, members) or f" (deployments: {one_of(tuple(members))})"
        raise InputError(f"--deployment names no deployment of {config}{known}, got {name!r}")
    return lambda data: _decision(members[name], data)


def observation_of(data: bytes, otherwise: Mapping[str, Any] | None = None) -> Observation:
    """The observation, its series in order; `otherwise` has parts that may be left out.

    Raises InputError.
    """
    tree = _json(data, "the observation")
    given = {**(otherwise or {}), **tree} if isinstance(tree, dict) else tree
    try:
        seen = from_tree(Observation, given)
    except CodecError as error:
        raise InputError(str(error)) from error
    for name, signal in seen.signals.items():
        fault = _fault_of(signal) if isinstance(signal, Series) else ""
        if fault:
            raise InputError(f"signals.{name}.{fault}")
    return seen


def _fault_of(series: Series) -> str:
    times, values = series.times, series.values
    if not times or len(times) != len(values):
        return f"values must be as many as times and at least one, got {len(values)}"
    for place, (one, other) in enumerate(pairwise(times), start=1):
        if not one < other:
            return f"times[{place}] must be later than {one:.12g}, got {other:.12g}"
    for part, numbers in (("times", times), ("values", values)):
        for place, number in enumerate(numbers):
            if not math.isfinite(number):
                return f"{part}[{place}] must be a finite number, got {number}"
    return ""


def _json(text: str | bytes, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        shown = text.decode(errors="replace") if isinstance(text, bytes) else text
        raise InputError(f"{what} must be JSON ({error}), got {show(shown)}") from error


def _policy(name: str, options: object, directories: Sequence[str]) -> Any:
    try:
        registry = Registry(directories)
        if name not in registry.policies():
            known = registry.policies()
            hint = meant(name, known) or f" (policies: {one_of(known)})"
            raise InputError(f"--policy names no policy{hint}, got {name!r}")
        built = build_options(registry.policy(name), options)
    except PluginError as error:
        raise InputError(str(error)) from error
    if built.faults:
        lines = []
        for fault in built.faults:
            got = "" if isinstance(fault.value, Hidden) else f", got {show(fault.value)}"
            lines.append(f"{dotted(('options', *fault.path))} {fault.rule}{got}")
        raise InputError("\n".join(lines))
    return built.value


def _decision(member: Managed, data: bytes) -> Decision:
    otherwise = {
        "deployment": member.name,
        "limits": to_tree(Limits, member.limits),
        "mode": to_tree(Mode, member.mode),
    }
    seen = observation_of(data, otherwise)
    plan = decide(seen, member.policies, member.guards)
    return Decision(
        id="evaluated",
        at=seen.at,
        deployment=seen.deployment,
        rid=member.rid,
        group=member.group,
        mode=seen.mode,
        seen=seen,
        plan=plan,
        outcome=_outcome(plan, seen.mode),
    )


def _outcome(plan: Plan, mode: Mode) -> Outcome:
    return standing(plan, mode) or EVALUATED
