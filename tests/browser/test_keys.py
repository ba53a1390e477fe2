"""The keyboard does everything."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

from tests.fakes.page import Site, site

#: As when a frame takes long: what waits for a turn of its own after a key has it, but nothing is drawn.
EIGHTY_IN_ONE_FRAME = """async () => {
    for (let n = 0; n < 80; n += 1) {
        document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "j", bubbles: true, cancelable: true }));
        for (let turn = 0; turn < 100; turn += 1) await null;
    }
}"""


async def test_slash_searches_and_escape_leaves(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    search = page.get_by_role("searchbox", name="Search deployments")
    await expect(search).to_be_visible()
    await page.keyboard.press("/")
    await expect(search).to_be_focused()
    await page.keyboard.type("gj?/")
    await expect(search).to_have_value("gj?/")
    await page.keyboard.press("Escape")
    await expect(search).not_to_be_focused()


async def test_j_and_k_walk_the_rows_and_enter_opens(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    links = page.locator("[data-row] .c-name a")
    await expect(links.first).to_be_visible()
    await page.keyboard.press("j")
    await expect(links.nth(0)).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(links.nth(1)).to_be_focused()
    name = await links.nth(1).inner_text()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{fleet.url}/d/{name}")


@asynccontextmanager
async def large(page: Page) -> AsyncIterator[None]:
    """The page of 300 deployments, of which the browser has drawn the first rows."""
    many = site(300)
    await many.open()
    try:
        await page.goto(many.url)
        await expect(page.get_by_text("300 shown")).to_be_visible()
        yield
    finally:
        await page.goto("about:blank")
        await many.close()


async def is_at_the_81st_row(page: Page) -> None:
    row = page.locator("[data-row]").filter(has=page.locator(":focus"))
    await expect(row).to_have_attribute("aria-rowindex", "81")
    await expect(row).to_be_in_viewport()


async def test_j_goes_on_where_no_row_is_drawn_yet(page: Page) -> None:
    async with large(page):
        for _ in range(80):
            await page.keyboard.press("j")
        await is_at_the_81st_row(page)


async def test_keys_that_come_faster_than_the_browser_draws_all_count(page: Page) -> None:
    async with large(page):
        await page.evaluate(EIGHTY_IN_ONE_FRAME)
        await is_at_the_81st_row(page)


@pytest.mark.parametrize(
    ("key", "path"),
    [("a", "/activity"), ("o", "/overrides"), ("w", "/what-if"), ("h", "/health"), ("f", "/")],
)
async def test_g_and_a_letter_go_places(fleet: Site, page: Page, key: str, path: str) -> None:
    await page.goto(f"{fleet.url}/d/rerank")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press(key)
    await expect(page).to_have_url(fleet.url + path)
    await expect(page.locator("nav [aria-current=page]")).to_have_attribute("href", path)


async def test_a_question_mark_shows_the_keys(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await expect(page.get_by_text("30 shown")).to_be_visible()
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    await expect(dialog).to_contain_text("search")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_tab_reaches_the_content_first(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await expect(page.get_by_text("30 shown")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("#main$"))
    await expect(page.locator("main")).to_be_focused()
