"""The activity: everything that happened, each entry sealed to the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What an entry tells of. Append only: exports and filters name them.

    The first seven are how a decision ended, by the same names.
    """

    APPLIED = "applied"
    RECOMMENDED = "recommended"
    DEFERRED = "deferred"
    HELD = "held"
    REFUSED = "refused"
    FAILED = "failed"
    UNCHANGED = "unchanged"
    DRIFT = "drift"
    OVERRIDE_ADDED = "override_added"
    OVERRIDE_ENDED = "override_ended"
    OVERRIDE_EXPIRED = "override_expired"
    LOOK = "look"
    RELOAD = "reload"
    RELOAD_FAILED = "reload_failed"
    STARTED = "started"
    STOPPED = "stopped"
    PRUNED = "pruned"


DAEMON = "daemon"
"""The actor of what nobody asked for."""
OUTSIDE = "outside"
"""The actor of a change that was made past the daemon: who, the platform does not tell."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be entered. `at` in Unix seconds; `summary` is a sentence.

    `ref` names what it tells of: a decision, an override, a digest of the configuration.
    `body` is that thing itself; only its SHA-256 goes into the chain. None: there is none.
    """

    at: float
    kind: Act
    actor: str
    summary: str
    deployment: str | None = None
    group: str | None = None
    ref: str | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place: `seq` counts up by one, `prev` and `hash` are hexadecimal SHA-256.

    `digest` is the SHA-256 of what it tells of, None when that has no body.
    """

    seq: int
    at: float
    kind: Act
    deployment: str | None
    group: str | None
    actor: str
    summary: str
    ref: str | None
    digest: str | None
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold: the entry that should be there, and what is wrong."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking the whole chain found. Both numbers are None when there is no entry.

    `head` is the last entry's hash: whoever notes it elsewhere can prove the past later.
    """

    entries: int
    first_seq: int | None
    last_seq: int | None
    head: str
    broken: Break | None
