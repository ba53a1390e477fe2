"""All checks, one after the other; nothing is written anywhere but in a temporary journal."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autoscaler.core.observation import Missing
from autoscaler.journal import open_journal, open_readonly
from autoscaler.plugins import check, source_kinds
from autoscaler.ports import Alone, JournalError, Question, Reading
from autoscaler.roster import Group
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.daemon import Daemon, Parts, close
from autoscaler.runtime.observe import ask_all
from autoscaler.settings import ConfigError, Settings
from autoscaler.wiring.build import build
from autoscaler.wiring.doctor.config import of_config
from autoscaler.wiring.doctor.finding import Finding, Level
from autoscaler.wiring.doctor.online import Heard, Seen, of_native, of_platform, of_sources
from autoscaler.wiring.doctor.past import of_past
from autoscaler.wiring.doctor.place import SQLITE, of_place
from autoscaler.wiring.inspect import unarmed
from autoscaler.wiring.store import journal_url

OURS = "foundry_autoscaler_build_info"
ORDER = (Level.ERROR, Level.WARNING, Level.NOTE)


async def examine(path: Path) -> list[Finding]:
    """Every finding, the worst first. A configuration that is not valid is a finding, too."""
    clock = SystemClock()
    try:
        settings, groups = check(path)
        found = [*of_place(settings), *of_config(settings, groups, clock.now())]
        seen = await _rehearsed(settings, clock)
    except ConfigError as error:
        return [_invalid(str(problem)) for problem in error.problems]
    intervals = {group.name: group.interval_s for group in groups}
    found += [*of_platform(seen), *of_sources(seen), *of_native(seen, intervals)]
    found += await _remembered(settings, groups, seen, clock)
    return sorted(found, key=lambda finding: ORDER.index(finding.level))


def _invalid(problem: str) -> Finding:
    why = "a daemon does not start with it, and a running one keeps the one before"
    return Finding(
        Level.ERROR, "configuration", "the configuration", problem, why, "correct it; check again"
    )


async def _rehearsed(settings: Settings, clock: SystemClock) -> Seen:
    """Read and decide once, as `check --online` does, and keep what the sources said."""
    heard = Heard()
    parts = build(settings, heard, heard, clock)
    with tempfile.TemporaryDirectory() as place:
        journal = await open_journal(f"{SQLITE}{place}/doctor.db", clock=clock)
        chance = random.Random()  # noqa: S311 - jitter
        daemon = Daemon(clock, chance, journal, (), Alone(), heard)
        try:
            decisions = await daemon.rehearse(unarmed(parts))
            by_name = {decision.deployment: decision for decision in decisions}
            seats = [seat for name, seat in daemon.seats.items() if name in by_name]
            asked = {
                (spec.source, name): spec.question
                for seat in seats
                for name, spec in seat.managed.signals.items()
            }
            questions = [(source, question) for (source, _), question in asked.items()]
            told = await ask_all(parts.sources, questions, clock.now(), 10.0)
            # What a source says of a daemon that it may not know is not what it says of signals.
            outcomes = dict(heard.sources)
            unscraped = await _unscraped(settings, parts, clock.now())
            heard.sources = outcomes
        finally:
            await close(parts)
            await journal.close()
    answers = {key: told[key[0], question] for key, question in asked.items()}
    ordered = [by_name[seat.managed.name] for seat in seats]
    return Seen(seats, ordered, answers, heard, unscraped)


async def _unscraped(settings: Settings, parts: Parts, at: float) -> tuple[str, ...]:
    """Prometheus servers that answer and have no series of a daemon like this one."""
    query = source_kinds()["prometheus"].query.parse(OURS)
    question = Question("doctor", query, "version", 300.0)
    named = [name for name, source in settings.sources.items() if source.kind == "prometheus"]
    told = await ask_all(parts.sources, [(name, question) for name in named], at, 10.0)
    return tuple(name for name in named if _nothing(told[name, question]))


def _nothing(answer: Reading | Missing) -> bool:
    return isinstance(answer, Reading) and not answer.samples


def _new(url: str) -> bool:
    """Whether it is a first start: no journal is there yet."""
    return url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).exists()


async def _remembered(
    settings: Settings, groups: Sequence[Group], seen: Seen, clock: SystemClock
) -> list[Finding]:
    url = journal_url(settings)
    if await asyncio.to_thread(_new, url):
        return []
    names = {m.name for group in groups for m in group.members}
    names |= {seat.managed.name for seat in seen.seats}
    try:
        journal = await open_readonly(url, clock=clock)
        try:
            now = clock.now()
            memories = await journal.recall(sorted(names))
            return [*of_past(memories, await journal.standing(now), now)]
        finally:
            await journal.close()
    except JournalError as error:
        return [
            Finding(
                Level.ERROR,
                "journal",
                "journal.url",
                f"it cannot be read: {error}",
                "without a record nothing is written to the platform",
                "see the sentence; a journal of an older version is brought up to date by a start",
                unreachable=True,
            )
        ]
