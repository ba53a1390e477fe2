"""What operators' words do to a write that is about to leave. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.core.controls import mode_at, said
from autoscaler.core.decision import Kind, Outcome
from autoscaler.core.envelope import DIALS, Envelope
from autoscaler.core.guards.brake import braked
from autoscaler.core.guards.hold import paused
from autoscaler.core.guards.mode import raise_only
from autoscaler.core.observation import Control, Mode, Observation, Override
from autoscaler.core.reason import Code, Reason, because
from autoscaler.core.standing import not_written


@dataclass(frozen=True, slots=True)
class Write:
    """A write that is about to leave: what it was decided on, and what it would change."""

    seen: Observation
    before: Envelope
    after: Envelope

    @property
    def lowers(self) -> bool:
        """Whether any dial goes down."""
        return any(self.after[dial] < self.before[dial] for dial in DIALS)


def stopped(write: Write, words: Sequence[Override], configured: Mode, at: float) -> Outcome | None:
    """What becomes of a write because of what operators say by now; None when it may leave.

    A pin or a floor that the plan did not know sends it back to be thought through again.
    """
    pause, brake = said(words, Control.PAUSE, at), said(words, Control.BRAKE, at)
    if pause is not None:
        return Outcome(Kind.HELD, paused(pause))
    word, mode = said(words, Control.MODE, at), mode_at(configured, words, at)
    unwritten = not_written(mode, word)
    if unwritten is not None:
        return unwritten
    if brake is not None and write.lowers:
        return Outcome(Kind.HELD, braked(brake))
    if mode is Mode.RAISE_ONLY and write.lowers:
        return Outcome(Kind.HELD, raise_only(word))
    news = _news(write.seen, words, at)
    return None if news is None else Outcome(Kind.DEFERRED, _overruled(news))


def _news(seen: Observation, words: Sequence[Override], at: float) -> Override | None:
    known = {word for word in seen.overrides if word.active(seen.at)}
    for word in words:
        if word.control in {Control.PIN, Control.FLOOR} and word.active(at) and word not in known:
            return word
    return None


def _overruled(word: Override) -> Reason:
    return because(
        Code.OVERRULED,
        "{who} asked for a {control} while it waited ({why}); it is thought through again",
        who=word.author,
        control=word.control.value,
        why=word.why,
    )
