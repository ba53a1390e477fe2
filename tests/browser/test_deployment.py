"""A deployment's page: its curve, every decision on it, and each decision's whole trail."""

from __future__ import annotations

import re
from dataclasses import replace

from playwright.async_api import Page, expect

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Alone, Capacity, Carried, Change, ChosenRisk, Learned
from tests.fakes.page import Site


async def opened(fleet: Site, page: Page, path: str = "/d/rerank") -> None:
    await page.goto(fleet.url + path)
    await expect(page.locator(".pane canvas")).to_have_count(3)


async def test_a_click_on_a_row_opens_it_and_back_returns(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/?q=rerank")
    await page.get_by_role("link", name="rerank", exact=True).click()
    await expect(page).to_have_url(f"{fleet.url}/d/rerank")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("rerank")
    await expect(page).to_have_title("rerank · Autoscaler")
    await page.go_back()
    await expect(page).to_have_url(f"{fleet.url}/?q=rerank")
    await expect(page.get_by_text("4 shown")).to_be_visible()


async def test_it_says_what_holds_now_in_a_sentence(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    latest = (await page.evaluate("fetch('/api/v1/deployments/rerank').then(a => a.json())"))[
        "latest"
    ]
    await expect(page.locator(".now")).to_contain_text(latest["headline"])


async def test_what_others_have_changed_is_listed(fleet: Site, page: Page) -> None:
    one = fleet.face.decisions["rerank"]
    hands = Change(one.seen.at - 90, Envelope(2, 9, 8), Envelope(1, 4, 8), foreign=True)
    seen = replace(one.seen, changes=(*one.seen.changes, hands))
    fleet.face.decisions["rerank"] = replace(one, seen=seen)
    await opened(fleet, page)
    card = page.locator(".card").filter(has_text="Changed by others")
    await expect(card.get_by_role("listitem").first).to_have_text(re.compile(r"2.9.*→.*1.4"))
    await page.goto(f"{fleet.url}/d/embed")
    await expect(card).to_contain_text("nobody else has changed it")


async def test_what_was_learnt_is_told_with_its_numbers(fleet: Site, page: Page) -> None:
    one = fleet.face.decisions["rerank"]
    risk = ChosenRisk(
        "ahead", 0.985, 0.01, 0.0082, 168.0, met=True, at=one.seen.at - 3_600, of_platform=0.8
    )
    risk = replace(risk, replicas=7.2, alone=Alone(0.0125, 10.0))
    size = Capacity("v1", 32, (Carried(20.0, 22.5), Carried(20.0, 22.5)), one.seen.at)
    seen = replace(one.seen, learned=Learned(48, 95.0, (95.0,), "v1", (risk,), size))
    fleet.face.decisions["rerank"] = replace(one, seen=seen)
    await opened(fleet, page)
    card = page.locator(".card").filter(has_text="Learnt")
    await expect(card).to_contain_text("20 to 22.5 requests of 32 threads (seen 2 times)")
    await expect(card).to_contain_text("0.985, for at most 1.00 % without room (80 % of the")
    await expect(card).to_contain_text("0.82 %, 7.20 replicas")
    await expect(card).to_contain_text("1.25 %, 10 replicas")


async def test_three_charts_share_one_axis_and_have_ink(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    inked = await page.evaluate(
        """[...document.querySelectorAll('.pane canvas')].map(c => {
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            const seen = new Set();
            for (let i = 0; i < d.length; i += 4) if (d[i + 3]) seen.add(d[i] + ',' + d[i + 1] + ',' + d[i + 2]);
            return seen.size; })"""
    )
    assert all(count > 3 for count in inked), inked
    lefts = await page.evaluate(
        "[...document.querySelectorAll('.pane .u-over')].map(o => Math.round(o.getBoundingClientRect().left))"
    )
    assert len(set(lefts)) == 1


async def test_the_legend_tells_the_values_under_the_cursor(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    shown = page.locator("[data-of=load]")
    await expect(shown).to_have_text(re.compile(r"\d"))
    over = page.locator("[data-pane=threads] .u-over")
    await over.hover(position={"x": 200, "y": 20})
    first = await page.locator("[data-of=at]").inner_text()
    await over.hover(position={"x": 500, "y": 20})
    await expect(page.locator("[data-of=at]")).not_to_have_text(first)


async def test_a_decision_opens_its_whole_trail_from_the_chart(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    pin = page.locator(".pin").first
    await expect(pin).to_have_attribute("title", re.compile(r"\d\d:\d\d:\d\d "))
    ident = await pin.get_attribute("data-decision")
    await pin.press("Enter")
    await expect(page).to_have_url(re.compile(rf"decision={ident}"))
    trail = page.get_by_role("article", name="Decision")
    for heading in ("Seen", "Said by the policies", "Trail", "Plan and outcome"):
        await expect(trail.get_by_role("heading", name=heading)).to_be_visible()
    await expect(trail).to_contain_text("running jobs")
    await expect(trail).to_contain_text("s old")
    await expect(trail).to_contain_text("a peak of 41 jobs needs more replicas")
    await expect(trail).to_contain_text(re.compile(r"floor 8 → 10"))


async def test_a_permalink_opens_a_decision_at_once(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    button = page.locator(".timeline li button").first
    await button.click()
    address = page.url
    await page.goto("about:blank")
    await page.goto(address)
    ident = address.partition("decision=")[2]
    await expect(page.get_by_role("article", name="Decision")).to_contain_text(ident)
    await expect(page.locator(".timeline li button[aria-pressed=true]")).to_have_count(1)


async def test_windows_change_the_span_and_a_drag_zooms(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    for window in ("15m", "24h", "14d"):
        await page.get_by_role("group", name="Window").get_by_role("button", name=window).click()
        await expect(page).to_have_url(re.compile(f"window={window}"))
    await page.get_by_role("group", name="Window").get_by_role("button", name="6h").click()
    box = await page.locator("[data-pane=load] .u-over").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 200, box["y"] + 50)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 500, box["y"] + 50, steps=4)
    await page.mouse.up()
    await expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    await page.get_by_role("button", name="zoomed").click()
    await expect(page).not_to_have_url(re.compile("from="))


async def test_policies_guards_and_what_was_learnt_are_there(fleet: Site, page: Page) -> None:
    await opened(fleet, page)
    await expect(page.get_by_text("target_load").first).to_be_visible()
    await expect(page.get_by_text("shadow: shown, not counted")).to_be_visible()
    await page.locator("summary", has_text="Guards").click()
    await expect(page.get_by_role("heading", name="step")).to_be_visible()
    for text in ("start-up time", "95.7 %", "Cold starts", "390k"):
        await expect(page.get_by_text(text).first).to_be_visible()


async def test_an_unknown_name_says_so_and_guesses(fleet: Site, page: Page) -> None:
    await page.goto(f"{fleet.url}/d/rerakn")
    await expect(page.get_by_role("heading")).to_contain_text("no deployment 'rerakn'")
    await page.get_by_role("link", name="rerank", exact=True).click()
    await expect(page).to_have_url(f"{fleet.url}/d/rerank")


async def test_a_hostile_name_stays_text(fleet: Site, page: Page) -> None:
    name = "<img src=x onerror=document.title='owned'>"
    from dataclasses import replace

    fleet.face.decisions[name] = replace(fleet.face.decisions["chat"], deployment=name)
    await page.goto(f"{fleet.url}/?q=img")
    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    await expect(page).to_have_title(f"{name} · Autoscaler")
