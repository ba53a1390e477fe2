"""The seven verbs and the token endpoint over real loopback HTTP."""

from __future__ import annotations

import asyncio
import re

import pytest

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.api import Put
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.load import Steady, Steps
from autoscaler.lab.platform.server import SimulatedPlatform
from autoscaler.lab.platform.wire import Rules
from tests.fakes.lab_platform import EXAMPLE, TOKEN, HandClock, running

SDK_RID = re.compile(
    r"^ri\.[a-z][a-z0-9-]*\.([a-z0-9][a-z0-9\-]*)?\.[a-z][a-z0-9-]*\.[a-zA-Z0-9._-]+$"
)
NO_SUCH = "ri.foundry-ml-live.main.live-deployment.none"
ENVIRONMENT = {"REGION": "eu"}


async def test_get_answers_the_documented_object() -> None:
    async with running() as call:
        status, found = await call.get()
    assert status == 200
    assert set(found) == {"rid", "modelVersion", "branch", "runtimeConfiguration", "status"}
    assert found["status"] == {"state": "ACTIVE", "isReady": True}
    rids = [found["rid"], *found["modelVersion"].values()]
    assert all(SDK_RID.match(rid) for rid in rids)


async def test_rids_are_the_same_on_every_run() -> None:
    first = SimulatedPlatform([DeploymentSpec("chat")], token=TOKEN)
    second = SimulatedPlatform([DeploymentSpec("chat")], token=TOKEN)
    assert first.card()["rids"] == second.card()["rids"]


async def test_the_vendors_example_request_is_accepted_as_it_is() -> None:
    async with running() as call:
        status, found = await call.put(**EXAMPLE)
    assert status == 200
    assert found["runtimeConfiguration"] == EXAMPLE | {"sources": [], "environmentVariables": {}}


async def test_replace_drops_what_the_request_leaves_out() -> None:
    async with running(DeploymentSpec("chat", environment=ENVIRONMENT)) as call:
        assert (await call.get())[1]["runtimeConfiguration"]["environmentVariables"] == ENVIRONMENT
        _, found = await call.put(minReplicas=1, maxReplicas=2)
    assert found["runtimeConfiguration"] == {
        "minReplicas": 1,
        "maxReplicas": 2,
        "sources": [],
        "environmentVariables": {},
    }


async def test_unknown_fields_survive_a_round_trip() -> None:
    async with running() as call:
        await call.put(**EXAMPLE, futureField={"keep": "me"})
        assert (await call.get())[1]["runtimeConfiguration"]["futureField"] == {"keep": "me"}


async def test_every_write_that_arrives_is_remembered_with_its_outcome() -> None:
    clock = HandClock()
    async with running(clock=clock) as call:
        await call.put(minReplicas=2, maxReplicas=5, threadCount=32)
        clock.forward(10)
        await call.put(minReplicas=2, maxReplicas=5, threadCount=65)
        assert call.platform.puts == [
            Put(clock.at - 10, call.rid, Envelope(1, 3, 32), Envelope(2, 5, 32), 200),
            Put(clock.at, call.rid, Envelope(2, 5, 32), Envelope(2, 5, 32), 400),
        ]


async def test_list_finds_the_branches_of_a_model() -> None:
    model = "ri.models.main.model.shared"
    specs = [DeploymentSpec(b, model_rid=model, branch=b) for b in ("master", "feature/a b")]
    hidden = DeploymentSpec("old", model_rid=model, branch="old", unsupported=True)
    async with running(*specs, hidden) as call:
        _, every = await call.ask("GET", "", modelRid=model)
        _, one = await call.ask("GET", "", modelRid=model, branch="feature/a b")
        missing = await call.ask("GET", "", modelRid="ri.models.main.model.none")
        nothing = await call.ask("GET", "")
    assert [d["branch"] for d in every["data"]] == ["master", "feature/a b"]
    assert [d["branch"] for d in one["data"]] == ["feature/a b"]
    assert (missing[0], missing[1]["errorName"]) == (404, "ModelNotFound")
    assert nothing[0] == 400


async def test_create_starts_a_deployment_cold() -> None:
    clock = HandClock()
    async with running(clock=clock) as call:
        model = call.platform.deployments["chat"].model_rid
        target = {"type": "direct", "modelRid": model, "branch": "dev"}
        configuration = EXAMPLE | {"environmentVariables": ENVIRONMENT}
        body = {"deploymentType": target, "runtimeConfiguration": configuration}
        status, made = await call.ask("POST", "", body)
        assert (status, made["status"]) == (200, {"state": "STARTING", "isReady": False})
        clock.forward(60)
        _, later = await call.ask("GET", f"/{made['rid']}")
        assert later["status"] == {"state": "ACTIVE", "isReady": True}
        assert later["runtimeConfiguration"]["environmentVariables"] == ENVIRONMENT
        again = await call.ask("POST", "", body)
        assert again[0] == 400


async def test_disable_and_start_answer_without_a_body() -> None:
    clock = HandClock()
    async with running(clock=clock) as call:
        assert await call.ask("POST", f"/{call.rid}/disable") == (204, "")
        assert (await call.get())[1]["status"] == {"state": "DISABLED", "isReady": False}
        assert await call.ask("POST", f"/{call.rid}/start") == (204, "")
        assert (await call.get())[1]["status"] == {"state": "STARTING", "isReady": False}
        clock.forward(60)
        assert (await call.get())[1]["status"] == {"state": "ACTIVE", "isReady": True}


async def test_sources_may_change_only_while_disabled() -> None:
    rid = "ri.magritte..source.1"
    async with running() as call:
        status, refused = await call.put(**EXAMPLE, sources=[rid])
        assert (status, refused["errorCode"]) == (409, "CONFLICT")
        assert refused["errorName"] == "LiveDeploymentSourcesCannotBeUpdatedWhileRunning"
        await call.ask("POST", f"/{call.rid}/disable")
        status, found = await call.put(**EXAMPLE, sources=[rid])
        assert (status, found["runtimeConfiguration"]["sources"]) == (200, [rid])


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("POST", "/start"),
        ("POST", "/disable"),
        ("POST", "/transformJson"),
    ],
)
async def test_an_unknown_deployment_is_not_found_by_any_verb(method: str, tail: str) -> None:
    async with running() as call:
        status, body = await call.ask(method, f"/{NO_SUCH}{tail}", {"input": {}})
    assert (status, body["errorCode"]) == (404, "NOT_FOUND")
    assert (body["errorName"], body["parameters"]) == (
        "LiveDeploymentNotFound",
        {"liveDeploymentRid": NO_SUCH},
    )


async def test_other_kinds_of_deployments_are_unsupported() -> None:
    async with running(DeploymentSpec("objective", unsupported=True)) as call:
        for status, body in (await call.get(), await call.put(**EXAMPLE)):
            assert (status, body["errorName"]) == (400, "UnsupportedLiveDeployment")


async def test_the_thread_maximum_is_told_only_by_the_refusal() -> None:
    async with running(rules=Rules(max_threads=40)) as call:
        status, body = await call.put(**EXAMPLE | {"threadCount": 41})
    assert (status, body["parameters"]) == (400, {"maxThreadCount": 40, "providedThreadCount": 41})


@pytest.mark.parametrize("text", ["{", "[]", "1", ""])
async def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    async with running() as call:
        url = f"{call.platform.url}/api/v2/models/liveDeployments/{call.rid}?preview=true"
        async with call.session.put(url, data=text, headers=call.headers) as answer:
            assert answer.status == 400
            assert (await answer.json())["errorCode"] == "INVALID_ARGUMENT"


# --- rights ---------------------------------------------------------------------------------


async def test_without_preview_the_api_says_so() -> None:
    async with running() as call:
        status, body = await call.ask("GET", f"/{call.rid}", preview="false")
    assert (status, body["errorName"]) == (400, "ApiFeaturePreviewUsageOnly")


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic c2lt"])
async def test_a_missing_or_wrong_token_is_unauthorized(header: str) -> None:
    async with running() as call:
        call.headers = {"Authorization": header} if header else {}
        status, body = await call.get()
    assert (status, body["errorCode"]) == (401, "UNAUTHORIZED")


async def token(call: object, **form: str) -> tuple[int, dict[str, object]]:
    platform = call.platform  # type: ignore[attr-defined]  # any caller
    given = {
        "grant_type": "client_credentials",
        "client_id": platform.client_id,
        "client_secret": platform.client_secret,
    } | form
    async with call.session.post(platform.card()["token_url"], data=given) as answer:  # type: ignore[attr-defined]  # any caller
        return answer.status, await answer.json()


async def test_client_credentials_give_a_token_that_expires() -> None:
    clock = HandClock()
    async with running(clock=clock, token_ttl_s=600.0) as call:
        status, given = await token(call, scope="api:models-read offline_access")
        assert (status, given["expires_in"], given["token_type"]) == (200, 600, "bearer")
        call.headers = {"Authorization": f"Bearer {given['access_token']}"}
        clock.forward(599)
        assert (await call.get())[0] == 200
        status, denied = await call.put(**EXAMPLE)
        assert (status, denied["parameters"]) == (403, {"missingScope": "api:models-write"})
        clock.forward(1)
        assert (await call.get())[0] == 401
        refresh = str(given["refresh_token"])
        status, renewed = await token(call, grant_type="refresh_token", refresh_token=refresh)
        call.headers = {"Authorization": f"Bearer {renewed['access_token']}"}
        assert (status, (await call.get())[0]) == (200, 200)


async def test_a_token_lives_by_the_callers_clock_however_fast_the_simulation_runs() -> None:
    clock = HandClock()
    async with running(clock=clock, speed=100.0, token_ttl_s=600.0) as call:
        _, given = await token(call)
        call.headers = {"Authorization": f"Bearer {given['access_token']}"}
        clock.forward(599)
        assert (await call.get())[0] == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ({"scope": "api:everything"}, 400, "invalid_scope"),
    ],
)
async def test_bad_token_requests(form: dict[str, str], status: int, error: str) -> None:
    async with running() as call:
        assert await token(call, **form) == (status, {"error": error})


async def test_a_revoked_or_expired_token_is_no_longer_good() -> None:
    async with running() as call:
        platform = call.platform
        _, given = await token(call)
        form = {"client_id": platform.client_id, "client_secret": platform.client_secret}
        url = f"{platform.url}/multipass/api/oauth2/revoke_token"
        async with call.session.post(url, data=form | {"token": given["access_token"]}) as answer:
            assert answer.status == 200
        async with call.session.post(url, data={"token": "x"}) as answer:
            assert answer.status == 401
        call.headers = {"Authorization": f"Bearer {given['access_token']}"}
        assert (await call.get())[0] == 401
        _, given = await token(call)
        platform.tokens.expire_all()
        call.headers = {"Authorization": f"Bearer {given['access_token']}"}
        assert (await call.get())[0] == 401


# --- time and load --------------------------------------------------------------------------


async def test_speed_makes_simulated_time_run_faster() -> None:
    clock = HandClock()
    async with running(clock=clock, speed=60.0) as call:
        await call.put(minReplicas=3, maxReplicas=3, threadCount=32)
        model = call.platform.deployments["chat"].model
        clock.forward(0.9)
        await call.get()
        assert model.ready == 1
        clock.forward(0.2)
        await call.get()
        assert model.ready == 3


async def test_a_changed_deployment_is_compared_with_its_untouched_twin() -> None:
    clock = HandClock()
    spec = DeploymentSpec("chat", Envelope(1, 10, 32), Steps(((0, 20), (600, 220))))
    async with running(spec, clock=clock) as call:
        clock.forward(300)
        await call.put(minReplicas=8, maxReplicas=10, threadCount=32)
        clock.forward(3300)
        await call.get()
        one, twin = call.platform.deployments["chat"], call.platform.twin("chat")
    assert one.overload_share == 0
    assert one.overload_share_platform_alone > 0.05
    assert twin.config.envelope == Envelope(1, 10, 32)
    assert one.compute_seconds is not None
    assert one.compute_seconds_platform_alone is not None
    assert one.compute_seconds > one.compute_seconds_platform_alone


async def test_a_new_model_version_upgrades_beside_the_old_one() -> None:
    clock = HandClock()
    async with running(clock=clock) as call:
        _, before = await call.get()
        one = call.platform.deployments["chat"]
        one.release()
        assert (one.model.ready, one.model.starting) == (1, 1)
        clock.forward(60)
        _, after = await call.get()
        assert (one.model.ready, one.model.starting) == (1, 0)
    assert before["modelVersion"]["modelRid"] == after["modelVersion"]["modelRid"]
    assert before["modelVersion"]["modelVersionRid"] != after["modelVersion"]["modelVersionRid"]


async def test_a_request_wakes_a_sleeping_deployment_and_is_answered_after_the_cold_start() -> None:
    clock = HandClock()
    async with running(DeploymentSpec("chat", Envelope(0, 3, 32)), clock=clock) as call:
        one = call.platform.deployments["chat"]
        asked = asyncio.create_task(
            call.ask("POST", f"/{call.rid}/transformJson", {"input": {"x": 1}})
        )
        while not asked.done():
            clock.forward(0.5)
            await call.get()
        assert await asked == (200, {"output": {"x": 1}})
        assert one.model.tally.woken == 1
        assert 60 <= one.gateway.seconds <= 64


async def test_a_request_that_finds_no_room_for_five_minutes_times_out() -> None:
    clock = HandClock()
    async with running(DeploymentSpec("chat", Envelope(0, 0, 32)), clock=clock) as call:
        asked = asyncio.create_task(call.ask("POST", f"/{call.rid}/transformJson", {"input": {}}))
        while not asked.done():
            clock.forward(30)
            await call.get()
        status, body = await asked
    assert (status, body["errorName"], body["errorCode"]) == (504, "InferenceTimeout", "TIMEOUT")


async def test_http_requests_get_their_fair_share_of_a_crowded_deployment() -> None:
    spec = DeploymentSpec("chat", Envelope(1, 1, 32), Steady(1000), service_s=0.001)
    async with running(spec) as call:
        status, _ = await call.ask("POST", f"/{call.rid}/transformJson", {"input": {}})
    assert status == 200


@pytest.mark.parametrize(
    ("disabled", "body", "name"),
    [(True, {"input": {}}, "InferenceFailure"), (False, {"in": 1}, "InferenceInvalidInput")],
)
async def test_inference_errors(disabled: bool, body: object, name: str) -> None:
    async with running() as call:
        if disabled:
            await call.ask("POST", f"/{call.rid}/disable")
        status, found = await call.ask("POST", f"/{call.rid}/transformJson", body)
    assert (status, found["errorName"]) == (400, name)


async def test_the_platform_listens_again_on_a_port_that_was_let_go() -> None:
    async with running() as call:
        port = int(call.platform.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await SimulatedPlatform([], port=port).start()
    async with running(port=port) as call:
        assert (await call.get())[0] == 200


def test_names_are_unique() -> None:
    with pytest.raises(ValueError, match="two deployments are called 'chat'"):
        SimulatedPlatform([DeploymentSpec("chat"), DeploymentSpec("chat")])


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be above 0 and finite"):
        SimulatedPlatform([], speed=speed)
