"""`check`: is the configuration right, and what about it is doubtful?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autoscaler.plugins import check
from autoscaler.ports import granted
from autoscaler.runtime.clock import SystemClock
from autoscaler.settings import Settings
from autoscaler.wiring.build import build_platform
from autoscaler.wiring.doubts import doubts
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
    warnings = [*_pace(settings, named), *doubts(groups, clock.now() if at is None else at)]
    summary = f"{path} is valid: {len(groups)} group(s), {named} deployment(s){models}"
    return "\n".join([summary, *(f"warning: {text}" for text in warnings)])


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
