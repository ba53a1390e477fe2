"""The page of the guards is whole, and every worked example on it is true."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoscaler.core.behavior import Rate, Rules
from autoscaler.core.envelope import Dial, Envelope, Range
from autoscaler.core.fleet import Budget, Candidate, FleetRails, added, alarm, fit
from autoscaler.core.guards import GUARDS
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
    Signal,
)
from autoscaler.core.plan import Plan
from autoscaler.core.reason import Code
from autoscaler.plugins.options import build_options, spellings
from tests.strategies import NOW, seen

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guards.md").read_text("utf-8")
SECTIONS: dict[str, str] = dict(
    re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
)
NAMES = {guard.__module__.rpartition(".")[2]: guard for guard in GUARDS}
EXAMPLES = [
    (name, yaml.safe_load(block))
    for name, text in SECTIONS.items()
    for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
]


def written(value: object, unit: object) -> str:
    """A default as the page writes it."""
    if value is None or value in ((), {}, ""):
        return "none"
    if unit == "s" and isinstance(value, float):
        for word, size in (("h", 3600), ("m", 60)):
            if value and value % size == 0:
                return f"{value / size:g}{word}"
        return f"{value:g}s"
    return f"{value:g}" if isinstance(value, float) else str(value)


def row(item: dataclasses.Field[Any]) -> str:
    default = item.default
    if item.default_factory is not dataclasses.MISSING:
        default = dict(item.default_factory())
    shown = (
        "required" if default is dataclasses.MISSING else written(default, item.metadata["unit"])
    )
    return f"| `{spellings(item)[0]}` | {shown} | {item.metadata['doc']} |"


def test_the_guards_stand_on_the_page_in_their_order() -> None:
    assert [name for name in SECTIONS if name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_and_code_of_a_guard_is_told(name: str) -> None:
    section = SECTIONS[name]
    for item in dataclasses.fields(NAMES[name]):
        assert row(item) in section
    source = (ROOT / "autoscaler" / "core" / "guards" / f"{name}.py").read_text("utf-8")
    for code in set(re.findall(r"Code\.([A-Z_]+)", source)):
        if name != "freshness" or code.startswith("DATA"):
            assert f"`{Code[code].value}`" in section
    assert any(at == name for at, _ in EXAMPLES)


def test_the_rules_of_behavior_and_the_rails_of_the_fleet_are_told() -> None:
    for cls, name in ((Rules, "behavior"), (Rate, "behavior"), (FleetRails, "fleet")):
        for item in dataclasses.fields(cls):
            assert row(item) in SECTIONS[name]
    for code in Code:
        if code.value.startswith("fleet_"):
            assert f"`{code.value}`" in SECTIONS["fleet"]


# --- examples --------------------------------------------------------------------------------


def signal(told: Any) -> Signal:
    """`[1, 2]`, `{values: [1, 2], age: 5, complete: false, back: 60}` or `{missing: stale}`."""
    if isinstance(told, dict) and "missing" in told:
        return Missing(Absence(told["missing"]))
    parts = told if isinstance(told, dict) else {"values": told}
    values = tuple(float(value) for value in parts["values"])
    newest = NOW - parts.get("age", 0)
    times = tuple(newest - 15 * i for i in reversed(range(len(values))))
    back = NOW - parts["back"] if "back" in parts else None
    return Series(times, values, parts.get("complete", True), back)


def past(told: dict[str, Any]) -> Change:
    before, after = Envelope(*told["before"]), Envelope(*told["after"])
    return Change(NOW - told["ago"], before, after, foreign=told.get("by") == "hand")


def word(told: dict[str, Any]) -> Override:
    dial = Dial(told["dial"]) if "dial" in told else None
    return Override(Control(told["control"]), "ada", "incident", None, dial, told.get("value"))


def observation(now: Envelope, told: dict[str, Any]) -> Observation:
    ranges = {dial: Range(*pair) for dial, pair in told.get("limits", {}).items()}
    return seen(
        envelope=now,
        envelope_at=NOW - told.get("read_ago", 5),
        health=Health(told.get("state", "ACTIVE"), told.get("ready", True)),
        signals={name: signal(each) for name, each in told.get("signals", {}).items()},
        changes=tuple(map(past, told.get("changes", []))),
        recommended=tuple(
            Recommended(Envelope(*each["wanted"]), NOW - each["ago"] - 1, NOW - each["ago"])
            for each in told.get("recommended", [])
        ),
        overrides=tuple(map(word, told.get("overrides", []))),
        learned=Learned(told.get("thread_ceiling")),
        limits=Limits(**ranges),
        mode=Mode(told.get("mode", "apply")),
    )


GUARD_EXAMPLES = [(name, told) for name, told in EXAMPLES if name in NAMES]


@pytest.mark.parametrize(
    ("name", "told"), GUARD_EXAMPLES, ids=[f"{n}-{i}" for i, (n, _) in enumerate(GUARD_EXAMPLES)]
)
def test_a_worked_example_is_true(name: str, told: dict[str, Any]) -> None:
    built = build_options(NAMES[name], told.get("options", {}))
    assert not built.faults
    now, wanted = Envelope(*told["now"]), Envelope(*told["wanted"])
    plan = Plan(now, Envelope(*told.get("plan", told["wanted"])), wanted)
    shaped = built.value.shape(plan, observation(now, told.get("seen", {})))
    assert shaped.after == Envelope(*told["gives"])
    reasons = [step.reason.code for step in shaped.trail]
    assert (reasons[-1].value if reasons else None) == told.get("code")
    assert (shaped.hold is not None) == told.get("hold", False)


@pytest.mark.parametrize("told", [told for name, told in EXAMPLES if name == "fleet"])
def test_a_worked_example_of_the_fleet_is_true(told: dict[str, Any]) -> None:
    if "budget" in told:
        asked = [
            Candidate(
                name,
                Plan(Envelope(4, 60, 32), wish := Envelope(4 + one["add"], 60, 32), wish),
                one.get("priority", 0),
                one.get("rate", 0.0),
            )
            for name, one in told["asked"].items()
        ]
        go = fit(asked, Budget(**told["budget"])).go
        assert {c.deployment: added(c.plan) for c in go} == told["go"]
        return
    still, less = Envelope(4, 10, 32), Envelope(*told.get("to", (3, 10, 32)))
    down = told.get("lowered", 0)
    plans = [Plan(still, less, less)] * down + [Plan(still, still, still)] * (told["of"] - down)
    reason = alarm(plans, told.get("blind", 0), dropping_s=told.get("dropping", 0))
    assert (reason.code.value if reason else None) == told["code"]
