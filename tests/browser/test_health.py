"""The daemon's own health, and the overrides that hold."""

from __future__ import annotations

import time

from playwright.async_api import Page, expect

from autoscaler.core.observation import Control, Mode, Override
from tests.fakes.page import Site


async def test_health_tells_of_sources_platform_loop_journal_and_configuration(
    fleet: Site, page: Page
) -> None:
    await page.goto(f"{fleet.url}/health")
    for heading in ("Sources", "Platform", "Loop", "Journal", "Configuration"):
        await expect(page.get_by_role("heading", name=heading)).to_be_visible()
    row = page.get_by_role("row").filter(has_text="prom")
    for text in ("prometheus", "down", "timeout", "success 40, timeout 3", "12 ms"):
        await expect(row).to_contain_text(text)
    shown = page.locator("main")
    for text in (
        *("closed", "1 requests a second", "get 200 120", "replace 429 1", "replace 429"),
        *("online", "records", "autoscaler.db", "77"),
        *("autoscaler.yaml", "0123456789ab", "defaults.mode"),
    ):
        await expect(shown).to_contain_text(text)


async def test_overrides_say_who_why_and_until_when(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/overrides")
    await expect(page.get_by_text("Nobody has overridden anything.")).to_be_visible()
    soon = time.time() + 3_600
    await fleet.controls.add("group:online", Override(Control.BRAKE, "ada", "INC-42", soon))
    await fleet.controls.add(
        "rerank", Override(Control.MODE, "bob", "a trial", None, mode=Mode.OBSERVE)
    )
    listed = page.locator(".overrides .word")
    await expect(listed).to_have_count(2)
    await expect(listed.first).to_contain_text("No lowering: group online")
    await expect(listed.first).to_contain_text("ada: INC-42")
    await expect(listed.first).to_contain_text("left")
    await expect(listed.last).to_contain_text("mode observe")
    await expect(listed.last).to_contain_text("without end")
