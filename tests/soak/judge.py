"""What grew, out of samples."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tests.soak.samples import MEASURES, Sample
from tests.soak.slope import growth

MAY_GROW = {"journal_mib"}
"""The record of what happened grows by its nature; age and a number of rows bound it."""
LEAST = 20


def table(samples: Sequence[Sample], warm_up_s: float) -> tuple[str, list[str]]:
    """A table of all measures after the warm-up, and the names of those that grew for certain."""
    judged = [one for one in samples if one.at_s >= warm_up_s]
    if len(judged) < LEAST:
        return f"{len(judged)} samples after the warm-up are too few to judge", []
    lines = [
        f"{len(judged)} samples from {judged[0].at_s / 60:.0f} to {judged[-1].at_s / 60:.0f} min",
        "measure      first    last  lowest highest  per hour (95 % interval)         ",
    ]
    grew = []
    for name in MEASURES:
        values = [float(getattr(one, name)) for one in judged]
        found = growth([one.at_s for one in judged], values)
        ends = f"{values[0]:7.5g} {values[-1]:7.5g} {min(values):7.5g} {max(values):7.5g}"
        hourly = [value / 24 for value in (found.per_day, found.low, found.high)]
        share = f"{found.percent(found.per_day) / 24:+.2f} %"
        lines.append(
            f"{name:12} {ends}  {hourly[0]:+.3g} ({hourly[1]:+.3g}..{hourly[2]:+.3g}), {share}"
        )
        if not found.is_flat and _rose(values) and name not in MAY_GROW:
            grew.append(name)
    lines.append(f"grew for certain: {', '.join(grew) or 'nothing'}")
    return "\n".join(lines), grew


def _rose(values: Sequence[float]) -> bool:
    """Whether the middle of the last third lies above that of the first.

    That of a count which only jumps does not, whatever line fits it best.
    """
    third = len(values) // 3
    return statistics.median(values[-third:]) > statistics.median(values[:third])
