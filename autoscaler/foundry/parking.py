"""Whom not to ask for a while, and why: refusals that asking again would not change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code, Reason, because
from autoscaler.core.words import span
from autoscaler.foundry.verdict import Scope, Verdict
from autoscaler.ports import Clock


@dataclass(frozen=True, slots=True)
class _Place:
    """`until` is monotonic; `only` narrows it to one envelope that was asked for."""

    until: float
    reason: Reason
    only: Envelope | None = None


class Parking:
    """At most one entry per deployment and one for the whole platform. Lost at a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._parked: dict[str, _Place] = {}
        self._stop: _Place | None = None

    def park(self, verdict: Verdict, rid: str, after: Envelope | None = None) -> None:
        """Remember a refusal of `after` for as long as it holds."""
        until = self._clock.monotonic() + verdict.rest_s
        if verdict.scope is Scope.PLATFORM:
            self._stop = _Place(until, verdict.reason)
        elif verdict.scope is Scope.DEPLOYMENT:
            self._parked[rid] = _Place(until, verdict.reason)
        elif verdict.scope is Scope.ENVELOPE and after is not None:
            self._parked[rid] = _Place(until, verdict.reason, after)

    def stopped(self) -> Reason | None:
        """Why nothing at all may be written now."""
        if self._stop is not None and self._clock.monotonic() >= self._stop.until:
            self._stop = None
        return self._stop.reason if self._stop else None

    def parked(self, rid: str, after: Envelope) -> Reason | None:
        """Why this deployment may not be written now, or not this envelope."""
        place = self._parked.get(rid)
        if place is None:
            return None
        left = place.until - self._clock.monotonic()
        if left <= 0:
            del self._parked[rid]
            return None
        if place.only not in {None, after}:
            return None
        facts: dict[str, float] = {} if math.isinf(left) else {"left": left}
        return because(
            Code.PARKED,
            "not asked again {span}: {reason}",
            span="until a restart" if math.isinf(left) else f"for {span(left)}",
            reason=str(place.reason),
            **facts,
        )

    def was_read(self, rid: str) -> None:
        """A good reading: the platform serves, and what was not found is back."""
        self._stop = None
        place = self._parked.get(rid)
        if place is not None and place.reason.code is Code.NOT_FOUND:
            del self._parked[rid]
