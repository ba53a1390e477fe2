"""Steering from the page: who may, what is sent, and what is then impossible to overlook."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Page, expect

from autoscaler.core.controls import Standing
from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Mode, Override
from tests.fakes.page import OPERATOR, VIEWER, Site, site

WHY = "INC-42, load test"


async def say(page: Page, button: str, **fields: str) -> None:
    """Open a control's dialog, fill it in and send it."""
    await page.get_by_role("group", name="Steer").get_by_role("button", name=button).first.click()
    dialog = page.get_by_role("dialog")
    for label, value in fields.items():
        field = dialog.get_by_label(label)
        if await field.evaluate("field => field.tagName") == "SELECT":
            await field.select_option(label=value)
        else:
            await field.fill(value)
    await dialog.get_by_role("button").last.click()
    await expect(dialog).to_have_count(0)


def only(shown: Site) -> Standing:
    (one,) = shown.controls.stands
    return one


async def test_a_pause_of_the_fleet_needs_a_reason_and_fills_the_banner(
    fleet: Site, operator: Page
) -> None:
    await (
        operator.get_by_role("group", name="Steer the whole fleet")
        .get_by_role("button", name="Pause")
        .click()
    )
    dialog = operator.get_by_role("dialog", name="Pause: the whole fleet")
    await expect(dialog.get_by_label("Why")).to_be_focused()
    await dialog.get_by_role("button", name="Pause").click()
    assert fleet.controls.stands == []
    await dialog.get_by_label("Why").fill(WHY)
    await dialog.get_by_label("For").select_option("2 hours")
    await dialog.get_by_role("button", name="Pause").click()
    banner = operator.get_by_role("region", name="Overrides that hold now")
    await expect(banner).to_contain_text("Paused: the whole fleet")
    await expect(banner).to_contain_text(f"ada: {WHY}")
    await expect(banner).to_contain_text(re.compile(r"until \d\d:\d\d \((120|119) min left|2 h"))
    word = only(fleet).override
    assert (only(fleet).scope, word.control, word.author, word.why) == (
        "fleet",
        Control.PAUSE,
        "ada",
        WHY,
    )
    assert word.expires_at == pytest.approx(time.time() + 7_200, abs=60)


async def test_a_pause_file_fills_the_banner_until_it_is_gone(fleet: Site, page: Page) -> None:
    fleet.face.pause_file = "/etc/autoscaler/PAUSE"
    await page.goto(fleet.url)
    banner = page.get_by_role("region", name="Overrides that hold now")
    await expect(banner).to_contain_text("Paused: the whole fleet · a PAUSE file")
    await expect(banner).to_contain_text("/etc/autoscaler/PAUSE")
    await expect(banner).to_contain_text("until the file is removed")
    fleet.face.pause_file = None
    fleet.tick()
    await expect(banner).to_have_count(0)


async def test_what_will_be_sent_is_what_is_sent(fleet: Site, operator: Page) -> None:
    await operator.goto(f"{fleet.url}/d/rerank")
    await operator.get_by_role("button", name="Raise a floor").click()
    dialog = operator.get_by_role("dialog")
    await dialog.get_by_label("Value").fill("9")
    await dialog.get_by_label("Why").fill(WHY)
    await expect(dialog.locator("pre")).to_contain_text(WHY)
    told = await dialog.locator("pre").inner_text()
    async with operator.expect_request("**/api/v1/overrides") as sent:
        await dialog.get_by_role("button").last.click()
    request = await sent.value
    head, _, body = told.partition("\n")
    assert head == f"{request.method} /api/v1/overrides"
    import orjson

    assert orjson.loads(body) == request.post_data_json
    assert request.post_data_json == {
        "scope": "rerank",
        "why": WHY,
        "control": "floor",
        "dial": "min_replicas",
        "value": 9,
        "for_s": 3_600,
    }


async def test_every_control_of_a_deployment(fleet: Site, operator: Page) -> None:
    await operator.goto(f"{fleet.url}/d/rerank")
    await say(operator, "Pause", Why=WHY)
    await say(operator, "No lowering", Why=WHY, For="without end")
    await say(operator, "Raise a floor", Why=WHY, Dial="threads", Value="16")
    await say(operator, "Pin a value", Why=WHY, Dial="ceiling (max replicas)", Value="12")
    await say(operator, "Change the mode", Why=WHY, Mode="observe")
    await say(operator, "Look now", Why=WHY)
    words = [one.override for one in fleet.controls.stands]
    assert {one.scope for one in fleet.controls.stands} == {"rerank"}
    assert [(w.control, w.dial, w.value, w.mode) for w in words] == [
        (Control.PAUSE, None, None, None),
        (Control.BRAKE, None, None, None),
        (Control.FLOOR, Dial.THREADS, 16, None),
        (Control.PIN, Dial.MAX_REPLICAS, 12, None),
        (Control.MODE, None, None, Mode.OBSERVE),
    ]
    assert words[1].expires_at is None
    assert fleet.controls.looks == [("rerank", "ada", WHY)]
    await expect(operator.get_by_text("Looking at 1 deployment now.")).to_be_visible()
    banner = operator.get_by_role("region", name="Overrides that hold now")
    await expect(banner.get_by_text("without end")).to_be_visible()
    await expect(operator.get_by_role("heading", level=1)).to_contain_text("paused")


async def test_a_group_can_be_steered_from_the_fleet(fleet: Site, operator: Page) -> None:
    await operator.goto(f"{fleet.url}/?group=online")
    await say(operator, "No lowering", Why=WHY)
    assert only(fleet).scope == "group:online"


async def test_every_control_of_the_fleet_is_on_the_overrides_page(
    fleet: Site, operator: Page
) -> None:
    await operator.goto(f"{fleet.url}/overrides")
    for button in ("Pause", "No lowering", "Raise a floor", "Pin a value", "Change the mode"):
        more = {"Value": "3"} if button in {"Raise a floor", "Pin a value"} else {}
        await say(operator, button, Why=WHY, **more)
    await say(operator, "Look now", Why=WHY)
    assert {one.scope for one in fleet.controls.stands} == {"fleet"}
    assert len(fleet.controls.stands) == 5
    assert fleet.controls.looks == [("fleet", "ada", WHY)]


async def test_end_now_in_the_banner_resumes(fleet: Site, operator: Page) -> None:
    await fleet.controls.add("fleet", Override(Control.PAUSE, "bob", "by mistake", None))
    banner = operator.get_by_role("region", name="Overrides that hold now")
    await banner.get_by_role("button", name="End now").click()
    dialog = operator.get_by_role("dialog", name="End it now: the whole fleet")
    await expect(dialog).to_contain_text("said by bob: by mistake")
    (word,) = fleet.controls.stands
    await expect(dialog.locator("pre")).to_have_text(f"DELETE /api/v1/overrides/{word.id}")
    await dialog.get_by_role("button", name="End it now").click()
    await expect(banner).to_have_count(0)
    assert fleet.controls.stands == []


async def test_a_refusal_is_shown_in_the_dialog_and_nothing_is_lost(
    fleet: Site, operator: Page
) -> None:
    await operator.goto(f"{fleet.url}/d/rerank")
    await operator.get_by_role("button", name="Pin a value").click()
    dialog = operator.get_by_role("dialog")
    await dialog.get_by_label("Dial").select_option("threads")
    await dialog.get_by_label("Value").fill("0")
    await dialog.get_by_label("Why").fill(WHY)
    await dialog.get_by_role("button", name="Pin a value").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("value must be in 1..")
    await expect(dialog.get_by_label("Why")).to_have_value(WHY)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    assert fleet.controls.stands == []


async def test_without_a_token_there_is_nothing_to_steer_with(fleet: Site, page: Page) -> None:
    await fleet.controls.add("rerank", Override(Control.PAUSE, "bob", "rollout", None))
    for path in ("/", "/d/rerank", "/overrides"):
        await page.goto(fleet.url + path)
        await expect(page.get_by_text("Paused: rerank").first).to_be_visible()
        await expect(page.get_by_role("group", name="Steer")).to_have_count(0)
        await expect(page.get_by_role("button", name="End now")).to_have_count(0)
    await expect(page.get_by_text("Sign in with an operator's token")).to_be_visible()


async def test_where_writing_is_off_the_page_tells_how_to_turn_it_on(page: Page) -> None:
    shown = site(3, write_enabled=False)
    await shown.open()
    try:
        await page.goto(f"{shown.url}/overrides")
        await expect(page.get_by_text("read only", exact=True)).to_be_visible()
        await expect(page.get_by_text("set web.write_enabled and a token")).to_be_visible()
        await expect(page.get_by_text("autoscaler pause chat --for 2h --why")).to_be_visible()
    finally:
        await page.goto("about:blank")
        await shown.close()


async def test_a_viewer_sees_who_it_is_and_steers_nothing(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Token").fill(VIEWER)
    await page.get_by_label("Token").press("Enter")
    await expect(page.get_by_text("vera · viewer")).to_be_visible()
    await expect(page.get_by_role("group", name="Steer")).to_have_count(0)


async def test_a_wrong_token_is_refused_and_forgotten(fleet: Site, page: Page) -> None:
    await page.goto(fleet.url)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Token").fill("fas_wrong")
    await page.get_by_label("Token").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not known here")
    assert await page.evaluate("sessionStorage.length") == 0
    await expect(page.get_by_text("30 shown")).to_be_visible()


async def test_a_token_lives_in_its_tab_alone(fleet: Site, operator: Page) -> None:
    stored = await operator.evaluate(
        "[sessionStorage.getItem('token'), JSON.stringify(localStorage), document.cookie, location.href]"
    )
    assert stored[0] == OPERATOR
    assert all(OPERATOR not in text for text in stored[1:])
    await operator.reload()
    await expect(operator.get_by_text("ada · operator")).to_be_visible()
    await operator.get_by_role("button", name="Sign out").click()
    await expect(operator.get_by_role("button", name="Sign in")).to_be_visible()
    assert await operator.evaluate("sessionStorage.length") == 0


async def test_a_daemon_that_asks_for_a_token_to_read_is_read_with_one(page: Page) -> None:
    shown = site(3, token_to_read=True)
    await shown.open()
    try:
        await page.goto(shown.url)
        await expect(page.get_by_text("a bearer token is needed to read").first).to_be_visible()
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Token").fill(VIEWER)
        await page.get_by_label("Token").press("Enter")
        await expect(page.get_by_text("3 shown")).to_be_visible()
        shown.face.decisions.pop("embed")
        shown.face.managed.pop("embed")
        shown.tick()
        await expect(page.get_by_text("2 shown")).to_be_visible()
    finally:
        await page.goto("about:blank")
        await shown.close()
