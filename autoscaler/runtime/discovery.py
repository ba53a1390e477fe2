"""Deployments that a model has and the configuration does not name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import structlog

from autoscaler.ports import Live, Platform, Unread
from autoscaler.roster import Discovery, Group, Managed
from autoscaler.runtime.seat import Seat

log = structlog.get_logger(__name__)


async def groups_of(
    groups: Sequence[Group], platform: Platform, known: Sequence[Seat], lives: dict[str, Live]
) -> list[Group]:
    """The groups with what their discoveries found; the readings of that in `lives`.

    A deployment has one seat: the first to name it has it, and those that the configuration
    names itself come before those that are found. `known` are those of before, for a model that
    cannot be asked now.
    """
    members = [managed for group in groups for managed in group.members]
    taken = {m.name for m in members} | {m.rid for m in members}
    return [await _members(group, platform, known, lives, taken) for group in groups]


async def _members(
    group: Group,
    platform: Platform,
    known: Sequence[Seat],
    lives: dict[str, Live],
    taken: set[str],
) -> Group:
    members = list(group.members)
    for discovery in group.discoveries:
        found = await platform.find(discovery.model_rid)
        fresh = not isinstance(found, Unread)
        if isinstance(found, Unread):
            log.warning("discovery failed", model=discovery.model_rid, reason=str(found.reason))
            # Who was known of this model; managed as the configuration says now, not then.
            found = [s.live for s in known if s.live.model_rid == discovery.model_rid]
        for live in found:
            managed = discovered(discovery, live)
            if managed is None or not taken.isdisjoint((managed.name, managed.rid)):
                continue
            taken |= {managed.name, managed.rid}
            members.append(managed)
            if fresh:
                lives[managed.rid] = live
    return replace(group, members=tuple(members))


def discovered(discovery: Discovery, live: Live) -> Managed | None:
    """The deployment as managed, or None when its branch is not wanted."""
    branch = live.branch or ""
    wanted = not discovery.include or any(fnmatchcase(branch, p) for p in discovery.include)
    if not wanted or any(fnmatchcase(branch, p) for p in discovery.exclude):
        return None
    template = discovery.template
    short = live.rid.rsplit(".", 1)[-1]
    name = template.name.replace("{branch}", branch.replace("/", "-")).replace("{rid}", short)
    return replace(template, name=name, rid=live.rid, match=template.match or name)
