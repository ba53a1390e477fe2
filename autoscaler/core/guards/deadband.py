"""Guard `deadband`: a lowering too small to be worth a write does not happen."""

from __future__ import annotations

from dataclasses import dataclass, field

from autoscaler.core.envelope import DIALS, Dial
from autoscaler.core.guards.between import between
from autoscaler.core.observation import Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, Reason, because


@dataclass(frozen=True, slots=True)
class Deadband:
    """Ignore small changes; a share of 0.1 on a floor of 20 ignores changes of up to 2."""

    raise_share: float = field(
        default=0.0, metadata=meta("ignored raise, as a share of the dial", ge=0, lt=1)
    )
    lower_share: float = field(
        default=0.1, metadata=meta("ignored lowering, as a share of the dial", ge=0, lt=1)
    )

    def __post_init__(self) -> None:
        check_options(self)

    def shape(self, plan: Plan, seen: Observation) -> Plan:  # noqa: ARG002 - one signature
        """The plan with small changes taken back, each dial apart."""
        if not plan.moves:
            return plan
        kept = {dial: self._kept(plan, dial) for dial in DIALS}
        # A floor that is kept is not pulled down by a ceiling that goes further than it did.
        shaped = between(plan.before, *(kept[dial] for dial in DIALS))

        def why(dial: Dial) -> Reason:
            if dial is Dial.MAX_REPLICAS and kept[dial] == plan.after[dial]:
                sentence = "the ceiling stops at {floor}, the floor that is kept"
                return because(Code.DEADBAND, sentence, floor=shaped.min_replicas)
            return because(
                Code.DEADBAND,
                "{wanted} instead of {now} is too small a change to be worth a write",
                wanted=plan.after[dial],
                now=plan.before[dial],
            )

        return plan.move(shaped, "deadband", why)

    def _kept(self, plan: Plan, dial: Dial) -> int:
        before, after = plan.before[dial], plan.after[dial]
        share = self.raise_share if after > before else self.lower_share
        return before if abs(after - before) <= share * before else after
