"""From ticks, the platform's state and reloads to news. A listener; quick, and silent in calm."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.observation import Missing
from autoscaler.core.proposal import BROKEN, Abstain
from autoscaler.core.reason import Code, Reason
from autoscaler.notify.conditions import Conditions, news_of
from autoscaler.notify.news import News, State, Topic
from autoscaler.notify.words import Words
from autoscaler.ports import Clock, TickReport

FAILURES = 3
"""So many failures in a row are worth waking somebody."""
BLIND_S = 60.0
"""A deployment without any signal or reading for so long is blind; shorter gaps are everyday."""
BIG_SHARE = 0.5
BIG_STEP = 2
"""A change of the floor or the ceiling is large from half of it on, and from two replicas on."""

WELL = frozenset({Kind.APPLIED, Kind.UNCHANGED, Kind.RECOMMENDED})
OF_DEPLOYMENTS = (Topic.REFUSED, Topic.FAILING, Topic.BLIND, Topic.POLICY_CRASHED)
PLATFORM = "platform"
CONFIGURATION = "configuration"

Alarm = Callable[[str], Reason | None]
"""Why nothing in a group is lowered; None when all is well."""


class Watch:
    """Satisfies `ports.Listener` and `ports.PlatformWatch`; hands every piece of news to `tell`."""

    def __init__(self, tell: Callable[[News], None], clock: Clock, alarm: Alarm) -> None:
        self._tell = tell
        self._clock = clock
        self._alarm = alarm
        self._conditions = Conditions(tell)
        self._words = Words(tell)
        self._failures: dict[str, int] = {}
        self._blind_since: dict[str, float] = {}

    def told(self, report: TickReport) -> None:
        """Hear of a tick."""
        for decision in report.decisions:
            self._ended(decision)
            self._saw(decision)
            self._judged(decision)
        self._words.told(report)
        reason = self._alarm(report.group)
        over = reason is None
        text = "lowering is allowed again" if reason is None else str(reason)
        news = news_of(Topic.FLEET_ALARM, report.at, text, over=over, group=report.group)
        self._is(report.group, news, holds=not over)

    def keep(self, names: Collection[str]) -> None:
        """Forget every deployment that is not among `names`."""
        kept = frozenset(names)
        self._conditions.keep(OF_DEPLOYMENTS, kept)
        for known in (self._failures, self._blind_since):
            for gone in known.keys() - kept:
                del known[gone]

    def reload_failed(self, problem: str) -> None:
        """A configuration was refused; the one before it stays."""
        news = news_of(Topic.RELOAD_FAILED, self._clock.now(), problem)
        self._is(CONFIGURATION, news, holds=True)

    def reloaded(self) -> None:
        """A configuration was taken over."""
        news = news_of(
            Topic.RELOAD_FAILED, self._clock.now(), "a configuration was taken over", over=True
        )
        self._is(CONFIGURATION, news, holds=False)

    def started(self, text: str) -> None:
        """The daemon runs."""
        self._tell(News(self._clock.now(), Topic.STARTED, State.EVENT, text))

    def stopping(self) -> None:
        """The daemon ends in order."""
        text = "the daemon stops; the platform goes on inside the envelopes as they are"
        self._tell(News(self._clock.now(), Topic.STOPPED, State.EVENT, text))

    def _is(self, subject: str, news: News, *, holds: bool) -> None:
        if holds:
            self._conditions.holds(subject, news)
        else:
            self._conditions.over(subject, replace(news, state=State.RESOLVED))

    # --- decisions ------------------------------------------------------------------------------

    def _ended(self, decision: Decision) -> None:
        kind, name = decision.outcome.kind, decision.deployment
        if kind is Kind.APPLIED and _big(decision):
            text = decision.headline()
            self._tell(_news(decision, Topic.APPLIED, text, State.EVENT))
        if kind is Kind.REFUSED:
            self._about(decision, Topic.REFUSED, str(decision.outcome.reason), holds=True)
        elif kind is Kind.FAILED:
            failures = self._failures[name] = self._failures.get(name, 0) + 1
            if failures >= FAILURES:
                text = f"failed {failures} times in a row: {decision.outcome.reason}"
                self._about(decision, Topic.FAILING, text, holds=True)
        elif kind in WELL:
            self._failures.pop(name, None)
            for topic in (Topic.REFUSED, Topic.FAILING):
                if self._conditions.holding(topic, name):
                    self._about(decision, topic, str(decision.outcome.reason), holds=False)

    def _saw(self, decision: Decision) -> None:
        name, why = decision.deployment, _blind(decision)
        if not why:
            if self._blind_since.pop(name, None) is not None:
                self._about(decision, Topic.BLIND, "there is data again", holds=False)
            return
        since = self._blind_since.setdefault(name, decision.at)
        if decision.at - since >= BLIND_S:
            self._about(decision, Topic.BLIND, why, holds=True)

    def _judged(self, decision: Decision) -> None:
        for vote in decision.plan.votes:
            if isinstance(vote.answer, Abstain) and vote.answer.reason.code in BROKEN:
                text = f"policy {vote.policy}: {vote.answer.reason}"
                self._about(decision, Topic.POLICY_CRASHED, text, holds=True)
                return
        if self._conditions.holding(Topic.POLICY_CRASHED, decision.deployment):
            text = "all policies answer again"
            self._about(decision, Topic.POLICY_CRASHED, text, holds=False)

    def _about(self, decision: Decision, topic: Topic, text: str, *, holds: bool) -> None:
        news = _news(decision, topic, text, State.FIRING)
        self._is(decision.deployment, news, holds=holds)

    # --- PlatformWatch --------------------------------------------------------------------------

    def requested(self, operation: str, status: str, seconds: float) -> None:
        """Single requests are counted elsewhere."""

    def retried(self, operation: str, cause: str) -> None:
        """Likewise."""

    def waited(self, seconds: float) -> None:
        """Likewise."""

    def paced(self, requests_per_second: float, *, breaker_open: bool) -> None:  # noqa: ARG002 - the protocol's signature
        """The breaker opened or closed."""
        text = (
            "too many requests to the platform failed in a row; nothing is read or written for now"
            if breaker_open
            else "the platform answers again"
        )
        news = news_of(Topic.BREAKER_OPEN, self._clock.now(), text, over=not breaker_open)
        self._is(PLATFORM, news, holds=breaker_open)

    def skewed(self, seconds: float) -> None:
        """A metric and an alert tell."""


def _news(decision: Decision, topic: Topic, text: str, state: State) -> News:
    return News(decision.at, topic, state, text, decision.deployment, decision.group, decision.id)


def _big(decision: Decision) -> bool:
    before, after = decision.plan.before, decision.outcome.actual or decision.plan.after
    pairs = (
        (before.min_replicas, after.min_replicas),
        (before.max_replicas, after.max_replicas),
    )
    return any(abs(new - old) >= max(BIG_STEP, BIG_SHARE * old) for old, new in pairs)


def _blind(decision: Decision) -> str:
    """Why there is nothing to decide on; empty when there is something."""
    if decision.outcome.reason.code is Code.NO_READING:
        return str(decision.outcome.reason)
    signals = decision.seen.signals
    missing = [(name, s) for name, s in signals.items() if isinstance(s, Missing)]
    if not missing or len(missing) < len(signals):
        return ""
    name, first = missing[0]
    detail = f" ({first.detail})" if first.detail else ""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"signal {name}{more} is missing: {first.why.value}{detail}"
