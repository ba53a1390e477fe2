"""The running daemon against a platform that misbehaves, over real HTTP: it says so and recovers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.wire import Rules
from tests.fakes.daemon import Daemon, Stage, stage, until

pytestmark = pytest.mark.slow

BUSY = 100.0
BUSY_ENVELOPE = Envelope(7, 11, 32)
"""100 jobs / (32 threads x 50 %) = 6.25, so 7 guaranteed; half as many more on top, 11 at most."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as made:
        yield made


async def calm(daemon: Daemon) -> None:
    """Wait until the daemon has read the platform and decided once."""
    await until(daemon.latest, "a first decision")


PASSING: list[tuple[str, dict[str, Any], str, str]] = [
    ("rate_limited", {"retry_after_s": 2}, "deferred", "rate_limited"),
    ("unavailable", {"retry_after_s": 1}, "failed", "platform_error"),
    ("server_error", {"status": 502}, "failed", "platform_error"),
    ("reset_before", {}, "failed", "outcome_unknown"),
    ("garbage", {}, "applied", "as_planned"),
    ("reset_after", {}, "applied", "as_planned"),
    ("unauthorized", {}, "applied", "as_planned"),
]


@pytest.mark.fault(28, 29)
@pytest.mark.parametrize(("kind", "more", "outcome", "code"), PASSING, ids=[p[0] for p in PASSING])
async def test_a_write_that_meets_a_passing_fault_is_told_truly_and_done_once(
    world: Stage, kind: str, more: dict[str, Any], outcome: str, code: str
) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        await world.fault(kind, "replace", **more)
        world.knob.jobs = BUSY
        told = await daemon.until_outcome(outcome, code)
        assert told["outcome"]["reason"]["sentence"]
        await daemon.until_settled(BUSY_ENVELOPE)
    assert world.envelope == BUSY_ENVELOPE
    assert world.puts == [200]


@pytest.mark.fault(27)
async def test_a_hint_not_to_retry_is_obeyed_within_the_tick(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        await world.fault("unavailable", "get", times=None, do_not_retry=True)
        world.knob.jobs = BUSY
        told = await daemon.until_outcome("failed", "platform_error")
        retries = "platform_retries_total"
        assert await daemon.metric(retries, operation="get", cause="unavailable") == 0
        assert told["outcome"]["status"] is None, "no PUT was sent"
        await world.no_more_faults()
        await daemon.until_settled(BUSY_ENVELOPE)
    assert world.puts == [200]


@pytest.mark.fault(23, 33)
async def test_an_expired_token_is_renewed_once_and_reading_goes_on(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        world.platform.tokens.expire_all()
        world.knob.jobs = BUSY
        await daemon.until_outcome("applied", "as_planned")
        requests = "platform_requests_total"
        assert await daemon.metric(requests, operation="token", status="200") == 2
        await daemon.until_settled(BUSY_ENVELOPE)


@pytest.mark.fault(31)
async def test_a_state_that_nobody_knows_holds_until_it_is_gone(world: Stage) -> None:
    await world.fault("unknown_state", "get", times=None, state="HIBERNATING")
    async with world.site.daemon() as daemon:
        await calm(daemon)
        world.knob.jobs = BUSY
        told = await daemon.until_outcome("held", "deployment_state_unknown")
        assert told["seen"]["health"]["state"] == "HIBERNATING"
        assert world.puts == []
        await world.no_more_faults()
        await daemon.until_settled(BUSY_ENVELOPE)


@pytest.mark.fault(30)
async def test_a_clamped_answer_is_told_and_what_is_real_is_kept(world: Stage) -> None:
    await world.fault("clamped", "replace", max_replicas=4)
    async with world.site.daemon() as daemon:
        await calm(daemon)
        world.knob.jobs = BUSY
        told = await daemon.until_outcome("applied", "clamped")
        assert told["outcome"]["actual"] == {"min_replicas": 4, "max_replicas": 4, "threads": 32}
        await daemon.until_settled(BUSY_ENVELOPE)
    assert world.puts == [200, 200]


@pytest.mark.fault(24)
async def test_a_forbidden_write_is_refused_and_not_asked_again(world: Stage) -> None:
    await world.fault("permission_denied", "replace", times=None)
    async with world.site.daemon() as daemon:
        await calm(daemon)
        world.knob.jobs = BUSY
        await daemon.until_outcome("refused", "permission_denied")
        await daemon.until_outcome("refused", "parked")
        requests = "platform_requests_total"
        assert await daemon.metric(requests, operation="replace", status="403") == 1


@pytest.mark.fault(20)
async def test_a_maximum_of_threads_is_learnt_once_and_kept_over_a_restart(tmp_path: Path) -> None:
    async with stage(tmp_path, rules=Rules(max_threads=48)) as world:
        defaults = world.site.tree["defaults"]
        defaults["limits"]["threads"] = {"low": 1, "high": 64}
        defaults["policies"]["wide"] = {"kind": "pass_through", "dial": "threads", "value": 64}
        async with world.site.daemon() as daemon:
            told = await daemon.until_outcome("applied", "clamped")
            assert told["outcome"]["thread_ceiling"] == 48
            assert world.envelope.threads == 48
            assert world.puts == [400, 200]
            # What a tick has learnt is recorded after its decisions: killed in between, it is lost.
            await daemon.until_settled(world.envelope)
        async with world.site.daemon() as daemon:
            await calm(daemon)
            assert (await daemon.api("/deployments/chat"))["learned"]["thread_ceiling"] == 48
            world.knob.jobs = 200.0
            await daemon.until_outcome("applied", "as_planned")
            latest = await until(daemon.latest, "a decision")
            assert latest["after"]["threads"] == 48
        assert world.puts.count(400) == 1, "the refused number was asked for only once"


async def test_an_own_write_of_unknown_end_is_not_taken_for_somebody_elses(world: Stage) -> None:
    world.site.tree["platform"]["timeouts"]["write"] = "2s"
    async with world.site.daemon() as daemon:
        await calm(daemon)
        await world.fault("slow_after", "replace", delay_s=4)
        world.knob.jobs = BUSY
        await world.until_struck()
        await world.fault("unavailable", "get", times=None)
        told = await daemon.until_outcome("failed", "outcome_unknown")
        assert told["outcome"]["actual"] is None, "it could not be read back"
        await world.no_more_faults()
        await daemon.until_settled(BUSY_ENVELOPE)
        changes = (await daemon.api("/deployments/chat"))["changes"]
        assert [change["foreign"] for change in changes] == [False]
    assert world.puts == [200]


@pytest.mark.fault(34)
async def test_a_hand_that_was_quicker_is_noticed_before_the_write(world: Stage) -> None:
    world.site.tree["platform"]["resync"] = "10m"
    async with world.site.daemon() as daemon:
        await calm(daemon)
        # The daemon's next reading is far away: only the one before the PUT can tell.
        chat = world.platform.deployments["chat"]
        raw = {**chat.raw, "maxReplicas": 20}
        path = f"/api/v2/models/liveDeployments/{chat.rid}?preview=true"
        headers = {"Authorization": f"Bearer {world.platform.token}"}
        body = {"runtimeConfiguration": raw}
        async with world.session.put(
            world.platform.url + path, json=body, headers=headers
        ) as answer:
            assert answer.status == 200
        world.knob.jobs = BUSY
        await daemon.until_outcome("deferred", "drifted")

        async def theirs() -> bool:
            changes = (await daemon.api("/deployments/chat"))["changes"]
            return any(change["foreign"] for change in changes)

        await until(theirs, "what somebody else did is remembered as theirs")
        await daemon.until_outcome("applied", "as_planned")
    assert world.envelope == Envelope(7, 20, 32), "raised beside the hand, never against it"


async def test_a_platform_that_is_away_stops_nothing_but_the_writing(world: Stage) -> None:
    async with world.site.daemon() as daemon:
        await calm(daemon)
        await world.fault("reset_before", "get", times=None)
        world.knob.jobs = BUSY
        breaker = "platform_breaker_open"

        async def rests() -> bool:
            return await daemon.metric(breaker) == 1

        await until(rests, "the breaker opens")
        assert (await daemon.page("/livez"))[0] == 200
        assert (await daemon.page("/readyz"))[0] == 200
        await world.no_more_faults()
        await daemon.until_settled(BUSY_ENVELOPE)
        assert await daemon.metric(breaker) == 0


@pytest.mark.fault(1)
async def test_metrics_that_go_away_lower_nothing(world: Stage) -> None:
    world.knob.jobs = BUSY
    async with world.site.daemon() as daemon:
        await daemon.until_settled(BUSY_ENVELOPE)
        await world.fault("server_error", "metrics", times=None)
        world.knob.jobs = 0.0

        async def blind() -> bool:
            latest = await daemon.latest()
            return latest is not None and "missing" in latest["seen"][0]

        await until(blind, "the signal is missing")
        assert world.envelope == BUSY_ENVELOPE
        await world.no_more_faults()

        async def lowered() -> bool:
            return world.envelope == Envelope(1, 2, 32)

        await until(lowered, "lowered again once the data is back")
