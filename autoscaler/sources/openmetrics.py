"""Signals scraped directly from a target's exposition, without a Prometheus in between.

One scrape per tick answers every signal. Counters become rates, histograms quantiles and means,
over a window of scrapes kept here; a restart begins that window anew and says so (missing, not
zero), for a target keeps no history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from autoscaler.core.observation import Missing, Series
from autoscaler.ports import Clock, Question, Reading, SourceWatch
from autoscaler.sources.exposition.answer import ASKED, Asked, reading_of
from autoscaler.sources.exposition.query import Query
from autoscaler.sources.exposition.text import ACCEPT, Exposition, exposition_of
from autoscaler.sources.kind import SourceKind
from autoscaler.sources.outcome import outcome_of
from autoscaler.sources.wire.fetch import Failure, Fetcher
from autoscaler.sources.wire.options import HttpOptions

__all__ = ["SOURCE", "OpenMetrics", "OpenMetricsOptions", "Query", "build"]

SCRAPES_KEPT: Final = 4
"""Ticks whose scrape is remembered: groups tick at times of their own, side by side."""


@dataclass(frozen=True, slots=True)
class OpenMetricsOptions(HttpOptions):
    """A target that exposes Prometheus text or OpenMetrics at `url`."""


class OpenMetrics:
    """Reads signals from scrapes of one target."""

    def __init__(
        self, name: str, options: OpenMetricsOptions, watch: SourceWatch, clock: Clock
    ) -> None:
        self._name = name
        self._max_series = options.max_series
        self._watch = watch
        self._clock = clock
        self._fetcher = Fetcher(options)
        self._scrapes: dict[float, asyncio.Task[Exposition | Failure]] = {}
        self._asked: dict[tuple[Query, str], Asked] = {}

    async def read(self, question: Question, at: float) -> Reading | Missing:
        """The newest value per label value, from the scrape that belongs to `at`."""
        started = self._clock.monotonic()
        answer = await self._read(question, at)
        seconds = self._clock.monotonic() - started
        if isinstance(answer, Failure):
            self._watch.queried(self._name, answer.outcome, seconds)
            return answer.missing()
        self._watch.queried(self._name, outcome_of(answer), seconds)
        return answer

    async def history(
        self,
        question: Question,  # noqa: ARG002 - the protocol's signature
        start: float,  # noqa: ARG002 - likewise
        end: float,  # noqa: ARG002 - likewise
        step: float,  # noqa: ARG002 - likewise
    ) -> Mapping[str, Series]:
        """Nothing: a target tells only what is now."""
        return {}

    async def close(self) -> None:
        """Stop scrapes under way and let go of connections."""
        for scrape in self._scrapes.values():
            scrape.cancel()
        await asyncio.gather(*self._scrapes.values(), return_exceptions=True)
        await self._fetcher.close()

    async def _read(self, question: Question, at: float) -> Reading | Failure:
        query = question.query
        if not isinstance(query, Query):
            raise TypeError(f"signal {question.signal}: the query is not one of this source's")
        exposition = await self._scraped(at)
        if isinstance(exposition, Failure):
            return exposition
        asked = self._asked.get((query, question.label))
        if asked is None:
            asked = ASKED[query.kind](query, question.label)
            self._asked[query, question.label] = asked
        found = asked.values(exposition)
        if isinstance(found, Failure):
            return found
        return reading_of(found, exposition.at, at, question.max_age_s)

    async def _scraped(self, at: float) -> Exposition | Failure:
        scrape = self._scrapes.get(at)
        if scrape is None:
            scrape = asyncio.create_task(self._scrape(at))
            self._scrapes[at] = scrape
            for old in list(self._scrapes)[:-SCRAPES_KEPT]:
                if self._scrapes[old].done():
                    del self._scrapes[old]
        # One reader that is cancelled must not take the scrape from the others.
        return await asyncio.shield(scrape)

    async def _scrape(self, at: float) -> Exposition | Failure:
        body = await self._fetcher.get(ACCEPT)
        return body if isinstance(body, Failure) else exposition_of(body, at, self._max_series)


def build(name: str, options: OpenMetricsOptions, watch: SourceWatch, clock: Clock) -> OpenMetrics:
    """A source called `name`; connects at its first read. Raises ValueError for a bad ca_file."""
    return OpenMetrics(name, options, watch, clock)


SOURCE = SourceKind(options=OpenMetricsOptions, query=Query, build=build, shorthand="metric")
