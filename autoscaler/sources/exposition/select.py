"""The series of a scrape that a question is about."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from autoscaler.core.observation import Absence, Missing
from autoscaler.sources.exposition.query import Query
from autoscaler.sources.exposition.text import Exposition, Line
from autoscaler.sources.wire.fetch import Failure

Identity = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Selection:
    """The lines that match, by label value and identity.

    `faults` are label values that must not be believed; `sampled` is the newest time that the
    target itself gave per label value; `unlabelled` counts series that nobody can be given.
    """

    lines: dict[str, dict[Identity, Line]] = field(default_factory=dict)
    faults: dict[str, Missing] = field(default_factory=dict)
    sampled: dict[str, float] = field(default_factory=dict)
    unlabelled: int = 0

    def readings(self) -> Iterator[tuple[str, Identity, Line]]:
        """Every line with its label value and identity, faulty label values left out."""
        for value, series in self.lines.items():
            if value not in self.faults:
                for identity, line in series.items():
                    yield value, identity, line

    def _add(self, value: str, line: Line) -> None:
        series = self.lines.setdefault(value, {})
        identity = frozenset(line.labels.items())
        if identity in series:
            self.faults[value] = Missing(Absence.DUPLICATE, "a series is exposed twice")
        elif not math.isfinite(line.value):
            self.faults[value] = Missing(Absence.NOT_A_NUMBER, f"a value is {line.value}")
        series[identity] = line
        if line.at is not None:
            self.sampled[value] = max(line.at, self.sampled.get(value, line.at))


def select(exposition: Exposition, name: str, query: Query, label: str) -> Selection | Failure:
    """The samples called `name` that match `query.where`, by their value of `label`."""
    lines = exposition.samples(name)
    if isinstance(lines, Failure):
        return lines
    found = Selection()
    for line in lines:
        if any(line.labels.get(key, "") != wanted for key, wanted in query.where):
            continue
        if value := line.labels.get(label):
            found._add(value, line)  # noqa: SLF001 - the class's own factory
        else:
            found.unlabelled += 1
    if found.unlabelled and not found.lines:
        return Failure(f"none of the {found.unlabelled} series of {name} has the label {label!r}")
    return found
