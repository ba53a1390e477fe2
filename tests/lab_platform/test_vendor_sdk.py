"""The vendor's own SDK, unchanged, against the simulated platform.

Its synchronous client runs in a thread: its asynchronous transport is cached per process and does
not survive a second event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from foundry_sdk import (
    BadRequestError,
    ConfidentialClientAuth,
    Config,
    FoundryClient,
    PermissionDeniedError,
    UserTokenAuth,
)
from foundry_sdk import _errors as sdk_errors
from foundry_sdk.v2.models import errors as model_errors
from foundry_sdk.v2.models import models

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.faults import Fault, FaultKind
from tests.fakes.lab_platform import TOKEN, Caller, running

T = TypeVar("T")
SPEC = DeploymentSpec("chat", Envelope(1, 3, 32), service_s=0.001)
NO_SUCH = "ri.foundry-ml-live.main.live-deployment.none"


def client(call: Caller, auth: Any = None) -> Any:
    host = call.platform.url.removeprefix("http://")
    config = Config(scheme="http", timeout=10)
    chosen = auth or UserTokenAuth(token=TOKEN)
    return FoundryClient(auth=chosen, hostname=host, config=config).models.LiveDeployment


async def asked(call: Caller, question: Callable[[Any], T], auth: Any = None) -> T:
    return await asyncio.to_thread(lambda: question(client(call, auth)))


def changed(live: Any, **fields: Any) -> Any:
    return live.runtime_configuration.model_copy(update=fields)


async def test_get_and_list_parse() -> None:
    async with running(SPEC) as call:
        model = call.platform.deployments["chat"].model_rid
        live = await asked(call, lambda sdk: sdk.get(call.rid, preview=True))
        listed = await asked(
            call, lambda sdk: sdk.list(model_rid=model, branch="master", preview=True)
        )
    assert (live.rid, live.status.state, live.status.is_ready) == (call.rid, "ACTIVE", True)
    assert live.runtime_configuration.thread_count == 32
    assert [one.rid for one in listed.data] == [call.rid]


async def test_replace_changes_the_envelope() -> None:
    async with running(SPEC) as call:

        def raise_floor(sdk: Any) -> Any:
            wanted = changed(sdk.get(call.rid, preview=True), min_replicas=2, max_replicas=6)
            return sdk.replace(call.rid, runtime_configuration=wanted, preview=True)

        live = await asked(call, raise_floor)
        assert (live.runtime_configuration.min_replicas, live.status.state) == (2, "ACTIVE")
        assert call.platform.deployments["chat"].envelope == Envelope(2, 6, 32)


async def test_create_start_disable_and_inference() -> None:
    async with running(SPEC) as call:
        model = call.platform.deployments["chat"].model_rid

        def story(sdk: Any) -> tuple[Any, ...]:
            old = sdk.get(call.rid, preview=True)
            target = models.DirectCreateLiveDeploymentTarget(model_rid=model, branch="dev")
            made = sdk.create(
                deployment_type=target,
                runtime_configuration=old.runtime_configuration,
                preview=True,
            )
            output = sdk.transform_json(call.rid, input={"rows": [{"a": 1.0}]}, preview=True)
            disabled = sdk.disable(call.rid, preview=True)
            state = sdk.get(call.rid, preview=True).status.state
            started = sdk.start(call.rid, preview=True)
            return made.status.state, output.output, disabled, state, started

        answers = await asked(call, story)
    assert answers == ("STARTING", {"rows": [{"a": 1.0}]}, None, "DISABLED", None)


async def test_client_credentials_with_offline_access() -> None:
    async with running(SPEC) as call:
        platform = call.platform
        auth = ConfidentialClientAuth(
            client_id=platform.client_id,
            client_secret=platform.client_secret,
            scopes=["api:models-read"],
            should_refresh=False,
        )
        live = await asked(call, lambda sdk: sdk.get(call.rid, preview=True), auth)
        with pytest.raises(PermissionDeniedError) as denied:
            await asked(call, lambda sdk: sdk.start(call.rid, preview=True), auth)
    assert live.rid == call.rid
    assert denied.value.name == "ApiUsageDenied"
    assert denied.value.parameters == {"missingScope": "api:models-write"}


async def replaced(call: Caller, **fields: Any) -> Any:
    def write(sdk: Any) -> Any:
        wanted = changed(sdk.get(call.rid, preview=True), **fields)
        return sdk.replace(call.rid, runtime_configuration=wanted, preview=True)

    return await asked(call, write)


@pytest.mark.parametrize(
    ("fields", "error", "parameters"),
    [
        (
            {"thread_count": 100},
            model_errors.ThreadCountTooHigh,
            {"maxThreadCount": 64, "providedThreadCount": 100},
        ),
        (
            {"gpu": models.LiveDeploymentGpu(count=9, type="T4")},
            model_errors.InvalidGpuCount,
            {"maxGpuCount": 8, "providedGpuCount": 9},
        ),
        (
            {"environment_variables": {"MAX_CONCURRENT_TASKS": "1"}},
            model_errors.ReservedEnvironmentVariable,
            {"name": "MAX_CONCURRENT_TASKS"},
        ),
    ],
)
async def test_a_refused_configuration_is_a_typed_error(
    fields: dict[str, Any], error: type[Exception], parameters: dict[str, Any]
) -> None:
    async with running(SPEC) as call:
        with pytest.raises(error) as refused:
            await replaced(call, **fields)
    assert refused.value.parameters == parameters  # type: ignore[attr-defined]  # every typed error has them


async def test_changed_sources_conflict_while_running() -> None:
    async with running(SPEC) as call:
        with pytest.raises(model_errors.LiveDeploymentSourcesCannotBeUpdatedWhileRunning):
            await replaced(call, sources=["ri.magritte..source.1"])


async def test_not_found_unsupported_and_model_not_found_are_typed() -> None:
    async with running(DeploymentSpec("objective", unsupported=True)) as call:
        with pytest.raises(model_errors.LiveDeploymentNotFound):
            await asked(call, lambda sdk: sdk.get(NO_SUCH, preview=True))
        with pytest.raises(model_errors.UnsupportedLiveDeployment):
            await asked(call, lambda sdk: sdk.get(call.rid, preview=True))
        with pytest.raises(model_errors.ModelNotFound):
            await asked(
                call, lambda sdk: sdk.list(model_rid="ri.models.main.model.none", preview=True)
            )


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("start", model_errors.StartLiveDeploymentPermissionDenied),
        ("disable", model_errors.DisableLiveDeploymentPermissionDenied),
    ],
)
async def test_permission_denied_is_typed(operation: str, error: type[Exception]) -> None:
    async with running(SPEC) as call:
        call.platform.faults.add(Fault(FaultKind.PERMISSION_DENIED, operation=operation))
        with pytest.raises(error):
            await asked(call, lambda sdk: getattr(sdk, operation)(call.rid, preview=True))


async def test_replace_and_inference_without_permission_are_typed() -> None:
    async with running(SPEC) as call:
        call.platform.faults.add(Fault(FaultKind.PERMISSION_DENIED, operation="replace"))
        with pytest.raises(model_errors.ReplaceLiveDeploymentPermissionDenied):
            await replaced(call, min_replicas=2)
        call.platform.faults.add(Fault(FaultKind.PERMISSION_DENIED, operation="transform"))
        with pytest.raises(model_errors.TransformJsonLiveDeploymentPermissionDenied):
            await asked(call, lambda sdk: sdk.transform_json(call.rid, input={}, preview=True))


async def test_inference_on_a_disabled_deployment_is_a_typed_failure() -> None:
    async with running(SPEC) as call:
        call.platform.deployments["chat"].model.disable()
        with pytest.raises(model_errors.InferenceFailure):
            await asked(call, lambda sdk: sdk.transform_json(call.rid, input={}, preview=True))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.API_MISSING, sdk_errors.ApiNotFoundError),
        (FaultKind.SERVER_ERROR, sdk_errors.SDKInternalError),
        (FaultKind.RESET_BEFORE, sdk_errors.SDKInternalError),
        (FaultKind.UNAUTHORIZED, sdk_errors.UnauthorizedError),
        (FaultKind.UNKNOWN_STATE, Exception),
        (FaultKind.OLD_SHAPE, Exception),
    ],
)
async def test_faults_reach_the_sdk_as_its_own_errors(
    kind: FaultKind, error: type[Exception]
) -> None:
    async with running(SPEC) as call:
        call.platform.faults.add(Fault(kind, operation="get"))
        with pytest.raises(error):
            await asked(call, lambda sdk: sdk.get(call.rid, preview=True))


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RATE_LIMITED, sdk_errors.RateLimitError),
        (FaultKind.UNAVAILABLE, sdk_errors.ServiceUnavailable),
    ],
)
async def test_do_not_retry_is_understood(kind: FaultKind, error: type[Exception]) -> None:
    async with running(SPEC) as call:
        fault = call.platform.faults.add(Fault(kind, do_not_retry=True, times=None))
        with pytest.raises(error):
            await asked(call, lambda sdk: sdk.get(call.rid, preview=True))
        assert fault.struck == 1


async def test_without_preview_the_sdk_gets_the_documented_error() -> None:
    async with running(SPEC) as call:
        with pytest.raises(BadRequestError) as refused:
            await asked(call, lambda sdk: sdk.get(call.rid))
    assert refused.value.name == "ApiFeaturePreviewUsageOnly"
