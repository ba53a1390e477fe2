"""One line per decision that matters: changes, refusals, failures and new reasons, once each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.reason import Code
from autoscaler.ports import TickReport

# Reasons for leaving things as they are that come and go in normal work. They are counted.
CALM = frozenset(
    {
        Code.WITHIN_TOLERANCE,
        Code.LOAD_ABOVE_TARGET,
        Code.LOAD_BELOW_TARGET,
        Code.ALREADY_SO,
        Code.AS_PLANNED,
        Code.CONDITION_FALSE,
        Code.CEILING_BEATS_FLOOR,
        Code.CEILING_FOLLOWS_FLOOR,
        Code.DEADBAND,
        Code.STABILISING,
        Code.STEP_LIMIT,
        Code.COOLDOWN,
        Code.LIMITS,
        Code.THREAD_CEILING,
        Code.MODE_RAISE_ONLY,
        Code.MODE_OBSERVE,
        Code.NO_OPINION,
    }
)
STILL = frozenset({Kind.UNCHANGED, Kind.HELD})
TROUBLE = frozenset({Kind.REFUSED, Kind.FAILED})

# When the platform goes away, ten thousand deployments say so in the same tick.
LINES = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """What was last said of a deployment, and since when (Unix seconds)."""

    condition: str = ""
    since: float = 0.0
    failing: bool = False


NOTHING = Standing()


def condition(decision: Decision) -> str:
    """What makes a decision worth a line when it is new; empty for everyday work."""
    kind, code = decision.outcome.kind, decision.outcome.reason.code
    if kind in STILL and code in CALM:
        return ""
    said = f"{kind.value}:{code.value}"
    return f"{said}:{decision.plan.after}" if kind is Kind.RECOMMENDED else said


class DecisionLog:
    """A listener that writes the lines. What it leaves out is in `unwritten`, by outcome."""

    def __init__(self, log: FilteringBoundLogger | None = None) -> None:
        self._log: FilteringBoundLogger = log or structlog.get_logger("autoscaler.decisions")
        self._last: dict[str, Standing] = {}
        self.unwritten: Counter[str] = Counter()

    def told(self, report: TickReport) -> None:
        """Write what is new in a tick; at most 200 lines and then a count of the others."""
        lines, beyond = 0, Counter[str]()
        for decision in report.decisions:
            before = self._last.get(decision.deployment, NOTHING)
            now = condition(decision)
            applied = decision.outcome.kind is Kind.APPLIED
            if now == before.condition and not applied:
                self.unwritten[decision.outcome.kind.value] += 1
                continue
            self._remember(decision, now)
            if lines >= LINES and not applied:
                beyond[now.partition(":")[0] or "recovered"] += 1
                continue
            lines += 1
            self._write(decision, before)
        if beyond:
            self._log.warning("more decisions", group=report.group, **beyond)
        self._log.debug(
            "tick",
            group=report.group,
            decisions=len(report.decisions),
            took_s=round(report.took_s, 4),
            lag_s=round(report.lag_s, 4),
        )

    def keep(self, names: Collection[str]) -> None:
        """Forget every deployment that is not among `names`."""
        kept = frozenset(names)
        self._last = {name: last for name, last in self._last.items() if name in kept}

    def _remember(self, decision: Decision, now: str) -> None:
        # After a change the next quiet tick is no news, so a change leaves no condition behind.
        failing = decision.outcome.kind in TROUBLE
        quiet = decision.outcome.kind is Kind.APPLIED
        standing = Standing("" if quiet else now, decision.at, failing)
        if standing.condition:
            self._last[decision.deployment] = standing
        else:
            self._last.pop(decision.deployment, None)

    def _write(self, decision: Decision, before: Standing) -> None:
        outcome, plan = decision.outcome, decision.plan
        facts: dict[str, object] = {
            "deployment": decision.deployment,
            "group": decision.group,
            "outcome": outcome.kind.value,
            "reason": outcome.reason.code.value,
            "why": decision.headline(),
            "before": str(plan.before),
            "after": str(plan.after),
            "decision": decision.id,
        }
        if decision.trace:
            facts["trace"] = decision.trace
        if outcome.status is not None:
            facts["status"] = outcome.status
        if outcome.kind in TROUBLE:
            self._log.warning("decision", **facts)
            return
        if before.failing:
            facts["recovered_after_s"] = round(decision.at - before.since, 1)
        self._log.info("decision", **facts)
