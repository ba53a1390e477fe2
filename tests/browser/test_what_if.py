"""Another policy set on the last days: edited, tried, compared, given up."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.fakes.page import Site


async def test_a_changed_option_is_tried_and_compared(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/d/rerank")
    await page.locator(".deployment").get_by_role("link", name="What if").click()
    await expect(page).to_have_url(f"{fleet.url}/what-if?deployment=rerank")
    await page.get_by_label("target", exact=True).fill("0.6")
    await page.get_by_label("window (s)").fill("90")
    await page.get_by_label("past").select_option("7 days")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("64 % fewer requests without room")).to_be_visible()
    ((name, policies, days),) = fleet.what_if.asked
    assert (name, days) == ("rerank", 7)
    assert policies["load"] == {"kind": "target_load", "target": 0.6, "window": "90s"}
    table = page.get_by_role("table")
    row = table.get_by_role("row").filter(has_text="requests without room")
    assert (await row.inner_text()).split("\t") == [
        "requests without room",
        "1.10 %",
        "0.40 %",
        "6.00 %",
    ]
    await expect(table.get_by_role("columnheader")).to_have_text(
        ["measure", "as it is", "changed", "the platform alone"]
    )
    await expect(page.locator(".curves canvas")).to_have_count(1)
    await expect(page.get_by_text("2 gaps of 18 min")).to_be_visible()


async def test_progress_is_told_and_it_can_be_given_up(fleet: Site, page: Page) -> None:
    fleet.what_if.steps = 10_000
    await page.goto(f"{fleet.url}/what-if?deployment=rerank")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("Replaying")).to_be_visible()
    await expect(page.get_by_role("progressbar")).to_be_visible()
    await expect(page.get_by_role("button", name="Try it")).to_be_disabled()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_text("Cancelled.")).to_be_visible()
    await expect(page.get_by_role("button", name="Try it")).to_be_enabled()


async def test_the_whole_set_can_be_written_as_json(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/what-if?deployment=rerank")
    await page.get_by_text("As JSON, laid over").click()
    text = page.get_by_label("The policy set as JSON")
    await text.fill("{not json")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("alert")).to_contain_text("the policy set is not JSON")
    assert fleet.what_if.asked == []
    await text.fill('{"load": {"kind": "target_load", "signal": "running_jobs", "target": 2}}')
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("alert")).to_contain_text("policies.load.target must be in 0..1")


async def test_without_a_deployment_it_tells_what_it_is_for(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/what-if")
    await expect(page.get_by_text("Nothing is written.")).to_be_visible()
    await page.get_by_label("deployment").fill("embed")
    await page.get_by_label("deployment").press("Enter")
    await expect(page.get_by_role("group", name="load")).to_be_visible()
