"""The operators' controls for the web face."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.core.controls import FLEET
from autoscaler.core.observation import Override
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.pausefile import IDENT
from autoscaler.web.face import Standing, UnknownScope
from autoscaler.web.view import Stored
from autoscaler.wiring.controls import Controls
from autoscaler.wiring.scopes import NotManaged


class Steering:
    """Satisfies `web.face.Controls`. What stands is read from memory: it costs no store."""

    def __init__(self, daemon: Daemon, controls: Controls) -> None:
        self._daemon = daemon
        self._controls = controls

    async def standing(self) -> Sequence[Standing]:
        """Everything that is active now, the pause file's word included."""
        words, now = self._daemon.operators.words, self._daemon.clock.now()
        found: list[Standing] = [one for one in words.standing if one.override.active(now)]
        pause = words.file.word()
        return found if pause is None else [Stored(IDENT, FLEET, pause, None), *found]

    async def add(self, scope: str, word: Override) -> Standing:
        """Say a word."""
        try:
            return await self._controls.add(scope, word)
        except NotManaged as error:
            raise UnknownScope(str(error)) from error

    async def end(self, ident: str, author: str) -> Standing | None:
        """Take a word back."""
        return await self._controls.end(ident, author)

    async def look(self, scope: str, author: str, why: str) -> int:
        """Look now."""
        try:
            return await self._controls.look(scope, author, why)
        except NotManaged as error:
            raise UnknownScope(str(error)) from error
