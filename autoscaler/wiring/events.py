"""What befalls the daemon itself, as entries of the activity; pure."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.activity import DAEMON, Act, Event

# So many changed settings are named in one entry.
NAMED = 20


def started(at: float, version: str, deployments: int, digest: str) -> Event:
    """The daemon runs. `digest` is the configuration's."""
    summary = f"version {version} started with {deployments} deployment(s)"
    return Event(at, Act.STARTED, DAEMON, summary, ref=digest)


def stopped(at: float) -> Event:
    """The daemon ended in order; a crash leaves no such entry."""
    return Event(at, Act.STOPPED, DAEMON, "stopped in order")


def reloaded(at: float, digest: str, changed: Sequence[str]) -> Event:
    """Another configuration is in force; `changed` are the dotted names of what differs."""
    named = ", ".join(changed[:NAMED]) or "nothing but its layout"
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    summary = f"configuration {digest} loaded; changed: {named}{more}"
    return Event(at, Act.RELOAD, DAEMON, summary, ref=digest)


def reload_failed(at: float, problem: str) -> Event:
    """A configuration was refused; the one before it stays in force."""
    return Event(at, Act.RELOAD_FAILED, DAEMON, f"configuration kept: {problem}")
