"""The page of a real daemon: it scales the demo's simulated fleet while it is looked at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from autoscaler.core.observation import Control, Override
from tests.browser.real import NAMES, Real, daemon

WHY = "INC-42"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Real]:
    async with daemon(tmp_path_factory.mktemp("daemon")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(real: Real, page: Page) -> Page:
    await page.goto(real.url)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Token").fill(real.token)
    await page.get_by_label("Token").press("Enter")
    await expect(page.get_by_text("demo · operator")).to_be_visible()
    return page


async def test_the_fleet_is_there_and_moves(real: Real, page: Page) -> None:
    await page.goto(real.url)
    rows = page.locator("[data-row] .c-name a")
    await expect(rows).to_have_count(len(NAMES))
    assert sorted(await rows.all_inner_texts()) == NAMES
    blind = page.locator("[data-row].attention").filter(has_text="ocr")
    await expect(blind).to_contain_text("no data")
    await expect(page.get_by_role("region", name="The daemon").get_by_role("status")).to_have_text(
        re.compile("Healthy")
    )
    load = page.locator("[data-row]", has=page.get_by_role("link", name="chat")).locator(".c-load")
    before = await load.inner_text()
    await expect(load).not_to_have_text(before)


async def test_a_deployment_shows_its_curve_its_decisions_and_a_trail(
    real: Real, page: Page
) -> None:
    await page.goto(f"{real.url}/d/embed?window=15m")
    await expect(page.locator(".pane canvas")).to_have_count(3)
    await expect(page.locator("[data-of=load]")).to_have_text(re.compile(r"\d"))
    await page.locator(".pin").first.press("Enter")
    trail = page.get_by_role("article", name="Decision")
    await expect(trail.get_by_text("in flight", exact=True)).to_be_visible()
    await expect(trail.get_by_text("answered 200")).to_be_visible()
    await expect(page.get_by_role("heading", name="load target_load")).to_be_visible()
    await page.locator("summary", has_text="Guards").click()
    await expect(page.get_by_role("heading", name="stabilise")).to_be_visible()


async def test_activity_and_health_come_from_the_journal_and_the_loop(
    real: Real, page: Page
) -> None:
    await page.goto(f"{real.url}/activity")
    await expect(page.locator(".entry .chip", has_text="applied").first).to_be_visible()
    await page.get_by_role("button", name="the daemon").click()
    await expect(page.locator(".entry").last).to_contain_text("started")
    await page.goto(f"{real.url}/health")
    await expect(page.get_by_role("row").filter(has_text="gateway")).to_contain_text("up")
    await expect(page.get_by_role("row").filter(has_text="online")).to_contain_text("ms")
    await expect(page.get_by_text("demo.yaml")).to_be_visible()


async def say(page: Page, button: str, **fields: str) -> None:
    await page.get_by_role("group", name="Steer").get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    for label, value in fields.items():
        await dialog.get_by_label(label).fill(value)
    await dialog.get_by_role("button").last.click()
    await expect(dialog).to_have_count(0)


async def end_all(real: Real, page: Page) -> None:
    """End what holds, one after the other, once the page shows all of it."""
    holds = len(await real.running.controls.standing())
    banner = page.get_by_role("region", name="Overrides that hold now")
    ends = banner.get_by_role("button", name="End now")
    await expect(ends).to_have_count(holds)
    for left in reversed(range(holds)):
        await ends.first.click()
        await page.get_by_role("dialog").get_by_role("button", name="End it now").click()
        await expect(ends).to_have_count(left)


async def test_a_raised_floor_reaches_the_platform(real: Real, signed_in: Page) -> None:
    page = signed_in
    await page.goto(f"{real.url}/d/churn")
    await say(page, "Raise a floor", Value="14", Why=WHY)
    await expect(page.locator(".big")).to_contain_text(re.compile(r"14\D\d+ \u00d7 32\s*as wanted"))
    assert real.platform.deployments["churn"].envelope.min_replicas == 14
    await end_all(real, page)


async def test_every_control_is_heard_and_can_be_ended(real: Real, signed_in: Page) -> None:
    page = signed_in
    await page.goto(f"{real.url}/d/chat")
    await say(page, "Pause", Why=WHY)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("paused")
    await expect(page.locator(".now")).to_contain_text(f"paused by demo ({WHY})")
    await say(page, "No lowering", Why=WHY)
    await say(page, "Pin a value", Value="9", Why=WHY)
    await say(page, "Change the mode", Why=WHY)
    await say(page, "Look now", Why=WHY)
    await expect(page.get_by_text("Looking at 1 deployment now.")).to_be_visible()
    kinds = {one.override.control for one in await real.running.controls.standing()}
    assert kinds == {Control.PAUSE, Control.BRAKE, Control.PIN, Control.MODE}
    await end_all(real, page)
    assert await real.running.controls.standing() == []
    await page.goto(f"{real.url}/activity")
    await page.get_by_role("button", name="operators").click()
    for kind in ("override added", "override ended", "look"):
        await expect(page.locator(".entry .chip", has_text=kind).first).to_be_visible()


async def test_a_pause_from_elsewhere_fills_the_banner_of_an_open_page(
    real: Real, signed_in: Page
) -> None:
    await real.running.controls.add("fleet", Override(Control.PAUSE, "bob", "by phone", None))
    banner = signed_in.get_by_role("region", name="Overrides that hold now")
    await expect(banner).to_contain_text("Paused: the whole fleet")
    await expect(banner).to_contain_text("bob: by phone")
    await expect(banner).to_contain_text("without end")
    await end_all(real, signed_in)


async def test_a_restart_of_the_daemon_needs_no_reload_of_the_page(real: Real, page: Page) -> None:
    await page.goto(real.url)
    line = page.get_by_role("region", name="The daemon").get_by_role("status")
    await expect(line).to_contain_text("Healthy")
    await page.evaluate("window.kept = true")
    first = await page.evaluate(
        "fetch('/api/v1/status').then(a => a.json()).then(s => s.started_at)"
    )
    lost = page.get_by_text("No connection since").wait_for()
    import asyncio

    waiting = asyncio.ensure_future(lost)
    await real.restart()
    await waiting
    await expect(line).to_contain_text("Healthy")
    again = await page.evaluate(
        "fetch('/api/v1/status').then(a => a.json()).then(s => s.started_at)"
    )
    assert again > first
    assert await page.evaluate("window.kept")
    load = page.locator("[data-row]", has=page.get_by_role("link", name="chat")).locator(".c-load")
    before = await load.inner_text()
    await expect(load).not_to_have_text(before)


async def test_a_what_if_runs_in_the_lab_and_says_what_it_lacks(real: Real, page: Page) -> None:
    await page.goto(f"{real.url}/what-if?deployment=embed")
    await page.get_by_label("window (s)").fill("4")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("alert")).to_contain_text("gateway has no past of embed")
