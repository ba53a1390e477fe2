"""The fleet: search, filter, sort and page through its rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from autoscaler.core.observation import Mode
from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts
from autoscaler.web.face import Json
from autoscaler.web.params import BadParameter, Params, cursor
from autoscaler.web.problems import dump
from autoscaler.web.view.chips import STATUSES

MOST_ROWS = 2_000
SEARCHED = ("name", "group", "mode", "state", "status", "outcome", "reason")
KNOWN = ("search", "group", "mode", "state", "sort", "order", "limit", "cursor")
MODES = tuple(mode.value for mode in Mode)

Key = Callable[[Json], Any]


def _dial(name: str) -> Key:
    return lambda row: row["current"] and row["current"][name]


def _plain(name: str) -> Key:
    return lambda row: row[name]


# What rows can be sorted by; None comes last whatever the order.
SORTS: dict[str, Key] = {
    "attention": lambda row: not row["attention"],
    "status": lambda row: STATUSES.index(row["status"]),
    "load": lambda row: row["load"] and row["load"]["value"],
    "floor": _dial("min_replicas"),
    "ceiling": _dial("max_replicas"),
    "threads": _dial("threads"),
    "next_event": lambda row: row["next_event"] and row["next_event"]["at"],
    **{
        name: _plain(name)
        for name in (
            *("name", "group", "mode", "state", "load_share", "changed_at", "decided_at"),
            *("sample_at", "cost_per_hour", "risk", "limited_by", "outcome"),
        )
    },
}


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows are asked for, and in which order."""

    search: str
    group: str | None
    modes: tuple[str, ...]
    states: tuple[str, ...]
    sort: str
    order: str
    limit: int


class Fleet:
    """`/api/v1/deployments`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """The rows that fit."""
        params = Params(request, KNOWN)
        asked = Question(
            (params.text("search") or "").strip().casefold(),
            params.text("group"),
            params.some("mode", MODES),
            params.some("state", STATUSES),
            params.one("sort", SORTS, "attention"),
            params.one("order", ("asc", "desc"), "asc"),
            params.whole("limit", MOST_ROWS, 1, MOST_ROWS),
        )
        after = params.cursor("deployments", asdict(asked))
        if after is not None and not _place(after):
            raise BadParameter("cursor", str(after), "must be the `next` of an answer")

        async def make() -> bytes:
            rows = await self._parts.rows()
            return await asyncio.to_thread(lambda: dump(answer(rows, asked, after)))

        return send(request, await self._parts.shelf.body(f"fleet {asked} {after}", make))


def _place(after: object) -> bool:
    """Whether this is a name and the sort key of a row."""
    return isinstance(after, list) and len(after) == 2 and isinstance(after[0], str)  # noqa: PLR2004 - the two of them


def answer(rows: Sequence[Json], asked: Question, after: Any) -> dict[str, Any]:
    """The page of rows after the place `after`: a name and its sort key."""
    found = [row for row in rows if _fits(row, asked)]
    counts = Counter(row["status"] for row in found)
    if asked.states:
        found = [row for row in found if row["status"] in asked.states]
    ordered = _ordered(found, asked)
    begin = 0 if after is None else _begin(ordered, asked, *after)
    page = ordered[begin : begin + asked.limit]
    more = begin + asked.limit < len(ordered)
    last = [page[-1]["name"], SORTS[asked.sort](page[-1])] if page else None
    return {
        "total": len(found),
        "counts": {status: counts[status] for status in STATUSES if counts[status]},
        "deployments": page,
        "next": cursor("deployments", last, asdict(asked)) if more else None,
    }


def _fits(row: Json, asked: Question) -> bool:
    if asked.group is not None and row["group"] != asked.group:
        return False
    if asked.modes and row["mode"] not in asked.modes:
        return False
    return not asked.search or any(
        asked.search in str(row[key]).casefold() for key in SEARCHED if row[key] is not None
    )


def _ordered(rows: Sequence[Json], asked: Question) -> list[Json]:
    key, down = SORTS[asked.sort], asked.order == "desc"
    by_name = sorted(rows, key=lambda row: str(row["name"]))
    known = [row for row in by_name if key(row) is not None]
    known.sort(key=key, reverse=down)
    return known + [row for row in by_name if key(row) is None]


def _begin(ordered: Sequence[Json], asked: Question, name: str, value: Any) -> int:
    """Where the page after this row begins, also when the row has moved or gone."""
    key, down = SORTS[asked.sort], asked.order == "desc"

    def beyond(row: Json) -> bool:
        own = key(row)
        if own is None or value is None:
            return own is None and (value is not None or str(row["name"]) > name)
        if own == value:
            return str(row["name"]) > name
        return bool(own < value if down else own > value)

    try:
        return next((i for i, row in enumerate(ordered) if beyond(row)), len(ordered))
    except TypeError as error:
        rule = "must be the `next` of an answer to the same question"
        raise BadParameter("cursor", repr(value), rule) from error
