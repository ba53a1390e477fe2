"""The metrics that alerts stand on: what each says, and that it is absent where nobody knows."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Change, Control, Health, Learned, Override, Resources
from autoscaler.core.plan import Vote
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.core.reason import Code, because
from autoscaler.forecast import independent
from autoscaler.telemetry.catalogue import ALARMS
from autoscaler.telemetry.inside import ALARM_OF, Reading
from autoscaler.telemetry.metrics import Metrics
from tests.fakes.telemetry import NOW, HandClock, decided, observed, report, wanting

Labels = dict[str, str]


def metrics() -> Metrics:
    return Metrics(HandClock(), version="1", groups=["online"], detail="full")


def value(told: Metrics, name: str, **labels: str) -> float | None:
    body, _ = told.render("")
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            if sample.name == f"foundry_autoscaler_{name}" and sample.labels == labels:
                return float(sample.value)
    return None


def chat(told: Metrics, name: str) -> float | None:
    return value(told, f"deployment_{name}", deployment="chat")


def seen(told: Metrics, **changed: object) -> Decision:
    at = changed.get("at", NOW)
    decision = decided(seen=observed(**changed), at=at)  # type: ignore[arg-type]  # a time
    told.told(report(decision))
    return decision


OWN = Envelope(2, 4, 8)
MORE = Envelope(5, 9, 8)


def test_the_daemons_own_state_is_asked_at_each_scrape() -> None:
    told = metrics()
    assert value(told, "journal_up") == 1
    assert value(told, "pause_file") == 0
    assert value(told, "overrides_active", control="pause") == 0
    assert value(told, "fleet_alarm", group="online", alarm="blind") == 0
    told.watch_inside(
        lambda: Reading(
            intervals={"online": 15.0, "gone": 1.0},
            alarms={"online": Code.FLEET_DROPPING},
            journal_up=False,
            unrecorded=3,
            pause_file=True,
            words={"brake": 2},
        )
    )
    assert value(told, "journal_up") == 0
    assert value(told, "journal_unrecorded_decisions") == 3
    assert value(told, "pause_file") == 1
    assert value(told, "overrides_active", control="brake") == 2
    assert value(told, "evaluation_interval_seconds", group="online") == 15
    assert value(told, "evaluation_interval_seconds", group="gone") is None
    assert value(told, "fleet_alarm", group="online", alarm="dropping") == 1
    assert value(told, "fleet_alarm", group="online", alarm="shrinking") == 0


def test_every_alarm_of_the_core_has_its_label() -> None:
    assert {code for code in Code if code.value.startswith("fleet_")} == ALARM_OF.keys()
    assert set(ALARM_OF.values()) == set(ALARMS)


def test_the_skew_is_absent_until_the_platform_told_its_time() -> None:
    told = metrics()
    assert value(told, "platform_clock_skew_seconds") is None
    told.skewed(-4.25)
    assert value(told, "platform_clock_skew_seconds") == -4.25


def test_replicas_beyond_the_ceiling_in_force_are_counted() -> None:
    told = metrics()
    told.told(report(decided(votes=(wanting(9, 12),))))
    assert chat(told, "short_replicas") == 5, "9 asked for, a ceiling of 4"
    told.told(report(decided(votes=(replace(wanting(9, 12), shadow=True),))))
    assert chat(told, "short_replicas") == 0, "a shadow asks for nothing"


def test_only_changes_of_others_that_are_new_are_counted() -> None:
    told = metrics()
    old = Change(NOW - 500, OWN, MORE, foreign=True)
    seen(told, changes=(old,))
    assert chat(told, "foreign_changes_total") == 0, "the journal told of it: no news"
    seen(told, changes=(old, Change(NOW - 9, MORE, OWN), Change(NOW, OWN, MORE, foreign=True)))
    assert chat(told, "foreign_changes_total") == 1


def test_a_raised_floor_is_waited_for_until_a_later_reading_is_ready() -> None:
    told = metrics()
    starting = Health("STARTING", is_ready=False)
    told.told(report(decided(kind=Kind.APPLIED, votes=(wanting(5, 9),), actual=MORE)))
    assert chat(told, "floor_waiting_since_timestamp_seconds") is None, "it still looks ready"
    seen(told, at=NOW + 90, envelope_at=NOW + 80, health=starting)
    assert chat(told, "floor_waiting_since_timestamp_seconds") == NOW
    seen(told, at=NOW + 200, envelope_at=NOW + 190)
    seen(told, at=NOW + 300, envelope_at=NOW + 290, health=starting)
    assert chat(told, "floor_waiting_since_timestamp_seconds") is None, "that raise is done"


def test_a_restart_goes_on_waiting_for_a_floor() -> None:
    told = metrics()
    health = Health("STARTING", is_ready=False)
    seen(told, changes=(Change(NOW - 300, OWN, MORE),), health=health)
    assert chat(told, "floor_waiting_since_timestamp_seconds") == NOW - 300
    told = metrics()
    seen(told, changes=(Change(NOW - 7200, OWN, MORE),), health=health)
    assert chat(told, "floor_waiting_since_timestamp_seconds") is None


def test_compute_is_what_the_floor_costs_while_it_is_watched() -> None:
    told = metrics()
    cheap = Resources(vcpus=1.0, memory_gib=4.0)
    seen(told, resources=cheap)
    seen(told, at=NOW + 100, resources=cheap)
    assert chat(told, "replica_compute_seconds_per_second") == 0.2
    assert chat(told, "floor_compute_seconds_total") == 100 * 2 * 0.2
    seen(told, at=NOW + 9000, resources=cheap)
    assert chat(told, "floor_compute_seconds_total") == 40, "nobody watched in between"


def test_what_has_no_rate_has_no_cost_instead_of_none() -> None:
    told = metrics()
    seen(told, resources=Resources(gpus=1, gpu_type="B300"))
    assert chat(told, "replica_compute_seconds_per_second") is None
    assert chat(told, "floor_compute_seconds_total") is None


def spending(spent: float, **facts: float) -> Vote:
    why = because(Code.SPEND_PACED, "{spent}", spent=spent, budget=1000.0, **facts)
    return Vote("money", Proposal({Dial.MAX_REPLICAS: Bid(at_most=4)}, why))


def test_the_budget_with_the_least_left_is_told() -> None:
    told = metrics()
    told.told(report(decided(votes=(wanting(2, 4),))))
    assert chat(told, "budget_compute_seconds") is None
    assert chat(told, "budget_lasts_until_timestamp_seconds") is None
    ends = {"ends_at": NOW + 900}
    tight = spending(900.0, lasts_until=NOW + 60, **ends)
    told.told(report(decided(votes=(spending(100.0, **ends), tight))))
    assert chat(told, "budget_spent_compute_seconds") == 900
    assert chat(told, "budget_lasts_until_timestamp_seconds") == NOW + 60
    assert chat(told, "budget_ends_timestamp_seconds") == NOW + 900
    told.told(report(decided(votes=(spending(100.0, **ends),))))
    assert chat(told, "budget_lasts_until_timestamp_seconds") == math.inf


def test_the_first_and_the_last_end_of_an_operators_words_are_told() -> None:
    told = metrics()
    ends = (NOW + 60, NOW + 600, None)
    words = tuple(Override(Control.PAUSE, "ada", "trial", end) for end in ends)
    seen(told, overrides=words[:2])
    assert chat(told, "override_next_expiry_timestamp_seconds") == NOW + 60
    assert chat(told, "override_expiry_timestamp_seconds") == NOW + 600
    seen(told, overrides=words[2:])
    assert chat(told, "override_next_expiry_timestamp_seconds") is None
    assert chat(told, "override_expiry_timestamp_seconds") == math.inf


def test_a_learnt_start_up_time_is_told() -> None:
    told = metrics()
    seen(told, learned=Learned(startup_s=140.0))
    assert chat(told, "startup_seconds") == 140


def test_windows_that_fade_and_overlap_are_worth_fewer() -> None:
    assert independent(0, 60, 120) == 0
    assert independent(10, 60, 60) == 10
    assert independent(10, 60, 120) == 5
    assert independent(10, 60, 30) == 10, "one window is worth no more than itself"
    worth = independent(10**9, 60, 60)
    assert 4100 < worth < 4200, "two and a half days' worth of minutes, however long it ran"


def test_counts_carry_the_id_of_their_last_decision_in_openmetrics_alone() -> None:
    told = metrics()
    applied = decided(kind=Kind.APPLIED, votes=(wanting(5, 9),), actual=MORE, took_s=0.4)
    told.told(report(decided("other"), applied))
    body, _ = told.render("application/openmetrics-text")
    marks = {
        sample.name: sample.exemplar.labels
        for family in openmetrics(body.decode())  # type: ignore[no-untyped-call]  # untyped there
        for sample in family.samples
        if sample.exemplar is not None and sample.labels.get("outcome") in {None, "applied"}
    }
    wanted = {"decision_id": applied.id}
    assert marks == {
        "foundry_autoscaler_decisions_total": wanted,
        "foundry_autoscaler_apply_duration_seconds_bucket": wanted,
    }
    assert b"decision_id" not in told.render("")[0]


@pytest.mark.parametrize("ident", ["x" * 101, 'x"} 1 # {', "x y", ""])
def test_an_id_that_is_not_plain_is_no_exemplar(ident: str) -> None:
    told = metrics()
    told.told(report(replace(decided(), id=ident)))
    assert value(told, "decisions_total", outcome="unchanged") == 1
    assert b"decision_id" not in told.render("application/openmetrics-text")[0]
