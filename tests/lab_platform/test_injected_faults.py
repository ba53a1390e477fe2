"""Every kind of fault, as a client sees it."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.faults import Fault, FaultKind, fault_from
from tests.fakes.lab_platform import EXAMPLE, Caller, HandClock, running


async def inject(call: Caller, **fault: Any) -> tuple[int, Any]:
    async with call.session.post(call.platform.url + "/_faults", json=fault) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        ({"kind": "rate_limited", "retry_after_s": 7}, 429, {"Retry-After": "7"}),
        ({"kind": "rate_limited"}, 429, {}),
        ({"kind": "unavailable", "do_not_retry": True}, 503, {"QoS-Retry-Hint": "do-not-retry"}),
        ({"kind": "unauthorized"}, 401, {}),
        ({"kind": "server_error", "status": 502}, 502, {}),
        ({"kind": "api_missing"}, 404, {}),
    ],
)
async def test_a_refusal_strikes_once_and_is_over(
    fault: dict[str, Any], status: int, headers: dict[str, str]
) -> None:
    async with running() as call:
        assert (await inject(call, **fault))[0] == 201
        url = f"{call.platform.url}/api/v2/models/liveDeployments/{call.rid}?preview=true"
        async with call.session.get(url, headers=call.headers) as answer:
            assert answer.status == status
            found = {name: answer.headers.get(name) for name in ("Retry-After", "QoS-Retry-Hint")}
            assert {name: value for name, value in found.items() if value} == headers
            assert bool(await answer.text()) is (fault["kind"] != "api_missing")
        assert (await call.get())[0] == 200


async def test_a_fault_is_limited_to_its_operation_and_its_number() -> None:
    async with running() as call:
        await inject(call, kind="unavailable", operation="replace", times=2)
        assert (await call.get())[0] == 200
        assert [(await call.put(**EXAMPLE))[0] for _ in range(3)] == [503, 503, 200]


async def test_permission_is_denied_for_one_rid_until_the_faults_are_cleared() -> None:
    async with running(DeploymentSpec("chat"), DeploymentSpec("code")) as call:
        call.platform.faults.add(
            Fault(FaultKind.PERMISSION_DENIED, operation="replace", rid=call.rid, times=None)
        )
        for _ in range(2):
            status, body = await call.put(**EXAMPLE)
            assert (status, body["errorCode"]) == (403, "PERMISSION_DENIED")
            assert body["errorName"] == "ReplaceLiveDeploymentPermissionDenied"
            assert body["parameters"] == {"liveDeploymentRid": call.rid}
        other = call.platform.deployments["code"].rid
        assert (await call.ask("PUT", f"/{other}", {"runtimeConfiguration": EXAMPLE}))[0] == 200
        async with call.session.delete(call.platform.url + "/_faults") as answer:
            assert answer.status == 204
        assert (await call.put(**EXAMPLE))[0] == 200


@pytest.mark.parametrize(("operation", "status"), [("get", 404), ("list", 403), ("token", 403)])
async def test_reading_without_permission_hides_what_is_there(operation: str, status: int) -> None:
    async with running() as call:
        await inject(call, kind="permission_denied", operation=operation)
        if operation == "get":
            assert (await call.get())[0] == status
        elif operation == "list":
            assert (await call.ask("GET", "", modelRid="ri.models.main.model.x"))[0] == status
        else:
            async with call.session.post(str(call.platform.card()["token_url"])) as answer:
                assert answer.status == status


@pytest.mark.parametrize(("kind", "applied"), [("reset_before", False), ("reset_after", True)])
async def test_a_reset_leaves_open_whether_the_write_was_applied(kind: str, applied: bool) -> None:
    async with running() as call:
        # Twice, because aiohttp sends a PUT whose connection was reset once more by itself.
        await inject(call, kind=kind, operation="replace", times=2)
        with pytest.raises(aiohttp.ClientError):
            await call.put(minReplicas=2, maxReplicas=3, threadCount=32)
        envelope = call.platform.deployments["chat"].envelope
        assert envelope == (Envelope(2, 3, 32) if applied else Envelope(1, 3, 32))


@pytest.mark.parametrize(("kind", "applied"), [("slow", False), ("slow_after", True)])
async def test_a_slow_answer_comes_before_or_after_the_work(kind: str, applied: bool) -> None:
    clock = HandClock()
    async with running(clock=clock) as call:
        await inject(call, kind=kind, operation="replace", delay_s=30)
        timeout = aiohttp.ClientTimeout(total=0.05)
        url = f"{call.platform.url}/api/v2/models/liveDeployments/{call.rid}?preview=true"
        body = {"runtimeConfiguration": {"minReplicas": 2, "maxReplicas": 3, "threadCount": 32}}
        with pytest.raises(TimeoutError):
            await call.session.put(url, json=body, headers=call.headers, timeout=timeout)
        assert (call.platform.deployments["chat"].envelope.min_replicas == 2) is applied
        clock.forward(30)


async def test_the_old_shape_lacks_fields_that_came_later() -> None:
    async with running() as call:
        await inject(call, kind="old_shape", operation="get")
        _, old = await call.get()
        assert not {"sources", "environmentVariables"} & set(old["runtimeConfiguration"])
        await inject(call, kind="old_shape", operation="list", fields=["threadCount"])
        model = call.platform.deployments["chat"].model_rid
        _, listed = await call.ask("GET", "", modelRid=model)
        assert "threadCount" not in listed["data"][0]["runtimeConfiguration"]


async def test_a_state_that_nobody_knows_yet() -> None:
    async with running() as call:
        await inject(call, kind="unknown_state", state="MIGRATING")
        assert (await call.get())[1]["status"]["state"] == "MIGRATING"
        assert (await call.get())[1]["status"]["state"] == "ACTIVE"


async def test_a_clamped_write_is_accepted_with_less_than_was_asked() -> None:
    async with running() as call:
        await inject(call, kind="clamped", max_replicas=4)
        status, found = await call.put(minReplicas=6, maxReplicas=9, threadCount=32)
        assert status == 200
        assert found["runtimeConfiguration"]["maxReplicas"] == 4
        assert call.platform.deployments["chat"].envelope == Envelope(4, 4, 32)


async def test_any_documented_error_can_be_asked_for() -> None:
    async with running() as call:
        named = {"error_name": "ThreadCountTooHigh", "status": 400}
        given = {"maxThreadCount": 8, "providedThreadCount": 32}
        await inject(call, kind="named_error", operation="replace", parameters=given, **named)
        status, body = await call.put(**EXAMPLE)
        assert (status, body["errorName"], body["parameters"]) == (400, named["error_name"], given)


async def test_garbage_claims_to_be_json() -> None:
    async with running() as call:
        await inject(call, kind="garbage")
        with pytest.raises(ValueError, match="Expecting value"):
            await call.get()


@pytest.mark.parametrize(("kind", "status"), [("unavailable", 503), ("server_error", 500)])
async def test_the_metrics_page_and_the_token_endpoint_can_fail_too(kind: str, status: int) -> None:
    async with running() as call:
        await inject(call, kind=kind, operation="metrics")
        await inject(call, kind=kind, operation="token")
        async with call.session.get(call.platform.url + "/metrics") as answer:
            assert answer.status == status
        async with call.session.post(str(call.platform.card()["token_url"])) as answer:
            assert answer.status == status
        assert "foundry_gateway_running_jobs" in await call.page("/metrics")


async def test_faults_are_listed_with_how_often_they_struck() -> None:
    async with running() as call:
        await inject(call, kind="unavailable", times=3)
        await call.get()
        async with call.session.get(call.platform.url + "/_faults") as answer:
            (fault,) = (await answer.json())["faults"]
    assert (fault["kind"], fault["times"], fault["struck"]) == ("unavailable", 3, 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "must be an object, got list"),
        ({"kind": "explosion"}, "kind must be one of rate_limited, .* got 'explosion'"),
        ({"kind": "slow", "delay": 3}, "unknown key 'delay'"),
        ({"kind": "slow", "struck": 3}, "unknown key 'struck'"),
        ({"kind": "slow", "delay_s": -1}, "delay_s must be at least 0, got -1"),
        ({"kind": "slow", "delay_s": "x"}, "wrong type"),
        ({"kind": "named_error", "status": 200}, "status must be in 400..599, got 200"),
        ({"kind": "named_error", "parameters": "x"}, "wrong type: parameters must be an object"),
        ({"kind": "slow", "times": 0}, "times must be at least 1, got 0"),
        ({"kind": "slow", "operation": "put"}, "operation must be one of token, .* got 'put'"),
    ],
)
def test_a_wrong_fault_is_told_what_is_wrong(given: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fault_from(given)


async def test_the_endpoint_refuses_wrong_faults_with_a_sentence() -> None:
    async with running() as call:
        status, body = await inject(call, kind="explosion")
    assert status == 400
    assert "kind must be one of" in body["error"]


async def test_a_skewed_answer_carries_the_time_of_a_wrong_clock() -> None:
    async with running(clock=HandClock()) as call:
        await inject(call, kind="skewed", operation="get", skew_s=-3600)
        url = f"{call.platform.url}/api/v2/models/liveDeployments/{call.rid}?preview=true"
        async with call.session.get(url, headers=call.headers) as answer:
            told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert told == HandClock().at - 3600
