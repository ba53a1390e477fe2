"""The platform's own record of PUTs, held against the journal and against what was done."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.core.envelope import Envelope
from autoscaler.foundry.fence import GRACE_S
from autoscaler.lab.platform.api import Put
from autoscaler.runtime.tick import OLDEST_PLAN_S
from tests.chaos.troubles import History, Span

OK = 200
OPEN = "open"
PUT_DEADLINE_S = 2.0
# Between the last word and the last byte a PUT has its deadline, and the fence its grace.
LEAVES_S = PUT_DEADLINE_S + GRACE_S
OLDEST_S = OLDEST_PLAN_S + LEAVES_S


@dataclass(slots=True)
class Intent:
    """A row of the journal. `at` is when its tick began, Unix seconds."""

    ident: str
    at: float
    deployment: str
    rid: str
    before: Envelope
    after: Envelope
    state: str
    puts: int = 0

    @property
    def lowers(self) -> bool:
        """Whether any dial goes down."""
        pairs = zip(_dials(self.before), _dials(self.after), strict=True)
        return any(after < before for before, after in pairs)


@dataclass(frozen=True, slots=True)
class Word:
    """What an operator said, from when it was acknowledged until it was taken back.

    `pinned` is the number of `min_replicas` that a PUT may have; None for a pause.
    """

    deployment: str
    span: Span
    pinned: int | None = None


@dataclass(slots=True)
class Verdict:
    """What was found. `broken` holds a sentence for everything that must not be."""

    puts: int = 0
    intents: int = 0
    lowerings: int = 0
    oldest_s: float = 0.0
    broken: list[str] = field(default_factory=list)


def intents_of(journal: Path) -> list[Intent]:
    """All intents, oldest first, as another process reads them."""
    dials = ", ".join(
        f"{when}_{dial}"
        for when in ("before", "after")
        for dial in ("min_replicas", "max_replicas", "threads")
    )
    wanted = f"SELECT decision_id, at, deployment, rid, state, {dials} FROM intent ORDER BY at"  # noqa: S608 - fixed names
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=30.0)) as opened:
        return [
            Intent(ident, at, name, rid, Envelope(*six[:3]), Envelope(*six[3:]), state)
            for ident, at, name, rid, state, *six in opened.execute(wanted)
        ]


def judge(
    puts: Sequence[tuple[float, Put]],
    intents: Sequence[Intent],
    history: History,
    words: Sequence[Word],
) -> Verdict:
    """Everything that is wrong. PUTs come with the wall time of their arrival."""
    verdict = Verdict(puts=len(puts), intents=len(intents))
    for at, put in puts:
        intent = _announced(at, put, intents)
        if intent is None:
            verdict.broken.append(f"a PUT without an intent: {put} at {at}")
            continue
        intent.puts += 1
        verdict.oldest_s = max(verdict.oldest_s, at - intent.at)
        verdict.lowerings += intent.lowers
        verdict.broken += _wrong(at, put, intent, history, words)
    verdict.broken += [
        f"applied without a PUT: {one}"
        for one in intents
        if one.state == "applied" and not one.puts
    ]
    verdict.broken += [f"without an end: {one}" for one in intents if one.state == OPEN]
    return verdict


def _announced(at: float, put: Put, intents: Sequence[Intent]) -> Intent | None:
    """The last intent before it that asked for just this."""
    fits = [
        one
        for one in intents
        if one.rid == put.rid and one.at <= at and (put.status != OK or one.after == put.after)
    ]
    return fits[-1] if fits else None


def _wrong(
    at: float, put: Put, intent: Intent, history: History, words: Sequence[Word]
) -> list[str]:
    found = []
    if intent.puts > 1 or (put.status == OK and put.before == put.after):
        found.append(f"a PUT that was made before: {put} for {intent}")
    if put.status == OK and put.before != intent.before:
        found.append(f"a PUT over something else than was planned for: {put} for {intent}")
    if at - intent.at > OLDEST_S:
        found.append(f"a stale PUT, {at - intent.at:.1f} s old: {put} for {intent}")
    # It looked between the tick's beginning and the PUT: in all of that time nothing was to be had.
    dark = [span for span in history.blind if span.holds(intent.at) and span.holds(at)]
    if intent.lowers and dark:
        found.append(f"lowered without data: {put} at {at} for {intent} in {dark}")
    said = [word for word in words if word.deployment == intent.deployment]
    found += [
        f"written against {word}: {put} at {at}"
        for word in said
        if word.span.holds(at) and put.after.min_replicas != word.pinned
    ]
    return found


def _dials(envelope: Envelope) -> tuple[int, int, int]:
    return envelope.min_replicas, envelope.max_replicas, envelope.threads
