"""What commands read from and write into the journal, beside a running daemon."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autoscaler.codec import decode_decision, describe
from autoscaler.core.observation import Control, Override
from autoscaler.journal import SqlJournal, open_journal, open_readonly
from autoscaler.plugins import assemble
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import Settings, load
from autoscaler.web.ask import Silence, ask
from autoscaler.wiring.scopes import expect_configured


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
    expect_configured(scope, assemble(settings))
    ends = None if seconds is None else clock.now() + seconds
    journal = await open_store(settings, lock=False)
    try:
        await journal.add_override(scope, Override(Control.PAUSE, author, why, ends))
    finally:
        await journal.close()
    if ends is None:
        return "without end: remember to resume it"
    return f"until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d %H:%M:%S} UTC"


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
