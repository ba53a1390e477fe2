"""From a wish and a history to a recommendation, and what it would not promise."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from autoscaler.lab.backtest import Actuator, World, hpa
from autoscaler.lab.tune.ask import Asked
from autoscaler.lab.tune.caveats import Caveat, of_deployments, of_figures, of_history
from autoscaler.lab.tune.days import Days
from autoscaler.lab.tune.folds import Figure, Table, Walk, chosen, figure, walk
from autoscaler.lab.tune.lines import text
from autoscaler.lab.tune.objective import shown
from autoscaler.lab.tune.search import Found, Tell, Wish, evaluated, ran, search
from autoscaler.lab.tune.space import AHEAD, REACTIVE, Candidate

HPA_TARGET = 0.7
UNSEEN = "as chosen before each day"
THIS = "this setting"
# What is told of every setting beside the objective.
ALWAYS = ("violations", "late", "cost_vs_oracle", "replica_hours", "actions_per_day")


@dataclass(frozen=True, slots=True)
class Row:
    """A scaler over the days on which nothing was chosen, by measure."""

    name: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of a search.

    `kept` is whether the recommended setting keeps the objective on the days it was chosen on.
    `rows` are over the same days: what was chosen before each of them, the recommended setting
    itself (which has seen them), what is configured now, and the HPA. `elsewhere` is the
    recommended setting under the other ways in which the platform may carry out an envelope.
    """

    wish: Wish
    asked: Asked
    found: Found
    best: Candidate
    kept: bool
    lines: str
    walked: Walk
    rows: tuple[Row, ...]
    elsewhere: Mapping[Actuator, Row] = field(default_factory=dict)
    caveats: tuple[Caveat, ...] = ()
    took_s: float = 0.0

    @property
    def agreeing(self) -> int:
        """Folds whose choice was the recommended setting."""
        return sum(self.found.candidates[i] == self.best for i in self.walked.choices)


class NothingEvaluatedError(Exception):
    """The search was interrupted before its first setting was evaluated."""


def tune(asked: Asked, wish: Wish, tell: Tell | None = None) -> Tuned:
    """Search, walk forward and tell. Ctrl-C gives the best so far.

    Raises NothingEvaluatedError.
    """
    began = time.monotonic()
    kinds = [REACTIVE, AHEAD] if all(span.daily for span in asked.spans) else [REACTIVE]
    histories, world = asked.histories, asked.world
    found = search(histories, asked.place, world, wish, kinds, tell)
    if not found.tables:
        raise NothingEvaluatedError("interrupted before the first setting was evaluated")
    everything = range(found.tables[0].days)
    index = chosen(found.tables, everything, wish.goal, wish.least)
    best, table = found.candidates[index], found.tables[index]
    walked = walk(found.tables, wish.goal, wish.least)
    kept = table.part(everything).over(wish.goal.measure, _all(table.part(everything)))
    rows = [_row(UNSEEN, walked.unseen, wish), _row(THIS, table.part(_judged(walked)), wish)]
    elsewhere: dict[Actuator, Row] = {}
    if found.complete:
        rows += _beside(asked, walked, wish)
        elsewhere = _elsewhere(asked, best, world, walked, wish)
    return Tuned(
        wish,
        asked,
        found,
        best,
        kept <= wish.goal.limit,
        text(best, asked.place),
        walked,
        tuple(rows),
        elsewhere,
        (*_caveats(asked, wish, walked, table, found), *_otherwise(wish, elsewhere)),
        time.monotonic() - began,
    )


def _all(days: Days) -> range:
    return range(int(days.values.shape[0]))


def _row(name: str, days: Days, wish: Wish) -> Row:
    measures = dict.fromkeys((wish.goal.measure, wish.least, *ALWAYS))
    return Row(name, {measure: figure(days, measure) for measure in measures})


def _beside(asked: Asked, walked: Walk, wish: Wish) -> list[Row]:
    """What is there now and the HPA, on the days on which the choices were judged."""
    sets = [*([asked.present] if asked.present is not None else []), hpa(HPA_TARGET)]
    days = _judged(walked)
    return [
        _row(each.name, ran(each, asked.histories, asked.world).part(days), wish) for each in sets
    ]


def _elsewhere(
    asked: Asked, best: Candidate, world: World, walked: Walk, wish: Wish
) -> dict[Actuator, Row]:
    found = {}
    for actuator in Actuator:
        if actuator is not world.actuator:
            there = replace(world, actuator=actuator)
            table = evaluated(best, asked.histories, asked.place, there)
            found[actuator] = _row(actuator.value, table.part(_judged(walked)), wish)
    return found


def _otherwise(wish: Wish, elsewhere: Mapping[Actuator, Row]) -> list[Caveat]:
    """Ways of the platform under which the setting would not keep the objective."""
    measure = wish.goal.measure
    found = []
    for actuator, row in elsewhere.items():
        value = row.figures[measure].value
        if value > wish.goal.limit:
            sentence = f"if {WAYS[actuator]}, {measure} would be {shown(measure, value)}"
            found.append(Caveat("other_actuator", sentence))
    return found


WAYS: Mapping[Actuator, str] = MappingProxyType(
    {
        Actuator.DIRECT: "the floor is the size",
        Actuator.ENVELOPE_EVICT: "a lowered ceiling evicts",
        Actuator.ENVELOPE_LINGER: "a lowered ceiling lingers",
    }
)


def _judged(walked: Walk) -> list[int]:
    return [day for fold in walked.folds for day in fold.after]


def _caveats(asked: Asked, wish: Wish, walked: Walk, best: Table, found: Found) -> Sequence[Caveat]:
    caveats = of_figures(wish.goal, walked.figure(wish.goal.measure), len(_judged(walked)))
    caveats += of_deployments(wish.goal, [h.name for h in asked.histories], best.each)
    for history, span in zip(asked.histories, asked.spans, strict=True):
        caveats += of_history(history, span, asked.world)
    caveats += asked.caveats
    if not all(span.daily for span in asked.spans):
        sentence = "a forecast was not tried: below 3 days nothing shows the time of day"
        caveats.append(Caveat("no_days", sentence))
    if not found.complete:
        done, asked_for = len(found.tables), wish.budget
        sentence = f"interrupted: {done} of {asked_for} settings were evaluated"
        caveats.append(Caveat("interrupted", sentence))
    cold = f"every start was taken to last {asked.world.cold_start_s:g} s and to succeed"
    return [*caveats, Caveat("cold_start", cold)]
