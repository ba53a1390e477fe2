"""Where the platform's own scaling settings cost money, flap or hold back, and what to set.

Facts: the platform adds a replica after the load share has been at the threshold for the up
delay and takes one away after it has been below for the down delay; both thresholds default to
the same 0.75, the delays to 1 and 30 minutes (Foundry's documentation of compute modules).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import NativeScaling
from autoscaler.lab.recommend.replay import Replayed, standing

if TYPE_CHECKING:
    from autoscaler.lab.recommend.judge import Terms

THRESHOLDS = (0.5, 0.6, 0.75)
SHORTEST_UP_S = 15.0
DOWN_DELAYS_S = (300.0, 600.0, 1800.0)

# Worth a sentence: a move an hour, a twentieth of the bill, a hundredth of the time.
MANY_MOVES = 24.0
WORTH_SAVING = 0.05
OFTEN_FULL = 0.01


def advice(
    load: Sequence[float],
    current: Envelope | None,
    recommended: Envelope,
    native: NativeScaling,
    terms: Terms,
) -> tuple[str, ...]:
    """Sentences about the platform's settings, none when they are right. `load` in replicas."""
    envelope = current or recommended
    now = standing(load, envelope, native, terms.cold_start_s)
    return (
        *_flapping(load, envelope, native, now, terms),
        *_full(envelope, now),
        *_settings(load, envelope, native, now, terms),
    )


def _flapping(
    load: Sequence[float],
    envelope: Envelope,
    native: NativeScaling,
    now: Replayed,
    terms: Terms,
) -> Iterator[str]:
    """The floor that calms a scaler whose two thresholds are one, if a floor does."""
    if now.moves_per_day < MANY_MOVES:
        return
    told = (
        f"the platform's own scaler moves {now.moves_per_day:.0f} times a day: it adds and takes "
        f"away at the same load of {native.up_threshold:g}"
    )
    for floor in range(
        envelope.min_replicas + 1, min(envelope.min_replicas + 3, envelope.max_replicas) + 1
    ):
        raised = Envelope(floor, envelope.max_replicas, envelope.threads)
        calm = standing(load, raised, native, terms.cold_start_s)
        if calm.moves_per_day <= now.moves_per_day / 2:
            dearer = calm.replica_s / now.replica_s - 1
            yield (
                f"{told}; min_replicas {floor} brings that to {calm.moves_per_day:.0f} "
                f"for {dearer:+.1%} replica-hours"
            )
            return
    yield f"{told}; a floor that follows the load (policy forecast or target_load) avoids that"


def _full(envelope: Envelope, now: Replayed) -> Iterator[str]:
    if now.at_ceiling > OFTEN_FULL and envelope.max_replicas > envelope.min_replicas:
        yield f"max_replicas {envelope.max_replicas} is reached {now.at_ceiling:.1%} of the time"


def _settings(
    load: Sequence[float],
    envelope: Envelope,
    native: NativeScaling,
    now: Replayed,
    terms: Terms,
) -> Iterator[str]:
    """The cheapest of a few settings that is as safe, or within the budget."""
    if envelope.min_replicas == envelope.max_replicas:
        return
    allowed = max(terms.budget, now.violations)
    best, then = native, now
    for threshold, delay, down in _grid(native):
        tried = NativeScaling(threshold, delay, down)
        found = standing(load, envelope, tried, terms.cold_start_s)
        if found.violations <= allowed and found.replica_s < then.replica_s:
            best, then = tried, found
    saving = 1 - then.replica_s / now.replica_s
    if best == native or saving < WORTH_SAVING:
        return
    yield (
        f"set {', '.join(_differences(native, best))}: {saving:.0%} fewer replica-hours, "
        f"{then.violations:.2%} of the requests without room ({now.violations:.2%} now)"
    )


def _grid(native: NativeScaling) -> Iterator[tuple[float, float, float]]:
    """Faster up together with sooner down: each alone costs money or requests."""
    downs = [each for each in DOWN_DELAYS_S if each <= native.down_delay_s]
    for down in downs or [native.down_delay_s]:
        for threshold in THRESHOLDS:
            yield threshold, min(SHORTEST_UP_S, native.up_delay_s), down
            yield threshold, native.up_delay_s, down


def _differences(old: NativeScaling, new: NativeScaling) -> Iterator[str]:
    if new.up_threshold != old.up_threshold:
        yield f"scaleUpLoadThreshold {new.up_threshold:g} (now {old.up_threshold:g})"
    if new.up_delay_s != old.up_delay_s:
        yield f"scaleUpDelay {new.up_delay_s:.0f} s (now {old.up_delay_s:.0f} s)"
    if new.down_delay_s != old.down_delay_s:
        yield f"scaleDownDelay {new.down_delay_s:.0f} s (now {old.down_delay_s:.0f} s)"
