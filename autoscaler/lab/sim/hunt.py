"""Plant one bug, run seeds until the witness finds something, and tell what it was."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.lab.sim.composition import Composition
from autoscaler.lab.sim.mutants import Mutant, planted
from autoscaler.lab.sim.run import live

# Small fleets, short days and foul weather: most bugs show within an hour of it.
SEEDS, DAYS, HARSH = 10, 0.12, 2.5


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the hunt for one mutant."""

    mutant: str
    deployment_days: float
    invariant: str
    """What noticed it; empty when nothing did that should have."""

    @property
    def caught(self) -> bool:
        """Whether it was found."""
        return bool(self.invariant)

    @property
    def line(self) -> str:
        """In one line."""
        if not self.caught:
            return f"{self.mutant}: NOT FOUND in {self.deployment_days:g} deployment-days"
        return f"{self.mutant}: {self.invariant}, {self.deployment_days:g} deployment-days"


def hunt(mutant: Mutant, composition: Composition, first: int, seeds: int = SEEDS) -> Found:
    """Up to so many seeds from `first` on; caught when an invariant that it should break breaks."""
    days = 0.0
    for seed in range(first, first + seeds):
        with planted(mutant):
            ended = live(
                seed,
                composition,
                days=DAYS,
                size=mutant.size,
                harsh=HARSH,
                brief=True,
                leaning=mutant.leaning,
            )
        days += ended.deployment_days
        broken = {sentence.partition(":")[0] for sentence in ended.broken}
        expected = sorted(broken.intersection(mutant.noticed_by))
        if expected:
            return Found(mutant.name, days, ", ".join(expected))
    return Found(mutant.name, days, "")
