"""Where an identity provider's keys come from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

LARGEST = 256 * 1024
PATIENCE_S = 5.0

Fetch = Callable[[], Awaitable[bytes]]


def from_file(path: Path) -> Fetch:
    """Read anew each time that keys are wanted."""

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(LARGEST)

    return lambda: asyncio.to_thread(read)


def from_url(url: str) -> Fetch:
    """Fetched without redirects and proxies, a quarter of a MiB at the most."""

    async def fetch() -> bytes:
        limit = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=False) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:  # noqa: PLR2004 - anything else is not the key set
                raise ValueError(f"the key set's address answered {answer.status}")
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > LARGEST:
                    raise ValueError(f"the key set has more than {LARGEST} bytes")
            return bytes(body)

    return fetch
