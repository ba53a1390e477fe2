"""The platform's errors: errorCode, errorName, errorInstanceId and parameters.

Names, codes and parameters are those of the public endpoint pages and of the vendor's SDK
(foundry-platform-sdk 1.111.0). Where neither tells one (a malformed body, 401, 429), the name is
this simulator's own; a client must go by the HTTP status there.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

CODES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHORIZED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "CONFLICT",
    413: "REQUEST_ENTITY_TOO_LARGE",
    429: "RATE_LIMITED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "TIMEOUT",
}


class ApiError(Exception):
    """An answer that is an error; `headers` go out with it."""

    def __init__(
        self,
        status: int,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {name}")
        self.status = status
        self.name = name
        self.parameters = dict(parameters or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON body, with an instance id of its own."""
        return {
            "errorCode": CODES.get(self.status, "INTERNAL"),
            "errorName": self.name,
            "errorInstanceId": str(uuid.uuid4()),
            "parameters": self.parameters,
        }


def invalid(field: str, rule: str, value: object) -> ApiError:
    """400 for a body that breaks a rule which has no error name of its own."""
    parameters = {"field": field, "rule": rule, "value": repr(value)[:80]}
    return ApiError(400, "InvalidArgument", parameters)


def deployment_not_found(rid: str) -> ApiError:
    """404; the platform does not tell "gone" from "not yours"."""
    return ApiError(404, "LiveDeploymentNotFound", {"liveDeploymentRid": rid})


def model_not_found(rid: str) -> ApiError:
    """404 for list and create."""
    return ApiError(404, "ModelNotFound", {"modelRid": rid})


def thread_count_too_high(most: int, got: int) -> ApiError:
    """400; the only place where the platform tells its maximum."""
    return ApiError(400, "ThreadCountTooHigh", {"maxThreadCount": most, "providedThreadCount": got})


def gpu_count(most: int, got: int) -> ApiError:
    """400."""
    return ApiError(400, "InvalidGpuCount", {"maxGpuCount": most, "providedGpuCount": got})


def gpu_type(wanted: str, available: Sequence[str]) -> ApiError:
    """400."""
    parameters = {"requestedGpuType": wanted, "availableGpuTypes": list(available)}
    return ApiError(400, "GpuTypeNotAvailable", parameters)


def source_problem(name: str, source_rid: str, resource_rid: str) -> ApiError:
    """400 of the DeploymentSource family."""
    parameters = {"sourceRid": source_rid}
    if name == "DeploymentSourceCannotExportResourceMarkings":
        parameters["resourceRid"] = resource_rid
    return ApiError(400, name, parameters)


_DENIED = {
    "create": "CreateLiveDeploymentPermissionDenied",
    "replace": "ReplaceLiveDeploymentPermissionDenied",
    "start": "StartLiveDeploymentPermissionDenied",
    "disable": "DisableLiveDeploymentPermissionDenied",
    "transform": "TransformJsonLiveDeploymentPermissionDenied",
}


def permission_denied(operation: str, rid: str | None) -> ApiError:
    """403; an operation without such an error (get) hides the deployment instead: 404."""
    if operation == "list":
        return ApiError(403, "ApiUsageDenied")
    name = _DENIED.get(operation)
    if name is None:
        return deployment_not_found(rid or "")
    return ApiError(403, name, {"liveDeploymentRid": rid} if rid else {})
