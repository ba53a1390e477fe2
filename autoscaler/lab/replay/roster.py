"""Who another configuration would have had in the place of a recorded deployment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from autoscaler.core.decision import Decision
from autoscaler.roster import Discovery, Group, Managed


class Roster:
    """Finds a recorded deployment in a configuration: by its RID, its name, or a discovery.

    Discovered deployments are recognised by the name that their template gave them, for the
    journal does not tell their model: one of another model whose name fits is taken for it.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        members = [member for group in groups for member in group.members]
        self._by_rid = {member.rid: member for member in members}
        self._by_name = {member.name: member for member in members}
        self._discoveries = [found for group in groups for found in group.discoveries]
        self._known: dict[tuple[str, str], Managed | None] = {}

    def managed(self, decision: Decision) -> Managed | None:
        """How this deployment would be managed; None when it would not be."""
        key = decision.rid, decision.deployment
        if key not in self._known:
            self._known[key] = self._find(decision.deployment, decision.rid)
        return self._known[key]

    def _find(self, name: str, rid: str) -> Managed | None:
        named = self._by_rid.get(rid) or self._by_name.get(name)
        if named is not None:
            return named
        for discovery in self._discoveries:
            if _fits(discovery, name, rid):
                return replace(discovery.template, name=name, rid=rid)
        return None


def _fits(discovery: Discovery, name: str, rid: str) -> bool:
    """Whether the discovery's template may have given a deployment its name."""
    pattern = re.escape(discovery.template.name)
    pattern = pattern.replace(re.escape("{rid}"), re.escape(rid.rsplit(".", 1)[-1]))
    pattern = pattern.replace(re.escape("{branch}"), "(?P<branch>.*)", 1)
    pattern = pattern.replace(re.escape("{branch}"), "(?P=branch)")
    found = re.fullmatch(pattern, name)
    if found is None:
        return False
    branch = found.groupdict().get("branch")
    return branch is None or _wanted(discovery, branch)


def _wanted(discovery: Discovery, branch: str) -> bool:
    """The patterns' word on a branch as names have it, with dashes for slashes."""
    include = [each.replace("/", "-") for each in discovery.include]
    exclude = [each.replace("/", "-") for each in discovery.exclude]
    taken = not include or any(fnmatchcase(branch, each) for each in include)
    return taken and not any(fnmatchcase(branch, each) for each in exclude)
