"""What commands say to the daemon through the store: also when it is down or out of reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoscaler.codec.override import told_override
from autoscaler.core.controls import FLEET, Standing, scopes
from autoscaler.core.observation import Control, Override
from autoscaler.journal import SqlJournal, open_readonly
from autoscaler.plugins import assemble
from autoscaler.roster import Group
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.pausefile import PauseFile
from autoscaler.settings import Settings, load
from autoscaler.wiring.controls import look_of
from autoscaler.wiring.scopes import expect_configured
from autoscaler.wiring.store import journal_url, open_store


@asynccontextmanager
async def written(settings: Settings) -> AsyncIterator[SqlJournal]:
    """The journal, for writing beside whoever else does. Raises JournalError."""
    journal = await open_store(settings, lock=False)
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def read(path: Path) -> AsyncIterator[SqlJournal]:
    """The journal of this configuration, for reading alone. Raises ConfigError, JournalError."""
    journal = await open_readonly(journal_url(load(path)), clock=SystemClock())
    try:
        yield journal
    finally:
        await journal.close()


async def say(path: Path, scope: str, word: Override, lasts_s: float | None) -> Standing:
    """Store a word that lasts so many seconds from now on, without end for None.

    Raises NotManaged for a scope that nobody has, ValueError for a word that breaks a rule.
    """
    settings, _ = _configured(path, scope)
    until = None if lasts_s is None else SystemClock().now() + lasts_s
    async with written(settings) as journal:
        return await journal.add_override(scope, replace(word, expires_at=until))


async def end(path: Path, scope: str, controls: Collection[Control], author: str) -> int:
    """End the active words of these kinds that stand at exactly this scope; how many there were."""
    return await _end(
        path, author, lambda one: one.scope == scope and one.override.control in controls
    )


async def end_one(path: Path, ident: str, author: str) -> int:
    """End the active word of this id; 0 when there is none."""
    return await _end(path, author, lambda one: one.id == ident)


async def _end(path: Path, author: str, meant: Callable[[Standing], bool]) -> int:
    at, count = SystemClock().now(), 0
    async with written(load(path)) as journal:
        for one in await journal.standing(at):
            if meant(one):
                count += await journal.end_override(one.id, at, author) is not None
    return count


async def look(path: Path, scope: str, author: str, why: str) -> int:
    """Ask the running daemon for a look; how many deployments the configuration names there.

    Raises NotManaged, ValueError.
    """
    settings, groups = _configured(path, scope)
    entry = look_of(scope, author, why, SystemClock().now())
    async with written(settings) as journal:
        await journal.record([entry])
    members = [managed for group in groups for managed in group.members]
    return sum(scope in scopes(m.group, m.name) for m in members)


async def active(path: Path) -> Sequence[Standing]:
    """Everything that operators have said and that holds now, the pause file first."""
    file = PauseFile(load(path).pause_file).word()
    found = [] if file is None else [Standing(file.id, FLEET, file, 0.0)]
    async with read(path) as journal:
        return [*found, *await journal.standing(SystemClock().now())]


async def said_since(path: Path, decision: Mapping[str, Any]) -> list[str]:
    """Sentences for what is active for a deployment now and was not when `decision` was made.

    `decision` is as `codec.describe` tells it.
    """
    known = {word["id"] for word in decision.get("overrides", ())}
    mine = scopes(decision["group"], decision["deployment"])
    news = [one.override for one in await active(path) if one.scope in mine]
    return [told_override(word)["sentence"] for word in news if word.id not in known]


def _configured(path: Path, scope: str) -> tuple[Settings, Sequence[Group]]:
    settings = load(path)
    groups = assemble(settings)
    expect_configured(scope, groups)
    return settings, groups
