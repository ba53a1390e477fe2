"""The search: settings over the whole space, then near the best of the first days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from autoscaler.lab.backtest import PolicySet, World
from autoscaler.lab.fromconfig import configured_set
from autoscaler.lab.tune.days import History, judged
from autoscaler.lab.tune.folds import Table, chosen, folds_of
from autoscaler.lab.tune.lines import Place, managed
from autoscaler.lab.tune.objective import Objective
from autoscaler.lab.tune.space import Candidate, near, spread

# The half of the budget that looks everywhere; the other half looks near the best.
WIDE = 0.5
TRIES = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What is searched for. `least` is the measure to minimise; `budget` counts evaluations."""

    goal: Objective
    least: str = "cost_vs_oracle"
    budget: int = 40
    seed: int = 1


@dataclass(slots=True)
class Found:
    """Settings that were evaluated, in order, with their days; whole or interrupted."""

    candidates: list[Candidate] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    complete: bool = False


Tell = Callable[[int, int, Candidate], None]


def search(
    histories: Sequence[History],
    place: Place,
    world: World,
    wish: Wish,
    kinds: Sequence[str],
    tell: Tell | None = None,
) -> Found:
    """Evaluate up to `wish.budget` settings; the same seed finds the same.

    Where to look next is told by days that every fold chooses on, never by days that one of
    them judges on. Ctrl-C ends it with what is done.
    """
    found = Found()
    try:
        for candidate in _candidates(found, wish, kinds):
            table = evaluated(candidate, histories, place, world)
            found.candidates.append(candidate)
            found.tables.append(table)
            if tell is not None:
                tell(len(found.tables), wish.budget, candidate)
    except KeyboardInterrupt:
        return found
    found.complete = True
    return found


def evaluated(
    candidate: Candidate, histories: Sequence[History], place: Place, world: World
) -> Table:
    """One setting over all histories, through the code that decides live."""
    configured = configured_set(
        candidate.name, managed(candidate, place), place.interval_s, world, (place.demand,)
    )
    return ran(configured.sets[0], histories, world)


def ran(policy_set: PolicySet, histories: Sequence[History], world: World) -> Table:
    """Any policy set over all histories."""
    return Table(tuple(judged(history, policy_set, world) for history in histories))


def _candidates(found: Found, wish: Wish, kinds: Sequence[str]) -> Iterator[Candidate]:
    rng = Random(wish.seed)
    wide = max(len(kinds), round(wish.budget * WIDE))
    seen: set[Candidate] = set()
    for candidate in spread(kinds, min(wide, wish.budget), rng):
        if candidate not in seen:
            seen.add(candidate)
            yield candidate
    while len(seen) < wish.budget:
        fresh = _fresh(found, wish, seen, rng)
        if fresh is None:
            return
        seen.add(fresh)
        yield fresh


def _fresh(found: Found, wish: Wish, seen: set[Candidate], rng: Random) -> Candidate | None:
    first = folds_of(found.tables[0].days)[0].before
    best = found.candidates[chosen(found.tables, first, wish.goal, wish.least)]
    for _ in range(TRIES):
        candidate = near(best, rng)
        if candidate not in seen:
            return candidate
    return None
