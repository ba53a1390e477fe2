"""What can be told, how much it matters, and one piece of news."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How much it matters; a sink takes what is at least as severe as it asks for."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """The name as configurations and messages write it."""
        return self.name.lower()


class Topic(StrEnum):
    """What a message is about. Append only: filters and receivers name them."""

    APPLIED = "applied"
    REFUSED = "refused"
    FAILING = "failing"
    BLIND = "blind"
    POLICY_CRASHED = "policy_crashed"
    FLEET_ALARM = "fleet_alarm"
    BREAKER_OPEN = "breaker_open"
    RELOAD_FAILED = "reload_failed"
    OVERRIDE_ADDED = "override_added"
    OVERRIDE_ENDED = "override_ended"
    OVERRIDE_EXPIRING = "override_expiring"
    STARTED = "started"
    STOPPED = "stopped"
    TEST = "test"


SEVERITIES = {
    Topic.APPLIED: Severity.INFO,
    Topic.REFUSED: Severity.WARNING,
    Topic.FAILING: Severity.CRITICAL,
    Topic.BLIND: Severity.WARNING,
    Topic.POLICY_CRASHED: Severity.WARNING,
    Topic.FLEET_ALARM: Severity.CRITICAL,
    Topic.BREAKER_OPEN: Severity.CRITICAL,
    Topic.RELOAD_FAILED: Severity.WARNING,
    Topic.OVERRIDE_ADDED: Severity.INFO,
    Topic.OVERRIDE_ENDED: Severity.INFO,
    Topic.OVERRIDE_EXPIRING: Severity.WARNING,
    Topic.STARTED: Severity.INFO,
    Topic.STOPPED: Severity.INFO,
    Topic.TEST: Severity.INFO,
}

TITLES = {
    Topic.APPLIED: "a large change was made",
    Topic.REFUSED: "the platform refuses a change",
    Topic.FAILING: "changes fail again and again",
    Topic.BLIND: "there is nothing to decide on",
    Topic.POLICY_CRASHED: "a policy crashes",
    Topic.FLEET_ALARM: "nothing is lowered any more",
    Topic.BREAKER_OPEN: "the platform is not asked any more",
    Topic.RELOAD_FAILED: "the new configuration was refused",
    Topic.OVERRIDE_ADDED: "an operator's word is in force",
    Topic.OVERRIDE_ENDED: "an operator's word is no longer in force",
    Topic.OVERRIDE_EXPIRING: "an operator's word ends soon",
    Topic.STARTED: "the daemon started",
    Topic.STOPPED: "the daemon stops",
    Topic.TEST: "a test of this sink",
}


class State(StrEnum):
    """A thing that happened, or a condition that began or is over."""

    EVENT = "event"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class News:
    """One thing worth telling. `at` in Unix seconds; `text` is a sentence.

    `deployment` and `group` are empty for what concerns the daemon or the whole fleet.
    `decision` is the id of the decision that shows it, empty without one.
    """

    at: float
    topic: Topic
    state: State
    text: str
    deployment: str = ""
    group: str = ""
    decision: str = ""

    @property
    def severity(self) -> Severity:
        """How much it matters; that something is over is never more than information."""
        return Severity.INFO if self.state is State.RESOLVED else SEVERITIES[self.topic]
