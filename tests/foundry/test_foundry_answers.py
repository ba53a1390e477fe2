"""Every documented error, from its answer to its class, its retry and its verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.decision import Kind
from autoscaler.core.reason import Code
from autoscaler.foundry import errors
from autoscaler.foundry.answers import clip, error_of
from autoscaler.foundry.door import Answer
from autoscaler.foundry.errors import (
    BY_NAME,
    AnswerFacts,
    ErrorAnswer,
    FoundryError,
    GpuTypeNotAvailable,
    ThreadCountTooHigh,
    may_have_been_done,
    retry_cause,
)
from autoscaler.foundry.verdict import judge

NOW = 1_800_000_000.0
GIVEN = {
    400: [
        "ThreadCountTooHigh",
        "InvalidGpuCount",
        "GpuTypeNotAvailable",
        "UnsupportedLiveDeployment",
        "ReservedEnvironmentVariable",
        "DeploymentSourceNotImportedIntoProject",
        "DeploymentSourceCannotExportResourceMarkings",
        "DeploymentSourceNotEnabledForComputeModules",
        "InferenceFailure",
        "InferenceInvalidInput",
        "ApiFeaturePreviewUsageOnly",
    ],
    403: [
        "CreateLiveDeploymentPermissionDenied",
        "ReplaceLiveDeploymentPermissionDenied",
        "StartLiveDeploymentPermissionDenied",
        "DisableLiveDeploymentPermissionDenied",
        "TransformJsonLiveDeploymentPermissionDenied",
        "ApiUsageDenied",
    ],
    404: ["LiveDeploymentNotFound", "ModelNotFound"],
    409: ["LiveDeploymentSourcesCannotBeUpdatedWhileRunning"],
    504: ["InferenceTimeout"],
}
NAMED = [(status, name) for status, names in GIVEN.items() for name in names]


def made(status: int, body: bytes = b"", hint: str = "") -> ErrorAnswer:
    found = error_of(Answer(status, {"QoS-Retry-Hint": hint}, body), NOW)
    assert found is not None
    return found


def said(name: str, **parameters: Any) -> bytes:
    return json.dumps(
        {
            "errorCode": "INVALID_ARGUMENT",
            "errorName": name,
            "errorInstanceId": "1-2-3",
            "errorDescription": "a word",
            "parameters": parameters,
        }
    ).encode()


@pytest.mark.fault(21, 22, 26)
@pytest.mark.parametrize(("status", "name"), NAMED)
def test_a_documented_error_has_its_class(status: int, name: str) -> None:
    error = made(status, said(name))
    assert type(error).__name__ == name
    assert error.facts.instance_id == "1-2-3"
    assert str(error) == f"HTTP {status} {name} INVALID_ARGUMENT instance 1-2-3: a word"


@pytest.mark.parametrize(("status", "name"), NAMED)
def test_the_sdk_knows_the_same_names(status: int, name: str) -> None:
    core = pytest.importorskip("foundry_sdk.v2.core.errors")
    models = pytest.importorskip("foundry_sdk.v2.models.errors")
    assert hasattr(models, name) or hasattr(core, name)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"{}", errors.BadRequest),
        (400, said("BrandNew"), errors.BadRequest),
        (401, b"", errors.Unauthorized),
        (403, b"nope", errors.Forbidden),
        (404, b"", errors.ApiNotFound),
        (404, b"  \n", errors.ApiNotFound),
        (404, b"<html>", errors.NotFound),
        (409, b"{}", errors.Conflict),
        (413, b"", errors.PayloadTooLarge),
        (422, b"", errors.Unprocessable),
        (429, b"", errors.TooManyRequests),
        (500, b"", errors.ServerError),
        (503, b"", errors.Unavailable),
        (599, b"", errors.ServerError),
        (302, b"", errors.Redirected),
        (304, b"", errors.Redirected),
        (418, b"", errors.UnexpectedStatus),
        (500, said("LiveDeploymentNotFound"), errors.ServerError),
        (400, said("ServerError"), errors.BadRequest),
    ],
)
def test_any_other_error_has_the_class_of_its_status(
    status: int, body: bytes, kind: type[ErrorAnswer]
) -> None:
    assert type(made(status, body)) is kind


def test_a_success_is_no_error() -> None:
    assert error_of(Answer(200, {}, b""), NOW) is None


def test_documented_parameters_are_parsed_and_others_left() -> None:
    error = made(
        400, said("ThreadCountTooHigh", maxThreadCount="64", providedThreadCount=100, more="x")
    )
    assert isinstance(error, ThreadCountTooHigh)
    assert error.max_thread_count == 64
    assert error.facts.parameters == {"maxThreadCount": 64, "providedThreadCount": 100}
    gpu = made(400, said("GpuTypeNotAvailable", availableGpuTypes=["T4", 3, "L4"]))
    assert isinstance(gpu, GpuTypeNotAvailable)
    assert gpu.facts.parameters == {"availableGpuTypes": ("T4", "L4")}


def test_foreign_bodies_are_clipped_and_tokens_struck_out() -> None:
    jwt = "eyJhbGciOi.eyJzdWIi.c2ln"
    page = f"<html>\x1b[31m{'long ' * 500}</html>"
    assert len(made(502, page.encode()).facts.detail) == 200
    assert "\x1b" not in str(made(502, page.encode()))
    answer = Answer(502, {}, f"you sent Bearer hidden-1 and {jwt}".encode())
    error = error_of(answer, NOW, ("hidden-1",))
    assert str(error) == "HTTP 502: you sent Bearer *** and ***"
    silent = error_of(answer, NOW, quote=False)
    assert str(silent) == "HTTP 502"


@given(
    st.integers(300, 599),
    st.binary(max_size=80) | st.sampled_from(sorted(BY_NAME)).map(said),
    st.dictionaries(st.sampled_from(["Retry-After", "QoS-Retry-Hint"]), st.text(max_size=20)),
)
def test_any_error_answer_gets_a_class_and_a_verdict(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    error = error_of(Answer(status, headers, body), NOW)
    assert error is not None
    verdict = judge(error)
    assert str(verdict.reason) == str(error)
    assert verdict.kind in {Kind.REFUSED, Kind.FAILED, Kind.DEFERRED}
    # What may have been done is never called refused.
    assert not (may_have_been_done(error) and verdict.kind is Kind.REFUSED)


@given(st.text(max_size=500))
def test_clipped_text_is_short_and_printable(text: str) -> None:
    assert len(clip(text)) <= 200
    assert clip(text).isprintable()


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (made(429), "rate_limited"),
        (made(503), "unavailable"),
        (made(500), "server_error"),
        (made(502), "server_error"),
        (made(504), "server_error"),
        (made(501), ""),
        (made(400), ""),
        (made(401), ""),
        (made(403), ""),
        (made(404, b"x"), ""),
        (made(409), ""),
        (made(302), ""),
        (errors.TimedOut(), "timeout"),
        (errors.ConnectionLost(), "connection"),
        (errors.NotConnected(), "connection"),
        (errors.InvalidAnswer(), ""),
        (errors.PaceExhausted("", 1), ""),
        (errors.TokenRefused(), ""),
        (ErrorAnswer(AnswerFacts(429, do_not_retry=True)), ""),
        (made(429, hint="do-not-retry"), ""),
        (made(503, hint="Do-Not-Retry"), ""),
        (made(503, hint="propagate"), "unavailable"),
    ],
)
def test_what_is_retryable_is_named(error: FoundryError, cause: str) -> None:
    assert retry_cause(error) == cause


@pytest.mark.fault(21, 22, 26)
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (errors.PaceExhausted("p", 1), Kind.DEFERRED, Code.PACING),
        (errors.BreakerOpen("b", 1), Kind.DEFERRED, Code.BREAKER_OPEN),
        (errors.InvalidRid("r"), Kind.REFUSED, Code.INVALID_REQUEST),
        (errors.SecretUnreadable("s"), Kind.REFUSED, Code.UNAUTHORIZED),
        (errors.TokenRefused("t"), Kind.REFUSED, Code.UNAUTHORIZED),
        (errors.TokenUnavailable("t"), Kind.FAILED, Code.PLATFORM_ERROR),
        (errors.TimedOut("t"), Kind.FAILED, Code.PLATFORM_ERROR),
        (errors.InvalidAnswer("i"), Kind.FAILED, Code.PLATFORM_ERROR),
        (made(401), Kind.REFUSED, Code.UNAUTHORIZED),
        (made(429), Kind.DEFERRED, Code.RATE_LIMITED),
        (made(500), Kind.FAILED, Code.PLATFORM_ERROR),
    ],
)
def test_a_failure_has_its_verdict(error: FoundryError, kind: Kind, code: Code) -> None:
    verdict = judge(error)
    assert (verdict.kind, verdict.reason.code) == (kind, code)


def test_the_tree_in_the_module_names_every_class() -> None:
    tree = errors.__doc__ or ""
    for name in BY_NAME:
        short = name.removesuffix("LiveDeploymentPermissionDenied")
        assert short in tree or name.startswith("_"), name
