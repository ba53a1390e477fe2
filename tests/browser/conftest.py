"""Debian's Chromium, driven by Playwright: one browser for all tests, a fresh tab for each.

Every tab is watched: an error on its console or a request to anybody else fails its test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.tab import Tab
from tests.fakes.page import Site, site

HERE = Path(__file__).parent
# A busy machine may take its time; whatever is not there at last is a failure all the same.
expect.set_options(timeout=60_000)
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Playwright lives in one event loop, so all tests here share it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.server)


def chromium() -> str:
    """Where Chromium is; without it the test is skipped, in CI it fails."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("chromium is missing: apt-get install chromium")
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    where = chromium()
    async with async_playwright() as player:
        running = await player.chromium.launch(executable_path=where, args=list(FLAGS))
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def fleet() -> AsyncIterator[Site]:
    """Thirty deployments in which every kind of trouble is to be seen."""
    shown = site(30)
    await shown.open()
    yield shown
    await shown.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh tab without a past, watched."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    opened = await context.new_page()
    tab = Tab(opened)
    yield opened
    await context.close()
    tab.was_good()


@pytest_asyncio.fixture(loop_scope="session")
async def operator(fleet: Site, page: Page) -> Page:
    """The fleet's page, signed in as the operator ada."""
    from tests.fakes.page import OPERATOR

    await page.goto(fleet.url)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Token").fill(OPERATOR)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Sign out").wait_for()
    return page
