"""`explain` answers "why was it not scaled?" for every way to be held, in full sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from autoscaler.core.decide import Guard, decide
from autoscaler.core.decision import Decision, Kind, Outcome
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.fleet import Budget, Candidate, FleetRails, alarm, fit
from autoscaler.core.guards.brake import Brake
from autoscaler.core.guards.consolidation import Consolidation
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.drift import Drift
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.guards.health import Health as HealthGuard
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits as LimitsGuard
from autoscaler.core.guards.mode import Mode as ModeGuard
from autoscaler.core.guards.oscillation import Oscillation
from autoscaler.core.guards.override import Override as OverrideGuard
from autoscaler.core.guards.plausibility import Plausibility
from autoscaler.core.guards.recovery import Recovery
from autoscaler.core.guards.settle import Settle
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.guards.step import Step
from autoscaler.core.guards.veto import Veto
from autoscaler.core.observation import (
    Absence,
    Change,
    Control,
    Health,
    Learned,
    Limits,
    Missing,
    Mode,
    Observation,
    Override,
    Recommended,
    Series,
)
from autoscaler.core.plan import Plan
from autoscaler.core.proposal import Bid, PolicyEntry, Proposal
from autoscaler.core.reason import Code, Reason, because
from autoscaler.core.standing import standing
from policies.forecast import Forecast

# Mon 23 Nov 2026, 09:41:07 UTC
NOW = 1_795_426_867.0
PRESENT = Envelope(6, 12, 32)


def seen(**changed: object) -> Observation:
    """A calm deployment of 6..12 x 32."""
    calm = Observation(
        at=NOW,
        deployment="chat",
        envelope=PRESENT,
        envelope_at=NOW - 4,
        health=Health("ACTIVE", is_ready=True),
        signals={"in_flight": Series((NOW - 96, NOW - 66, NOW - 36, NOW - 6), (90.0,) * 4)},
        watched_since=NOW - 86_400,
    )
    return replace(calm, **changed)  # type: ignore[arg-type]  # fields by name


class Bids:
    """A policy that bids what it is told to."""

    needs = ()

    def __init__(self, reason: Reason, **bids: Bid) -> None:
        self.answer = Proposal({Dial[name.upper()]: bid for name, bid in bids.items()}, reason)

    def propose(self, _: Observation) -> Proposal:
        return self.answer


def load(floor: int) -> PolicyEntry:
    """A policy `load` that wants a floor."""
    reason = because(Code.LOAD_BELOW_TARGET, "a peak of 90 jobs needs {n:count replica}", n=floor)
    return PolicyEntry("load", Bids(reason, min_replicas=Bid(floor)))


def ended(
    plan: Plan, at: Observation, mode: Mode = Mode.APPLY, outcome: Outcome | None = None
) -> Decision:
    """The decision that a plan ends as."""
    done = Outcome(Kind.APPLIED, because(Code.AS_PLANNED, "applied and read back"), status=200)
    came = outcome or standing(plan, mode, at) or done
    return Decision("d1", NOW, "chat", "ri.x.y.z.1", "online", mode, at, plan, came)


def why(at: Observation, floor: int, *guards: Guard, mode: Mode = Mode.APPLY) -> str:
    """The headline when `load` wants a floor and these guards look at it."""
    return ended(decide(replace(at, mode=mode), [load(floor)], guards), at, mode).headline()


def word(control: Control, ends: float | None = NOW + 7_200, **more: object) -> Override:
    """An operator's word, for two hours from 09:41 on unless said otherwise."""
    return Override(control, "alice", "load test", ends, **more)  # type: ignore[arg-type]  # fields by name


def changed(ago: float, *, foreign: bool = False, before: int = 5) -> tuple[Change, ...]:
    """One change of the floor, some seconds ago."""
    return (Change(NOW - ago, replace(PRESENT, min_replicas=before), PRESENT, foreign),)


HELD: Sequence[tuple[str, Observation, int, Guard, str]] = [
    (
        "cooldown",
        seen(changes=changed(60)),
        4,
        Cooldown(),
        (
            "floor stays at 6 (4 wanted by load): it changed lately and cools down for 4 min "
            "(until 09:46 UTC)"
        ),
    ),
    (
        "stabilising",
        seen(recommended=(Recommended(Envelope(6, 12, 32), NOW - 600, NOW - 100),)),
        4,
        Stabilise(),
        (
            "floor stays at 6 (4 wanted by load): more was wanted within the last 5 min; "
            "3 min 20 s to wait (until 09:45 UTC)"
        ),
    ),
    (
        "stabilising after a start",
        seen(watched_since=NOW - 60),
        4,
        Stabilise(),
        (
            "floor stays at 6 (4 wanted by load): it was not watched for 5 min yet; 4 min to wait "
            "(until 09:46 UTC)"
        ),
    ),
    (
        "deadband",
        seen(envelope=Envelope(20, 30, 32)),
        19,
        Deadband(),
        (
            "floor stays at 20 (19 wanted by load): 19 instead of 20 is too small a change to be "
            "worth a write"
        ),
    ),
    (
        "paused",
        seen(overrides=(word(Control.PAUSE),)),
        9,
        Hold(),
        "held: paused by alice (load test) until 11:41 UTC",
    ),
    (
        "paused without end",
        seen(overrides=(word(Control.PAUSE, None),)),
        9,
        Hold(),
        "held: paused by alice (load test) without end",
    ),
    (
        "braked",
        seen(overrides=(word(Control.BRAKE),)),
        4,
        Brake(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: alice put the brake on (load test) "
            "until 11:41 UTC"
        ),
    ),
    (
        "pinned",
        seen(overrides=(word(Control.PIN, dial=Dial.MIN_REPLICAS, value=6),)),
        4,
        OverrideGuard(),
        "floor stays at 6 (4 wanted by load): pinned to 6 by alice (load test) until 11:41 UTC",
    ),
    (
        "a floor until tomorrow",
        seen(overrides=(word(Control.FLOOR, NOW + 86_400, dial=Dial.MIN_REPLICAS, value=6),)),
        4,
        OverrideGuard(),
        (
            "floor stays at 6 (4 wanted by load): alice asked for at least 6 (load test) "
            "until Tue 24 Nov 09:41 UTC"
        ),
    ),
    (
        "stale metrics",
        seen(signals={"in_flight": Series((NOW - 400,), (90.0,))}),
        4,
        Freshness(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: in_flight is 6 min 40 s old, "
            "at most 3 min are allowed"
        ),
    ),
    (
        "missing metrics",
        seen(signals={"in_flight": Missing(Absence.SOURCE_FAILED)}),
        4,
        Freshness(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: in_flight could not be read: "
            "its source fails"
        ),
    ),
    (
        "partial metrics",
        seen(signals={"in_flight": Series((NOW - 4,), (90.0,), complete=False)}),
        4,
        Freshness(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: in_flight may be partial, "
            "says its source"
        ),
    ),
    (
        "not ready",
        seen(health=Health("ACTIVE", is_ready=False)),
        4,
        HealthGuard(),
        (
            "floor stays at 6 (4 wanted by load): no lowering and no restart while the deployment "
            "is ACTIVE and not ready"
        ),
    ),
    (
        "disabled",
        seen(health=Health("DISABLED", is_ready=False)),
        4,
        HealthGuard(),
        "held: somebody disabled it; it is never started from here",
    ),
    (
        "settling",
        seen(changes=changed(100), envelope_at=NOW - 200),
        4,
        Settle(),
        (
            "floor stays at 6 (4 wanted by load): the last change has not settled yet; it gets "
            "8 min 20 s more (until 09:50 UTC)"
        ),
    ),
    (
        "recovering",
        seen(signals={"in_flight": Series((NOW - 4,), (90.0,), recovered_at=NOW - 60)}),
        4,
        Recovery(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: in_flight came back only lately; "
            "4 min to wait (until 09:46 UTC)"
        ),
    ),
    (
        "a fall",
        seen(signals={"in_flight": Series((NOW - 9, NOW - 8, NOW - 7, NOW - 6), (90, 90, 90, 2))}),
        4,
        Plausibility(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: in_flight fell from 90 to 2, which "
            "3 samples in a row must confirm"
        ),
    ),
    (
        "implausible",
        seen(signals={"in_flight": Missing(Absence.IMPLAUSIBLE, "-4 is not in 0..500")}),
        4,
        Plausibility(),
        (
            "floor stays at 6 (4 wanted by load): no lowering: in_flight is outside its declared "
            "range (-4 is not in 0..500)"
        ),
    ),
    (
        "vetoed",
        seen(signals={"error_share": Series((NOW - 4,), (0.03,))}),
        4,
        Veto({"error_share": 0.02}),
        (
            "floor stays at 6 (4 wanted by load): no lowering: error_share is 0.03, above its line "
            "of 0.02"
        ),
    ),
    (
        "consolidation",
        seen(envelope=Envelope(6, 6, 32), signals={"in_flight": Series((NOW - 4,), (130.0,))}),
        4,
        Consolidation("in_flight"),
        (
            "floor stays at 6 (4 wanted by load): fewer than 6 replicas would be over 75% busy "
            "at a peak of 130"
        ),
    ),
    (
        "swinging",
        seen(
            changes=tuple(
                Change(NOW - 600 + 60 * i, Envelope(5 + i % 2, 12, 32), Envelope(6 - i % 2, 12, 32))
                for i in range(7)
            )
        ),
        4,
        Oscillation(),
        "floor stays at 6 (4 wanted by load): it went up and down more than 4 times within 1 h",
    ),
    (
        "adopted drift",
        seen(changes=changed(60, foreign=True)),
        4,
        Drift(),
        (
            "floor stays at 6 (4 wanted by load): somebody else set it less than 1 h ago, and is "
            "not worked against (until 10:41 UTC)"
        ),
    ),
    (
        "frozen drift",
        seen(changes=changed(60, foreign=True)),
        4,
        Drift(stance="freeze"),
        "held: somebody else changed it, so everything holds for 59 min (until 10:41 UTC)",
    ),
    (
        "your limits",
        seen(limits=Limits(min_replicas=Range(6, 20))),
        4,
        LimitsGuard(),
        "floor stays at 6 (4 wanted by load): 4 is outside of your limits, 6..20",
    ),
    (
        "raising only",
        seen(mode=Mode.RAISE_ONLY),
        4,
        ModeGuard(),
        "floor stays at 6 (4 wanted by load): the mode is raise_only, which lowers nothing",
    ),
]


@pytest.mark.parametrize(
    ("at", "floor", "guard", "said"), [each[1:] for each in HELD], ids=[each[0] for each in HELD]
)
def test_explain_says_why_it_stays(at: Observation, floor: int, guard: Guard, said: str) -> None:
    """One line for each way to be held back."""
    assert why(at, floor, guard, mode=at.mode) == said


def test_a_step_limit_says_how_far_one_write_goes() -> None:
    """A raise goes as far as it may."""
    assert why(seen(envelope=Envelope(1, 40, 32)), 30, Step()) == (
        "floor 1 -> 9: a peak of 90 jobs needs 30 replicas; held at 9 by the step limit: "
        "one write takes it from 1 to 9 and no further"
    )


def test_a_raise_is_held_by_the_ceiling_of_a_calendar_until_it_closes() -> None:
    """The example of the README: the calendar by its own name, the moment in its own zone."""
    night = because(
        Code.SCHEDULED,
        "{asked} by window {windows}",
        windows="night",
        asked="floor at most 6",
        until=NOW + 76_733,
        zone="Europe/Zurich",
    )
    policies = [
        PolicyEntry(
            "forecast",
            Forecast(demand="running_jobs", target=0.8),
            frozenset({Dial.MIN_REPLICAS}),
        ),
        PolicyEntry("night", Bids(night, min_replicas=Bid(at_most=6))),
    ]
    ahead = Series((NOW + 150,), (212.0,))
    signals = {
        "running_jobs": Series((NOW - 5,), (90.0,)),
        **dict.fromkeys(("forecast", "forecast_keep", "forecast_ceiling"), ahead),
    }
    at = seen(envelope=Envelope(3, 12, 32), signals=signals, risks={"forecast": 0.95})
    assert ended(decide(at, policies, []), at).headline() == (
        "floor 3 -> 6: up to 212 requests expected within 150 s (95 %), 9 replicas hold 230; "
        "held at 6 by the ceiling of your night calendar until Tue 24 Nov 08:00 Europe/Zurich"
    )
    still = seen(signals=signals)
    assert ended(decide(still, policies, []), still).headline() == (
        "floor stays at 6 (9 wanted by forecast): held by the ceiling of your night calendar "
        "until Tue 24 Nov 08:00 Europe/Zurich"
    )


def test_threads_stop_at_what_the_platform_allowed_before() -> None:
    """The learnt maximum is told as one."""
    reason = because(Code.THREADS_TUNED, "64 threads for 32 save replicas")
    tuner = PolicyEntry("tuner", Bids(reason, threads=Bid(64)))
    at = seen(learned=Learned(thread_ceiling=32))
    assert ended(decide(at, [tuner], [LimitsGuard()]), at).headline() == (
        "threads stay at 32 (64 wanted by tuner): the platform refused more than 32 threads before"
    )


def test_recommended_and_observed_say_that_nothing_is_written() -> None:
    """A mode is no failure."""
    assert why(seen(), 9, mode=Mode.RECOMMEND) == (
        "floor 6 -> 9 recommended, not written: a peak of 90 jobs needs 9 replicas"
    )
    assert why(seen(), 9, mode=Mode.OBSERVE) == (
        "floor 6 -> 9 held back: the mode is observe: nothing is recommended or written"
    )


@pytest.mark.parametrize(
    ("kind", "reason", "said"),
    [
        (
            Kind.DEFERRED,
            because(Code.PACING, "another write to it is under way"),
            "floor 6 -> 9 waits: another write to it is under way",
        ),
        (
            Kind.DEFERRED,
            because(Code.BREAKER_OPEN, "5 requests failed in a row; the platform rests", left=180),
            "floor 6 -> 9 waits: 5 requests failed in a row; the platform rests (until 09:45 UTC)",
        ),
        (
            Kind.REFUSED,
            because(Code.PARKED, "not asked again {span}: no role", span="for 1 h", left=3600),
            "floor 6 -> 9 refused: not asked again for 1 h: no role (until 10:42 UTC)",
        ),
        (
            Kind.FAILED,
            because(Code.OUTCOME_UNKNOWN, "the write ended unclear"),
            "floor 6 -> 9 failed: the write ended unclear",
        ),
    ],
)
def test_a_write_that_did_not_happen_says_what_kept_it(
    kind: Kind, reason: Reason, said: str
) -> None:
    """The outcome's own reason tells, not the plan's."""
    plan = decide(seen(), [load(9)], [])
    assert ended(plan, seen(), outcome=Outcome(kind, reason)).headline() == said


def test_a_fleet_alarm_counts_who_would_be_lowered() -> None:
    """The alarm reads as one sentence."""
    plans = [decide(seen(), [load(3)], []) for _ in range(10)]
    assert str(alarm(plans, 0, FleetRails(smallest=5))) == (
        "no lowering in the fleet: 10 of 10 deployments would be lowered at once"
    )


def test_budgets_of_the_fleet_say_how_much_room_there_is() -> None:
    """Scarce writes, and scarce replicas: singular and plural are right."""
    plan = decide(seen(), [load(9)], [])
    (waits,) = fit([Candidate("a", plan), Candidate("b", plan)], 1).waiting
    assert str(waits.reason) == "it waits for its turn: 1 write of 2 fit into this tick"
    (one,) = fit([Candidate("a", plan)], Budget(5, 2)).go
    assert ended(one.plan, seen()).headline() == (
        "floor 6 -> 8: a peak of 90 jobs needs 9 replicas; held at 8 by the fleet's budget: "
        "3 more replicas asked for, 2 fit into the fleet's budget of raises"
    )


def test_the_paragraph_tells_seen_wanted_held_and_what_comes_next() -> None:
    """It can be read aloud to somebody who does not know the code."""
    at = seen(changes=changed(60))
    decision = ended(decide(at, [load(4)], [Cooldown()]), at)
    assert decision.told() == (
        "At 09:41 UTC the deployment was ACTIVE, floor 6, ceiling 12, 32 threads, read 4 s "
        "before; in_flight was 90, 6 s old. Policy load wants floor 4: a peak of 90 jobs needs "
        "4 replicas. The floor is held at 6 by the cooldown: it changed lately and cools down "
        "for 4 min (until 09:46 UTC). Floor 6, ceiling 12, 32 threads stay as they are. The "
        "floor may be lowered from 09:46 UTC on."
    )


def test_the_paragraph_of_a_pause_tells_what_it_keeps_from_happening() -> None:
    """Whoever resumes knows what will move."""
    at = seen(overrides=(word(Control.PAUSE),))
    decision = ended(decide(at, [load(9)], [Hold()]), at)
    assert decision.told() == (
        "At 09:41 UTC the deployment was ACTIVE, floor 6, ceiling 12, 32 threads, read 4 s "
        "before; in_flight was 90, 6 s old. Policy load wants floor 9: a peak of 90 jobs needs "
        "9 replicas. Everything is held: paused by alice (load test) until 11:41 UTC. Without "
        "that it would be floor 6 -> 9. In force: pause by alice (load test), until 11:41 UTC. "
        "Floor 6, ceiling 12, 32 threads stay as they are. It may move from 11:41 UTC on."
    )
