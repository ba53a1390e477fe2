"""How quick the fleet's page is with 2,000 deployments: `python -m tests.browser.figures`.

Prints JSON, milliseconds: the first content of a cold load, the largest time from an event of the
daemon to the new numbers on the screen and the part of it that blocked the page, and the long
tasks (over 50 ms) while the whole table is scrolled through.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.conftest import FLAGS

TRIES = 5
LONG_MS = 50.0
LONG_TASKS = """
window.long = [];
new PerformanceObserver(list => {
    for (const one of list.getEntries()) window.long.push(one.duration);
}).observe({type: 'longtask', buffered: true});
"""
PAINT = """() => new Promise(done => {
    const first = performance.getEntriesByName('first-contentful-paint')[0];
    done(first ? first.startTime : null);
})"""
ROWS = """() => new Promise(done => {
    const look = () => document.querySelector('[data-row]') ? done(performance.now()) : requestAnimationFrame(look);
    look();
})"""
# From the first byte of an answer with new rows to the second frame after they were taken.
UPDATE = """() => new Promise(done => {
    const before = window.fetch;
    window.fetch = async (...args) => {
        const answer = await before(...args);
        if (!String(args[0]).includes('/deployments?') || answer.status !== 200) return answer;
        const start = performance.now(), json = answer.json.bind(answer);
        answer.json = async () => {
            const body = await json();
            window.fetch = before;
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
            return body;
        };
        return answer;
    };
})"""
SCROLL = """async () => {
    const box = document.querySelector('.scroller');
    window.long = [];
    const gaps = [];
    let last = performance.now();
    const frame = () => new Promise(next => requestAnimationFrame(next));
    for (let top = 0; top < box.scrollHeight; top += 460) {
        box.scrollTo(0, top);
        await frame();
        gaps.push(performance.now() - last);
        last = performance.now();
    }
    await new Promise(next => setTimeout(next, 300));
    gaps.sort((a, b) => a - b);
    return {frames: gaps.length, median_ms: gaps[gaps.length >> 1], p99_ms: gaps[Math.floor(gaps.length * 0.99)], long_tasks: window.long};
}"""


async def served(count: int) -> tuple[asyncio.subprocess.Process, str]:
    """The daemon of the fixture as a process of its own, and where it listens."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.page", str(count)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    found = re.search(r"http://\S+", line)
    assert found is not None, line
    return process, found[0]


async def fresh(browser: Browser) -> Page:
    """A tab with an empty cache, whose long tasks are noted."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    await context.add_init_script(LONG_TASKS)
    return await context.new_page()


async def loaded(page: Page, url: str) -> dict[str, Any]:
    await page.goto(url)
    rows = await page.evaluate(ROWS)
    return {"paint_ms": await page.evaluate(PAINT), "rows_ms": rows}


async def cold(browser: Browser, url: str) -> dict[str, Any]:
    """One load without anything kept, and the tab closed again."""
    page = await fresh(browser)
    found = await loaded(page, url)
    await page.context.close()
    return found


def worked(trace: bytes) -> list[float]:
    """CPU time of each task of the page's main thread, milliseconds, the longest last."""
    events = json.loads(trace)["traceEvents"]
    mains = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        one["tdur"] / 1_000
        for one in events
        if one["name"] == "ThreadControllerImpl::RunTask"
        and (one["pid"], one["tid"]) in mains
        and "tdur" in one
    ]
    return sorted(round(task, 1) for task in tasks)


async def figures(count: int) -> dict[str, Any]:
    """Everything, measured TRIES times where it is a single moment; the worst counts."""
    process, url = await served(count)
    where = shutil.which("chromium")
    assert where is not None, "chromium is missing: apt-get install chromium"
    try:
        async with async_playwright() as player:
            browser = await player.chromium.launch(executable_path=where, args=list(FLAGS))
            loads = [await cold(browser, url) for _ in range(TRIES)]
            page = await fresh(browser)
            await browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
            await loaded(page, url)
            load_tasks = worked(await browser.stop_tracing())
            await browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
            updates = [await page.evaluate(UPDATE) for _ in range(TRIES)]
            update_tasks = worked(await browser.stop_tracing())
            await browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
            scroll = await page.evaluate(SCROLL)
            scroll_tasks = worked(await browser.stop_tracing())
            await browser.close()
    finally:
        process.terminate()
        await process.wait()
    return {
        "deployments": count,
        "first_paint_ms": round(max(one["paint_ms"] for one in loads)),
        "first_rows_ms": round(max(one["rows_ms"] for one in loads)),
        "first_rows_cpu_ms": round(sum(load_tasks)),
        "update_ms": [round(one) for one in updates],
        "update_longest_task_cpu_ms": update_tasks[-1],
        "scroll": {
            "frames": scroll["frames"],
            "median_ms": round(scroll["median_ms"], 1),
            "p99_ms": round(scroll["p99_ms"], 1),
            "long_tasks_by_wall": len(scroll["long_tasks"]),
            "longest_tasks_cpu_ms": scroll_tasks[-5:],
            "tasks_over_50_ms_cpu": sum(task > LONG_MS for task in scroll_tasks),
        },
    }


if __name__ == "__main__":
    told = asyncio.run(figures(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
    print(json.dumps(told, indent=1))  # noqa: T201 - it is what the command is for
