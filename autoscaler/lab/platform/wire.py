"""The runtime configuration as JSON: what is accepted, what is refused and with which error.

The JSON is kept as it came, unknown keys included. `sources` and `environmentVariables` may be
missing in a request (the vendor's own example leaves them out); an answer always has them.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Resources
from autoscaler.lab.platform import errors
from autoscaler.lab.platform.errors import ApiError
from autoscaler.lab.platform.model import Config
from autoscaler.lab.platform.scaler import Scaling

Raw = dict[str, Any]

DEFAULT_THREADS = 32
GPU_TYPES = ("A100", "A10G", "A16", "B200", "B300", "H100", "H200", "L4", "L40S", "T4", "V100")
UNITS: Mapping[str, float] = {
    "MILLISECONDS": 0.001,
    "SECONDS": 1,
    "MINUTES": 60,
    "HOURS": 3600,
    "DAYS": 86_400,
    "WEEKS": 604_800,
    "MONTHS": 2_592_000,
    "YEARS": 31_536_000,
}
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?)?B?")
_PREFIX = "KMGT"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the platform allows. The thread maximum is undocumented there; 64 is a guess.

    `source_problems` maps a source's RID to the DeploymentSource error that it causes.
    """

    max_threads: int = 64
    max_gpus: int = 8
    gpu_types: tuple[str, ...] = GPU_TYPES
    reserved_variables: tuple[str, ...] = ("MAX_CONCURRENT_TASKS", "RUNTIME_API_HOST")
    source_problems: Mapping[str, str] = field(default_factory=dict)


def shown(raw: Raw) -> Raw:
    """The configuration as an answer shows it: a copy, with both always-present fields."""
    return {"sources": [], "environmentVariables": {}, **json.loads(json.dumps(raw))}


def written(
    config: Config, environment: Mapping[str, str] | None = None, sources: tuple[str, ...] = ()
) -> Raw:
    """A configuration as JSON, every field spelt out."""
    bounds, scaling, resources = config.envelope, config.scaling, config.resources
    raw: Raw = {
        "minReplicas": bounds.min_replicas,
        "maxReplicas": bounds.max_replicas,
        "threadCount": bounds.threads,
        "scalingConfiguration": {
            "scaleUpLoadThreshold": scaling.up_threshold,
            "scaleUpDelay": {"value": round(scaling.up_delay_s), "unit": "SECONDS"},
            "scaleDownDelay": {"value": round(scaling.down_delay_s), "unit": "SECONDS"},
            "scaleDownLoadThreshold": scaling.down_threshold,
        },
        "sources": list(sources),
        "environmentVariables": dict(environment or {}),
    }
    if resources.vcpus is not None:
        raw["cpu"] = resources.vcpus
    if resources.memory_gib is not None:
        raw["memory"] = f"{round(resources.memory_gib * 1024)}MiB"
    if resources.gpus:
        kind = {"type": resources.gpu_type} if resources.gpu_type else {}
        raw["gpu"] = {"count": resources.gpus, **kind}
    return raw


def read_config(raw: object, rules: Rules, resource_rid: str = "") -> Config:
    """What a runtime configuration asks for. Raises ApiError (400)."""
    if not isinstance(raw, dict):
        raise errors.invalid("runtimeConfiguration", "must be an object", raw)
    envelope = _envelope(raw, rules)
    resources = Resources(_cpu(raw), _memory(raw), *_gpu(raw, rules))
    _check_sources(raw, rules, resource_rid)
    return Config(envelope, _scaling(raw), resources, _digest(_environment(raw, rules)))


def _envelope(raw: Raw, rules: Rules) -> Envelope:
    low, high = (_whole(raw, key, least=0) for key in ("minReplicas", "maxReplicas"))
    threads = _whole(raw, "threadCount", least=1) if "threadCount" in raw else DEFAULT_THREADS
    if threads > rules.max_threads:
        raise errors.thread_count_too_high(rules.max_threads, threads)
    if low > high:
        raise errors.invalid("minReplicas", f"must be at most maxReplicas {high}", low)
    return Envelope(low, high, threads)


def _whole(raw: Raw, key: str, least: int) -> int:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise errors.invalid(key, f"must be a whole number of at least {least}", value)
    return value


def _cpu(raw: Raw) -> float | None:
    value = raw.get("cpu")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise errors.invalid("cpu", "must be a number above 0", value)
    return float(value)


def _memory(raw: Raw) -> float | None:
    value = raw.get("memory")
    if value is None:
        return None
    found = _MEMORY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise errors.invalid("memory", 'must read like "256MiB" or "1GiB"', value)
    number, prefix = float(found[1]), found[2] or ""
    base = 1024 if prefix.endswith("i") else 1000
    power = _PREFIX.index(prefix[0]) + 1 if prefix else 0
    return float(number * math.pow(base, power) / 1024**3)


def _gpu(raw: Raw, rules: Rules) -> tuple[int, str]:
    gpu = raw.get("gpu")
    if gpu is None:
        return 0, ""
    if not isinstance(gpu, dict):
        raise errors.invalid("gpu", "must be an object", gpu)
    count, kind = _whole(gpu, "count", least=-(2**31)), gpu.get("type") or ""
    if kind and kind not in rules.gpu_types:
        raise errors.gpu_type(str(kind), rules.gpu_types)
    if not 1 <= count <= rules.max_gpus:
        raise errors.gpu_count(rules.max_gpus, count)
    return count, str(kind)


def _scaling(raw: Raw) -> Scaling:
    given = raw.get("scalingConfiguration")
    if given is None:
        return Scaling()
    if not isinstance(given, dict):
        raise errors.invalid("scalingConfiguration", "must be an object", given)
    up = _share(given, "scaleUpLoadThreshold", 0.75, required=True)
    # Not in the API: the product has this field, and its default may cross a lower upper one.
    down = _share(given, "scaleDownLoadThreshold", min(0.75, up), required=False)
    try:
        return Scaling(up, down, _delay(given, "scaleUpDelay"), _delay(given, "scaleDownDelay"))
    except ValueError as problem:
        raise errors.invalid("scalingConfiguration", str(problem), given) from problem


def _share(given: Raw, key: str, default: float, *, required: bool) -> float:
    value = given.get(key, None if required else default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.invalid(f"scalingConfiguration.{key}", "must be a number in 0..1", value)
    return float(value)


def _delay(given: Raw, key: str) -> float:
    value = given.get(key)
    unit = value.get("unit") if isinstance(value, dict) else None
    if not isinstance(value, dict) or unit not in UNITS:
        raise errors.invalid(f"scalingConfiguration.{key}", "must be {value, unit}", value)
    return _whole(value, "value", least=0) * UNITS[str(unit)]


def _environment(raw: Raw, rules: Rules) -> Mapping[str, str]:
    given = raw.get("environmentVariables") or {}
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        # The value may hold secrets and stays out of the answer.
        raise errors.invalid("environmentVariables", "must map names to strings", "(withheld)")
    for name in given:
        if name in rules.reserved_variables:
            raise ApiError(400, "ReservedEnvironmentVariable", {"name": name})
    return given


def _check_sources(raw: Raw, rules: Rules, resource_rid: str) -> None:
    given = raw.get("sources") or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise errors.invalid("sources", "must be a list of RIDs", given)
    for rid in given:
        if rid in rules.source_problems:
            raise errors.source_problem(rules.source_problems[rid], rid, resource_rid)


def _digest(environment: Mapping[str, str]) -> str:
    if not environment:
        return ""
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()
