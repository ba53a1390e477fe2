"""Why something moved, stayed or waited: a closed vocabulary, a sentence, the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autoscaler.core.words import filled


class Code(StrEnum):
    """Every reason that the daemon can give. Append only: dashboards and alerts name them."""

    # policies
    LOAD_ABOVE_TARGET = "load_above_target"
    LOAD_BELOW_TARGET = "load_below_target"
    WITHIN_TOLERANCE = "within_tolerance"
    PANICKING = "panicking"
    STEP_REACHED = "step_reached"
    STEP_NOT_REACHED = "step_not_reached"
    PASSED_THROUGH = "passed_through"
    NOT_LASTING = "not_lasting"
    HISTORY_TOO_SHORT = "history_too_short"
    SIGNAL_STALE = "signal_stale"
    SCHEDULED = "scheduled"
    SCHEDULED_AHEAD = "scheduled_ahead"
    NOT_SCHEDULED = "not_scheduled"
    COMPUTED = "computed"
    NOT_COMPUTABLE = "not_computable"
    IDLE = "idle"
    NOT_IDLE = "not_idle"
    IDLE_UNKNOWN = "idle_unknown"
    OBJECTIVE_OUT_OF_REACH = "objective_out_of_reach"
    THREADS_TUNED = "threads_tuned"
    THREADS_RIGHT = "threads_right"
    LOAD_TOO_LOW_TO_TELL = "load_too_low_to_tell"
    NOT_DURING_INCIDENT = "not_during_incident"
    RESTART_OUTWEIGHS_GAIN = "restart_outweighs_gain"
    SPEND_WITHIN_BUDGET = "spend_within_budget"
    SPEND_PACED = "spend_paced"
    SPEND_EXHAUSTED = "spend_exhausted"
    # abstentions
    COST_RATE_UNKNOWN = "cost_rate_unknown"
    SIGNAL_MISSING = "signal_missing"
    SIGNAL_TOO_SHORT = "signal_too_short"
    CONDITION_FALSE = "condition_false"
    CONDITION_UNKNOWN = "condition_unknown"
    POLICY_CRASHED = "policy_crashed"
    POLICY_INVALID = "policy_invalid"
    POLICY_HUNG = "policy_hung"
    POLICY_SLOW = "policy_slow"
    POLICY_STARTING = "policy_starting"
    POLICY_QUARANTINED = "policy_quarantined"
    # merging
    CEILING_BEATS_FLOOR = "ceiling_beats_floor"
    CEILING_FOLLOWS_FLOOR = "ceiling_follows_floor"
    # guards
    NO_READING = "no_reading"
    NO_OPINION = "no_opinion"
    PAUSED = "paused"
    PINNED = "pinned"
    FLOOR_RAISED = "floor_raised"
    DATA_MISSING = "data_missing"
    DATA_STALE = "data_stale"
    DATA_INCOMPLETE = "data_incomplete"
    DEPLOYMENT_DISABLED = "deployment_disabled"
    DEPLOYMENT_FAILED = "deployment_failed"
    DEPLOYMENT_STATE_UNKNOWN = "deployment_state_unknown"
    DEPLOYMENT_NOT_SETTLED = "deployment_not_settled"
    DEADBAND = "deadband"
    STABILISING = "stabilising"
    STEP_LIMIT = "step_limit"
    COOLDOWN = "cooldown"
    LIMITS = "limits"
    THREAD_CEILING = "thread_ceiling"
    MODE_RAISE_ONLY = "mode_raise_only"
    IMPLAUSIBLE = "implausible"
    DROP_UNCONFIRMED = "drop_unconfirmed"
    RECOVERING = "recovering"
    VETOED = "vetoed"
    SETTLING = "settling"
    RAISE_NOT_REACHED = "raise_not_reached"
    CONSOLIDATION = "consolidation"
    BEHAVIOR_LIMIT = "behavior_limit"
    OSCILLATING = "oscillating"
    NOT_WORTH_A_RESTART = "not_worth_a_restart"
    RESTART_UNSAFE = "restart_unsafe"
    THREADS_KEPT = "threads_kept"
    DRIFT_ADOPTED = "drift_adopted"
    DRIFT_RESTORED = "drift_restored"
    DRIFT_FROZEN = "drift_frozen"
    BRAKED = "braked"
    # the fleet
    FLEET_BLIND = "fleet_blind"
    FLEET_DROPPING = "fleet_dropping"
    FLEET_SHRINKING = "fleet_shrinking"
    RAISE_BUDGET = "raise_budget"
    COMPUTE_BUDGET = "compute_budget"
    # outcomes
    AS_PLANNED = "as_planned"
    ALREADY_SO = "already_so"
    MODE_OBSERVE = "mode_observe"
    MODE_RECOMMEND = "mode_recommend"
    NOT_OURS = "not_ours"
    PACING = "pacing"
    BUDGET_SHORT = "budget_short"
    BREAKER_OPEN = "breaker_open"
    SHUTTING_DOWN = "shutting_down"
    DRIFTED = "drifted"
    TOO_OLD = "too_old"
    CLAMPED = "clamped"
    THREADS_TOO_HIGH = "threads_too_high"
    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED = "unsupported"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    API_UNAVAILABLE = "api_unavailable"
    UNAUTHORIZED = "unauthorized"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    PLATFORM_ERROR = "platform_error"
    OUTCOME_UNKNOWN = "outcome_unknown"
    JOURNAL_UNAVAILABLE = "journal_unavailable"
    INTERNAL_ERROR = "internal_error"
    PARKED = "parked"
    OVERRULED = "overruled"
    ON_SHUTDOWN = "on_shutdown"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code from the closed list, a sentence with `{name}` places, and the numbers for them.

    The sentence is put together only when somebody reads it: ten thousand deployments
    decide every tick, and few of their reasons are ever shown. Places may name a unit, as
    `{left:span}` or `{n:count replica}` (autoscaler/core/words.py). A fact `until` (Unix seconds,
    with a `zone`) or `left` (seconds) says how long it holds; readers are told the time of day.
    """

    code: Code
    sentence: str
    facts: tuple[tuple[str, float | int | str], ...] = ()

    def __str__(self) -> str:
        if not self.facts:
            return self.sentence
        try:
            return filled(self.sentence, dict(self.facts))
        except (LookupError, ValueError, TypeError, AttributeError):
            # A sentence whose places do not fit its facts is a bug, but not one to fail on.
            return self.sentence


def because(code: Code, sentence: str, **facts: float | str) -> Reason:
    """Build a reason; `because(Code.LIMITS, "{want} is outside {range}", want=9, range="0..8")`."""
    return Reason(code, sentence, tuple(facts.items()))
