from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from tests.chaos.troubles import Troubles
from tests.fakes.partition import Link, Network


async def test_two_troubles_of_one_link_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the end of one would open what still counts as cut off by the other."""
    link, modes, nothing = Network(1), list[Link](), asyncio.sleep
    monkeypatch.setattr(link, "become", modes.append)
    monkeypatch.setattr(asyncio, "sleep", lambda _: nothing(0))
    nobody: Any = None
    some = Troubles(nobody, nobody, Random(1))  # noqa: S311 - a seed's chance
    await asyncio.gather(some._broken(link, Link.RESET, blinds=True), some._broken(link, Link.SLOW))
    assert modes == [Link.RESET, Link.PASS, Link.SLOW, Link.PASS]
    assert [span.what for span in some.history.blind] == [Link.RESET]
