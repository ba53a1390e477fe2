"""Raw JSON to what the core knows, and three dials back into the raw JSON.

The PUT replaces the whole configuration and there is no precondition, so a body is never
made from settings: it is the fresh answer with three numbers changed. What is not
understood is carried through. `environmentVariables` and `sources` may hold secrets and
leave this room only towards the platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Health, NativeScaling, Resources
from autoscaler.foundry.body import Object
from autoscaler.foundry.errors import InvalidAnswer
from autoscaler.foundry.units import duration_s, memory_gib, number, whole
from autoscaler.ports import Live

CONFIGURATION = "runtimeConfiguration"
# "Defaults to 32 if not specified": the platform's API reference, `threadCount`.
DEFAULT_THREADS = 32
# The platform counts in 32 bits; a number beyond them is no count.
MOST = 2**31 - 1
_DIALS = ("minReplicas", "maxReplicas", "threadCount")
_NAME = re.compile(r"[A-Za-z0-9_]{1,40}")


def live_of(answer: Mapping[str, object]) -> Live:
    """What the platform reports. Raises InvalidAnswer naming the field that is missing or wrong."""
    configuration = configuration_of(answer)
    status = _object(answer, "status")
    version = _object(answer, "modelVersion")
    ready = status.get("isReady")
    if not isinstance(ready, bool):
        raise _wrong("status.isReady", "true or false", ready)
    branch = answer.get("branch")
    return Live(
        rid=_text(answer, "rid"),
        envelope=envelope_of(configuration),
        health=Health(_text(status, "state"), ready, _text(version, "modelVersionRid")),
        model_rid=_text(version, "modelRid"),
        branch=branch if isinstance(branch, str) else None,
        resources=_resources(configuration),
        native=_native(configuration.get("scalingConfiguration")),
    )


def configuration_of(answer: Mapping[str, object]) -> Object:
    """The raw runtime configuration. Raises InvalidAnswer."""
    return _object(answer, CONFIGURATION)


def envelope_of(configuration: Mapping[str, object]) -> Envelope:
    """The dials; an absent thread count is 32. Raises InvalidAnswer."""
    low, high = _count(configuration, "minReplicas"), _count(configuration, "maxReplicas")
    threads = DEFAULT_THREADS
    if configuration.get("threadCount") is not None:
        threads = _count(configuration, "threadCount")
    if low <= high and threads >= 1:
        return Envelope(low, high, threads)
    raise InvalidAnswer(
        f"{CONFIGURATION} must satisfy 0 <= minReplicas <= maxReplicas and threadCount >= 1, "
        f"got {low}, {high} and {threads}"
    )


def merge(configuration: Mapping[str, object], envelope: Envelope) -> Object:
    """The raw configuration with the dials of `envelope`; nothing else changes.

    A dial that has its value already keeps how it is written: 1.0, or absent for 32 threads.
    """
    wanted = zip(
        _DIALS, (envelope.min_replicas, envelope.max_replicas, envelope.threads), strict=True
    )
    moved = {key: value for key, value in wanted if _dial(configuration, key) != value}
    return {**configuration, **moved}


def same(one: object, other: object) -> bool:
    """Equal in meaning: 1 is 1.0, 60 SECONDS is 1 MINUTES, but 1 is not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        span, other_span = duration_s(one), duration_s(other)
        if span is not None and other_span is not None:
            return span == other_span
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def altered(sent: Mapping[str, object], got: Mapping[str, object]) -> tuple[str, ...]:
    """Names of fields, dials aside, that were sent and came back otherwise or not at all.

    Fields that the platform adds do not count, nor does an empty value that it drops.
    """
    lost = [
        key
        for key, value in sent.items()
        if key not in _DIALS
        and not same(value, got.get(key))
        and (key in got or value not in (None, [], {}))
    ]
    return tuple(key if _NAME.fullmatch(key) else "(unnamed)" for key in sorted(lost))


def _dial(configuration: Mapping[str, object], key: str) -> int | None:
    value = configuration.get(key)
    return DEFAULT_THREADS if value is None and key == "threadCount" else whole(value)


def _resources(configuration: Mapping[str, object]) -> Resources:
    gpu = configuration.get("gpu")
    gpu = gpu if isinstance(gpu, dict) else {}
    kind = gpu.get("type")
    return Resources(
        vcpus=number(configuration.get("cpu")),
        memory_gib=memory_gib(configuration.get("memory")),
        gpus=max(0, whole(gpu.get("count")) or 0),
        gpu_type=kind if isinstance(kind, str) and _NAME.fullmatch(kind) else "",
    )


def _native(scaling: object) -> NativeScaling:
    plain = NativeScaling()
    if not isinstance(scaling, dict):
        return plain
    threshold = number(scaling.get("scaleUpLoadThreshold"))
    up, down = duration_s(scaling.get("scaleUpDelay")), duration_s(scaling.get("scaleDownDelay"))
    return NativeScaling(
        plain.up_threshold if threshold is None else threshold,
        plain.up_delay_s if up is None else up,
        plain.down_delay_s if down is None else down,
    )


def _object(parent: Mapping[str, object], key: str) -> Object:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise _wrong(key, "an object", value)
    return value


def _text(parent: Mapping[str, object], key: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str) or not value:
        raise _wrong(key, "a text", value)
    return value


def _count(configuration: Mapping[str, object], key: str) -> int:
    value = whole(configuration.get(key))
    if value is None or not 0 <= value <= MOST:
        raise _wrong(
            f"{CONFIGURATION}.{key}", f"a whole number in 0..{MOST}", configuration.get(key)
        )
    return value


def _wrong(field: str, rule: str, value: object) -> InvalidAnswer:
    # Numbers may be shown; any other foreign value only by its type.
    shown = value if isinstance(value, bool | int | float) else type(value).__name__
    if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004 - Python refuses to write a number of 4,300 digits
        shown = "a number of more than 64 bits"
    got = "nothing" if value is None else str(shown)[:40]
    return InvalidAnswer(f"{field} of the answer must be {rule}, got {got}")
