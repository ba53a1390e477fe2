"""The fleet's page: everybody, problems on top, found again by its address."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.fakes.page import Site, site

COLUMNS = [
    *("Status", "Deployment", "Load", "6h", "Replicas", "Threads", "Last decision"),
    *("Changed", "Sample", "Next event", "Cost/h", "Risk"),
]


async def names(page: Page) -> list[str]:
    return await page.locator("[data-row] .c-name a").all_inner_texts()


async def test_every_deployment_has_a_row_with_problems_on_top(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await page.set_viewport_size({"width": 1440, "height": 2_000})
    rows = page.locator("[data-row]")
    await expect(rows).to_have_count(30)
    assert sorted(await names(page)) == sorted(fleet.face.decisions)
    chips = await page.locator("[data-row] .chip").all_inner_texts()
    order = ["failed", "refused", "blind", "stale", "waiting", "moving", "ok"]
    words = [text.split()[-1] for text in chips]
    troubled = await page.locator("[data-row].attention").count()
    assert troubled
    for part in (words[:troubled], words[troubled:]):
        assert part == sorted(part, key=order.index)


@pytest.mark.parametrize("width", [1440, 1280, 1160])
async def test_every_column_is_in_sight_on_a_laptop(fleet: Site, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    await page.goto(fleet.url)
    await expect(page.get_by_role("columnheader", name="Risk")).to_be_in_viewport(ratio=1)
    table = page.get_by_role("table")
    assert await table.evaluate("box => box.scrollWidth - box.clientWidth") == 0


async def test_the_columns_are_named(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    heads = page.get_by_role("columnheader")
    await expect(heads).to_have_count(len(COLUMNS))
    shown = [re.sub(r"[ ▴▾]+$", "", text) for text in await heads.all_inner_texts()]
    assert shown == COLUMNS


async def test_a_row_tells_load_envelope_decision_and_age(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/?q=rerank")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="rerank", exact=True))
    await expect(row.locator(".c-envelope")).to_contain_text("8\u201311")
    await expect(row.locator(".c-envelope")).to_contain_text("10\u2013")
    await expect(row.locator(".c-decision")).to_contain_text("a peak of 41 jobs")
    await expect(row.locator(".c-sample")).to_have_text(re.compile(r"^\d+s$"))
    await expect(row.locator(".spark path")).to_have_attribute("d", re.compile(r"^M.*M"))


async def test_search_filters_and_sorting_are_in_the_address(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await page.get_by_role("searchbox", name="Search deployments").fill("embed")
    await expect(page.get_by_text("4 shown")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?q=embed$"))
    await page.get_by_role("button", name="Threads").click()
    await page.get_by_role("button", name="Deployment", exact=True).click()
    await expect(page).to_have_url(re.compile("sort=name"))
    assert await names(page) == ["embed", "embed-2", "embed-3", "embed-4"]
    await page.get_by_role("button", name="Deployment").click()
    assert await names(page) == ["embed-4", "embed-3", "embed-2", "embed"]
    await page.reload()
    await expect(page.get_by_text("4 shown")).to_be_visible()
    assert await names(page) == ["embed-4", "embed-3", "embed-2", "embed"]


async def test_chips_and_lists_filter(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    chip = page.get_by_role("group", name="Filter by status").get_by_role("button", name="failed")
    await chip.click()
    await expect(page.locator("[data-row] .chip")).to_have_text(["✕ failed"] * 4)
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await chip.click()
    await page.get_by_label("mode").select_option("recommend")
    shown = page.locator("[data-row] .c-name small")
    await expect(shown.first).to_contain_text("recommend")
    assert all("recommend" in text for text in await shown.all_inner_texts())


async def test_nothing_that_fits_says_so_and_leads_back(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/?q=nobody")
    await page.get_by_role("button", name="Show all").click()
    await expect(page.get_by_text("30 shown")).to_be_visible()


async def test_the_line_on_top_tells_how_the_daemon_does(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    line = page.get_by_role("region", name="The daemon")
    await expect(line.get_by_role("status")).to_contain_text("source prom does not answer")
    for fact in ("leader", "1/2", "decisions/min", "120", "late by", "3 of 10", "writes free"):
        await expect(line).to_contain_text(fact)


async def test_two_thousand_rows_are_a_few_at_a_time(page: Page) -> None:
    large = site(2_000)
    await large.open()
    try:
        await page.goto(large.url)
        await expect(page.get_by_text("2,000 shown")).to_be_visible()
        assert await page.locator("[data-row]").count() < 60
        table = page.get_by_role("table")
        await expect(table).to_have_attribute("aria-rowcount", "2001")
        await table.evaluate("box => box.scrollTo(0, box.scrollHeight)")
        last = page.locator("[data-row][aria-rowindex='2001']")
        await expect(last).to_be_visible()
        assert await page.locator("[data-row]").count() < 60
        await expect(last.locator(".spark path")).to_have_count(1)
    finally:
        await page.goto("about:blank")
        await large.close()
