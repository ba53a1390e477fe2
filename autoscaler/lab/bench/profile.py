"""Which policies the benchmark runs: the first of these, as many as asked for."""

from __future__ import annotations

from autoscaler.core.proposal import PolicyEntry
from autoscaler.plugins import policy_types
from autoscaler.plugins.options import build_options

# As a service with an objective, a night, a budget and another planner beside it would have them.
PROFILE: tuple[tuple[str, dict[str, object]], ...] = (
    ("target_load", {"signal": "signal_0"}),
    (
        "calendar",
        {
            "zone": "Europe/Zurich",
            "windows": {
                "day": {"days": "Mon-Fri", "time": "07:30-20:30", "at_least": {"min_replicas": 2}},
                "night": {"time": "22:00-06:00", "at_most": {"max_replicas": 50}},
            },
        },
    ),
    (
        "step",
        {"signal": "signal_1", "threshold": 100, "above": [[0, 50, 1], [50, None, 3]]},
    ),
    (
        "latency_slo",
        {
            "objective": "120s",
            "signal": "signal_0",
            "load_is": "jobs",
            "service": "signal_2",
        },
    ),
    ("budget", {"compute_seconds": 1e12}),
)


def entries(count: int) -> tuple[PolicyEntry, ...]:
    """The first `count` policies of the profile. Raises ValueError for options that do not fit."""
    kinds = policy_types()
    found = []
    for name, options in PROFILE[:count]:
        built = build_options(kinds[name], options)
        if built.faults or built.value is None:
            raise ValueError(f"{name}: {built.faults}")
        found.append(PolicyEntry(name, built.value))
    return tuple(found)
