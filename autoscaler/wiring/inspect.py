"""`check --online`: what would each deployment do now?"""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoscaler.codec import describe
from autoscaler.core.decision import Decision
from autoscaler.core.observation import Missing, Mode
from autoscaler.core.proposal import BROKEN, Abstain
from autoscaler.core.reason import Code
from autoscaler.journal import open_journal
from autoscaler.ports import Alone
from autoscaler.roster import Group
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.daemon import Daemon, Parts, close
from autoscaler.settings import load
from autoscaler.wiring.build import build
from autoscaler.wiring.quiet import Quiet

NEVER = BROKEN | {Code.COST_RATE_UNKNOWN}
"""Why a policy abstains that no waiting will change."""


async def inspect(path: Path) -> dict[str, Any]:
    """Ask the platform and every source once and decide; nothing is written anywhere.

    `deployments` has a description of each decision, `problems` a sentence for everything
    that could not be asked, and for every policy that cannot judge as things are.
    """
    settings, clock = load(path), SystemClock()
    quiet = Quiet()
    parts = build(settings, quiet, quiet, clock)
    with tempfile.TemporaryDirectory() as place:
        journal = await open_journal(f"sqlite:///{place}/check.db", clock=clock)
        chance = random.Random()  # noqa: S311 - jitter
        daemon = Daemon(clock, chance, journal, (), Alone(), quiet)
        try:
            decisions = await daemon.rehearse(unarmed(parts))
        finally:
            await close(parts)
            await journal.close()
    problems = [text for decision in decisions for text in _problems(decision)]
    return {
        "deployments": [describe(decision) for decision in decisions],
        "problems": problems,
    }


def unarmed(parts: Parts) -> Parts:
    """The same parts with every deployment in `recommend`: a check never writes."""
    groups = tuple(_recommending(group) for group in parts.groups)
    return replace(parts, groups=groups)


def _recommending(group: Group) -> Group:
    members = tuple(replace(m, mode=Mode.RECOMMEND) for m in group.members)
    discoveries = tuple(
        replace(d, template=replace(d.template, mode=Mode.RECOMMEND)) for d in group.discoveries
    )
    return replace(group, members=members, discoveries=discoveries)


def _problems(decision: Decision) -> list[str]:
    found = []
    if decision.outcome.reason.code is Code.NO_READING or not decision.seen.envelope_at:
        found.append(f"{decision.deployment}: not read: {decision.outcome.reason}")
    for name, signal in decision.seen.signals.items():
        if isinstance(signal, Missing):
            detail = f" ({signal.detail})" if signal.detail else ""
            found.append(f"{decision.deployment}: signal {name} is {signal.why.value}{detail}")
    silent = [v for v in decision.plan.votes if isinstance(v.answer, Abstain)]
    return found + [
        f"{decision.deployment}: policy {vote.policy}: {vote.answer.reason}"
        for vote in silent
        if vote.answer.reason.code in NEVER
    ]
