"""The body of a PUT: it asks once more when all else is done and its first byte leaves."""

from __future__ import annotations

import asyncio

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from autoscaler.foundry.fence import Departure


class LeavingBody(BytesPayload):
    """A body that leaves in time or not at all.

    aiohttp holds the headers back until the body is written, so nothing has left before that. A
    refusal breaks the connection; the departure says that it was late.
    """

    def __init__(self, value: bytes, departure: Departure) -> None:
        super().__init__(value, content_type="application/json")
        self._departure = departure
        self._transport: asyncio.WriteTransport | None = None

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send it. Raises TimeoutError when its time is over; nothing is sent then."""
        transport = getattr(writer, "transport", None)
        self._transport = transport if isinstance(transport, asyncio.WriteTransport) else None
        if not self._departure.may_leave():
            raise TimeoutError
        await super().write_with_length(writer, content_length)
        # What asyncio still holds is not out of our hands.
        if self._transport is not None and self._transport.get_write_buffer_size() == 0:
            self._departure.has_left()

    def abort(self) -> None:
        """Forget whatever of it has not left: closing the connection would go on sending it."""
        if self._transport is not None:
            self._transport.abort()
