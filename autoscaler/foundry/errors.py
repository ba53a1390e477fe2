"""Everything that the platform can answer but success, as one tree.

```
FoundryError
├── InvalidRid                       not asked: the RID is not one
├── TooLate                          not sent: its time was over before the first byte left
├── NotNow                           not asked: it would be too much
│   ├── PaceExhausted
│   └── BreakerOpen
├── NoToken                          not asked: nothing to log in with
│   ├── SecretUnreadable
│   ├── TokenRefused
│   └── TokenUnavailable
├── NoAnswer                         asked, not answered
│   ├── NotConnected                 nothing was sent
│   ├── ConnectionLost
│   └── TimedOut
├── InvalidAnswer                    answered with something that is not understood
│   └── AnswerTooLarge
└── ErrorAnswer                      answered with an error status
    ├── Redirected                   3xx: never followed, the token stays here
    ├── BadRequest                   400
    │   ├── ThreadCountTooHigh
    │   ├── InvalidGpuCount
    │   ├── GpuTypeNotAvailable
    │   ├── UnsupportedLiveDeployment
    │   ├── ReservedEnvironmentVariable
    │   ├── DeploymentSourceNotImportedIntoProject
    │   ├── DeploymentSourceCannotExportResourceMarkings
    │   ├── DeploymentSourceNotEnabledForComputeModules
    │   ├── InferenceFailure
    │   ├── InferenceInvalidInput
    │   └── ApiFeaturePreviewUsageOnly
    ├── Unauthorized                 401
    │   └── TokenRenewed
    ├── Forbidden                    403
    │   ├── {Create,Replace,Start,Disable,TransformJson}LiveDeploymentPermissionDenied
    │   └── ApiUsageDenied
    ├── NotFound                     404
    │   ├── LiveDeploymentNotFound
    │   ├── ModelNotFound
    │   └── ApiNotFound              404 with an empty body: this stack has no such API
    ├── Conflict                     409
    │   └── LiveDeploymentSourcesCannotBeUpdatedWhileRunning
    ├── PayloadTooLarge              413
    ├── Unprocessable                422
    ├── TooManyRequests              429
    ├── ServerError                  5xx
    │   ├── Unavailable              503
    │   └── InferenceTimeout
    └── UnexpectedStatus             any other
```

Retryable, for a read, is what `retry_cause` names and nothing else.
Names, statuses and parameters: the platform's API reference and foundry-platform-sdk 1.111.
"""

# ruff: noqa: N818 - the classes carry the platform's own error names, which lack the suffix

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

Parameter = int | str | tuple[str, ...]


class FoundryError(Exception):
    """Anything but success. Texts are safe to log: clipped, without secrets."""


class InvalidRid(FoundryError):
    """The identifier cannot be a RID; nothing was asked."""


class TooLate(FoundryError):
    """The deadline passed before the first byte left; nothing was sent."""


class NotNow(FoundryError):
    """Not asked, to keep the pace. `wait_s` is when to think of it again."""

    def __init__(self, text: str, wait_s: float) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class PaceExhausted(NotNow):
    """The budget of requests is used up for longer than a caller may wait."""


class BreakerOpen(NotNow):
    """The platform failed too often in a row; it gets a rest."""


class NoToken(FoundryError):
    """There is nothing to log in with; the request was not sent."""


class SecretUnreadable(NoToken):
    """A secret's file cannot be read, is empty or holds what cannot be a secret."""


class TokenRefused(NoToken):
    """The token endpoint does not accept the credentials."""


class TokenUnavailable(NoToken):
    """The token endpoint did not answer well; the credentials may be good."""


class NoAnswer(FoundryError):
    """No answer arrived."""


class NotConnected(NoAnswer):
    """No connection came about (name, port, TLS): nothing was sent."""


class ConnectionLost(NoAnswer):
    """The connection broke after something may have been sent."""


class TimedOut(NoAnswer):
    """The deadline passed; the request may have arrived."""


class InvalidAnswer(FoundryError):
    """A success status with a body that is not what is documented."""


class AnswerTooLarge(InvalidAnswer):
    """The body is longer than is ever read."""


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What an error answer said, parsed: identifiers checked, texts clipped.

    `parameters` holds documented ones only. `retry_after_s` is None when not given.
    """

    status: int
    name: str = ""
    code: str = ""
    instance_id: str = ""
    detail: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    retry_after_s: float | None = None
    do_not_retry: bool = False

    def __str__(self) -> str:
        parts = [f"HTTP {self.status}"]
        parts += [part for part in (self.name, self.code) if part]
        parts += [f"{key}={value}" for key, value in sorted(self.parameters.items())]
        parts += [f"instance {self.instance_id}"] if self.instance_id else []
        return " ".join(parts) + (f": {self.detail}" if self.detail else "")


class ErrorAnswer(FoundryError):
    """An error status. `facts` is what it said."""

    parameters: ClassVar[tuple[str, ...]] = ()
    """The documented parameters that are kept; others stay unread."""

    def __init__(self, facts: AnswerFacts) -> None:
        super().__init__(str(facts))
        self.facts = facts


class Redirected(ErrorAnswer):
    """A redirect, such as to a login page. Never followed."""


class BadRequest(ErrorAnswer):
    """400."""


class ThreadCountTooHigh(BadRequest):
    """More threads than the platform allows."""

    parameters = ("maxThreadCount", "providedThreadCount")

    @property
    def max_thread_count(self) -> int | None:
        """The platform's maximum, at least 1; None when it did not tell."""
        value = self.facts.parameters.get("maxThreadCount")
        return value if isinstance(value, int) and value >= 1 else None


class InvalidGpuCount(BadRequest):
    """Not between 1 and the maximum for the GPU type."""

    parameters = ("providedGpuCount", "maxGpuCount")


class GpuTypeNotAvailable(BadRequest):
    """The resource queue has no such GPU."""

    parameters = ("requestedGpuType", "availableGpuTypes")


class UnsupportedLiveDeployment(BadRequest):
    """A type of deployment that the API does not serve."""


class ReservedEnvironmentVariable(BadRequest):
    """A variable's name is the platform's own."""

    parameters = ("name",)


class DeploymentSourceNotImportedIntoProject(BadRequest):
    """A source is missing from the project."""

    parameters = ("sourceRid",)


class DeploymentSourceCannotExportResourceMarkings(BadRequest):
    """A source may not export markings of a resource."""

    parameters = ("sourceRid", "resourceRid")


class DeploymentSourceNotEnabledForComputeModules(BadRequest):
    """A source is not enabled for compute modules."""

    parameters = ("sourceRid",)


class InferenceFailure(BadRequest):
    """The model failed. Its own message is not kept: it may hold data."""

    parameters = ("liveDeploymentRid",)


class InferenceInvalidInput(BadRequest):
    """The model's input is not valid."""

    parameters = ("liveDeploymentRid", "errorType")


class ApiFeaturePreviewUsageOnly(BadRequest):
    """The endpoint is in preview and was asked without `preview=true`."""


class Unauthorized(ErrorAnswer):
    """401: the token is not accepted, not even a fresh one."""


class TokenRenewed(Unauthorized):
    """401 for a write that did nothing, and there is a newer token now: begin again."""


class Forbidden(ErrorAnswer):
    """403."""


class _OfDeployment(Forbidden):
    parameters = ("liveDeploymentRid",)


class CreateLiveDeploymentPermissionDenied(Forbidden):
    """May not create."""


class ReplaceLiveDeploymentPermissionDenied(_OfDeployment):
    """May not replace."""


class StartLiveDeploymentPermissionDenied(_OfDeployment):
    """May not start."""


class DisableLiveDeploymentPermissionDenied(_OfDeployment):
    """May not disable."""


class TransformJsonLiveDeploymentPermissionDenied(_OfDeployment):
    """May not call."""


class ApiUsageDenied(Forbidden):
    """The application or user may not use this API at all."""

    parameters = ("missingScope",)


class NotFound(ErrorAnswer):
    """404 with a body: gone, or hidden from this user."""


class LiveDeploymentNotFound(NotFound):
    """No such deployment, or no access to it."""

    parameters = ("liveDeploymentRid",)


class ModelNotFound(NotFound):
    """No such model, or no access to it."""

    parameters = ("modelRid",)


class ApiNotFound(NotFound):
    """404 with an empty body: this stack does not serve the API (yet, or any more)."""


class Conflict(ErrorAnswer):
    """409."""


class LiveDeploymentSourcesCannotBeUpdatedWhileRunning(Conflict):
    """The body's `sources` differ from what is running."""

    parameters = ("liveDeploymentRid",)


class PayloadTooLarge(ErrorAnswer):
    """413."""


class Unprocessable(ErrorAnswer):
    """422."""


class TooManyRequests(ErrorAnswer):
    """429: not done, asked too often."""


class ServerError(ErrorAnswer):
    """5xx: it may have been done all the same."""


class Unavailable(ServerError):
    """503."""


class InferenceTimeout(ServerError):
    """The model took longer than the platform waits (5 min)."""

    parameters = ("liveDeploymentRid",)


class UnexpectedStatus(ErrorAnswer):
    """A status that the platform does not document."""


def _family(of: type[ErrorAnswer]) -> dict[str, type[ErrorAnswer]]:
    known = {of.__name__: of}
    for child in of.__subclasses__():
        known |= _family(child)
    return known


BY_NAME: Mapping[str, type[ErrorAnswer]] = MappingProxyType(_family(ErrorAnswer))
BY_STATUS: Mapping[int, type[ErrorAnswer]] = MappingProxyType(
    {
        400: BadRequest,
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        413: PayloadTooLarge,
        422: Unprocessable,
        429: TooManyRequests,
        503: Unavailable,
    }
)

# 501 and 505 say "never"; asking again does not help.
_PASSING = frozenset({500, 502, 504})


def retry_cause(error: FoundryError) -> str:
    """Why a read may be asked again: a word for the counters; empty when it may not."""
    if isinstance(error, ErrorAnswer):
        return "" if error.facts.do_not_retry else _answered_cause(error)
    if isinstance(error, TimedOut):
        return "timeout"
    return "connection" if isinstance(error, NoAnswer) else ""


def _answered_cause(error: ErrorAnswer) -> str:
    if isinstance(error, TooManyRequests):
        return "rate_limited"
    if isinstance(error, Unavailable):
        return "unavailable"
    return "server_error" if error.facts.status in _PASSING else ""


def may_have_been_done(error: FoundryError) -> bool:
    """Whether a write that ended so may have gone through, now or later."""
    if isinstance(error, NoAnswer):
        return not isinstance(error, NotConnected)
    return isinstance(error, InvalidAnswer | ServerError | Redirected)
