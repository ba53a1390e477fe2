"""What commands read from and write into the journal, beside a running daemon."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autoscaler.codec import decode_decision, describe
from autoscaler.core.observation import Control, Override
from autoscaler.journal import SqlJournal, open_journal, open_readonly
from autoscaler.plugins import assemble
from autoscaler.roster import Group
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import Settings, load
from autoscaler.web.ask import Silence, ask


def journal_url(settings: Settings) -> str:
    """The journal's URL with its password in it: for opening, never for showing."""
    url, secret = settings.journal.url, settings.journal.current()
    if secret is None or url.startswith("sqlite:"):
        return url
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user}:{quote(secret.get_secret_value(), safe='')}{at or '@'}{place}"


async def open_store(settings: Settings, *, lock: bool = True) -> SqlJournal:
    """The configured journal."""
    return await open_journal(journal_url(settings), clock=SystemClock(), lock=lock)


async def last_decision(path: Path, name: str) -> dict[str, Any] | None:
    """The daemon's latest decision on a deployment, or else the journal's last record of it."""
    settings = load(path)
    url = f"http://{settings.web.listen}/api/v1/deployments/{quote(name, safe='')}"
    try:
        answer = json.loads(await asyncio.to_thread(ask, url))
    except (Silence, ValueError):
        return await _recorded(settings, name)
    latest = answer.get("latest")
    return latest if isinstance(latest, dict) else None


async def _recorded(settings: Settings, name: str) -> dict[str, Any] | None:
    journal = await open_readonly(journal_url(settings), clock=SystemClock())
    try:
        rows = await journal.history(name, 1)
    finally:
        await journal.close()
    return describe(decode_decision(rows[0])) if rows else None


async def add_pause(path: Path, scope: str, author: str, why: str, seconds: float | None) -> str:
    """Store a pause and say when it ends. Works with and without a running daemon.

    Raises NotManaged for a scope that would stop nothing.
    """
    settings, clock = load(path), SystemClock()
    _expect_managed(scope, assemble(settings))
    ends = None if seconds is None else clock.now() + seconds
    journal = await open_store(settings, lock=False)
    try:
        await journal.add_override(scope, Override(Control.PAUSE, author, why, ends))
    finally:
        await journal.close()
    if ends is None:
        return "without end: remember to resume it"
    return f"until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M:%S} UTC"


class NotManaged(Exception):  # noqa: N818 - it reads as what it is
    """Nothing of this name is in the configuration: a pause of it would stop nothing."""


def _expect_managed(scope: str, groups: Sequence[Group]) -> None:
    known = {"fleet", *(f"group:{group.name}" for group in groups)}
    known |= {managed.name for group in groups for managed in group.members}
    # Deployments that are discovered have names that only the platform can tell.
    open_ended = any(group.discoveries for group in groups) and not scope.startswith("group:")
    if scope in known or open_ended:
        return
    near = difflib.get_close_matches(scope, sorted(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise NotManaged(f"nothing called {scope!r} is in the configuration{hint}")


async def end_pauses(path: Path, scope: str, author: str) -> int:
    """End the active pauses of exactly this scope; how many there were."""
    settings, at = load(path), SystemClock().now()
    journal = await open_store(settings, lock=False)
    try:
        pauses = [
            one.id
            for one in await journal.standing(at)
            if one.scope == scope and one.override.control is Control.PAUSE
        ]
        for ident in pauses:
            await journal.end_override(ident, at, author)
    finally:
        await journal.close()
    return len(pauses)
