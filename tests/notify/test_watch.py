"""What is news, when it begins, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Absence, Control, Missing, Override, Series
from autoscaler.core.plan import Vote
from autoscaler.core.proposal import Abstain
from autoscaler.core.reason import Code, Reason, because
from autoscaler.notify.news import News, State, Topic
from autoscaler.notify.watch import Watch
from autoscaler.ports import TickReport
from tests.fakes.decisions import decided
from tests.fakes.world import FakeClock
from tests.strategies import NOW

ALARM = because(Code.FLEET_BLIND, "80 % of the group have no data")


class Scene:
    """A watch, what it tells, and a tick every 15 seconds."""

    def __init__(self) -> None:
        self.news: list[News] = []
        self.alarm: Reason | None = None
        self.at = NOW
        self.watch = Watch(self.news.append, FakeClock(), lambda _: self.alarm)

    def tick(self, *decisions: Decision, after: float = 15.0, group: str = "online") -> None:
        self.at += after
        dated = [replace(d, at=self.at) for d in decisions]
        self.watch.told(TickReport(group, self.at, 0.1, 0.0, dated))

    def heard(self) -> list[tuple[Topic, State]]:
        found = [(one.topic, one.state) for one in self.news]
        self.news.clear()
        return found


def ended(kind: Kind, code: Code = Code.PLATFORM_ERROR) -> Decision:
    return decided(kind=kind, code=code)


def told_of(signals: dict[str, Missing | Series]) -> Decision:
    made = decided()
    return replace(made, seen=replace(made.seen, signals=signals))


def said(words: Sequence[Override], name: str = "chat") -> Decision:
    made = decided(name)
    return replace(made, seen=replace(made.seen, overrides=tuple(words)))


def grown(low: int, high: int) -> Decision:
    return decided(
        kind=Kind.APPLIED,
        code=Code.AS_PLANNED,
        before=Envelope(4, 10, 32),
        after=Envelope(low, high, 32),
    )


GONE = Missing(Absence.SOURCE_FAILED, "connection refused")
THERE = Series((NOW,), (1.0,))


def test_everyday_decisions_are_no_news() -> None:
    scene = Scene()
    for kind in (Kind.UNCHANGED, Kind.HELD, Kind.DEFERRED, Kind.RECOMMENDED):
        scene.tick(ended(kind))
    assert scene.heard() == []


def test_a_large_change_is_news_and_a_step_of_one_is_not() -> None:
    scene = Scene()
    scene.tick(grown(5, 10))
    assert scene.heard() == []
    scene.tick(grown(8, 10))
    assert scene.heard() == [(Topic.APPLIED, State.EVENT)]
    scene.tick(grown(4, 4))
    assert scene.heard() == [(Topic.APPLIED, State.EVENT)]


def test_a_refusal_is_told_once_and_so_is_its_end() -> None:
    scene = Scene()
    for _ in range(5):
        scene.tick(ended(Kind.REFUSED, Code.PERMISSION_DENIED))
    assert scene.heard() == [(Topic.REFUSED, State.FIRING)]
    scene.tick(ended(Kind.HELD))
    assert scene.heard() == []
    scene.tick(ended(Kind.APPLIED, Code.AS_PLANNED))
    assert scene.heard() == [(Topic.REFUSED, State.RESOLVED)]


def test_two_failures_are_everyday_and_three_in_a_row_are_not() -> None:
    scene = Scene()
    scene.tick(ended(Kind.FAILED))
    scene.tick(ended(Kind.FAILED))
    scene.tick(ended(Kind.UNCHANGED))
    scene.tick(ended(Kind.FAILED))
    scene.tick(ended(Kind.FAILED))
    assert scene.heard() == []
    scene.tick(ended(Kind.FAILED))
    assert "failed 3 times in a row" in scene.news[0].text
    assert scene.heard() == [(Topic.FAILING, State.FIRING)]


def test_a_condition_that_flaps_is_told_once_in_a_quarter_of_an_hour() -> None:
    scene = Scene()
    for _ in range(20):
        scene.tick(ended(Kind.REFUSED))
        scene.tick(ended(Kind.UNCHANGED))
    assert scene.heard() == [(Topic.REFUSED, State.FIRING), (Topic.REFUSED, State.RESOLVED)]
    scene.tick(ended(Kind.REFUSED), after=600.0)
    assert scene.heard() == [(Topic.REFUSED, State.FIRING)]


def test_a_deployment_without_any_data_is_blind_after_a_minute() -> None:
    scene = Scene()
    for _ in range(4):
        scene.tick(told_of({"load": GONE}))
    assert scene.heard() == []
    scene.tick(told_of({"load": GONE}))
    assert "signal load is missing: source_failed" in scene.news[0].text
    assert scene.heard() == [(Topic.BLIND, State.FIRING)]
    scene.tick(told_of({"load": THERE}))
    assert scene.heard() == [(Topic.BLIND, State.RESOLVED)]


def test_one_signal_of_two_is_enough_to_see() -> None:
    scene = Scene()
    for _ in range(20):
        scene.tick(told_of({"load": THERE, "errors": GONE}))
    assert scene.heard() == []


def test_a_deployment_that_asks_for_no_signals_is_not_blind() -> None:
    scene = Scene()
    for _ in range(20):
        scene.tick(told_of({}))
    assert scene.heard() == []


def test_a_policy_that_crashes_is_news() -> None:
    scene, made = Scene(), decided()
    crashed = Vote("load", Abstain(because(Code.POLICY_CRASHED, "KeyError")), shadow=False)
    scene.tick(replace(made, plan=replace(made.plan, votes=(crashed,))))
    assert scene.news[0].text.startswith("policy load: ")
    scene.tick(made)
    assert scene.heard() == [
        (Topic.POLICY_CRASHED, State.FIRING),
        (Topic.POLICY_CRASHED, State.RESOLVED),
    ]


def test_an_alarm_of_the_fleet_is_told_with_its_group() -> None:
    scene = Scene()
    scene.alarm = ALARM
    scene.tick(decided())
    scene.tick(decided())
    assert (scene.news[0].group, scene.news[0].deployment) == ("online", "")
    assert scene.heard() == [(Topic.FLEET_ALARM, State.FIRING)]
    scene.alarm = None
    scene.tick(decided())
    assert scene.heard() == [(Topic.FLEET_ALARM, State.RESOLVED)]


def test_the_breaker_is_told_when_it_opens_and_when_it_closes() -> None:
    scene = Scene()
    for opened in (False, True, True, False):
        scene.watch.paced(1.0, breaker_open=opened)
    assert scene.heard() == [
        (Topic.BREAKER_OPEN, State.FIRING),
        (Topic.BREAKER_OPEN, State.RESOLVED),
    ]


def test_a_configuration_that_stays_bad_is_told_once() -> None:
    scene = Scene()
    scene.watch.reload_failed("groups: must be a map")
    scene.watch.reload_failed("groups: must be a map")
    scene.watch.reloaded()
    assert scene.heard() == [
        (Topic.RELOAD_FAILED, State.FIRING),
        (Topic.RELOAD_FAILED, State.RESOLVED),
    ]


def test_an_operators_word_is_told_for_all_it_concerns_at_once() -> None:
    scene = Scene()
    pause = Override(Control.PAUSE, "alice", "load test", NOW + 7200)
    names = [f"d{number}" for number in range(50)]
    scene.tick(*(said((), name) for name in names))
    scene.tick(*(said((pause,), name) for name in names))
    scene.tick(*(said((pause,), name) for name in names))
    assert scene.news[0].text.startswith("pause by alice, until ")
    assert scene.news[0].text.endswith("(load test) for d0 and 49 more")
    assert scene.heard() == [(Topic.OVERRIDE_ADDED, State.EVENT)]
    scene.tick(*(said((), name) for name in names))
    assert scene.heard() == [(Topic.OVERRIDE_ENDED, State.EVENT)]


def test_a_word_for_two_groups_is_one_word() -> None:
    scene = Scene()
    pause = Override(Control.PAUSE, "alice", "load test")
    for group in ("online", "batch"):
        scene.tick(said(()), group=group)
    for group in ("online", "batch"):
        scene.tick(said((pause,)), group=group)
    assert scene.heard() == [(Topic.OVERRIDE_ADDED, State.EVENT)]
    scene.tick(said(()), group="online")
    assert scene.heard() == []
    scene.tick(said(()), group="batch")
    assert scene.heard() == [(Topic.OVERRIDE_ENDED, State.EVENT)]


def test_what_is_in_force_at_the_start_is_no_news() -> None:
    scene = Scene()
    scene.tick(said((Override(Control.PAUSE, "alice", "load test"),)))
    assert scene.heard() == []


def test_an_end_that_comes_soon_is_told_once_unless_the_word_was_short() -> None:
    scene = Scene()
    long = Override(Control.PAUSE, "alice", "long", NOW + 3600)
    scene.tick(said((long,)))
    scene.tick(said((long,)), after=3000.0)
    scene.tick(said((long,)))
    assert scene.heard() == [(Topic.OVERRIDE_EXPIRING, State.EVENT)]
    short = Override(Control.PAUSE, "alice", "short", scene.at + 300)
    scene.tick(said((short,)))
    scene.tick(said((short,)))
    assert (Topic.OVERRIDE_EXPIRING, State.EVENT) not in scene.heard()


def test_a_deployment_that_left_is_forgotten() -> None:
    scene = Scene()
    scene.tick(ended(Kind.REFUSED))
    scene.watch.keep([])
    scene.tick(ended(Kind.UNCHANGED))
    assert scene.heard() == [(Topic.REFUSED, State.FIRING)]
