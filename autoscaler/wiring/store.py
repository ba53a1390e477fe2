"""Where the journal is, and what commands read from it beside a running daemon."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autoscaler.codec import decode_decision, describe
from autoscaler.core.decision import Decision
from autoscaler.journal import SqlJournal, open_journal, open_readonly
from autoscaler.journal.aside import UNREADABLE
from autoscaler.ports import JournalError
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import Settings, load
from autoscaler.web.ask import Silence, ask


class DamagedRecordError(JournalError):
    """A row that is there but cannot be read; the journal itself works."""


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


async def recorded_decision(
    path: Path, name: str, *, at: float | None = None, ident: str = ""
) -> dict[str, Any] | None:
    """The journal's decision `ident`, or the one that stood at `at` (Unix seconds); None: none.

    The journal keeps a decision when it says something new, so the last one until `at` is it.
    """
    journal = await open_readonly(journal_url(load(path)), clock=SystemClock())
    try:
        if ident:
            row = await journal.decision(ident)
            rows = [] if row is None else [row]
        else:
            rows = list(await journal.decisions(name, before_id=None, limit=1, start=None, end=at))
    finally:
        await journal.close()
    found = [one for row in rows if (one := _decoded(row, name)).deployment == name]
    return describe(found[0]) if found else None


async def _recorded(settings: Settings, name: str) -> dict[str, Any] | None:
    journal = await open_readonly(journal_url(settings), clock=SystemClock())
    try:
        rows = await journal.history(name, 1)
    finally:
        await journal.close()
    return describe(_decoded(rows[0], name)) if rows else None


def _decoded(row: bytes, name: str) -> Decision:
    try:
        return decode_decision(row)
    except UNREADABLE as error:
        raise DamagedRecordError(
            f"the journal's record of this decision on {name!r} is damaged ({error}); "
            f"`autoscaler explain {name} --at TIME` shows an earlier one"
        ) from error
