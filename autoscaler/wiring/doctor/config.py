"""The configuration as it is meant: modes, policies, guards, scopes. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.core.observation import Mode
from autoscaler.roster import Group, Managed
from autoscaler.settings import Settings
from autoscaler.wiring.doctor.finding import Finding, Level, names
from autoscaler.wiring.doubts import doubts

WRITING = frozenset({Mode.APPLY, Mode.RAISE_ONLY})
WRITE_SCOPE = "api:models-write"


def of_config(settings: Settings, groups: Sequence[Group], at: float) -> Iterator[Finding]:
    """Everything that the configuration alone shows; `at` is Unix seconds."""
    members = [m for group in groups for m in group.members]
    members += [d.template for group in groups for d in group.discoveries]
    yield from _login(settings, [m for m in members if m.mode in WRITING])
    yield from _silent(members)
    yield from _zones(members)
    for sentence in doubts(groups, at):
        whose, _, what = sentence.partition(": ")
        yield Finding(
            Level.WARNING,
            "doubt",
            whose,
            what,
            "it is valid and may still not be what was meant",
            "read it again; change it, or leave it when it is meant",
        )


def _login(settings: Settings, writing: list[Managed]) -> Iterator[Finding]:
    auth = settings.platform.auth
    if auth.client_id is None:
        yield Finding(
            Level.WARNING,
            "static_token",
            "platform.auth",
            "a static token is used",
            "it is a person's, has that person's rights, and expires without notice",
            "make a service user (client credentials) with both scopes and a role on the project",
        )
    elif writing and auth.scopes and WRITE_SCOPE not in auth.scopes:
        yield Finding(
            Level.ERROR,
            "scope",
            "platform.auth.scopes",
            f"{WRITE_SCOPE} is not asked for, and {names([m.name for m in writing])} is to be "
            "written to",
            "every change will be refused",
            f"add {WRITE_SCOPE} to platform.auth.scopes, and allow it for the service user",
        )


def _silent(members: list[Managed]) -> Iterator[Finding]:
    without = [m.name for m in members if all(entry.shadow for entry in m.policies)]
    if without:
        yield Finding(
            Level.WARNING,
            "no_policy",
            names(without),
            "no policy has a say",
            "it is watched and never changed",
            "give it a policy under `policies`, or leave it out",
        )
    blind = [m.name for m in members if m.policies and not m.signals]
    if blind:
        yield Finding(
            Level.NOTE,
            "no_signal",
            names(blind),
            "it has policies and no signal",
            "what it needs is decided by the clock alone; guards that look at load see none",
            "right for a pure calendar; else add the load under `signals`",
        )


def _zones(members: list[Managed]) -> Iterator[Finding]:
    for member in members:
        parts = [(e.name, e.policy) for e in member.policies]
        parts += [(f"`when` of {e.name}", e.when) for e in member.policies if e.when is not None]  # type: ignore[misc]  # any part may name a zone
        zones = {name: zone for name, part in parts if (zone := getattr(part, "zone", None))}
        if len(set(zones.values())) > 1:
            said = ", ".join(f"{name} in {zone}" for name, zone in zones.items())
            yield Finding(
                Level.WARNING,
                "time_zones",
                member.name,
                f"its policies count in different time zones: {said}",
                "their hours do not meet, and they move apart twice a year",
                "name one zone in all of them, unless that is meant",
            )
