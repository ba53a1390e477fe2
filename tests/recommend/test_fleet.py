"""Who is in the fleet, and what its sources remember of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.core.decision import Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Absence, Health, Missing, Series
from autoscaler.core.reason import Code, because
from autoscaler.lab.history import CHUNK_S, Outcomes
from autoscaler.lab.recommend.fleet import read_fleet, subjects
from autoscaler.plugins import check
from autoscaler.ports import Live, Question, Reading, Unread
from autoscaler.roster import Group
from tests.fakes.configuration import ENVIRON, RID, text_of, written

MODEL = "ri.models.main.model.scorer"
DISCOVER = f"""groups:
  online:
    discover:
      - {{model_rid: {MODEL}, name: 'scorer-{{branch}}', include: ['release/*'], exclude: ['*/old']}}
"""
END = 1.7e9


@dataclass
class Foundry:
    """A platform that only tells."""

    lives: Sequence[Live] = ()

    async def read(self, rid: str) -> Live | Unread:
        found = [live for live in self.lives if live.rid == rid]
        return found[0] if found else Unread(because(Code.NOT_FOUND, "there is no such deployment"))

    async def find(self, model_rid: str, branch: str | None = None) -> Sequence[Live] | Unread:
        return [live for live in self.lives if live.model_rid == model_rid]

    async def apply(self, rid: str, before: Envelope, after: Envelope) -> Outcome:
        raise AssertionError("a recommendation writes nothing")

    def room(self, seconds: float) -> int:
        return 0

    async def close(self) -> None:
        pass


@dataclass
class Remembering:
    """A source with a past, which may lack days or fail."""

    watch: Outcomes
    labels: Sequence[str] = ("chat",)
    outcome: str = "success"
    asked: list[tuple[float, float]] = field(default_factory=list)

    async def read(self, question: Question, at: float) -> Reading | Missing:
        return Missing(Absence.SOURCE_FAILED, "the server answered 503")

    async def history(
        self, question: Question, start: float, end: float, step: float
    ) -> Mapping[str, Series]:
        self.asked.append((start, end))
        self.watch.queried("prom", self.outcome, 0.0)
        if self.outcome != "success":
            return {}
        times = tuple(start + index * step for index in range(int((end - start) / step) + 1))
        return {label: Series(times, (5.0,) * len(times)) for label in self.labels}

    async def close(self) -> None:
        pass


def live(rid: str, branch: str = "main") -> Live:
    health = Health("ACTIVE", is_ready=True)
    return Live(rid, Envelope(2, 8, 16), health, model_rid=MODEL, branch=branch)


def groups(folder: Path, **sections: str) -> tuple[Group, ...]:
    return check(written(folder, text_of(**sections)), ENVIRON)[1]


async def test_the_past_is_read_by_days_and_whole(tmp_path: Path) -> None:
    watch = Outcomes()
    source = Remembering(watch)
    found = await subjects(groups(tmp_path), Foundry([live(RID)]))
    start = END - 2.5 * CHUNK_S
    fleet = await read_fleet(found, {"prom": source}, watch, start, END)
    (case,) = fleet.cases
    assert case.current == Envelope(2, 8, 16)
    assert case.threads == 16
    assert abs(case.demand.days - 2.5) < 0.01
    assert case.demand.gap_share == 0
    assert len(source.asked) == 3
    assert all(end - begin <= CHUNK_S for begin, end in source.asked)


async def test_a_failing_source_is_the_reason_and_not_a_past_without_load(tmp_path: Path) -> None:
    watch = Outcomes()
    source = Remembering(watch, outcome="timeout")
    found = await subjects(groups(tmp_path), Foundry([live(RID)]))
    fleet = await read_fleet(found, {"prom": source}, watch, END - CHUNK_S, END)
    assert fleet.cases == ()
    assert fleet.unanswered == {
        "chat": "source prom did not answer for 1 of the days asked: the server answered 503"
    }


async def test_a_deployment_that_cannot_be_read_is_still_judged(tmp_path: Path) -> None:
    watch = Outcomes()
    found = await subjects(groups(tmp_path), Foundry())
    fleet = await read_fleet(found, {"prom": Remembering(watch)}, watch, END - CHUNK_S, END)
    (case,) = fleet.cases
    assert case.current is None
    assert "there is no such deployment" in case.note


async def test_discovered_deployments_are_named_by_their_branches(tmp_path: Path) -> None:
    branches = ("release/one", "release/old", "main")
    lives = [live(f"ri.x.main.live-deployment.{i}", name) for i, name in enumerate(branches)]
    told = await subjects(groups(tmp_path, groups=DISCOVER), Foundry(lives))
    assert [each.managed.name for each in told] == ["scorer-release/one"]
    assert told[0].managed.rid == lives[0].rid


async def test_who_is_not_in_the_answer_is_named(tmp_path: Path) -> None:
    watch = Outcomes()
    found = await subjects(groups(tmp_path), Foundry([live(RID)]))
    source = Remembering(watch, labels=("other",))
    fleet = await read_fleet(found, {"prom": source}, watch, END - CHUNK_S, END)
    assert fleet.unanswered == {"chat": "no series is labelled 'chat'"}
