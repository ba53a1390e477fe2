"""Signals by PromQL, from Prometheus and whatever speaks its HTTP API.

One instant query per signal answers for the whole group; a second one, at the same time, tells
how old the samples really are (see `promql.expression`). The two are evaluated some
milliseconds apart, each at the server's own clock: only so does a skewed clock show, as stale
samples or as samples from the future. Between the two a scrape may land; the age is then that
of the newer sample.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.core.observation import Missing, Series
from autoscaler.ports import Clock, Question, Reading, SourceWatch
from autoscaler.sources.kind import SourceKind
from autoscaler.sources.outcome import outcome_of
from autoscaler.sources.promql.answer import Ages, Rows, ages_of, keyed, reading_of, rows_of
from autoscaler.sources.promql.expression import AgeQuery, Query
from autoscaler.sources.promql.past import MOST_POINTS, Grid, Past
from autoscaler.sources.wire.fetch import Failure, Fetcher
from autoscaler.sources.wire.options import HttpOptions

__all__ = ["SOURCE", "Prometheus", "PrometheusOptions", "Query", "build"]


@dataclass(frozen=True, slots=True)
class PrometheusOptions(HttpOptions):
    """A server of the Prometheus HTTP API; `url` is what comes before /api/v1."""

    def __post_init__(self) -> None:
        HttpOptions.__post_init__(self)
        if "?" in self.url:
            raise ValueError(f"url must not have a query, got {self.url!r}")


class Prometheus:
    """Reads signals by instant queries and their past by range queries."""

    def __init__(
        self, name: str, options: PrometheusOptions, watch: SourceWatch, clock: Clock
    ) -> None:
        self._name = name
        self._options = options
        self._watch = watch
        self._clock = clock
        self._fetcher = Fetcher(options)

    async def read(self, question: Question, at: float) -> Reading | Missing:
        """The newest sample per label value, with its true age."""
        started = self._clock.monotonic()
        answer = await self._read(_query(question), question, at)
        seconds = self._clock.monotonic() - started
        if isinstance(answer, Failure):
            self._watch.queried(self._name, answer.outcome, seconds)
            return answer.missing()
        self._watch.queried(self._name, outcome_of(answer), seconds)
        return answer

    async def history(
        self, question: Question, start: float, end: float, step: float
    ) -> Mapping[str, Series]:
        """Past values on a grid of `step` seconds, each at its evaluation's time.

        Values that are no numbers are gaps; label values with several series are left out. An
        answer beyond the size limit is asked for in halves. Empty when any part fails: a past
        with a hole would look like a past without load.
        """
        started = self._clock.monotonic()
        grid = Grid.over(start, end, step)
        past = Past(question.label)
        failure = await self._collect(_query(question).promql, grid, past) if grid else None
        found = {} if failure else past.series()
        outcome = failure.outcome if failure else ("success" if found else "empty")
        self._watch.queried(self._name, outcome, self._clock.monotonic() - started)
        return found

    async def close(self) -> None:
        """Let go of connections."""
        await self._fetcher.close()

    async def _read(self, query: Query, question: Question, at: float) -> Reading | Failure:
        label, age_query = question.label, query.age_query(question.label)
        rows, ages = await asyncio.gather(
            self._instant(query.promql), self._ages(age_query, question.label)
        )
        if isinstance(rows, Failure):
            return rows
        found = keyed(rows.rows, label)
        if isinstance(found, Failure):
            return found
        told: Ages | None = None
        complete = rows.complete
        if ages is not None:
            if isinstance(ages, Failure):
                return Failure(f"the samples' age is unknown: {ages.detail}", ages.outcome)
            told, age_complete = ages
            complete = complete and age_complete
        return reading_of(found, told, at, question.max_age_s, complete=complete)

    async def _ages(self, query: AgeQuery | None, label: str) -> tuple[Ages, bool] | Failure | None:
        if query is None:
            return None
        rows = await self._instant(query.promql)
        if isinstance(rows, Failure):
            return rows
        ages = ages_of(rows.rows, label, query.inputs)
        return ages if isinstance(ages, Failure) else (ages, rows.complete)

    async def _instant(self, promql: str) -> Rows | Failure:
        return await self._ask("/api/v1/query", "vector", {"query": promql})

    async def _range(self, promql: str, grid: Grid) -> Rows | Failure:
        form = {
            "query": promql,
            "start": repr(grid.start),
            "end": repr(grid.end),
            "step": repr(grid.step),
        }
        return await self._ask("/api/v1/query_range", "matrix", form)

    async def _ask(self, path: str, kind: str, form: dict[str, str]) -> Rows | Failure:
        # The server stops at our deadline too, and does not go on for nobody.
        deadline = f"{math.ceil(self._options.timeout_s * 1000)}ms"
        body = await self._fetcher.post(path, form | {"timeout": deadline})
        if isinstance(body, Failure):
            return body
        return rows_of(body, kind, self._options.max_series, self._fetcher.quote)

    async def _collect(self, promql: str, grid: Grid, past: Past) -> Failure | None:
        pending = [grid]
        while pending:
            part = pending.pop()
            if part.points > MOST_POINTS:
                pending += reversed(part.halves())
                continue
            rows = await self._range(promql, part)
            if isinstance(rows, Failure) and rows.too_large and part.points > 1:
                pending += reversed(part.halves())
                continue
            failure = rows if isinstance(rows, Failure) else past.add(rows)
            if failure:
                return failure
        return None


def _query(question: Question) -> Query:
    if not isinstance(question.query, Query):
        raise TypeError(f"signal {question.signal}: the query is not one of this source's")
    return question.query


def build(name: str, options: PrometheusOptions, watch: SourceWatch, clock: Clock) -> Prometheus:
    """A source called `name`; connects at its first query. Raises ValueError for a bad ca_file."""
    return Prometheus(name, options, watch, clock)


SOURCE = SourceKind(options=PrometheusOptions, query=Query, build=build, shorthand="promql")
