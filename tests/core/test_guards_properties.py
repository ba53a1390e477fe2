"""What the whole row of rails promises, whatever is configured and whatever happened before."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.behavior import Rate, Rules
from autoscaler.core.controls import said as word_of
from autoscaler.core.decide import Guard, decide
from autoscaler.core.envelope import DIALS, Dial, Envelope
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.behavior import Behavior
from autoscaler.core.guards.brake import Brake
from autoscaler.core.guards.consolidation import Consolidation
from autoscaler.core.guards.disruption import Disruption
from autoscaler.core.guards.drift import Drift
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.mode import Mode as ModeGuard
from autoscaler.core.guards.oscillation import Oscillation
from autoscaler.core.guards.override import Override
from autoscaler.core.guards.plausibility import Plausibility
from autoscaler.core.guards.recovery import Recovery
from autoscaler.core.guards.settle import Settle
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.guards.veto import Veto
from autoscaler.core.observation import Control, Missing, Mode, Observation, Series, Signal
from autoscaler.core.observation import Override as Word
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import PolicyEntry
from tests.strategies import MANY, NOW, entries, envelopes, observations, seen

RATES = st.builds(
    Rate, st.sampled_from(("Pods", "Percent")), st.integers(1, 200), st.floats(1, 1800)
)
RULES = st.none() | st.builds(
    Rules,
    st.none() | st.floats(0, 3600),
    st.sampled_from(("Max", "Min", "Disabled")),
    st.lists(RATES, max_size=2).map(tuple),
)
# Rails that only ever take something back, with any options: what they leave lies between now
# and what was asked.
HOLDING = st.one_of(
    st.builds(Drift, st.sampled_from(("adopt", "freeze")), st.floats(0, 90_000)),
    st.builds(Plausibility, st.floats(0.01, 1), st.integers(1, 5)),
    st.builds(Recovery, st.floats(0, 1000)),
    st.builds(Veto, st.dictionaries(st.sampled_from(("error_share", "p95_s")), st.floats(0, 1e6))),
    st.builds(Settle, st.floats(0, 90_000), st.floats(0, 2)),
    st.builds(
        Consolidation,
        st.sampled_from(("", "running_jobs", "nobody")),
        st.floats(1, 1000),
        st.none() | st.floats(0.01, 1),
    ),
    st.builds(Behavior, RULES, RULES),
    st.builds(Oscillation, st.integers(1, 3), st.floats(1, 86_400)),
    st.builds(
        Disruption, st.floats(0, 2), st.floats(0.1, 1), st.sampled_from(("", "running_jobs"))
    ),
)


SIGHTS, TRUTHS = observations(), st.booleans()
BACK = st.none() | st.floats(NOW - 1000, NOW)


@st.composite
def pasts(draw: st.DrawFn) -> Observation:
    """An observation whose changes may be somebody else's and whose sources may be back."""
    sight = draw(SIGHTS)
    changes = tuple(replace(change, foreign=draw(TRUTHS)) for change in sight.changes)

    def back(signal: Signal) -> Signal:
        if isinstance(signal, Missing):
            return signal
        return replace(signal, recovered_at=draw(BACK))

    signals = {name: back(signal) for name, signal in sight.signals.items()}
    return replace(sight, changes=changes, signals=signals)


def rails(stance: str, *, steady: bool = True) -> tuple[Guard, ...]:
    """The whole row, with every rail that is off by default switched on."""
    chosen: dict[type, Guard] = {
        Drift: Drift(stance),
        Veto: Veto({"error_share": 0.5}),
        Consolidation: Consolidation("running_jobs"),
        Behavior: Behavior(Rules(), Rules(stabilization_window_s=300.0 if steady else 0.0)),
        Disruption: Disruption(signal="running_jobs"),
    }
    if not steady:
        chosen[Stabilise] = Stabilise(raise_window_s=0, lower_window_s=0)
    return tuple(chosen.get(guard) or guard() for guard in GUARDS)


def on(sight: Observation, control: Control) -> bool:
    """Whether an operator's word of this kind is active."""
    return word_of(sight.overrides, control, sight.at) is not None


STANCES = st.sampled_from(("adopt", "restore", "freeze"))


@settings(max_examples=MANY)
@given(pasts(), entries(), STANCES)
def test_with_every_rail_on_the_plan_is_legal(
    sight: Observation, said: tuple[PolicyEntry, ...], stance: str
) -> None:
    plan = decide(sight, said, rails(stance))
    if plan.hold:
        assert plan.after == plan.before
    elif sight.mode is not Mode.RAISE_ONLY and not on(sight, Control.BRAKE):
        assert plan.after.min_replicas in sight.limits.min_replicas
        assert plan.after.max_replicas in sight.limits.max_replicas
    for step in plan.trail:
        assert str(step.reason)


@settings(max_examples=MANY)
@given(pasts(), entries(), STANCES)
def test_with_every_rail_on_nothing_is_lowered_blindly(
    sight: Observation, said: tuple[PolicyEntry, ...], stance: str
) -> None:
    blind = any(isinstance(signal, Missing) for signal in sight.signals.values())
    ceiling = sight.learned.thread_ceiling
    inside = all(sight.envelope[dial] in sight.limits[dial] for dial in DIALS)
    if not blind or not inside or (ceiling is not None and sight.envelope.threads > ceiling):
        return
    quiet = replace(sight, overrides=())
    plan = decide(quiet, said, rails(stance, steady=False))
    assert all(plan.after[dial] >= plan.before[dial] for dial in DIALS)


@settings(max_examples=MANY)
@given(HOLDING, pasts(), envelopes())
def test_a_rail_only_takes_back(guard: Guard, sight: Observation, wish: Envelope) -> None:
    shaped = guard.shape(Plan(sight.envelope, wish, wish), sight)
    for dial in DIALS:
        low, high = sorted((sight.envelope[dial], wish[dial]))
        assert low <= shaped.after[dial] <= high


@settings(max_examples=MANY)
@given(pasts(), entries(), STANCES)
def test_with_every_rail_on_operators_stop_what_they_stop(
    sight: Observation, said: tuple[PolicyEntry, ...], stance: str
) -> None:
    word = Word(Control.BRAKE, "ada", "incident", NOW + 1)
    braked = replace(sight, overrides=(*sight.overrides, word))
    plan = decide(braked, said, rails(stance, steady=False))
    assert all(plan.after[dial] >= plan.before[dial] for dial in DIALS)
    paused = replace(sight, overrides=(replace(word, control=Control.PAUSE), *sight.overrides))
    assert decide(paused, said, rails(stance)).after == sight.envelope


@settings(max_examples=MANY // 2)
@given(HOLDING, pasts(), envelopes())
def test_a_rail_asked_twice_says_the_same(guard: Guard, sight: Observation, wish: Envelope) -> None:
    once = guard.shape(Plan(sight.envelope, wish, wish), sight)
    if not isinstance(guard, Behavior):
        assert guard.shape(once, sight).after == once.after


@given(envelopes(), envelopes(), st.integers(0, 600))
def test_survivors_always_stay_below_the_line(before: Envelope, wish: Envelope, load: int) -> None:
    guard = Consolidation("jobs", line=0.75)
    sight = seen(envelope=before, signals={"jobs": Series((NOW,), (float(load),))})
    after = guard.shape(Plan(before, wish, wish), sight).after
    threads = min(before.threads, wish.threads)
    for dial in (Dial.MIN_REPLICAS, Dial.MAX_REPLICAS):
        if after[dial] < before[dial]:
            assert load < 0.75 * after[dial] * threads or load == 0


def test_the_order_is_the_written_one() -> None:
    assert GUARDS[0] is Hold
    assert GUARDS[-4:] == (Override, Limits, ModeGuard, Brake)
    assert GUARDS.index(Stabilise) + 1 == GUARDS.index(Behavior)
    names = [guard.__module__.rpartition(".")[2] for guard in GUARDS]
    assert names == [guard.__name__.lower() for guard in GUARDS]
    assert len(set(names)) == len(names)
