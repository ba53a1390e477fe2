"""A journal replayed with another configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from autoscaler.codec import CodecError, decode_decision
from autoscaler.journal import open_readonly
from autoscaler.lab.replay.recorded import recorded
from autoscaler.lab.replay.roster import Roster
from autoscaler.lab.replay.summary import Summary
from autoscaler.ports import Clock
from autoscaler.roster import Group

# A page may wait for a busy database longer than a tick would.
DEADLINE_S = 60.0


async def replay(
    url: str,
    groups: Sequence[Group],
    *,
    clock: Clock,
    since: float = 0.0,
    deployment: str | None = None,
    most_shown: int = 20,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Decide everything recorded in the journal at `url` again, as `groups` are configured.

    `since` is Unix seconds; `deployment` narrows it down to one. The journal is only read, and
    a daemon may write to it meanwhile. Raises JournalError.
    """
    summary, roster = Summary(most_shown), Roster(groups)
    journal = await open_readonly(url, clock=clock, deadline_s=DEADLINE_S)
    try:
        async for page in recorded(journal, since, deployment):
            for ident, body in page:
                take(summary, roster, ident, body)
            if progress is not None:
                progress(summary.recorded)
            await asyncio.sleep(0)
    finally:
        await journal.close()
    return summary


def take(summary: Summary, roster: Roster, ident: str, body: bytes) -> None:
    """One row of the journal; what this version cannot read is counted and named."""
    try:
        decision = decode_decision(body)
    except CodecError as fault:
        summary.spoilt(ident, str(fault))
        return
    summary.take(decision, roster)
