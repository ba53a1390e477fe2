"""Assembling the roster: layers, shared parts, signals, guards, sources, the whole example."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest

from autoscaler.core.envelope import Dial, Range
from autoscaler.core.farewell import Farewell
from autoscaler.core.guards import GUARDS
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.step import Step
from autoscaler.core.observation import Limits, Missing, Mode, Observation
from autoscaler.core.proposal import PolicyEntry
from autoscaler.plugins import assemble, build_sources, check, json_schema, policy_types
from autoscaler.plugins.conditions import build_condition
from autoscaler.plugins.entries import Entries
from autoscaler.plugins.parts import Signals
from autoscaler.plugins.registry import Registry
from autoscaler.roster import FleetSpec, Group, Managed
from autoscaler.settings import ConfigError, load
from autoscaler.settings.problem import HIDDEN
from autoscaler.settings.shape import DURATION_SCHEMA
from tests.fakes.configuration import ENVIRON, OTHER_RID, RID, text_of, written

EXAMPLE = Path(__file__).parents[2] / "config" / "example.yaml"
SECRET = {"AUTOSCALER_PLATFORM__AUTH__CLIENT_SECRET": "x"}


class Clock:
    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return None


class Watch:
    def queried(self, source: str, outcome: str, seconds: float) -> None:
        return None


def groups_of(
    folder: Path, environ: Mapping[str, str] = ENVIRON, **sections: str
) -> tuple[Group, ...]:
    return check(written(folder, text_of(**sections)), environ)[1]


def members(groups: tuple[Group, ...]) -> dict[str, Managed]:
    return {member.name: member for group in groups for member in group.members}


def two(chat: str = "", rerank: str = "", group: str = "") -> str:
    return (
        f"groups:\n  online:\n{group}    deployments:\n"
        f"      chat: {{rid: {RID}{chat}}}\n      rerank: {{rid: {OTHER_RID}{rerank}}}\n"
    )


def test_the_example_makes_the_roster_that_it_describes() -> None:
    online, discovered = assemble(load(EXAMPLE, SECRET))
    chat, rerank = online.members
    assert (online.name, online.interval_s, discovered.interval_s) == ("online", 15.0, 30.0)
    assert (chat.mode, rerank.mode) == (Mode.APPLY, Mode.RAISE_ONLY)
    assert chat.limits == Limits(Range(1, 20), Range(1, 40), Range(1, 32))
    assert (chat.match, rerank.match) == ("chat", "rerank")
    target_load = policy_types()["target_load"]
    load_of = {each.name: each for each in rerank.policies}
    assert load_of["load"].policy == target_load(
        signal="running_jobs", target=0.5, window_s=60.0, tolerance=0.1, headroom=0.5
    )  # type: ignore[call-arg]  # a policy's own options
    assert [entry.name for entry in chat.policies if entry.shadow] == ["ahead"]
    assert load_of["load"].dials == {Dial.MIN_REPLICAS, Dial.MAX_REPLICAS}
    assert chat.forecasts["forecast"].of == "running_jobs"
    assert online.fleet == FleetSpec()
    jobs = chat.signals["running_jobs"]
    assert (jobs.source, jobs.window_s, jobs.question.max_age_s) == ("prom", 600.0, 90.0)
    assert (jobs.question.label, jobs.plausible, jobs.empty_is_zero) == (
        "deployment",
        (0.0, 100_000.0),
        False,
    )
    assert [type(guard) for guard in chat.guards] == list(GUARDS)
    (found,) = discovered.discoveries
    assert (found.template.name, found.template.match) == ("scorer-{branch}", "scorer-{branch}")
    assert (found.include, found.exclude) == (("master", "release/*"), ("release/old-*",))


async def test_the_sources_of_the_example_are_built() -> None:
    sources = build_sources(load(EXAMPLE, SECRET), Watch(), Clock())
    assert sorted(sources) == ["gateway", "prom"]
    for source in sources.values():
        await source.close()


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    (chat,) = groups_of(tmp_path)[0].members
    assert chat.mode is Mode.RECOMMEND
    assert chat.limits == Limits(Range(1, 20), Range(1, 20), Range(1, 32))
    assert chat.guards == tuple(guard() for guard in GUARDS)
    assert chat.signals["running_jobs"].plausible is None
    assert (chat.match, chat.priority) == ("chat", 0)


def test_a_deployment_lies_over_its_group_and_that_over_the_defaults(tmp_path: Path) -> None:
    found = members(groups_of(
        tmp_path,
        groups=two(
            group="    mode: apply\n    policies: {load: {target: 0.6, window: 2m}}\n",
            chat=", priority: 3, policies: {load: {target: 0.5}}",
            rerank=", mode: observe",
        ),
    ))  # fmt: skip
    options = [
        (getattr(m.policies[0].policy, "target", 0), getattr(m.policies[0].policy, "window_s", 0))
        for m in found.values()
    ]
    assert options == [(0.5, 120.0), (0.6, 120.0)]
    assert [m.mode for m in found.values()] == [Mode.APPLY, Mode.OBSERVE]
    assert [m.priority for m in found.values()] == [3, 0]


def test_null_takes_an_entry_away(tmp_path: Path) -> None:
    found = members(groups_of(tmp_path, groups=two(rerank=", policies: {load: null}")))
    assert [len(m.policies) for m in found.values()] == [1, 0]


def test_a_policys_name_is_its_kind_when_none_is_given(tmp_path: Path) -> None:
    (chat,) = groups_of(
        tmp_path,
        groups=f"groups: {{g: {{deployments: {{chat: {{rid: {RID}, policies: {{load: null, target_load: {{target: 0.9}}}}}}}}}}}}\n",
    )[0].members
    assert [(e.name, getattr(e.policy, "target", 0)) for e in chat.policies] == [
        ("target_load", 0.9)
    ]


def test_equal_options_are_the_same_objects(tmp_path: Path) -> None:
    own = ", policies: {load: {target: 0.5}}, guards: {step: {raise_add: 2}}"
    found = members(groups_of(tmp_path, groups=two(chat=own, rerank=own)))
    chat, rerank = found.values()
    assert chat.policies is rerank.policies
    assert chat.guards is rerank.guards
    assert chat.signals is rerank.signals
    assert chat.limits is rerank.limits


def test_a_guard_with_options_can_be_switched_off(tmp_path: Path) -> None:
    guards = ", guards: {step: {enabled: false}, cooldown: {raise: 10s, threads_s: 60}}"
    (chat, _) = members(groups_of(tmp_path, groups=two(chat=guards))).values()
    assert not any(isinstance(guard, Step) for guard in chat.guards)
    assert Cooldown(raise_s=10.0, threads_s=60.0) in chat.guards
    assert len(chat.guards) == len(GUARDS) - 1


def test_the_environment_reaches_a_deployment(tmp_path: Path) -> None:
    environ = {
        **ENVIRON,
        "AUTOSCALER_GROUPS__ONLINE__DEPLOYMENTS__CHAT__POLICIES__LOAD__TARGET": "0.25",
    }
    (chat,) = groups_of(tmp_path, environ)[0].members
    assert getattr(chat.policies[0].policy, "target", 0) == 0.25


def test_an_option_from_the_environment_is_blamed_on_its_variable(tmp_path: Path) -> None:
    name = "AUTOSCALER_DEFAULTS__POLICIES__LOAD__TARGET"
    with pytest.raises(ConfigError) as caught:
        groups_of(tmp_path, {**ENVIRON, name: "7"})
    assert str(caught.value) == f"${name}: defaults.policies.load.target: must be at most 1, got 7"


def test_a_mistake_in_the_defaults_is_told_once_for_all(tmp_path: Path) -> None:
    broken = "defaults: {signals: {running_jobs: {source: prom, query: up}}, policies: {load: {kind: target_load, target: 7}}}\n"
    with pytest.raises(ConfigError) as caught:
        groups_of(tmp_path, defaults=broken, groups=two())
    assert [problem.field for problem in caught.value.problems] == ["defaults.policies.load.target"]


def test_the_same_mistake_in_two_deployments_is_told_at_both(tmp_path: Path) -> None:
    own = ", policies: {load: {target: 7}}"
    with pytest.raises(ConfigError) as caught:
        groups_of(tmp_path, groups=two(chat=own, rerank=own))
    assert [problem.line for problem in caught.value.problems] == [13, 14]


class Never:
    needs = ("queue",)

    def __init__(self, value: object) -> None:
        if value != "queue > 3":
            raise ValueError("must be a condition")

    def holds(self, seen: Observation) -> bool | Missing:
        return False


def test_a_condition_is_compiled_by_whoever_is_installed() -> None:
    entries = Entries(Registry(), Never)
    good = entries.part({"load": {"kind": "target_load", "when": "queue > 3"}})
    assert good.faults == ()
    assert isinstance(good.value[0], PolicyEntry)
    assert isinstance(good.value[0].when, Never)
    (fault,) = entries.part({"load": {"kind": "target_load", "when": ["x"]}}).faults
    assert (fault.path, fault.rule, fault.value) == (
        ("policies", "load", "when"),
        "must be a condition",
        HIDDEN,
    )


def test_conditions_are_refused_until_a_language_is_installed() -> None:
    with pytest.raises(ValueError, match="no condition language is installed"):
        build_condition("x > 1", language="autoscaler.plugins.absent_language")


def fleet(count: int) -> str:
    lines = ["groups:\n  big:\n    deployments:\n"]
    lines.extend(
        f"      d{i}:\n        rid: {RID}-{i}\n        limits: {{max_replicas: {{high: {20 + i % 9}}}}}\n        policies: {{load: {{target: 0.{5 + i % 5}}}}}\n"
        for i in range(count)
    )
    return "".join(lines)


def test_a_fleet_shares_the_parts_that_are_equal(tmp_path: Path) -> None:
    path = written(tmp_path, text_of(groups=fleet(2000)))
    tracemalloc.start()
    try:
        (group,) = assemble(load(path, ENVIRON))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(group.members) == 2000
    assert len({id(member.policies) for member in group.members}) == 5
    assert len({id(member.limits) for member in group.members}) == 9
    assert len({id(member.guards) for member in group.members}) == 1
    # Measured at 1.0 KiB a deployment; each with parts of its own would be ten times that.
    assert kept / 2000 < 4096


BROKEN = """
from dataclasses import dataclass, field
from typing import Mapping
from autoscaler.core.options import meta

@dataclass(frozen=True)
class Slot:
    name: str
    pause_s: float = field(default=1.0, metadata=meta("a pause", unit="s", ge=0))

@dataclass(frozen=True)
class Broken:
    slots: tuple[Slot, ...] = field(default=(), metadata=meta("slots"))
    one: Slot | None = field(default=None, metadata=meta("a slot"))
    named: Mapping[str, Slot] = field(default_factory=dict, metadata=meta("slots"))
    steps_s: tuple[float, ...] = field(default=(), metadata=meta("times", unit="s"))

    @property
    def needs(self):
        raise RuntimeError

    def propose(self, seen): ...
"""


def with_directory(folder: Path, **sections: str) -> dict[str, str]:
    (folder / "mine").mkdir(mode=0o755)
    file = folder / "mine" / "broken.py"
    file.write_text(BROKEN, encoding="utf-8")
    file.chmod(0o644)
    return {"plugins": "plugins: {directories: [mine]}\n", **sections}


def test_a_policy_that_cannot_tell_its_needs_is_a_problem(tmp_path: Path) -> None:
    sections = with_directory(tmp_path, groups=two(chat=", policies: {mine: {kind: broken}}"))
    with pytest.raises(ConfigError) as caught:
        groups_of(tmp_path, ENVIRON, **sections)
    (problem,) = caught.value.problems
    assert problem.rule == "its needs cannot be told: RuntimeError"
    assert problem.field == "groups.online.deployments.chat.policies.mine"


def test_options_inside_options_are_in_the_schema(tmp_path: Path) -> None:
    with_directory(tmp_path)
    properties = json_schema([str(tmp_path / "mine")])["$defs"]["policy.broken"]["properties"]
    slot = properties["slots"]["items"]
    assert slot["properties"].keys() == {"name", "pause", "pause_s"}
    assert slot["required"] == ["name"]
    assert properties["one"]["anyOf"][0]["properties"] == slot["properties"]
    assert properties["named"]["additionalProperties"]["properties"] == slot["properties"]
    assert properties["steps"]["items"] == DURATION_SCHEMA


def test_a_policy_that_cannot_be_loaded_is_told_at_its_kind(tmp_path: Path) -> None:
    sections = with_directory(tmp_path, groups=two(chat=", policies: {mine: {kind: broken}}"))
    (tmp_path / "mine" / "broken.py").write_text(
        "raise RuntimeError('on purpose')\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        groups_of(tmp_path, ENVIRON, **sections)
    (problem,) = caught.value.problems
    assert problem.rule == "policy 'broken' cannot be loaded: RuntimeError: on purpose"
    assert problem.field.endswith("policies.mine.kind")


def test_assemble_and_build_sources_tell_what_the_plug_ins_refuse(tmp_path: Path) -> None:
    sources = "sources: {prom: {kind: prometheus, url: 'http://127.0.0.1:9090', timeout: 0}}\n"
    settings = load(written(tmp_path, text_of(sources=sources)), ENVIRON)
    for attempt in (lambda: assemble(settings), lambda: build_sources(settings, Watch(), Clock())):
        with pytest.raises(ConfigError, match=r"sources.prom.timeout: must be greater than 0 s"):
            attempt()


def test_a_dial_that_is_no_word_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    policy = ", policies: {load: {dials: [threads, {a: 1}, [], 3]}}"
    with pytest.raises(ConfigError) as caught:
        groups_of(tmp_path, ENVIRON, groups=two(chat=policy))
    fields = [problem.field for problem in caught.value.problems]
    assert fields == [f"groups.online.deployments.chat.policies.load.dials[{n}]" for n in (1, 2, 3)]
    assert all("must be one of min_replicas" in each.rule for each in caught.value.problems)


def test_a_source_that_cannot_be_built_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    sources = (
        "sources: {prom: {kind: prometheus, url: 'https://127.0.0.1:9090', ca_file: ca.pem}}\n"
    )
    settings = load(written(tmp_path, text_of(sources=sources)), ENVIRON)
    with pytest.raises(
        ConfigError, match=r"config.yaml:3:76: sources.prom.ca_file: must be a readable"
    ):
        build_sources(settings, Watch(), Clock())


def test_a_journals_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("pw", encoding="utf-8")
    (tmp_path / "password").chmod(0o600)
    journal = "journal: {url: postgresql://me@host/db, password_file: password}\n"
    found = load(written(tmp_path, text_of(journal=journal)), ENVIRON).journal.current()
    assert found is not None
    assert found.get_secret_value() == "pw"
    assert load(written(tmp_path, text_of()), ENVIRON).journal.current() is None


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"on_nan": "zero", "zero_while": "lives"}, "must name another signal"),
        ({"on_nan": "zero", "zero_while": "jobs"}, "must name another signal"),
        ({"zero_while": "life"}, "needs on_empty: zero or on_nan: zero"),
        ({"on_nan": "zero", "zero_while": "idle"}, "never taken for zero itself"),
    ],
)
def test_a_sign_of_life_is_another_signal_that_is_never_taken_for_zero(
    said: dict[str, object], rule: str
) -> None:
    base = {"source": "prom", "query": "up"}
    kinds = {"prom": Registry().source("prometheus")}
    idle = {**base, "on_empty": "zero"}
    part = Signals(kinds).part({"jobs": {**base, **said}, "life": base, "idle": idle})
    assert [fault.path for fault in part.faults] == [("signals", "jobs", "zero_while")]
    assert rule in part.faults[0].rule


def test_nan_is_zero_only_by_the_users_word() -> None:
    kinds = {"prom": Registry().source("prometheus")}
    base = {"source": "prom", "query": "up"}
    part = Signals(kinds).part({"jobs": {**base, "on_nan": "zero", "zero_while": "up"}, "up": base})
    jobs = part.value["jobs"]
    assert jobs is not None
    assert (jobs.nan_is_zero, jobs.empty_is_zero, jobs.zero_while) == (True, False, "up")
    assert part.faults == ()


def test_signals_for_the_capacity_must_exist_where_they_are_named(tmp_path: Path) -> None:
    text = text_of().replace("defaults:\n", "defaults:\n  capacity: {queued: waiting}\n", 1)
    with pytest.raises(ConfigError, match=r"capacity\.queued: names a signal"):
        check(written(tmp_path, text), ENVIRON)


def test_what_is_left_at_the_end_is_layered_like_everything_else(tmp_path: Path) -> None:
    text = two(
        chat=", on_shutdown: {threads: 16}",
        rerank=", on_shutdown: null",
        group="    on_shutdown: {min_replicas: 4, within: 20s}\n",
    )
    found = members(groups_of(tmp_path, groups=text))
    assert found["chat"].on_shutdown == Farewell(min_replicas=4, threads=16, within_s=20.0)
    assert found["rerank"].on_shutdown is None


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("{min_replicas: 21}", "must be within limits.min_replicas, 1..20, got 21"),
        ("{threads: 64}", "must be within limits.threads, 1..32, got 64"),
        ("{min_replicas: 5, max_replicas: 4}", "must be at most max_replicas 4, got 5"),
        ("{within: 5s}", "min_replicas, max_replicas or threads must be declared"),
        ("{min_replica: 5}", "min_replica"),
        ("{min_replicas: four}", "whole number"),
    ],
)
def test_an_end_that_cannot_be_is_refused_by_name(tmp_path: Path, said: str, rule: str) -> None:
    with pytest.raises(ConfigError) as refused:
        groups_of(tmp_path, groups=two(chat=f", on_shutdown: {said}"))
    assert rule in str(refused.value)
    assert "on_shutdown" in str(refused.value)


def test_policies_are_kept_apart_where_somebody_says_so(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    policies = "{own: {}, trusted: {kind: own, isolate: false}, load: {kind: target_load}}"
    text = two(chat=f", policies: {policies}", rerank=", policies: {load: {isolate: true}}")

    def found(*, isolate: str) -> dict[str, Managed]:
        plugins = f"plugins: {{directories: [{tmp_path}], isolate: {isolate}}}"
        return members(groups_of(tmp_path, groups=text, plugins=plugins))

    for isolate, expected in (("true", ["own"]), ("false", [])):
        chat = found(isolate=isolate)["chat"]
        assert [e.name for e in chat.policies if e.apart is not None] == expected
    entry = next(e for e in found(isolate="false")["rerank"].policies if e.name == "load")
    assert entry.apart is not None
    assert entry.apart.kind in {"load", "target_load"}
    # As they were written, so that another process can make the same policy of them.
    assert isinstance(json.loads(entry.apart.options), dict)


def test_isolate_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be true or false, got 'maybe'"):
        groups_of(tmp_path, groups=two(chat=", policies: {load: {isolate: maybe}}"))


OWN = """
from dataclasses import dataclass


@dataclass(frozen=True)
class Own:
    needs = ()

    def propose(self, seen):
        return None
"""
