"""Writes of unknown end of deployments that left the configuration: found out, or told."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from autoscaler.core.decision import Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code, because
from autoscaler.ports import Intent, Live, Unread
from autoscaler.runtime.orphans import Orphans
from tests.fakes.world import FakeClock, FakeJournal, FakePlatform
from tests.strategies import NOW

RID = "ri.a.b.c.gone"
BEFORE, AFTER, OTHER = Envelope(2, 4, 32), Envelope(4, 4, 32), Envelope(3, 9, 32)


def intent(ident: str = "d1", at: float = NOW - 600, rid: str = RID) -> Intent:
    return Intent(ident, at, "chat", rid, BEFORE, AFTER)


@dataclass
class Left:
    """A journal with an open intent of a deployment that nobody manages."""

    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    managed: set[str] = field(default_factory=set)
    reads: int = 0

    def __post_init__(self) -> None:
        self.platform = FakePlatform(self.clock)
        self.journal.open_intents = [intent()]
        self.orphans = Orphans(
            self.clock, self.journal, lambda: self.platform, lambda: self.managed
        )


@pytest.mark.parametrize(
    ("there", "kind", "code"),
    [
        (AFTER, Kind.APPLIED, Code.AS_PLANNED),
        (BEFORE, Kind.FAILED, Code.OUTCOME_UNKNOWN),
        (OTHER, Kind.FAILED, Code.DRIFTED),
    ],
)
async def test_one_reading_tells_what_came_of_it(there: Envelope, kind: Kind, code: Code) -> None:
    left = Left()
    left.platform.holds(RID, there)
    await left.orphans.look()
    ((_, outcome),) = left.journal.resolved
    assert (outcome.kind, outcome.reason.code) == (kind, code)
    assert [*left.orphans.left] == []
    assert left.platform.writes == []


async def test_those_that_are_managed_are_left_to_their_own_readings() -> None:
    left = Left(managed={RID})
    left.platform.holds(RID, AFTER)
    await left.orphans.look()
    assert left.journal.resolved == []
    assert [*left.orphans.left] == []


async def test_one_that_cannot_be_read_stays_open_and_is_told() -> None:
    left = Left()
    left.platform.down = True
    await left.orphans.look()
    assert [one.rid for one in left.orphans.left] == [RID]
    left.platform.down = False
    left.platform.holds(RID, AFTER)
    await left.orphans.look()
    assert [*left.orphans.left] == []
    assert len(left.journal.resolved) == 1


async def test_one_whose_deployment_is_deleted_ends_with_it() -> None:
    left = Left()

    async def read(rid: str) -> Live | Unread:
        return Unread(because(Code.NOT_FOUND, "there is no such deployment"))

    left.platform.read = read  # type: ignore[method-assign]  # a trashed deployment
    await left.orphans.look()
    ((_, outcome),) = left.journal.resolved
    assert (outcome.kind, outcome.reason.code) == (Kind.FAILED, Code.NOT_FOUND)


async def test_a_write_that_may_still_arrive_is_not_called_lost() -> None:
    left = Left()
    left.journal.open_intents = [intent(at=NOW - 2)]
    left.platform.holds(RID, BEFORE)
    await left.orphans.look()
    assert left.journal.resolved == []
    assert len(left.orphans.left) == 1


async def test_of_several_the_newest_speaks_for_the_deployment() -> None:
    left = Left()
    left.journal.open_intents = [intent("d1", NOW - 900), intent("d2")]
    left.platform.holds(RID, AFTER)
    await left.orphans.look()
    assert [one.decision_id for one, _ in left.journal.resolved] == ["d2"]


async def test_a_journal_that_is_away_is_asked_another_time() -> None:
    left = Left()
    left.platform.holds(RID, AFTER)
    left.journal.broken = True
    await left.orphans.look()
    assert len(left.orphans.left) == 1
    left.journal.broken = False
    await left.orphans.look()
    assert [*left.orphans.left] == []
