"""The audit trail: in pages, or exported as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import hdrs, web

from autoscaler.activity import Act, Entry
from autoscaler.web.api.parts import Parts, send_json
from autoscaler.web.face import Asked
from autoscaler.web.params import Params, cursor

MOST = 500
KINDS = tuple(act.value for act in Act)
FORMATS = ("json", "csv", "jsonl")
COLUMNS = (
    *("seq", "at", "kind", "deployment", "group", "actor", "summary", "ref", "digest"),
    *("prev", "hash"),
)
# Entries read between two writes of an export.
PIECE = 500
# An export ends here; whoever needs more asks for another span.
MOST_EXPORTED = 1_000_000
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
# A cell that begins with one of these is a formula to a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Activity:
    """`/api/v1/activity`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Entries, newest first."""
        known = ("limit", "cursor", "kind", "deployment", "from", "to", "format")
        params = Params(request, known)
        limit = params.whole("limit", 100, 1, MOST)
        start, end = params.span()
        asked = Asked(params.some("kind", KINDS), params.text("deployment"), start, end)
        form = params.one("format", FORMATS, "json")
        before = params.place("activity", asdict(asked))
        if form != "json":
            return await self._export(request, asked, form)
        found = await self._parts.records.activity(asked, before, limit + 1)
        rows = [asdict(one) for one in found[:limit]]
        more = cursor("activity", rows[-1]["seq"], asdict(asked)) if len(found) > limit else None
        return await send_json(request, {"activity": rows, "next": more})

    async def _export(self, request: web.Request, asked: Asked, form: str) -> web.StreamResponse:
        records = self._parts.records
        found = await records.activity(asked, None, PIECE)
        answer = web.StreamResponse(headers={hdrs.CONTENT_TYPE: TYPES[form]})
        name = f'attachment; filename="activity.{form}"'
        answer.headers[hdrs.CONTENT_DISPOSITION] = name
        await answer.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return answer
        if form == "csv":
            await answer.write(_lines([COLUMNS]))
        written = 0
        while found and written < MOST_EXPORTED:
            await answer.write(_csv(found) if form == "csv" else _jsonl(found))
            written += len(found)
            found = await records.activity(asked, found[-1].seq, PIECE)
        await answer.write_eof()
        return answer


def _jsonl(entries: Sequence[Entry]) -> bytes:
    return b"".join(orjson.dumps(asdict(one), option=orjson.OPT_APPEND_NEWLINE) for one in entries)


def _csv(entries: Sequence[Entry]) -> bytes:
    return _lines([[_cell(getattr(one, name)) for name in COLUMNS] for one in entries])


def _cell(value: Any) -> Any:
    """What a spreadsheet would take for a formula begins with a quote."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
