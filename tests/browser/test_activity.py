"""The activity: everything that happened, filtered, linked to, exported, growing as it happens."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import orjson
from playwright.async_api import Page, expect

from autoscaler.core.observation import Control, Override
from tests.fakes.page import Site


async def test_the_newest_comes_first_and_more_follow(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/activity")
    entries = page.locator(".entry")
    await expect(entries).to_have_count(100)
    await expect(entries.first).to_contain_text("the configuration was taken over")
    await page.get_by_role("button", name="Show more").click()
    await expect(entries).to_have_count(200)
    await page.get_by_role("button", name="Show more").click()
    await expect(entries).to_have_count(len(fleet.records.book))
    await expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    ids = await entries.evaluate_all("all => all.map(one => Number(one.id.slice(1)))")
    assert ids == sorted(ids, reverse=True)


async def test_filters_are_in_the_address(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/activity")
    await page.get_by_role("group", name="Kind").get_by_role("button", name="errors").click()
    await expect(page).to_have_url(re.compile("kind=refused%2Cfailed"))
    chips = page.locator(".entry .chip")
    await expect(chips).to_have_count(80)
    assert {text.split()[-1] for text in await chips.all_inner_texts()} == {"refused", "failed"}
    await page.get_by_label("deployment").fill("embed")
    await page.get_by_label("deployment").press("Enter")
    await expect(page.locator(".entry .whom")).to_have_text(["embed"] * 8)
    await page.reload()
    await expect(page.locator(".entry .whom")).to_have_text(["embed"] * 8)


async def test_times_narrow_it(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/activity")
    await page.get_by_label("to", exact=True).fill("2020-01-01T00:00")
    await expect(page.get_by_text("Nothing of that happened.")).to_be_visible()
    await page.get_by_label("to", exact=True).fill("")
    await expect(page.locator(".entry").first).to_be_visible()


async def test_an_entry_has_an_address_of_its_own(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/activity")
    link = page.locator(".entry .when").nth(3)
    wanted = fleet.records.book[-4]
    await link.click()
    await expect(page).to_have_url(re.compile(f"at={wanted.seq}&"))
    await expect(page.locator(".entry")).to_have_count(1)
    await expect(page.locator(".entry")).to_contain_text(wanted.summary)
    await page.get_by_role("button", name="Show all").click()
    await expect(page.locator(".entry")).to_have_count(100)


async def test_an_old_entry_is_found_by_its_address(fleet: Site, page: Page) -> None:
    oldest = fleet.records.book[0]
    await page.goto(f"{fleet.url}/activity?at={oldest.seq}&when={oldest.at}")
    await expect(page.locator(".entry")).to_contain_text(oldest.summary)


async def test_a_decision_of_an_entry_opens_with_its_trail(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/activity?kind=applied&deployment=rerank")
    await page.locator(".entry .whom a").first.click()
    await expect(page).to_have_url(re.compile("/d/rerank"))
    await expect(page.get_by_role("article", name="Decision")).to_be_visible()


async def test_exports_hold_what_the_filter_shows(fleet: Site, page: Page, tmp_path: Path) -> None:
    await page.goto(f"{fleet.url}/activity?kind=drift")
    kept = {}
    for name in ("CSV", "JSONL"):
        async with page.expect_download() as begun:
            await page.get_by_role("link", name=name, exact=True).click()
        kept[name] = tmp_path / name
        await (await begun.value).save_as(kept[name])
    with kept["CSV"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [orjson.loads(line) for line in kept["JSONL"].read_bytes().splitlines()]
    assert [int(row["seq"]) for row in rows] == [line["seq"] for line in lines]
    assert {line["kind"] for line in lines} == {"drift"}
    assert len(lines) == 40


async def test_what_happens_is_put_on_top(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/activity")
    await expect(page.locator(".entry")).to_have_count(100)
    await fleet.controls.add("rerank", Override(Control.PAUSE, "ada", "a rollout", None))
    first = page.locator(".entry").first
    await expect(first).to_contain_text("override added")
    await expect(first).to_contain_text("pause for rerank, a rollout")
    await expect(first).to_contain_text("ada")
