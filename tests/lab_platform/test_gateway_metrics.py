"""The gateway's page: parseable, complete from the start, and true to Little's law."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.gateway import Gateway, exposition
from autoscaler.lab.platform.load import Steady
from tests.fakes.lab_platform import HandClock, running

PREFIX = "foundry_gateway_"


def samples(page: str) -> dict[tuple[str, str], float]:
    """By (metric, deployment), with code or le added where there is one."""
    found = {}
    for family in text_string_to_metric_families(page):
        for one in family.samples:
            extra = one.labels.get("code") or one.labels.get("le") or ""
            name = one.name.removeprefix(PREFIX) + (f" {extra}" if extra else "")
            found[name, one.labels["deployment"]] = one.value
    return found


async def test_every_series_exists_from_the_start() -> None:
    async with running(DeploymentSpec("chat"), clock=HandClock()) as call:
        page = await call.page("/metrics")
        found = samples(page)
    for code in ("200", "400", "429", "503", "504"):
        assert found[f"requests_total {code}", "chat"] == 0
    assert found["request_duration_seconds_bucket +Inf", "chat"] == 0
    assert found["running_jobs", "chat"] == 0
    assert f'deployment="chat",rid="{call.rid}"' in page


@pytest.mark.parametrize("jobs", [20.0, 48.0, 200.0])
async def test_the_rate_of_the_duration_sum_is_the_number_of_jobs_present(jobs: float) -> None:
    clock = HandClock()
    spec = DeploymentSpec("chat", Envelope(2, 2, 32), Steady(jobs), service_s=2.0)
    async with running(spec, clock=clock) as call:
        before = samples(await call.page("/metrics"))
        clock.forward(600)
        after = samples(await call.page("/metrics"))
    total = "request_duration_seconds_sum", "chat"
    assert (after[total] - before[total]) / 600 == pytest.approx(jobs)
    assert after["running_jobs", "chat"] == min(jobs, 64)
    assert after["queued_jobs", "chat"] == max(0.0, jobs - 64)
    done = after["requests_total 200", "chat"] - before["requests_total 200", "chat"]
    assert done == pytest.approx(600 * min(jobs, 64) / 2.0, abs=1)


async def test_a_disabled_deployment_fails_its_callers() -> None:
    clock = HandClock()
    async with running(DeploymentSpec("chat", load=Steady(10)), clock=clock) as call:
        await call.ask("POST", f"/{call.rid}/disable")
        clock.forward(60)
        found = samples(await call.page("/metrics"))
    assert found["requests_total 400", "chat"] == 600
    assert (found["running_jobs", "chat"], found["queued_jobs", "chat"]) == (0, 0)


async def test_http_requests_are_counted_by_code() -> None:
    async with running(DeploymentSpec("chat", service_s=0.001)) as call:
        await call.ask("POST", f"/{call.rid}/transformJson", {"input": {}})
        await call.ask("POST", f"/{call.rid}/transformJson", {})
        found = samples(await call.page("/metrics"))
    assert found["requests_total 200", "chat"] == 1
    assert found["requests_total 400", "chat"] == 1
    assert found["request_duration_seconds_count", "chat"] == 2


def test_buckets_rise_and_end_at_the_count() -> None:
    gateway = Gateway()
    gateway.flow("200", 1000.0, 1.0)
    gateway.call("503", 400.0)
    counts = [count for _, count in gateway.buckets]
    assert counts == sorted(counts)
    assert counts[-1] == 1001
    assert gateway.seconds == pytest.approx(1400)


def test_labels_are_escaped() -> None:
    page = exposition([('a"b\\c\nd', "ri.x", Gateway())])
    assert ("running_jobs", 'a"b\\c\nd') in samples(page)


async def test_the_inner_state_tells_what_the_platform_hides() -> None:
    async with running(DeploymentSpec("chat", Envelope(3, 5, 16)), clock=HandClock()) as call:
        row = json.loads(await call.page("/_state"))["deployments"]["chat"]
    assert (row["ready"], row["min_replicas"], row["threads"], row["state"]) == (3, 3, 16, "ACTIVE")
    assert row["overload_share"] == row["overload_share_platform_alone"] == 0
