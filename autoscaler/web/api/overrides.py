"""What operators asked for and what holds now; new words, and words that are taken back."""

from __future__ import annotations

import time

from aiohttp import web

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Mode, Override
from autoscaler.web.access.person import Person
from autoscaler.web.answers import send
from autoscaler.web.api.parts import Parts
from autoscaler.web.body import BadField, Fields, json_of
from autoscaler.web.face import UnknownScope
from autoscaler.web.params import Params
from autoscaler.web.problems import JSON, dump, problem
from autoscaler.web.view import override_json

FIELDS = (*("scope", "control", "dial", "value", "mode", "why", "for_s", "endless", "author"),)
CONTROLS = tuple(control.value for control in Control)
DIALS = tuple(dial.value for dial in Dial)
MODES = tuple(mode.value for mode in Mode)
LONGEST_SCOPE = 200
LONGEST_WHY = 500
LONGEST_AUTHOR = 100
LONGEST_ID = 100
MOST = 1_000_000
YEAR_S = 366 * 86_400.0
NUMBERED = frozenset({Control.PIN, Control.FLOOR})


class Overrides:
    """`/api/v1/overrides`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def get(self, request: web.Request) -> web.Response:
        """Those that are active, oldest first."""
        Params(request, ())

        async def make() -> bytes:
            standing = await self._parts.standing()
            return dump({"overrides": [override_json(one) for one in standing]})

        return send(request, await self._parts.shelf.body("overrides", make))

    async def post(self, request: web.Request) -> web.Response:
        """A new word; 201 with it."""
        person = await self._parts.gate.operator(request)
        Params(request, ())
        fields = Fields(await json_of(request), FIELDS)
        scope = fields.text("scope", LONGEST_SCOPE)
        word = word_of(fields, person, time.time())
        try:
            added = await self._parts.controls.add(scope, word)
        except UnknownScope as error:
            raise BadField("scope", scope, str(error)) from error
        except ValueError as error:
            return problem(422, str(error))
        self._parts.changed()
        where = {"Location": f"/api/v1/overrides/{added.id}"}
        body = dump(override_json(added))
        return web.Response(body=body, status=201, content_type=JSON, headers=where)

    async def delete(self, request: web.Request) -> web.Response:
        """Take a word back; 200 with what it was."""
        person = await self._parts.gate.operator(request)
        Params(request, ())
        ident = request.match_info["id"]
        fits = len(ident) <= LONGEST_ID and ident.isprintable()
        ended = await self._parts.controls.end(ident, str(person.name)) if fits else None
        if ended is None:
            return problem(404, f"no override {ident[:LONGEST_ID]!r} is active")
        self._parts.changed()
        return web.Response(body=dump(override_json(ended)), content_type=JSON)


def word_of(fields: Fields, person: Person, at: float) -> Override:
    """The word that a body says. Raises BadField."""
    control = Control(fields.one("control", CONTROLS))
    for name in ("dial", "value"):
        if name in fields and control not in NUMBERED:
            raise BadField(name, "something", f"is for pin and floor, not for {control}")
    if "mode" in fields and control is not Control.MODE:
        raise BadField("mode", "something", f"is for the control mode, not for {control}")
    numbered = control in NUMBERED
    return Override(
        control=control,
        author=author_of(fields, person),
        why=fields.text("why", LONGEST_WHY),
        expires_at=_end(fields, at),
        dial=Dial(fields.one("dial", DIALS)) if numbered else None,
        value=fields.whole("value", 0, MOST) if numbered else None,
        mode=Mode(fields.one("mode", MODES)) if control is Control.MODE else None,
    )


def author_of(fields: Fields, person: Person) -> str:
    """The token's name, which no body can change; for whom it speaks may stand behind it."""
    name = str(person.name)
    if "author" not in fields:
        return name
    given = fields.text("author", LONGEST_AUTHOR)
    return name if given == name else f"{name} for {given}"


def _end(fields: Fields, at: float) -> float | None:
    endless = fields.true("endless")
    if endless and "for_s" in fields:
        raise BadField("for_s", "something", "must not stand beside endless: true")
    if endless:
        return None
    if "for_s" not in fields:
        raise BadField("for_s", None, "must say for how many seconds, or endless must be true")
    return at + fields.number("for_s", 1.0, YEAR_S)
