"""A fleet-wide outage: two thousand deployments, a handful of messages."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.observation import Absence, Missing, Signal
from autoscaler.core.reason import Code, Reason, because
from autoscaler.notify.bundle import Bundles
from autoscaler.notify.message import Message
from autoscaler.notify.news import News, State, Topic
from autoscaler.notify.watch import Watch
from autoscaler.ports import TickReport
from tests.fakes.decisions import decided
from tests.fakes.world import FakeClock

GROUPS, MEMBERS, TICK_S = 20, 100, 15.0
GONE = Missing(Absence.SOURCE_FAILED, "connection refused")


def fleet(group: int, at: float, *, down: bool) -> list[Decision]:
    kind = Kind.FAILED if down else Kind.UNCHANGED
    signals: dict[str, Signal] = {"load": GONE} if down else {}
    made = [decided(f"d{group}-{n}", at, kind, Code.PLATFORM_ERROR) for n in range(MEMBERS)]
    return [
        replace(d, group=f"g{group}", seen=replace(d.seen, signals=signals or d.seen.signals))
        for d in made
    ]


class Outage:
    """Two thousand deployments in twenty groups, seen by one watch and one sink."""

    def __init__(self) -> None:
        self.clock, self.messages, numbers = FakeClock(), list[Message](), count(1)
        self.bundles = Bundles(10.0, 300.0, lambda: f"msg_{next(numbers)}")
        self.down = False
        self.watch = Watch(self.take, self.clock, self.alarm)

    def take(self, news: News) -> None:
        self.bundles.take(news, self.clock.up)

    def alarm(self, _: str) -> Reason | None:
        return because(Code.FLEET_BLIND, "all blind") if self.down else None

    def run(self, ticks: int, *, down: bool) -> None:
        self.down = down
        self.watch.paced(1.0, breaker_open=down)
        for _ in range(ticks):
            for group in range(GROUPS):
                decisions = fleet(group, self.clock.at, down=down)
                report = TickReport(f"g{group}", self.clock.at, 0.1, 0.0, decisions)
                self.watch.told(report)
            self.clock.forward(TICK_S)
            self.messages += self.bundles.ready(self.clock.up)


def test_an_outage_of_two_thousand_deployments_is_told_in_a_handful_of_messages() -> None:
    scene = Outage()
    scene.run(2, down=False)
    assert scene.messages == []
    scene.run(20, down=True)
    begun = {(m.topic, m.state): m for m in scene.messages}
    assert begun.keys() == {
        (topic, State.FIRING)
        for topic in (Topic.FAILING, Topic.BLIND, Topic.FLEET_ALARM, Topic.BREAKER_OPEN)
    }
    assert len(scene.messages) == 4
    failing = begun[Topic.FAILING, State.FIRING]
    assert failing.count == GROUPS * MEMBERS
    assert len(failing.groups) == GROUPS
    scene.run(20, down=False)
    assert len(scene.messages) == 8
    assert all(m.state is State.RESOLVED for m in scene.messages[4:])


def test_an_outage_that_comes_and_goes_for_half_an_hour_does_not_make_more_of_them() -> None:
    scene = Outage()
    for _ in range(6):
        scene.run(10, down=True)
        scene.run(10, down=False)
    # Each phase lasts two and a half minutes.
    assert len(scene.messages) <= 16
