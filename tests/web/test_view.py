"""Decisions as JSON: nothing crashes, and what is not known is null."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import Phase, given, settings

from autoscaler.core.decision import Decision, Kind
from autoscaler.core.observation import Absence, Control, Limits, Missing, Mode, Override
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code, because
from autoscaler.roster import Managed
from autoscaler.web import view
from autoscaler.web.problems import dump
from autoscaler.web.table import Table
from tests.fakes.telemetry import NOW, decided, decisions, observed, wanting

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def test_a_row_says_what_is_and_what_is_wanted() -> None:
    row = view.row(decided(kind=Kind.RECOMMENDED, votes=(wanting(5, 7),), mode=Mode.RECOMMEND))
    assert row["current"] == {"min_replicas": 2, "max_replicas": 4, "threads": 8}
    assert row["desired"] == {"min_replicas": 5, "max_replicas": 7, "threads": 8}
    told = "floor 2 -> 5, ceiling 4 -> 7 recommended, not written: 12 jobs are too many"
    assert row["why"] == told
    assert row["load"] == {"signal": "running_jobs", "value": 12, "at": NOW - 5, "missing": None}
    assert row["limits"]["max_replicas"] == [1, 20]
    assert not row["attention"]


def test_a_failure_says_its_own_reason_and_wants_attention() -> None:
    failed = decided(kind=Kind.FAILED, votes=(wanting(5, 7),), text="the platform answered 503")
    row = view.row(failed)
    told = "floor 2 -> 5, ceiling 4 -> 7 failed: the platform answered 503"
    assert row["why"] == told
    assert row["attention"]


@pytest.mark.parametrize(("code", "wanted"), [(Code.PAUSED, False), (Code.DEPLOYMENT_FAILED, True)])
def test_a_hold_that_somebody_asked_for_wants_no_attention(code: Code, wanted: bool) -> None:
    assert view.row(decided(kind=Kind.HELD, code=code))["attention"] is wanted


def test_a_missing_signal_has_no_value_and_wants_attention() -> None:
    seen = observed(signals={"running_jobs": Missing(Absence.STALE, since=NOW - 300)})
    row = view.row(decided(seen=seen))
    assert row["load"] == {
        "signal": "running_jobs",
        "value": None,
        "at": NOW - 300,
        "missing": "stale",
    }
    assert row["attention"]


def test_what_the_platform_never_told_is_null() -> None:
    seen = observed()
    reason = because(Code.NO_READING, "not asked yet")
    blind = Plan(seen.envelope, seen.envelope, seen.envelope).held("reading", reason)
    row = view.row(replace(decided(seen=seen), plan=blind))
    assert (row["current"], row["desired"], row["state"], row["ready"]) == (None,) * 4


def test_a_pause_that_is_over_is_not_shown() -> None:
    over = Override(Control.PAUSE, "ada", "incident", NOW - 1)
    on = Override(Control.PAUSE, "ada", "incident", NOW + 60)
    assert not view.row(decided(seen=observed(overrides=(over,))))["paused"]
    told = view.detail(decided(seen=observed(overrides=(over, on))))
    assert told["paused"]
    assert [word["expires_at"] for word in told["overrides"]] == [NOW + 60]


def test_a_deployment_before_its_first_tick_has_a_row_of_the_same_shape() -> None:
    managed = Managed("chat", "rid", "online", "chat", Mode.APPLY, Limits(), (), (), {})
    row = view.waiting(managed)
    assert row.keys() == view.row(decided()).keys()
    assert (row["outcome"], row["current"], row["load"]) == (None, None, None)


def test_a_row_is_made_again_only_for_a_new_decision() -> None:
    table, first, second = Table(), decided("chat"), decided("rerank")
    before = table.rows([first, second])
    after = table.rows([first, decided("rerank")])
    assert after[0] is before[0]
    assert after[1] is not before[1]
    assert [row["name"] for row in table.rows([second])] == ["rerank"]


def test_who_was_never_decided_has_a_row_in_the_table_too() -> None:
    managed = Managed("chat", "rid", "online", "chat", Mode.APPLY, Limits(), (), (), {})
    rows = Table().rows([decided("rerank")], {"chat": managed})
    assert [(row["name"], row["outcome"]) for row in rows] == [
        ("rerank", "unchanged"),
        ("chat", None),
    ]


def test_other_threads_get_their_turn_between_a_hundred_rows() -> None:
    pauses: list[float] = []
    Table(pauses.append).rows(decided(f"d{n}") for n in range(250))
    assert pauses == [0, 0]


def test_the_status_counts_outcomes_and_modes() -> None:
    told = view.status(
        version="1",
        at=NOW,
        started_at=NOW - 60,
        decisions=[decided("a"), decided("b", Kind.FAILED)],
        groups=[{"name": "online", "interval_s": 15, "last_tick_at": NOW}],
        pace=1.0,
    )
    assert (told["deployments"], told["attention"], told["pace"]) == (2, 1, 1.0)
    assert told["outcomes"] == {"unchanged": 1, "failed": 1}


@settings(deadline=None, max_examples=60, phases=PHASES)
@given(decisions())
def test_any_decision_can_be_shown(decision: Decision) -> None:
    row, detail = view.row(decision), view.detail(decision)
    assert row.items() <= detail.items()
    assert orjson.loads(dump(detail))["name"] == decision.deployment


def test_what_json_cannot_carry_is_still_written() -> None:
    odd = {"name": "\ud800", "big": 2**80, "none": float("nan"), 3: [object]}
    told = orjson.loads(dump(odd).replace(b"\\ud800", b"?"))
    assert told["name"] == "?"
    assert told["none"] is None
