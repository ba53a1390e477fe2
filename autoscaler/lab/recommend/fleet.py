"""Reads a fleet's past and present for its recommendations; writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Series
from autoscaler.lab.fromconfig import demand_signals
from autoscaler.lab.history import (
    STEP_S,
    Outcomes,
    Unanswered,
    demand_from,
    read_past,
    why_nothing,
)
from autoscaler.lab.recommend.judge import Case
from autoscaler.ports import Live, Platform, Question, Source, Unread
from autoscaler.roster import Discovery, Group, Managed, SignalSpec

DEFAULT_THREADS = 32


@dataclass(frozen=True, slots=True)
class Subject:
    """One deployment with what the platform says of it."""

    managed: Managed
    live: Live | Unread


@dataclass(frozen=True, slots=True)
class Fleet:
    """Who is there, what could be read, and why the others have no answer, by name."""

    cases: tuple[Case, ...]
    unanswered: Mapping[str, str]


async def subjects(groups: Sequence[Group], platform: Platform) -> list[Subject]:
    """Every configured and discovered deployment, read once."""
    found: list[Subject] = []
    for group in groups:
        found += [Subject(each, await platform.read(each.rid)) for each in group.members]
        for discovery in group.discoveries:
            found += await _discovered(discovery, platform)
    return found


async def _discovered(discovery: Discovery, platform: Platform) -> list[Subject]:
    answer = await platform.find(discovery.model_rid)
    if isinstance(answer, Unread):
        return [Subject(discovery.template, answer)]
    return [
        Subject(_named(discovery.template, live), live)
        for live in answer
        if _taken(discovery, live.branch or "")
    ]


def _taken(discovery: Discovery, branch: str) -> bool:
    wanted = not discovery.include or any(fnmatchcase(branch, p) for p in discovery.include)
    return wanted and not any(fnmatchcase(branch, p) for p in discovery.exclude)


def _named(template: Managed, live: Live) -> Managed:
    places = {"branch": live.branch or "", "rid": live.rid.rpartition(".")[2]}
    name, match = template.name.format(**places), template.match.format(**places)
    return replace(template, name=name, match=match, rid=live.rid)


async def read_fleet(
    found: Sequence[Subject],
    sources: Mapping[str, Source],
    watch: Outcomes,
    start: float,
    end: float,
    demand: Sequence[str] = (),
    told: Callable[[str], None] | None = None,
) -> Fleet:
    """The past demand of everybody, one question for all who share it. Unix seconds."""
    cases: list[Case] = []
    unanswered: dict[str, str] = {}
    pasts: dict[tuple[str, Question], Mapping[str, Series] | str] = {}
    for subject in found:
        managed = subject.managed
        names = demand_signals(managed, demand)
        if not names:
            known = ", ".join(managed.signals) or "none"
            unanswered[managed.name] = f"which signal is the demand? (signals: {known})"
            continue
        spec = managed.signals[names[0]]
        key = spec.source, spec.question
        if key not in pasts:
            if told is not None:
                told(f"{spec.source}: {names[0]}")
            pasts[key] = await _past(sources[spec.source], spec, watch, start, end)
        case = _case(subject, spec, pasts[key])
        if isinstance(case, Case):
            cases.append(case)
        else:
            unanswered[managed.name] = case
    return Fleet(tuple(cases), unanswered)


async def _past(
    source: Source, spec: SignalSpec, watch: Outcomes, start: float, end: float
) -> Mapping[str, Series] | str:
    """What was read, or why nothing was."""
    before = watch.failed(spec.source)
    past = await read_past(source, spec.question, start, end)
    failed = watch.failed(spec.source) - before
    if failed:
        why = await why_nothing(source, spec.question, end)
        return f"source {spec.source} did not answer for {failed} of the days asked: {why}"
    return past or f"source {spec.source}: {await why_nothing(source, spec.question, end)}"


def _case(subject: Subject, spec: SignalSpec, past: Mapping[str, Series] | str) -> Case | str:
    managed, live = subject.managed, subject.live
    if isinstance(past, str):
        return past
    series = past.get(managed.match)
    if series is None:
        return f"no series is labelled {managed.match!r}"
    found = demand_from(managed.name, series, STEP_S, gaps_are_zero=spec.empty_is_zero)
    if isinstance(found, Unanswered):
        return found.why
    if isinstance(live, Unread):
        threads = managed.limits.threads.clamp(DEFAULT_THREADS)
        note = f"the platform did not tell what is: {live.reason}"
        return Case(managed.name, found, threads, None, managed.limits, note=note)
    return Case(
        managed.name,
        found,
        live.envelope.threads,
        live.envelope,
        managed.limits,
        live.native,
        live.resources,
    )


async def read_query(
    source: Source,
    question: Question,
    start: float,
    end: float,
    threads: int,
    current: Envelope | None,
) -> Fleet:
    """Everything that one query finds, without a configuration and without the platform."""
    past = await read_past(source, question, start, end)
    cases: list[Case] = []
    unanswered: dict[str, str] = {}
    if not past:
        unanswered["(all)"] = await why_nothing(source, question, end)
    for name, series in sorted(past.items()):
        found = demand_from(name, series)
        if isinstance(found, Unanswered):
            unanswered[name] = found.why
        else:
            cases.append(Case(name, found, threads, current))
    return Fleet(tuple(cases), unanswered)
