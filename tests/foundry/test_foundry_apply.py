"""A write, from the first reading to the last, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import math

import pytest

from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.core.reason import Code, because
from autoscaler.foundry.options import PacingOptions
from autoscaler.foundry.verdict import HOUR
from autoscaler.ports import Live, Platform, Unread
from tests.fakes.foundry import BRISK, HANG, RESET, RID, Bench, Reply, bench, error

BEFORE = Envelope(1, 3, 32)
AFTER = Envelope(2, 6, 32)


@pytest.mark.fault(83)
async def test_a_write_reads_puts_and_reads_back() -> None:
    async with bench() as b:
        platform: Platform = b.platform
        outcome = await platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.APPLIED, Code.AS_PLANNED)
        assert (outcome.actual, outcome.status) == (AFTER, 200)
        assert b.stack.methods() == ["GET", "PUT", "GET"]
        assert b.watch.requests == [("get", "200"), ("replace", "200"), ("get", "200")]


@pytest.mark.fault(26, 32)
async def test_only_the_dials_of_the_fresh_reading_change() -> None:
    async with bench() as b:
        b.stack.configuration().update(
            sources=["ri.a"], environmentVariables={"KEY": "v"}, futureField={"keep": [1.0, 2]}
        )
        expected = dict(b.stack.configuration()) | {"minReplicas": 2, "maxReplicas": 6}
        await b.platform.apply(RID, BEFORE, AFTER)
        assert b.stack.requests[1].json == {"runtimeConfiguration": expected}
        assert b'"keep":[1.0,2]' in b.stack.requests[1].body


async def test_what_is_so_already_is_not_written() -> None:
    async with bench() as b:
        outcome = await b.platform.apply(RID, Envelope(0, 1, 1), BEFORE)
        assert (outcome.kind, outcome.reason.code) == (Kind.UNCHANGED, Code.ALREADY_SO)
        assert b.stack.methods() == ["GET"]


@pytest.mark.fault(34)
async def test_what_somebody_else_changed_is_not_overwritten() -> None:
    async with bench() as b:
        b.stack.configuration()["maxReplicas"] = 9
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.DRIFTED)
        assert outcome.actual == Envelope(1, 9, 32)
        assert b.stack.methods() == ["GET"]


@pytest.mark.fault(34)
async def test_an_edit_of_other_fields_just_before_is_carried_along() -> None:
    async with bench() as b:
        assert isinstance(await b.platform.read(RID), Live)
        b.stack.configuration()["memory"] = "2GiB"
        await b.platform.apply(RID, BEFORE, AFTER)
        assert b.stack.configuration()["memory"] == "2GiB"


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("DISABLED", Code.DEPLOYMENT_DISABLED),
        ("FAILED", Code.DEPLOYMENT_FAILED),
        ("HIBERNATING", Code.DEPLOYMENT_STATE_UNKNOWN),
    ],
)
async def test_a_stopped_deployment_is_held_at_the_last_moment(state: str, code: Code) -> None:
    async with bench() as b:
        b.stack.deployments[RID]["status"]["state"] = state
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.HELD, code)
        assert b.stack.methods() == ["GET"]


@pytest.mark.fault(30)
async def test_a_clamp_by_the_platform_is_reported_not_fought() -> None:
    async with bench() as b:
        b.stack.clamp = lambda configuration: configuration | {"maxReplicas": 4}
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.APPLIED, Code.CLAMPED)
        assert outcome.actual == Envelope(2, 4, 32)
        assert b.stack.methods().count("PUT") == 1


async def test_a_field_lost_on_the_platform_is_named_without_its_value() -> None:
    async with bench() as b:
        b.stack.configuration()["environmentVariables"] = {"K": "canary-env-77"}
        b.stack.clamp = lambda c: {k: v for k, v in c.items() if k != "environmentVariables"}
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.APPLIED, Code.CLAMPED)
        assert "environmentVariables" in str(outcome.reason)
        assert "canary" not in repr(outcome)


# --- the thread maximum ----------------------------------------------------------------------


@pytest.mark.fault(20)
async def test_the_thread_maximum_is_learnt_and_tried_once() -> None:
    async with bench() as b:
        b.stack.next("PUT", error(400, "ThreadCountTooHigh", maxThreadCount=48))
        outcome = await b.platform.apply(RID, BEFORE, Envelope(2, 6, 64))
        assert (outcome.kind, outcome.reason.code) == (Kind.APPLIED, Code.CLAMPED)
        assert (outcome.thread_ceiling, outcome.actual) == (48, Envelope(2, 6, 48))
        bodies = [seen.body for seen in b.stack.requests if seen.method == "PUT"]
        assert len(bodies) == len(set(bodies)) == 2


async def test_a_second_refusal_of_threads_ends_it() -> None:
    async with bench() as b:
        b.stack.next("PUT", *[error(400, "ThreadCountTooHigh", maxThreadCount=n) for n in (48, 40)])
        outcome = await b.platform.apply(RID, BEFORE, Envelope(2, 6, 64))
        assert (outcome.kind, outcome.reason.code) == (Kind.REFUSED, Code.THREADS_TOO_HIGH)
        assert (outcome.thread_ceiling, outcome.status) == (40, 400)
        assert b.stack.methods().count("PUT") == 2


async def test_nothing_is_sent_twice_when_the_maximum_leaves_nothing_to_do() -> None:
    async with bench() as b:
        b.stack.next("PUT", error(400, "ThreadCountTooHigh", maxThreadCount="32"))
        outcome = await b.platform.apply(RID, BEFORE, Envelope(1, 3, 64))
        assert (outcome.kind, outcome.reason.code) == (Kind.REFUSED, Code.THREADS_TOO_HIGH)
        assert outcome.thread_ceiling == 32
        assert b.stack.methods() == ["GET", "PUT"]


@pytest.mark.parametrize("told", [{}, {"maxThreadCount": 0}, {"maxThreadCount": 999}])
async def test_an_unusable_maximum_parks_these_numbers_only(told: dict[str, int]) -> None:
    async with bench() as b:
        b.stack.next("PUT", error(400, "ThreadCountTooHigh", **told))
        asked = Envelope(2, 6, 64)
        assert (await b.platform.apply(RID, BEFORE, asked)).kind is Kind.REFUSED
        assert (await b.platform.apply(RID, BEFORE, asked)).reason.code is Code.PARKED
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED


# --- refusals --------------------------------------------------------------------------------

REFUSALS = [
    (error(400, "UnsupportedLiveDeployment"), Code.UNSUPPORTED, math.inf),
    (error(400, "ReservedEnvironmentVariable", name="PATH"), Code.INVALID_REQUEST, math.inf),
    (error(400, "DeploymentSourceNotImportedIntoProject"), Code.INVALID_REQUEST, math.inf),
    (error(400, "DeploymentSourceCannotExportResourceMarkings"), Code.INVALID_REQUEST, math.inf),
    (error(400, "DeploymentSourceNotEnabledForComputeModules"), Code.INVALID_REQUEST, math.inf),
    (error(400, "InvalidGpuCount", maxGpuCount=1), Code.INVALID_REQUEST, HOUR),
    (error(400, "GpuTypeNotAvailable", availableGpuTypes=["T4"]), Code.INVALID_REQUEST, HOUR),
    (error(400, "SomethingNew"), Code.INVALID_REQUEST, HOUR),
    (
        error(403, "ReplaceLiveDeploymentPermissionDenied", "PERMISSION_DENIED"),
        Code.PERMISSION_DENIED,
        HOUR,
    ),
    (error(403, "ApiUsageDenied", "PERMISSION_DENIED"), Code.PERMISSION_DENIED, HOUR),
    (error(404, "LiveDeploymentNotFound", "NOT_FOUND"), Code.NOT_FOUND, HOUR),
    (
        error(409, "LiveDeploymentSourcesCannotBeUpdatedWhileRunning", "CONFLICT"),
        Code.CONFLICT,
        300.0,
    ),
    (Reply(413, b"too large"), Code.INVALID_REQUEST, HOUR),
    (Reply(422, b"{}"), Code.INVALID_REQUEST, HOUR),
    (Reply(418, b"teapot"), Code.INVALID_REQUEST, HOUR),
]


@pytest.mark.fault(21, 22, 24, 26)
@pytest.mark.parametrize(("reply", "code", "rest"), REFUSALS)
async def test_a_refusal_is_not_asked_again_until_its_rest_is_over(
    reply: Reply, code: Code, rest: float
) -> None:
    async with bench() as b:
        b.stack.next("PUT", reply)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.REFUSED, code)
        assert (outcome.status, outcome.actual) == (reply.status, BEFORE)
        b.clock.forward(min(rest, 10 * 86_400.0) - 10)
        again = await b.platform.apply(RID, BEFORE, AFTER)
        assert (again.kind, again.reason.code) == (Kind.REFUSED, Code.PARKED)
        assert b.stack.methods() == ["GET", "PUT"]
        b.clock.forward(20)
        last = await b.platform.apply(RID, BEFORE, AFTER)
        assert last.kind is (Kind.REFUSED if math.isinf(rest) else Kind.APPLIED)


@pytest.mark.fault(25)
async def test_a_deployment_that_is_found_again_is_not_parked_any_longer() -> None:
    async with bench() as b:
        b.stack.next("GET", error(404, "LiveDeploymentNotFound", "NOT_FOUND"))
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.reason.code, outcome.status) == (Code.NOT_FOUND, None)
        assert (await b.platform.apply(RID, BEFORE, AFTER)).reason.code is Code.PARKED
        assert isinstance(await b.platform.read(RID), Live)
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED


@pytest.mark.fault(25, 32)
@pytest.mark.parametrize("reply", [Reply(404), error(400, "ApiFeaturePreviewUsageOnly")])
async def test_an_absent_api_stops_writing_everywhere(reply: Reply) -> None:
    other = RID[:-1] + "0"
    async with bench() as b:
        b.stack.next("PUT", reply)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.REFUSED, Code.API_UNAVAILABLE)
        asked = len(b.stack.requests)
        elsewhere = await b.platform.apply(other, BEFORE, AFTER)
        assert (elsewhere.kind, elsewhere.reason.code) == (Kind.REFUSED, Code.API_UNAVAILABLE)
        assert (len(b.stack.requests), b.platform.room(3600)) == (asked, 0)
        b.clock.forward(61)
        assert b.platform.room(60) > 0
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED


async def test_one_good_reading_ends_the_stop() -> None:
    async with bench() as b:
        b.stack.next("GET", Reply(404))
        assert isinstance(await b.platform.read(RID), Unread)
        assert b.platform.room(60) == 0
        assert isinstance(await b.platform.read(RID), Live)
        assert b.platform.room(60) > 0


@pytest.mark.fault(84)
async def test_an_identifier_that_is_no_rid_is_never_asked_for() -> None:
    async with bench() as b:
        for rid in ("..", "", "ri.a.b.c", RID + "/../x", RID + "\n"):
            outcome = await b.platform.apply(rid, BEFORE, AFTER)
            assert (outcome.kind, outcome.reason.code) == (Kind.REFUSED, Code.INVALID_REQUEST)
            assert isinstance(await b.platform.read(rid), Unread)
        assert b.stack.requests == []


# --- unclear ends ----------------------------------------------------------------------------

UNCLEAR = [
    (RESET, Code.OUTCOME_UNKNOWN, None),
    (HANG, Code.OUTCOME_UNKNOWN, None),
    (Reply(500, b"oops"), Code.PLATFORM_ERROR, 500),
    (Reply(502, b"<html>"), Code.PLATFORM_ERROR, 502),
    (Reply(503), Code.PLATFORM_ERROR, 503),
    (Reply(504), Code.PLATFORM_ERROR, 504),
    (Reply(200, b"<html>"), Code.OUTCOME_UNKNOWN, 200),
    (Reply(200, b'{"rid": 1}'), Code.OUTCOME_UNKNOWN, 200),
    (Reply(302, headers={"Location": "/login"}), Code.OUTCOME_UNKNOWN, 302),
]


def patience_s(reply: Reply) -> float:
    """Short where nothing else than the deadline ends the wait, but long enough to be heard."""
    return 2.0 if reply.hangs else 30.0


async def unclear(b: Bench, reply: Reply, *, stores: bool) -> None:
    b.stack.next(
        "PUT",
        Reply(reply.status, reply.body, reply.headers, reply.resets, reply.hangs, stores=stores),
    )


@pytest.mark.fault(28, 29, 31)
@pytest.mark.parametrize(("reply", "code", "status"), UNCLEAR)
async def test_an_unclear_end_that_was_done_counts_as_applied(
    reply: Reply, code: Code, status: int | None
) -> None:
    async with bench(write_timeout_s=patience_s(reply)) as b:
        await unclear(b, reply, stores=True)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.APPLIED, Code.AS_PLANNED)
        assert (outcome.actual, outcome.status) == (AFTER, status)
        assert b.stack.methods() == ["GET", "PUT", "GET"]


@pytest.mark.fault(28, 29)
@pytest.mark.parametrize(("reply", "code", "status"), UNCLEAR)
async def test_an_unclear_end_that_was_not_done_fails_and_tells_the_truth(
    reply: Reply, code: Code, status: int | None
) -> None:
    async with bench(write_timeout_s=patience_s(reply)) as b:
        await unclear(b, reply, stores=False)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.FAILED, code)
        assert (outcome.actual, outcome.status) == (BEFORE, status)
        assert b.stack.methods() == ["GET", "PUT", "GET"]


@pytest.mark.fault(28)
async def test_an_unclear_end_that_cannot_be_read_back_stays_unknown() -> None:
    async with bench() as b:
        b.stack.next("PUT", RESET)
        b.stack.after_get = lambda: b.stack.next("GET", *[Reply(500)] * 4)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.FAILED, Code.OUTCOME_UNKNOWN)
        assert outcome.actual is None
        assert b.stack.methods().count("PUT") == 1


async def test_a_reading_back_that_fails_leaves_the_puts_own_answer() -> None:
    async with bench() as b:
        b.stack.after_get = lambda: b.stack.next("GET", Reply(403, b"{}"))
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.actual) == (Kind.APPLIED, AFTER)


async def test_a_write_that_is_refused_for_its_pace_waits_for_the_next_tick() -> None:
    async with bench() as b:
        b.stack.next("PUT", Reply(429, headers={"Retry-After": "20"}))
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.RATE_LIMITED)
        assert b.stack.methods() == ["GET", "PUT"]
        assert b.platform.room(19) == 0
        assert b.platform.room(60) > 0


async def test_a_short_budget_defers_a_write_before_anything_is_sent() -> None:
    slow = PacingOptions(requests_per_second=0.1, burst=3, max_wait_s=5)
    async with bench(pacing=slow) as b:
        assert b.platform.room(0) == 1
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED
        assert b.platform.room(0) == 0
        outcome = await b.platform.apply(RID, AFTER, BEFORE)
        assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.PACING)
        assert len(b.stack.requests) == 3
        assert b.platform.room(30) == 1


async def test_an_open_breaker_defers_and_one_probe_closes_it() -> None:
    nervous = PacingOptions(1000, 1000, attempts=1, breaker_failures=2, breaker_open_s=30)
    async with bench(pacing=nervous) as b:
        b.stack.next("GET", RESET, RESET)
        for _ in range(2):
            assert isinstance(await b.platform.read(RID), Unread)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.DEFERRED, Code.BREAKER_OPEN)
        assert b.platform.room(29) == 0
        assert (len(b.stack.requests), b.watch.paces[-1][1]) == (2, True)
        b.clock.forward(31)
        assert b.platform.room(15) == 1
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED
        assert b.watch.paces[-1][1] is False


async def test_two_writes_to_one_deployment_do_not_run_together() -> None:
    async with bench() as b:
        first, second = await asyncio.gather(
            b.platform.apply(RID, BEFORE, AFTER), b.platform.apply(RID, BEFORE, Envelope(3, 9, 32))
        )
        assert first.kind is Kind.APPLIED
        assert (second.kind, second.reason.code) == (Kind.DEFERRED, Code.PACING)


async def test_a_write_that_was_cancelled_does_not_block_the_next() -> None:
    async with bench() as b:
        b.stack.next("PUT", HANG)
        write = asyncio.create_task(b.platform.apply(RID, BEFORE, AFTER))
        await b.stack.hanging.wait()
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
        assert (await b.platform.apply(RID, BEFORE, AFTER)).kind is Kind.APPLIED


@pytest.mark.parametrize(
    ("state", "ready"), [("DEGRADED", True), ("STARTING", False), ("ACTIVE", False)]
)
@pytest.mark.parametrize(
    ("after", "goes"),
    [
        (Envelope(2, 6, 32), True),
        (Envelope(0, 3, 32), False),
        (Envelope(1, 2, 32), False),
        (Envelope(1, 3, 16), False),
        (Envelope(2, 6, 48), False),  # a restart, however much there is to gain
    ],
)
async def test_one_in_trouble_since_its_last_reading_is_raised_but_not_lowered(
    state: str, *, ready: bool, after: Envelope, goes: bool
) -> None:
    async with bench() as b:
        b.stack.deployments[RID]["status"].update(state=state, isReady=ready)
        outcome = await b.platform.apply(RID, BEFORE, after)
        if goes:
            assert outcome.kind is Kind.APPLIED
            return
        assert (outcome.kind, outcome.reason.code) == (Kind.HELD, Code.DEPLOYMENT_NOT_SETTLED)
        assert str(outcome.reason).startswith(
            f"no lowering and no restart while the deployment is {state}"
        )
        assert (outcome.actual, b.stack.methods()) == (BEFORE, ["GET"])


async def test_one_without_a_guaranteed_replica_may_be_not_ready() -> None:
    async with bench() as b:
        b.stack.deployments[RID]["status"]["isReady"] = False
        b.stack.configuration()["minReplicas"] = 0
        outcome = await b.platform.apply(RID, Envelope(0, 3, 32), Envelope(0, 2, 32))
        assert outcome.kind is Kind.APPLIED


async def test_ownership_is_asked_last_and_right_before_the_put() -> None:
    async with bench() as b:
        asked: list[int] = []

        async def lost(rid: str, before: Envelope, after: Envelope) -> Outcome:
            assert (rid, before, after) == (RID, BEFORE, AFTER)
            asked.append(len(b.stack.requests))
            return Outcome(Kind.HELD, because(Code.NOT_OURS, "another's"))

        b.platform._writer._last_word = lost
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.HELD, Code.NOT_OURS)
        assert (asked, b.stack.methods()) == ([1], ["GET"])


@pytest.mark.fault(40)
async def test_a_platform_that_is_not_there_fails_without_a_word_of_doubt() -> None:
    async with bench(pacing=PacingOptions(1000, 1000, attempts=2)) as b:
        b.stack.next("GET", RESET, RESET)
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert (outcome.kind, outcome.reason.code) == (Kind.FAILED, Code.PLATFORM_ERROR)
        assert (outcome.actual, outcome.status) == (None, None)
    closed = await b.platform.apply(RID, BEFORE, AFTER)
    assert closed.kind is Kind.FAILED
    assert "no connection" in str(closed.reason)
    await b.platform.close()


async def test_a_write_pays_for_its_three_requests_together() -> None:
    careful = PacingOptions(requests_per_second=1, burst=1)
    async with bench(pacing=careful) as b:
        outcome = await b.platform.apply(RID, BEFORE, AFTER)
        assert outcome.kind is Kind.APPLIED
        assert b.watch.waits == [pytest.approx(2.0)]


def test_the_brisk_pace_of_these_tests_has_the_usual_attempts() -> None:
    assert BRISK.attempts == PacingOptions().attempts == 4
