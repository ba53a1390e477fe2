"""What `autoscaler policy new` writes: a policy that works, its test, its configuration."""

from __future__ import annotations

from string import Template

POLICY = Template('''\
"""Policy `$name`: one replica for every so many requests.

Say here where its arithmetic comes from, and what it does differently on purpose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Missing, Observation
from autoscaler.core.options import check_options, meta
from autoscaler.core.proposal import LARGEST_BID, Answer, Bid, Proposal, missing
from autoscaler.core.reason import Code, because


@dataclass(frozen=True, slots=True)
class $title:
    """Keep one replica for every so many requests of the last minute."""

    signal: str = field(
        default="running_jobs",
        metadata=meta("requests of the whole deployment", unit="requests"),
    )
    per_replica: float = field(
        default=20.0, metadata=meta("requests that one replica takes", unit="requests", gt=0)
    )
    window_s: float = field(
        default=60.0, metadata=meta("the peak of this time counts", unit="s", ge=0, le=86_400)
    )

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def needs(self) -> tuple[str, ...]:
        """The signals that it reads: start-up refuses one without a source."""
        return (self.signal,)

    @property
    def windows(self) -> dict[str, float]:
        """How much past of each signal it looks at: `check` warns of one that keeps less."""
        return {self.signal: self.window_s}

    def propose(self, seen: Observation) -> Answer:
        """Want a floor for the peak of the window."""
        series = seen.signal(self.signal)
        if isinstance(series, Missing):
            return missing(self.signal, series)
        peak = max(series.since(seen.at - self.window_s), default=series.last)
        wanted = math.ceil(min(max(0.0, peak) / self.per_replica, LARGEST_BID))
        now = seen.envelope.min_replicas
        code = Code.WITHIN_TOLERANCE
        if wanted != now:
            code = Code.LOAD_ABOVE_TARGET if wanted > now else Code.LOAD_BELOW_TARGET
        reason = because(
            code,
            "a peak of {peak:g} requests at {each:g} per replica needs {wanted}",
            peak=peak,
            each=self.per_replica,
            wanted=wanted,
        )
        return Proposal({Dial.MIN_REPLICAS: Bid(want=wanted)}, reason)
''')

TEST = Template('''\
"""What `$name` promises."""

from __future__ import annotations

from pathlib import Path

from autoscaler.testing import PolicyContract, built

FOLDER = Path(__file__).parents[1]


class Test$title(PolicyContract):
    """The contract of every policy; and more requests never mean fewer replicas."""

    policy = built("$name", FOLDER)
    rises_with = ("running_jobs",)
''')

CONFIG = Template("""\
plugins:
  directories: [$directory]    # relative to the configuration file
defaults:
  policies:
    $name: {kind: $name, signal: running_jobs, per_replica: 20}
""")


def title_of(name: str) -> str:
    """`night_shift` as a class is called: `NightShift`."""
    return "".join(part.capitalize() for part in name.split("_"))
