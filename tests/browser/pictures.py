"""The pictures in docs/images, taken of a running demo: `python -m tests.browser.pictures`.

The demo runs for a quarter of an hour first, so that its curves fill their window. With an address
and a token it takes those of a demo that runs already.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from autoscaler.lab.traces import bundled
from autoscaler.lab.whatif.ask import Ask
from autoscaler.wiring.whatif import Engine
from tests.browser.conftest import FLAGS
from tests.browser.real import daemon

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WARM_UP_S = 930.0
LARGEST = 330_000
WHAT_IF = "what-if"


@dataclass(frozen=True)
class Picture:
    """What is to be seen on one."""

    name: str
    path: str
    scheme: str = "light"
    height: int = 900
    width: int = 1440


PICTURES = (
    Picture("fleet-light", "/", height=620),
    Picture("fleet-dark", "/", "dark", height=620),
    Picture("deployment-light", "/d/embed?window=15m", height=1200),
    Picture("deployment-dark", "/d/embed?window=15m", "dark", height=1200),
    Picture(WHAT_IF, "/what-if?deployment=embed&days=1", height=900),
    Picture("activity", "/activity", height=700),
    Picture("health", "/health", height=620),
    Picture("phone", "/", height=760, width=360),
)


@asynccontextmanager
async def demo(warm_up_s: float) -> AsyncIterator[tuple[str, str]]:
    """A demo that has run for a while: where it is, and its operator's token."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "autoscaler", "demo", "--headless"),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr is not None
    try:
        told = (await process.stderr.readline() + await process.stderr.readline()).decode()
        url, token = re.search(r"http://\S+", told), re.search(r"fas_\S+", told)
        assert url is not None, told
        assert token is not None, told
        await asyncio.sleep(warm_up_s)
        yield url[0], token[0]
    finally:
        process.terminate()
        await process.wait()


async def steer(page: Page) -> None:
    """Say a word that stays, so that the banner is to be seen."""
    if await page.get_by_role("region", name="Overrides that hold now").count():
        return
    await page.get_by_role("button", name="No lowering").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Why").fill("INC-4211: cold starts are slow since 14:00")
    await dialog.get_by_label("For").select_option("2 hours")
    await dialog.get_by_role("button").last.click()
    await expect(dialog).to_have_count(0)


async def tried(page: Page) -> None:
    """Run a what-if to its end."""
    await page.get_by_label("target", exact=True).first.fill("0.6")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.locator(".measures")).to_be_visible(timeout=180_000)
    await page.evaluate("scrollTo(0, 0)")


def a_day_before(ask: Ask) -> Ask:
    """As if the daemon had seen the bundled day of traffic on each of the last three days."""
    trace = bundled("servegen_deepseek_r1")
    each = round(600 / trace.bucket_s)
    tens = [max(trace.requests[n : n + each]) for n in range(0, len(trace.requests), each)]
    scale, days = 240.0 / max(tens), 3
    times = tuple(ask.until // 600 * 600 - 600.0 * n for n in reversed(range(days * len(tens))))
    return replace(ask, times=times, loads=tuple(scale * load for load in tens) * days)


@asynccontextmanager
async def with_a_past() -> AsyncIterator[tuple[str, str]]:
    """A daemon whose what-ifs have a past; the demo's gateway keeps none."""
    with tempfile.TemporaryDirectory() as folder:
        async with daemon(Path(folder)) as real:
            engine = real.running.page.what_if
            assert isinstance(engine, Engine)  # numpy is in the dev group
            find = engine.find

            async def found(name: str) -> Ask | None:
                ask = await find(name)
                return None if ask is None else a_day_before(ask)

            engine.find = found
            yield real.url, real.token


async def pointed(page: Page) -> None:
    """Open the trail of the newest change, as somebody would who wants to know why."""
    await page.locator(".timeline li button").first.click()
    await expect(page.locator(".timeline li button.on")).to_have_count(1)
    await page.evaluate("scrollTo(0, 0)")


async def take(browser: Browser, url: str, token: str, picture: Picture, to: Path) -> None:
    """One picture, checked to be small enough for a repository."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
    )
    await context.add_init_script(f"sessionStorage.setItem('token', '{token}')")
    page = await context.new_page()
    await page.goto(url + ("/?group=batch" if picture.name == "fleet-light" else picture.path))
    if picture.name == "fleet-light":
        await steer(page)
        await page.goto(url + picture.path)
    await page.wait_for_timeout(1_500)
    if picture.name == WHAT_IF:
        await tried(page)
    elif picture.name.startswith("deployment"):
        await pointed(page)
    await page.wait_for_timeout(700)
    file = to / f"{picture.name}.png"
    await page.screenshot(path=file)
    await context.close()
    size = file.stat().st_size
    assert size <= LARGEST, f"{file.name} has {size} bytes, at most {LARGEST} are wanted"


async def main(options: Any) -> None:
    where = shutil.which("chromium")
    assert where is not None, "chromium is missing: apt-get install chromium"
    chosen = [one for one in PICTURES if not options.only or one.name in options.only]
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=where, args=list(FLAGS))
        async with AsyncExitStack() as stack:
            shown = (options.url, options.token)
            if not options.url and any(one.name != WHAT_IF for one in chosen):
                shown = await stack.enter_async_context(demo(options.warm_up))
            for picture in chosen:
                if picture.name != WHAT_IF:
                    await take(browser, *shown, picture, options.to)
        for picture in chosen:
            if picture.name == WHAT_IF:
                async with with_a_past() as (url, token):
                    await take(browser, url, token, picture, options.to)
        await browser.close()


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of pictures; all when left out")
    parser.add_argument("--to", type=Path, default=IMAGES, help="the directory")
    parser.add_argument("--warm-up", type=float, default=WARM_UP_S, help="seconds")
    parser.add_argument("--url", help="a demo that runs already")
    parser.add_argument("--token", help="its operator's token")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(asked()))
