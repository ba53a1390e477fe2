from __future__ import annotations

from dataclasses import replace

from autoscaler.cli.story import tell
from autoscaler.codec import describe
from autoscaler.codec.learned import told_learned
from autoscaler.core.observation import Alone, Capacity, Carried, ChosenRisk, Learned
from tests.fakes.telemetry import decided, observed
from tests.strategies import NOW

RISK = ChosenRisk("ahead", 0.985, 0.01, 0.0082, 168.0, met=True, at=NOW)
LEARNED = Learned(
    48,
    95.4,
    (80.0, 95.4),
    "v1",
    (RISK,),
    Capacity("v1", 32, (Carried(20.0, 22.5), Carried(20.0, 22.5)), NOW),
)


def test_everything_that_was_learnt_is_a_sentence() -> None:
    risk = (
        "ahead is made at tau 0.985 for an SLO of 1.00%; a replay of 168 h found 0.82% without room"
    )
    assert told_learned(LEARNED) == [
        "the platform takes at most 48 threads",
        "a start takes up to 95 s (2 seen)",
        "one replica carries 20 to 22.5 requests of 32 threads (seen 2 times under a queue)",
        risk,
    ]


def test_nothing_learnt_is_nothing_told() -> None:
    assert told_learned(Learned()) == []


def test_an_slo_that_no_risk_kept_is_told_as_such() -> None:
    told = told_learned(Learned(chosen=(replace(RISK, met=False, expected=0.03),)))
    assert told[0].endswith("found 3.00% without room: no risk kept 1.00%, this is the least")


def test_what_the_platform_alone_would_have_done_is_told_beside_it() -> None:
    risk = replace(RISK, of_platform=0.8, replicas=7.21, alone=Alone(0.0125, 10.0))
    sentence = (
        "ahead is made at tau 0.985 for an SLO of 1.00%, 80% of the platform's own; a replay of "
        "168 h found 0.82% without room with 7.2 replicas, the platform's own scaler alone 1.25% "
        "with 10.0 replicas"
    )
    assert told_learned(Learned(chosen=(risk,))) == [sentence]


def test_explain_shows_it() -> None:
    text = tell(describe(decided(seen=observed(learned=LEARNED))))
    assert "learned    the platform takes at most 48 threads" in text
    assert "one replica carries 20 to 22.5 requests" in text
