"""One word for the state of a deployment, and the guard that stands in its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import DIALS
from autoscaler.core.observation import Absence, Missing
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code
from autoscaler.web.view.words import Stored, holds


def chip(decision: Decision, words: Sequence[Stored]) -> str:
    """The most serious word that holds."""
    return next(word for word, fits in _CHIPS if fits(decision, words))


def limiting(plan: Plan) -> str | None:
    """The last guard that shaped or held it, None when it is what the policies wanted."""
    return plan.shaped_by[-1] if plan.shaped_by else None


def _blind(decision: Decision, _: Sequence[Stored]) -> bool:
    """The platform was never read, or a signal has no data at all."""
    hold = decision.plan.hold
    return (hold is not None and hold.by == "reading") or any(
        isinstance(signal, Missing) and signal.why is not Absence.STALE
        for signal in decision.seen.signals.values()
    )


def _stale(decision: Decision, _: Sequence[Stored]) -> bool:
    signals = decision.seen.signals.values()
    gone = any(isinstance(s, Missing) and s.why is Absence.STALE for s in signals)
    return gone or decision.outcome.reason.code is Code.DATA_STALE


def _limited(decision: Decision, _: Sequence[Stored]) -> bool:
    """The policies want more than the guards let through."""
    plan = decision.plan
    return any(plan.after[dial] < plan.wanted[dial] for dial in DIALS)


def _moving(decision: Decision, _: Sequence[Stored]) -> bool:
    return decision.outcome.kind in {Kind.APPLIED, Kind.RECOMMENDED}


Fits = Callable[[Decision, Sequence[Stored]], bool]

# Most serious first; the last one always fits.
_CHIPS: tuple[tuple[str, Fits], ...] = (
    ("failed", lambda d, _: d.outcome.kind is Kind.FAILED or d.seen.health.state == "FAILED"),
    ("refused", lambda d, _: d.outcome.kind is Kind.REFUSED),
    ("blind", _blind),
    ("stale", _stale),
    ("paused", lambda _, words: holds(words, "pause")),
    ("braked", lambda _, words: holds(words, "brake")),
    ("overridden", lambda _, words: holds(words, "pin", "floor", "mode")),
    ("limited", _limited),
    ("waiting", lambda d, _: d.outcome.kind is Kind.DEFERRED),
    ("moving", _moving),
    ("ok", lambda _, __: True),
)
STATUSES = tuple(word for word, _ in _CHIPS)
