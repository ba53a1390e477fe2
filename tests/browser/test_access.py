"""For everybody: axe-core finds nothing serious, phones need no sideways scrolling."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from autoscaler.core.observation import Control, Override
from tests.fakes.page import Site

AXE = Path(__file__).parents[1] / "data" / "axe" / "axe.min.js"
PLACES = ("/", "/d/rerank", "/activity", "/overrides", "/what-if?deployment=rerank", "/health")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def settled(fleet: Site, page: Page, path: str) -> None:
    """The page at `path` with an override in its banner, everything read."""
    soon = time.time() + 3_600
    await fleet.controls.add("fleet", Override(Control.BRAKE, "ada", "INC-42", soon))
    await page.goto(fleet.url + path)
    await expect(page.get_by_role("region", name="Overrides that hold now")).to_be_visible()
    await expect(page.locator("main h1, main h2").first).to_be_attached()
    if path.startswith("/d/"):
        await expect(page.locator(".pane canvas")).to_have_count(3)
        await expect(page.get_by_role("article", name="Decision")).to_be_visible()


async def findings(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, with the elements."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", PLACES)
async def test_axe_finds_nothing_serious(
    fleet: Site, page: Page, path: str, scheme: Literal["light", "dark"]
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await settled(fleet, page, path)
    assert await findings(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_axe_finds_nothing_serious_in_a_dialog(
    fleet: Site, operator: Page, scheme: Literal["light", "dark"]
) -> None:
    await operator.emulate_media(color_scheme=scheme)
    await operator.get_by_role("button", name="Pause").click()
    await expect(operator.get_by_role("dialog")).to_be_visible()
    assert await findings(operator) == []
    await operator.keyboard.press("Escape")
    await operator.keyboard.press("?")
    await expect(operator.get_by_role("dialog", name="Keys")).to_be_visible()
    assert await findings(operator) == []


@pytest.mark.parametrize("path", PLACES)
async def test_a_phone_needs_no_sideways_scrolling(fleet: Site, page: Page, path: str) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await settled(fleet, page, path)
    wide = await page.evaluate(
        """[...document.querySelectorAll('body, main, main *')].filter(e =>
            e.getBoundingClientRect().right > innerWidth + 1 &&
            !e.closest('.wide-table, .scroller, .hidden, svg, pre')).slice(0, 5).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert wide == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_the_switch_turns_light_and_dark_and_stays(fleet: Site, page: Page) -> None:
    await page.emulate_media(color_scheme="light")
    await page.goto(fleet.url)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(ground)
    await page.get_by_role("button", name="Show it dark").click()
    dark = await page.evaluate(ground)
    assert light != dark
    await page.reload()
    await expect(page.get_by_role("button", name="Show it light")).to_be_visible()
    assert await page.evaluate(ground) == dark


async def test_every_chip_has_a_glyph_beside_its_colour(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await expect(page.get_by_text("30 shown")).to_be_visible()
    glyphs = page.locator("[data-row] .chip [aria-hidden=true]")
    texts = await glyphs.all_inner_texts()
    assert len(texts) == await page.locator("[data-row] .chip").count()
    assert all(text.strip() for text in texts)
