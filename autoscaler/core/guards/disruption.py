"""Guard `disruption`: is a thread change worth a restart, and is now the time for it?

Changing threads very probably starts every replica anew, beside the old ones. Karpenter weighs
disruption against gain in the same way: by shares, so that it holds for any size.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.core.envelope import Envelope
from autoscaler.core.guards.between import between
from autoscaler.core.guards.health import settled
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Disruption:
    """Threads change only for 20 % of ceiling capacity, when ACTIVE and ready, in a calm hour.

    10 x 32 to 10 x 36 adds 12.5 % and is not worth it. 10 x 32 to 5 x 64 adds nothing: without
    the thread change ten replicas would have to stay, and they carry the same.
    """

    gain_share: float = field(
        default=0.2,
        metadata=meta("ceiling capacity that a thread change must add or remove, as a share", ge=0),
    )
    calm_share: float = field(
        default=0.6,
        metadata=meta("threads change only at a load of at most this share of the floor", gt=0),
    )
    signal: str = field(
        default="", metadata=meta("the signal that counts running jobs; empty asks for no calm")
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan, with threads left alone where changing them is not worth it or not safe.

        Replicas that were lowered because threads rise go back when the threads do not rise,
        whichever rail it was that took the thread raise back.
        """
        before, after = plan.before, plan.after
        if after.threads != before.threads:
            kept = _carried(plan, seen, before.threads)
            reason = self._against(plan, seen, kept)
            if reason:
                return plan.move(kept, "disruption", reason)
        if plan.wanted.threads <= before.threads:
            return plan
        return plan.move(_carried(plan, seen, after.threads), "disruption", THREADS_KEPT)

    def _against(self, plan: Plan, seen: Observation, kept: Envelope) -> Reason | None:
        if not settled(seen):
            state = seen.health.state
            return because(
                Code.RESTART_UNSAFE,
                "no restart while the deployment is {state} and not settled",
                state=state,
            )
        now, then = kept.ceiling_capacity, plan.after.ceiling_capacity
        share = abs(then - now) / max(1, now)
        if share < self.gain_share:
            return because(
                Code.NOT_WORTH_A_RESTART,
                "{threads:count thread} would change the capacity by {share:.1%}; "
                "a restart is worth it from {least:.1%} on",
                threads=plan.after.threads,
                share=share,
                least=self.gain_share,
            )
        return self._bustle(plan, seen) if self.signal else None

    def _bustle(self, plan: Plan, seen: Observation) -> Reason | None:
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return because(
                Code.RESTART_UNSAFE,
                "no restart: {signal} {why:absent}",
                signal=self.signal,
                why=series.why.value,
            )
        capacity = min(plan.before.floor_capacity, plan.after.floor_capacity)
        most = self.calm_share * capacity
        if series.last <= most:
            return None
        return because(
            Code.RESTART_UNSAFE,
            "no restart at a load of {load:g} requests; calm is at most {most:g}",
            load=series.last,
            most=most,
        )


THREADS_KEPT = because(
    Code.THREADS_KEPT, "it was to go down only because threads go up, and they do not go so far"
)


def _carried(plan: Plan, seen: Observation, threads: int) -> Envelope:
    """The plan at `threads`, each replica dial lowered only if that keeps what was asked for.

    What was asked for is the wanted replicas times the wanted threads. Threads count as many as
    the limits behind this rail will leave of them.
    """
    before, after, asked = plan.before, plan.after, plan.wanted
    real = seen.limits.threads.clamp(threads)
    if seen.learned.thread_ceiling is not None:
        real = min(real, seen.learned.thread_ceiling)

    def kept(was: int, now: int, wanted: int) -> int:
        return was if now < was and now * real < wanted * asked.threads else now

    return between(
        before,
        kept(before.min_replicas, after.min_replicas, asked.min_replicas),
        kept(before.max_replicas, after.max_replicas, asked.max_replicas),
        threads,
    )
