"""Writes of unknown end whose deployments nobody manages any more.

A write that a crash cut off is found out by the first reading of its deployment. One that has left
the configuration meanwhile is not read again, so its intent would stay open for ever. It is read
here, seldom, until the platform tells what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import structlog

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.reason import Code, because
from autoscaler.ports import Clock, Intent, Journal, JournalError, Live, Platform, Unread
from autoscaler.runtime.resync import ARRIVES_S, truth

log = structlog.get_logger(__name__)

# Seldom: there are few of them, and nobody waits.
LOOK_S = 300.0
# Not before the first readings of those that are managed.
FIRST_S = 20.0

GONE = Outcome(
    Kind.FAILED,
    because(Code.NOT_FOUND, "the deployment is gone, and what came of the write with it"),
)


class Orphans:
    """Finds out what came of them. `left` are those that nobody knows the end of yet."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        platform: Callable[[], Platform | None],
        managed: Callable[[], Collection[str]],
    ) -> None:
        self.left: tuple[Intent, ...] = ()
        self._clock = clock
        self._journal = journal
        self._platform = platform
        self._managed = managed

    async def look(self, _lag_s: float = 0.0) -> None:
        """Read the deployment of each once, and conclude what can be concluded."""
        platform, managed = self._platform(), self._managed()
        if platform is None:
            return
        try:
            # The newest of a deployment: older ones are superseded by it.
            newest = {intent.rid: intent for intent in await self._journal.dangling()}
            strays = [intent for rid, intent in newest.items() if rid not in managed]
            known = {intent.decision_id for intent in self.left}
            self.left = tuple([one for one in strays if not await self._ended(platform, one)])
        except JournalError:
            return
        for one in self.left:
            if one.decision_id not in known:
                log.warning(
                    "a write of unknown end",
                    deployment=one.deployment,
                    rid=one.rid,
                    decision=one.decision_id,
                )

    async def _ended(self, platform: Platform, intent: Intent) -> bool:
        try:
            outcome = _came_of(intent, await platform.read(intent.rid))
            now = self._clock.now()
            if outcome is None or (
                outcome.kind is not Kind.APPLIED and 0 <= now - intent.at < ARRIVES_S
            ):
                return False
            await self._journal.resolve(intent, outcome, now)
        except JournalError:
            return False
        except Exception:  # one record that cannot be read is no reason to leave the others
            log.exception("a bug while resolving", deployment=intent.deployment)
            return False
        log.info("a write was found out", deployment=intent.deployment, told=str(outcome.reason))
        return True


def _came_of(intent: Intent, found: Live | Unread) -> Outcome | None:
    """What became of it, by what the platform says now; None when it does not say."""
    if isinstance(found, Unread):
        return GONE if found.reason.code is Code.NOT_FOUND else None
    return truth(intent, found)
