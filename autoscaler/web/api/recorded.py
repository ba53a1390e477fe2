"""Recorded decisions: one line each, or one with everything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from autoscaler.codec import CodecError, decode_decision, describe
from autoscaler.core.decision import Decision
from autoscaler.core.envelope import DIALS
from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts
from autoscaler.web.params import Params
from autoscaler.web.problems import dump, problem
from autoscaler.web.view.rows import envelope_json

LONGEST_ID = 200


def listed(bodies: Sequence[bytes]) -> list[dict[str, Any]]:
    """Recorded decisions in one line each, without those that cannot be read."""
    found = []
    for body in bodies:
        with suppress(CodecError):
            found.append(_line(decode_decision(body)))
    return found


def _line(decision: Decision) -> dict[str, Any]:
    plan, outcome = decision.plan, decision.outcome
    return {
        "id": decision.id,
        "at": decision.at,
        "kind": outcome.kind.value,
        "code": outcome.reason.code.value,
        "headline": decision.headline(),
        "before": envelope_json(plan.before),
        "after": envelope_json(plan.after),
        "actual": outcome.actual and envelope_json(outcome.actual),
        "by": _by(decision),
    }


def _by(decision: Decision) -> str | None:
    """Who had the last word: the guard that held it, or who moved the dials last."""
    plan = decision.plan
    if plan.hold is not None:
        return plan.hold.by
    last = {step.dial: step.by for step in plan.trail}
    moved = [last[d] for d in DIALS if d in last and plan.before[d] != plan.after[d]]
    return ", ".join(dict.fromkeys(moved)) or None


class Recorded:
    """`/api/v1/decisions/{id}`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """One decision in sentences, by its id."""
        Params(request, ())
        ident = request.match_info["id"]
        fits = len(ident) <= LONGEST_ID and "\0" not in ident
        body = await self._parts.records.decision(ident) if fits else None
        if body is None:
            return problem(404, f"no decision {ident[:LONGEST_ID]!r} is recorded")
        found = body

        async def make() -> bytes:
            return await asyncio.to_thread(lambda: dump(describe(decode_decision(found))))

        try:
            return send(request, await self._parts.shelf.body(f"decision {ident}", make))
        except CodecError:
            return problem(500, "the record was written by another version and cannot be told")
