"""Live: the page follows the daemon, says when it is gone, and finds it again by itself."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.fakes.page import Site


async def test_a_tick_shows_new_numbers_without_a_reload(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await expect(page.get_by_text("30 shown")).to_be_visible()
    await page.evaluate("window.kept = true")
    fleet.face.decisions.pop("rerank")
    fleet.face.managed.pop("rerank")
    fleet.tick()
    await expect(page.get_by_text("29 shown")).to_be_visible()
    assert await page.evaluate("window.kept")


async def test_a_restart_is_seen_and_survived(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    line = page.get_by_role("region", name="The daemon").get_by_role("status")
    await expect(line).to_contain_text("source prom does not answer")
    await page.evaluate("window.kept = true")
    await fleet.close()
    await expect(line).to_contain_text(
        re.compile(r"No connection since \d\d:\d\d:\d\d: what is shown is \d+ s old")
    )
    assert (
        float(await page.locator("main").evaluate("main => getComputedStyle(main).opacity")) < 0.8
    )
    await expect(page.locator("[data-row]").first).to_be_visible()
    fleet.face.decisions.pop("rerank")
    fleet.face.managed.pop("rerank")
    await fleet.again()
    await expect(line).to_contain_text("source prom does not answer")
    await expect(page.get_by_text("29 shown")).to_be_visible()
    assert await page.evaluate("window.kept")
    fleet.face.decisions.pop("embed")
    fleet.face.managed.pop("embed")
    fleet.tick()
    await expect(page.get_by_text("28 shown")).to_be_visible()


async def test_focus_and_half_written_words_stay_on_updates(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    search = page.get_by_role("searchbox", name="Search deployments")
    await search.fill("emb")
    await expect(page.get_by_text("4 shown")).to_be_visible()
    fleet.face.decisions.pop("embed")
    fleet.face.managed.pop("embed")
    fleet.tick()
    await expect(page.get_by_text("3 shown")).to_be_visible()
    await expect(search).to_be_focused()
    await expect(search).to_have_value("emb")
    link = page.get_by_role("link", name="embed-2")
    await link.focus()
    fleet.face.decisions.pop("embed-4")
    fleet.face.managed.pop("embed-4")
    fleet.tick()
    await expect(page.get_by_text("2 shown")).to_be_visible()
    await expect(link).to_be_focused()


async def test_an_open_trail_stays_while_the_charts_go_on(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/d/rerank")
    await page.locator(".timeline li button").last.click()
    trail = page.get_by_role("article", name="Decision")
    told = await trail.inner_text()
    fleet.face.age(3_600)
    fleet.tick()
    await expect(page.locator(".timeline li").first).not_to_contain_text("nothing")
    assert await trail.inner_text() == told
