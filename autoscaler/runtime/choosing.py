"""Risks for forecasts that have an SLO: chosen by replay, beside the ticks and never in them.

A choice is some 5 s of work for fourteen days of past. It is done in slices of 2 ms with nine
times as long in between, one forecast after another: a tenth of a core at most, so that up to
1,700 forecasts are chosen every day and more than that less often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from autoscaler.core.observation import ChosenRisk
from autoscaler.forecast import Sizes
from autoscaler.ports import Clock
from autoscaler.roster import Managed
from autoscaler.runtime.seat import Seat

log = structlog.get_logger(__name__)

ROUND_S = 60.0
# After too little past to choose by: more comes slowly.
RETRY_S = 3600.0
REST = 9.0


class RiskChooser:
    """Looks around every minute for risks that are due."""

    def __init__(self, seats: Callable[[], Sequence[Seat]], clock: Clock) -> None:
        self._seats = seats
        self._clock = clock
        self._retry_at: dict[tuple[str, str], float] = {}

    async def run(self) -> None:
        """For ever, until cancelled; ends at once where no forecast has an SLO."""
        while any(s.chooses for seat in self._seats() for s in seat.managed.forecasts.values()):
            await self.round()
            await self._clock.sleep(ROUND_S)

    async def round(self) -> None:
        """Choose for everybody who is due."""
        for seat in self._seats():
            at = self._clock.now()
            for name in seat.foresight.choice_due(seat.learned, at) if seat.foresight else ():
                if self._retry_at.get((seat.managed.name, name), 0.0) > self._clock.monotonic():
                    continue
                try:
                    await self._choose(seat, name)
                except Exception:
                    # One that cannot be chosen keeps its risk and does not stop the others.
                    log.exception("a risk cannot be chosen", deployment=seat.managed.name)
                    self._later(seat, name)

    async def _choose(self, seat: Seat, name: str) -> None:
        foresight, clock = seat.foresight, self._clock
        if foresight is None or seat.read_at is None:
            return
        sizes = sizes_of(seat.managed, name, seat.live.envelope.threads)
        work = foresight.choosing(name, clock.now(), sizes, seat.live.native)
        while True:
            began = clock.monotonic()
            try:
                next(work)
            except StopIteration as end:
                self._settle(seat, name, end.value)
                return
            await clock.sleep(REST * (clock.monotonic() - began))

    def _settle(self, seat: Seat, name: str, found: ChosenRisk | None) -> None:
        if found is None:
            self._later(seat, name)
            return
        others = tuple(each for each in seat.learned.chosen if each.forecast != name)
        before = seat.learned.risk_of(name)
        seat.learned = replace(seat.learned, chosen=(*others, found))
        seat.noted = False
        if before is None or (before.tau, before.met) != (found.tau, found.met):
            log.info(
                "a risk was chosen",
                deployment=seat.managed.name,
                forecast=name,
                tau=found.tau,
                slo=found.slo,
                expected=round(found.expected, 5),
                met=found.met,
                hours=round(found.hours),
            )

    def _later(self, seat: Seat, name: str) -> None:
        self._retry_at[seat.managed.name, name] = self._clock.monotonic() + RETRY_S


def sizes_of(managed: Managed, forecast: str, threads: int) -> Sizes:
    """What a replica carries and how many there may be, as the policy on a forecast sees it.

    A policy's own `target` and `buffer` make it order more for the same forecast.
    """
    share = 1.0
    for entry in managed.policies:
        policy = entry.policy
        if getattr(policy, "signal", None) == forecast:
            share = getattr(policy, "target", 1.0) / (1 + getattr(policy, "buffer", 0.0))
            break
    limits = managed.limits
    return Sizes(
        carries=threads, least=limits.min_replicas.low, most=limits.max_replicas.high, share=share
    )
