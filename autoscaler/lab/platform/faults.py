"""Faults to inject: what goes wrong, where, and how many times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

OPERATIONS = (
    "token",
    "create",
    "list",
    "get",
    "replace",
    "start",
    "disable",
    "transform",
    "metrics",
)


class FaultKind(StrEnum):
    """What goes wrong."""

    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server_error"
    NAMED_ERROR = "named_error"
    API_MISSING = "api_missing"
    UNAUTHORIZED = "unauthorized"
    PERMISSION_DENIED = "permission_denied"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    SLOW = "slow"
    SLOW_AFTER = "slow_after"
    GARBAGE = "garbage"
    OLD_SHAPE = "old_shape"
    UNKNOWN_STATE = "unknown_state"
    CLAMPED = "clamped"
    SKEWED = "skewed"


@dataclass(slots=True)
class Fault:
    """One fault. It strikes `times` matching requests (None: all of them), then it is spent.

    `operation` None or `rid` None match any. Meaningful per kind: `retry_after_s` and
    `do_not_retry` for rate_limited and unavailable; `status` for server_error (an HTML body) and
    named_error; `error_name` and `parameters` for named_error; `delay_s` (wall seconds) for slow
    and slow_after; `fields` (of the runtime configuration) for old_shape; `state` for
    unknown_state; `max_replicas` for clamped; `skew_s` (ahead of the real time, may be negative)
    for skewed, which answers with the time of a wrong clock. Raises ValueError.
    """

    kind: FaultKind
    operation: str | None = None
    rid: str | None = None
    times: int | None = 1
    retry_after_s: int | None = None
    do_not_retry: bool = False
    delay_s: float = 1.0
    status: int = 500
    error_name: str = "InternalError"
    parameters: dict[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ("sources", "environmentVariables")
    state: str = "HIBERNATING"
    max_replicas: int = 1
    skew_s: float = 60.0
    struck: int = 0

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        self.fields = tuple(self.fields)
        if self.operation is not None and self.operation not in OPERATIONS:
            raise ValueError(
                f"operation must be one of {', '.join(OPERATIONS)}, got {self.operation!r}"
            )
        for name, least in (("times", 1), ("delay_s", 0), ("max_replicas", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        if self.status not in range(400, 600):
            raise ValueError(f"status must be in 400..599, got {self.status}")
        if not isinstance(self.parameters, dict):
            raise TypeError("parameters must be an object")

    @property
    def spent(self) -> bool:
        """Whether it will not strike again."""
        return self.times is not None and self.struck >= self.times

    def meets(self, operation: str, rid: str | None) -> bool:
        """Whether it strikes this request."""
        right_place = self.operation in {None, operation} and self.rid in {None, rid}
        return right_place and not self.spent


class FaultBook:
    """The faults in force, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """End them all."""
        self._faults.clear()

    def remove(self, fault: Fault) -> None:
        """End one fault; one that is not in force any more is no error."""
        self._faults = [one for one in self._faults if one is not fault]

    def take(self, operation: str, rid: str | None) -> Fault | None:
        """The first fault that strikes this request, counted as struck."""
        for fault in self._faults:
            if fault.meets(operation, rid):
                fault.struck += 1
                return fault
        return None

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))


def fault_from(given: object) -> Fault:
    """A fault from JSON. Raises ValueError that names the key, the value and the rule."""
    if not isinstance(given, Mapping):
        raise ValueError(f"a fault must be an object, got {type(given).__name__}")  # noqa: TRY004 - all refusals of JSON are one type
    known = {item.name for item in fields(Fault)} - {"struck"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; there are: {', '.join(sorted(known))}")
    kinds = ", ".join(FaultKind)
    if given.get("kind") not in set(FaultKind):
        raise ValueError(f"kind must be one of {kinds}, got {given.get('kind')!r}")
    try:
        return Fault(**given)
    except TypeError as problem:
        raise ValueError(f"a value has the wrong type: {problem}") from problem
