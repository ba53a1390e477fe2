"""Two Prometheus servers of a world: what is true, what they make of it, what they were asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson

from autoscaler.lab.sim.fleet import JOBS, QUERIES, Fleet
from autoscaler.lab.sim.net import Answer, Fate, Request
from autoscaler.lab.sim.record import Record, Served
from autoscaler.lab.sim.weather import Lie, Weather
from autoscaler.lab.sim.world import EPOCH, World
from autoscaler.sources.prometheus import Query

SCRAPE_S = 15.0
# The client gives up after 3 s; nothing of the weather's delays lies between.
PATIENCE_S = 3.0
# No answer is later than this, and so many questions are remembered without looking at their age.
LATE_S, WAITING = 120.0, 64

Asked = tuple[str, str]
"""A signal and the group that asks for it."""
_VALUE: dict[str, Asked] = {promql: asked for asked, promql in QUERIES.items()}
_AGE: dict[str, Asked] = {}
for _asked, _promql in QUERIES.items():
    _age = Query.parse(_promql).age_query("deployment")
    assert _age is not None  # noqa: S101 - both have a plain selector
    _AGE[_age.promql] = _asked


@dataclass(slots=True)
class Scraped:
    """Satisfies `net.Service`. `name` is the weather that it lives in."""

    world: World
    fleet: Fleet
    record: Record
    weather: Weather
    name: str
    _served: dict[int, Served] = field(default_factory=dict)

    def fate(self, request: Request) -> Fate:
        """What becomes of a question; it is written down as it leaves."""
        fate = self.weather.fate(self.name, "POST")
        if request.path == "/api/v1/query":
            promql, now = _form(request).get("query", ""), self.world.now
            part = "value" if promql in _VALUE else "age"
            signal, group = (_VALUE if part == "value" else _AGE)[promql]
            served = Served(signal, group, part, now)
            if len(self._served) > WAITING:  # those that never got their answer
                self._served = {n: s for n, s in self._served.items() if s.asked > now - LATE_S}
            self._served[request.number] = self.record.question(served)
        self.world.log("ask", self.name, *fate.told())
        return fate

    def answer(self, request: Request) -> Answer:
        """The truth, or what the weather makes of it."""
        served = self._served.get(request.number)
        instead = self.weather.instead(self.name, "POST")
        if instead is not None and not instead.acts:
            return instead.answer()
        if served is None:
            return _success("matrix", self._past(_form(request)))
        lie, warned = self.weather.lie(self.name), self.weather.warned(self.name)
        rows = self._rows(served, lie)
        served.partial = warned
        return _success("vector", rows, warned=warned)

    def delivered(self, request: Request, answer: Answer, *, whole: bool) -> None:
        """Known to the daemon, when it still waited."""
        served = self._served.pop(request.number, None)
        if served is not None and whole and answer.status == 200:  # noqa: PLR2004 - HTTP OK
            served.delivered = self.world.now - served.asked < PATIENCE_S

    def _rows(self, served: Served, lie: Lie | None) -> list[dict[str, Any]]:
        now, ages = self.world.now, served.part == "age"
        scraped, at = now - (now % SCRAPE_S) + EPOCH, now + EPOCH
        rows: list[dict[str, Any]] = []
        served.sensible = True
        for member in self.fleet.members:
            name, sampled = member.name, scraped
            value = 0.0 if ages else self._truth(served.signal, name)
            times = 1
            if lie is not None and lie.strikes(name):
                value, sampled = lie.value(value), scraped + lie.shift_s
                if lie.kind != "zero":
                    served.wrong.add(name)
                elif self._truth(served.signal, name):
                    served.lied.add(name)
                times = {"absent": 0, "twice": 2}.get(lie.kind, 1)
            shown = repr(sampled if ages else value)
            rows += [{"metric": {"deployment": name}, "value": [at, shown]}] * times
        return rows

    def _truth(self, signal: str, name: str) -> float:
        return self.fleet.jobs(name, self.world.now) if signal == JOBS else 0.01

    def _past(self, form: dict[str, str]) -> list[dict[str, Any]]:
        signal, _ = _VALUE[form["query"]]
        start, end, step = (float(form[key]) for key in ("start", "end", "step"))
        count = int((end - start) / step) + 1
        rows = []
        for member in self.fleet.members:
            values = [
                [at, str(self.fleet.jobs(member.name, at - EPOCH) if signal == JOBS else 0.01)]
                for at in (start + step * turn for turn in range(count))
                if at - EPOCH > 0
            ]
            rows.append({"metric": {"deployment": member.name}, "values": values})
        return rows


def _form(request: Request) -> dict[str, str]:
    return {key: texts[0] for key, texts in parse_qs(request.body.decode()).items()}


def _success(kind: str, rows: list[dict[str, Any]], *, warned: bool = False) -> Answer:
    body: dict[str, Any] = {"status": "success", "data": {"resultType": kind, "result": rows}}
    if warned:
        body["warnings"] = ["a store is away: partial response"]
    return Answer(200, orjson.dumps(body))
