"""A what-if without a daemon's page: from the configuration, and from the daemon if it answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autoscaler.lab.whatif.ask import LEARN_DAYS, MOST_DAYS, Ask
from autoscaler.plugins import check
from autoscaler.plugins.tried import member
from autoscaler.web.ask import Silence, ask
from autoscaler.wiring.whatif import OVER, Engine

ASK_S = 0.2
DAY_S = 86_400.0


async def trial(
    path: Path,
    name: str,
    policies: Mapping[str, Any],
    days: float,
    tell: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """The result of one what-if. Raises ValueError with a sentence, ConfigError."""
    settings, groups = check(path)
    base = f"http://{settings.web.listen}/api/v1/deployments/{quote(name, safe='')}"
    known = await asyncio.to_thread(_asked, base)
    group = str(known.get("group", ""))
    found = member(groups, name, group)
    first = None if found is None else _known(path, name, found[0].match, known)
    if first is not None and known:
        times, loads = await asyncio.to_thread(_recorded, base)
        first = Ask(**{**_fields(first), "times": times, "loads": loads, "group": group})

    async def find(_: str) -> Ask | None:
        return first

    engine = Engine(find)
    try:
        ident = await engine.start(name, policies, days)
        while (state := engine.state(ident)) is not None and state["state"] not in OVER:
            if tell is not None:
                tell(state["progress"])
            await asyncio.sleep(ASK_S)
    finally:
        await engine.close()
    if state is None or state["state"] != "done":
        raise ValueError(str(state and state["problem"]))
    return dict(state["result"])


def _fields(one: Ask) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Ask.__dataclass_fields__}


def _known(path: Path, name: str, match: str, row: Mapping[str, Any]) -> Ask:
    now = row.get("current") or {}
    learned = row.get("learned") or {}
    return Ask(
        config=str(path),
        deployment=name,
        policies={},
        days=1.0,
        until=time.time(),
        match=match,
        floor=now.get("min_replicas", 0),
        ceiling=now.get("max_replicas", 0),
        threads=now.get("threads", 0),
        startup_s=learned.get("startup_s"),
    )


def _asked(url: str) -> Mapping[str, Any]:
    """What the daemon answers, empty when it does not."""
    try:
        found = json.loads(ask(url))
    except (Silence, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recorded(base: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The load as the daemon recorded it."""
    start = time.time() - (MOST_DAYS / 2 + LEARN_DAYS) * DAY_S
    found = _asked(f"{base}/series?from={start:.0f}&points=2000")
    pairs = zip(found.get("at", ()), found.get("load", ()), strict=False)
    points = [(float(at), float(load)) for at, load in pairs if load is not None]
    return tuple(at for at, _ in points), tuple(load for _, load in points)
