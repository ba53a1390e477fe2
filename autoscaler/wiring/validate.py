"""`check`: is the configuration right, and what about it is doubtful?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from autoscaler.foundry.pacing import REQUESTS_PER_WRITE
from autoscaler.plugins import check
from autoscaler.ports import granted
from autoscaler.roster import Group
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import Settings
from autoscaler.wiring.build import build_platform
from autoscaler.wiring.doubts import NAMED, doubts
from autoscaler.wiring.quiet import Quiet


def validate(path: Path, at: float | None = None) -> str:
    """One sentence about a good configuration, and a line for each doubt about it.

    `at` is Unix seconds, now when left out: calendars are looked at from then on. Raises
    ConfigError for a bad configuration.
    """
    settings, groups = check(path)
    quiet, clock = Quiet(), SystemClock()
    build_platform(settings, quiet, clock, granted)
    named = sum(len(group.members) for group in groups)
    found = sum(len(group.discoveries) for group in groups)
    models = f" and {found} model(s) to discover" if found else ""
    doubtful = doubts(groups, clock.now() if at is None else at)
    warnings = [*_pace(settings, named), *_partings(settings, groups), *doubtful]
    summary = f"{path} is valid: {len(groups)} group(s), {named} deployment(s){models}"
    return "\n".join([summary, *_at_the_end(groups), *(f"warning: {text}" for text in warnings)])


def _pace(settings: Settings, named: int) -> Iterator[str]:
    """A warning when the budget of requests cannot keep the readings fresh."""
    platform = settings.platform
    needed = named / platform.resync
    allowed = platform.pacing.requests_per_second
    # Half of the budget is left for writing.
    if needed > allowed / 2:
        yield (
            f"re-reading {named} deployments every {platform.resync:.0f} s needs "
            f"{needed:.1f} requests/s, and platform.pacing.requests_per_second is {allowed:g}"
        )


def _at_the_end(groups: Sequence[Group]) -> Iterator[str]:
    """What an orderly stop leaves behind, where that is declared."""
    found = [member for group in groups for member in group.members if member.on_shutdown]
    if found:
        names = ", ".join(member.name for member in found[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        yield f"an orderly stop raises {names}{more} to its on_shutdown, and lowers nothing"


def _partings(settings: Settings, groups: Sequence[Group]) -> Iterator[str]:
    """A warning when a stop has no time for all that `on_shutdown` declares."""
    members = [member for group in groups for member in group.members]
    declared = [one.on_shutdown for one in members if one.on_shutdown is not None]
    if not declared:
        return
    pacing, within = settings.platform.pacing, max(one.within_s for one in declared)
    fit = int((pacing.burst + within * pacing.requests_per_second) // REQUESTS_PER_WRITE)
    if fit < len(declared):
        yield (
            f"on_shutdown is declared for {len(declared)} deployments, and the pace lets "
            f"{fit} be written within {within:g} s; the others stay as they are"
        )
