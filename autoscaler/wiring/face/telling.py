"""What open pages are told of ticks, decisions, overrides and the trail of activities."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.ports import TickReport
from autoscaler.web.face import Asked, Controls, Records, Standing
from autoscaler.web.stream import Hub
from autoscaler.web.view import override_json

# A page reads the rows anew after a tick; single decisions are for those who watch.
MOST_DECISIONS = 100
MOST_ENTRIES = 100
ACTED = frozenset({Kind.APPLIED, Kind.REFUSED, Kind.FAILED})

Mark = tuple[Kind, str, Envelope, Envelope]


@dataclass(slots=True)
class Telling:
    """A listener that passes ticks and new decisions on to the hub."""

    hub: Hub
    _marks: dict[str, Mark] = field(default_factory=dict)
    _standing: dict[str | None, Standing] | None = None
    _seq: int | None = None

    def told(self, report: TickReport) -> None:
        """Tell of a tick and of what is new in it."""
        news = [one for one in report.decisions if self._is_new(one)]
        changed = sum(one.outcome.kind is Kind.APPLIED for one in news)
        self.hub.publish(
            "tick",
            {
                "group": report.group,
                "at": report.at,
                "took_s": report.took_s,
                "lag_s": report.lag_s,
                "decisions": len(report.decisions),
                "changed": changed,
            },
        )
        # What did something goes first when there is more than anybody can read.
        news.sort(key=lambda one: one.outcome.kind not in ACTED)
        for one in news[:MOST_DECISIONS]:
            self.hub.publish("decision", _line(one))

    def keep(self, names: Collection[str]) -> None:
        """Forget everybody who is not among `names`."""
        kept = frozenset(names)
        self._marks = {name: mark for name, mark in self._marks.items() if name in kept}

    async def look(self, controls: Controls, records: Records) -> None:
        """Tell of overrides and activities that came, by whichever way. Raises JournalError."""
        if not self.hub.listening:
            self._standing = self._seq = None
            return
        await self._look_at_words(controls)
        await self._look_at_activity(records)

    async def _look_at_words(self, controls: Controls) -> None:
        now = {one.id: one for one in await controls.standing()}
        before, self._standing = self._standing, now
        if before is None:
            return
        for ident in now.keys() - before.keys():
            told = {"action": "added", "override": override_json(now[ident])}
            self.hub.publish("override", told)
        for ident in before.keys() - now.keys():
            told = {"action": "ended", "override": override_json(before[ident])}
            self.hub.publish("override", told)

    async def _look_at_activity(self, records: Records) -> None:
        found = await records.activity(Asked(), None, MOST_ENTRIES)
        before, self._seq = self._seq, found[0].seq if found else 0
        for one in reversed(found):
            if before is not None and one.seq > before:
                self.hub.publish("activity", asdict(one))

    def _is_new(self, decision: Decision) -> bool:
        outcome, plan = decision.outcome, decision.plan
        mark = outcome.kind, outcome.reason.code, plan.before, plan.after
        if self._marks.get(decision.deployment) == mark and outcome.kind not in ACTED:
            return False
        self._marks[decision.deployment] = mark
        return True


def _line(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "deployment": decision.deployment,
        "kind": decision.outcome.kind.value,
        "code": decision.outcome.reason.code.value,
        "headline": decision.headline(),
        "at": decision.at,
    }
