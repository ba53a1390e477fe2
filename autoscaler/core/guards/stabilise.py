"""Guard `stabilise`: raise to what was wanted throughout, lower to the most that was wanted.

The rule is the Kubernetes HPA's stabilisation with both windows, for each dial apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial, legal
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Stabilise:
    """Within 300 s, wishes for 4, 5 and now 3 lower to 5 and not to 3."""

    raise_window_s: float = field(
        default=0.0,
        metadata=meta("raise only to the least wanted in this time", unit="s", ge=0, le=3600),
    )
    lower_window_s: float = field(
        default=300.0,
        metadata=meta("lower only to the most wanted in this time", unit="s", ge=0, le=3600),
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:
        """The plan with each dial held back to what its window supports."""
        if not plan.moves:
            return plan
        stable = {dial: self._stable(plan, seen, dial) for dial in DIALS}
        return plan.move(
            legal(stable),
            "stabilise",
            lambda dial: self._why(plan, seen, dial),
        )

    def _why(self, plan: Plan, seen: Observation, dial: Dial) -> Reason:
        before, after = plan.before[dial], plan.after[dial]
        up = after > before
        window = self.raise_window_s if up else self.lower_window_s
        if seen.watched_since > seen.at - window:
            sentence = "it was not watched for {window:span} yet; {left:span} to wait"
            left = seen.watched_since + window - seen.at
        else:
            other = "less" if up else "more"
            sentence = f"{other} was wanted within the last {{window:span}}; {{left:span}} to wait"
            past = (
                wish.until
                for wish in seen.recommended
                if (wish.envelope[dial] < after) is up and wish.envelope[dial] != after
            )
            left = max(past, default=seen.at) + window - seen.at
        return because(Code.STABILISING, sentence, window=window, left=left)

    def _stable(self, plan: Plan, seen: Observation, dial: Dial) -> int:
        before, after = plan.before[dial], plan.after[dial]
        if after > before:
            return self._least(after, before, seen, dial)
        return self._most(after, before, seen, dial) if after < before else after

    def _least(self, after: int, before: int, seen: Observation, dial: Dial) -> int:
        start = seen.at - self.raise_window_s
        if self.raise_window_s > 0 and seen.watched_since > start:
            return before
        wanted = [r.envelope[dial] for r in seen.recommended if r.until > start]
        return max(before, min([after, *wanted])) if self.raise_window_s > 0 else after

    def _most(self, after: int, before: int, seen: Observation, dial: Dial) -> int:
        start = seen.at - self.lower_window_s
        if self.lower_window_s > 0 and seen.watched_since > start:
            # Nobody knows what was wanted before: the same caution as a full window.
            return before
        wanted = [r.envelope[dial] for r in seen.recommended if r.until > start]
        return min(before, max([after, *wanted])) if self.lower_window_s > 0 else after
