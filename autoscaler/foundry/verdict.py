"""What a failure means for a plan: how it ends, why, and for how long not to ask again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from autoscaler.core.decision import Kind
from autoscaler.core.reason import Code, Reason, because
from autoscaler.foundry import errors as e

UNTIL_RESTART = math.inf
HOUR = 3600.0
# Long enough not to hammer, short enough that a cure shows within a few ticks.
STOP_S = 60.0
CONFLICT_S = 300.0


class Scope(Enum):
    """Whom a failure concerns."""

    NOBODY = "nobody"
    ENVELOPE = "envelope"
    DEPLOYMENT = "deployment"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a plan. Within `scope`, asking again is useless for `rest_s` seconds."""

    kind: Kind
    reason: Reason
    scope: Scope = Scope.NOBODY
    rest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Rule:
    error: tuple[type[e.FoundryError], ...]
    kind: Kind
    code: Code
    scope: Scope = Scope.NOBODY
    rest_s: float = 0.0


# The first that fits; children stand before their parents.
_RULES = (
    _Rule((e.TooLate,), Kind.DEFERRED, Code.TOO_OLD),
    _Rule((e.PaceExhausted,), Kind.DEFERRED, Code.PACING),
    _Rule((e.BreakerOpen,), Kind.DEFERRED, Code.BREAKER_OPEN),
    _Rule((e.TooManyRequests,), Kind.DEFERRED, Code.RATE_LIMITED),
    _Rule((e.InvalidRid,), Kind.REFUSED, Code.INVALID_REQUEST, Scope.DEPLOYMENT, UNTIL_RESTART),
    _Rule((e.TokenUnavailable,), Kind.FAILED, Code.PLATFORM_ERROR),
    _Rule((e.NoToken, e.Unauthorized), Kind.REFUSED, Code.UNAUTHORIZED, Scope.PLATFORM, STOP_S),
    _Rule(
        (e.ApiNotFound, e.ApiFeaturePreviewUsageOnly),
        Kind.REFUSED,
        Code.API_UNAVAILABLE,
        Scope.PLATFORM,
        STOP_S,
    ),
    _Rule((e.ThreadCountTooHigh,), Kind.REFUSED, Code.THREADS_TOO_HIGH, Scope.ENVELOPE, HOUR),
    _Rule(
        (e.UnsupportedLiveDeployment,),
        Kind.REFUSED,
        Code.UNSUPPORTED,
        Scope.DEPLOYMENT,
        UNTIL_RESTART,
    ),
    _Rule(
        (
            e.ReservedEnvironmentVariable,
            e.DeploymentSourceNotImportedIntoProject,
            e.DeploymentSourceCannotExportResourceMarkings,
            e.DeploymentSourceNotEnabledForComputeModules,
        ),
        Kind.REFUSED,
        Code.INVALID_REQUEST,
        Scope.DEPLOYMENT,
        UNTIL_RESTART,
    ),
    # GPUs come back into a queue; the daemon never changes them itself.
    _Rule(
        (e.InvalidGpuCount, e.GpuTypeNotAvailable),
        Kind.REFUSED,
        Code.INVALID_REQUEST,
        Scope.DEPLOYMENT,
        HOUR,
    ),
    _Rule((e.Forbidden,), Kind.REFUSED, Code.PERMISSION_DENIED, Scope.DEPLOYMENT, HOUR),
    _Rule((e.NotFound,), Kind.REFUSED, Code.NOT_FOUND, Scope.DEPLOYMENT, HOUR),
    _Rule((e.Conflict,), Kind.REFUSED, Code.CONFLICT, Scope.DEPLOYMENT, CONFLICT_S),
    # Not documented, so it may be about these very numbers: others may be tried.
    _Rule(
        (e.BadRequest, e.Unprocessable, e.PayloadTooLarge),
        Kind.REFUSED,
        Code.INVALID_REQUEST,
        Scope.ENVELOPE,
        HOUR,
    ),
    _Rule((e.ServerError, e.Redirected), Kind.FAILED, Code.PLATFORM_ERROR),
    _Rule((e.UnexpectedStatus,), Kind.REFUSED, Code.INVALID_REQUEST, Scope.ENVELOPE, HOUR),
    _Rule((e.FoundryError,), Kind.FAILED, Code.PLATFORM_ERROR),
)


def judge(error: e.FoundryError) -> Verdict:
    """What a failure before or instead of a write means. Nothing was written."""
    rule = next(rule for rule in _RULES if isinstance(error, rule.error))
    reason = because(rule.code, "{error}", error=str(error) or type(error).__name__)
    return Verdict(rule.kind, reason, rule.scope, rule.rest_s)
