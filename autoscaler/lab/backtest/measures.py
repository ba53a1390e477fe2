"""What a run is judged by. Formulas and units: docs/measures.md."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from autoscaler.lab.backtest.demand import STEP_S
from autoscaler.lab.backtest.plant import EPSILON
from autoscaler.lab.backtest.simulate import Run
from autoscaler.lab.backtest.spans import DAY_S, Floats

LATE_S = 10.0

# Source: Foundry's documentation of compute usage: a vCPU counts for 0.2 compute-seconds.
VCPU_RATE = 0.2
GIB_PER_VCPU = 7.5

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measures:
    """One scaler on one trace. Shares are 0..1, NaN where a measure does not apply."""

    violations: float
    unserved: float
    late: float
    time_share: float
    replica_hours: float
    compute_seconds: float
    cost_vs_oracle: float
    actions_per_day: float
    thread_changes_per_day: float
    coverage: float
    theta_u: float
    theta_o: float
    tau_u: float
    tau_o: float
    upsilon: float
    deviation: float

    def as_dict(self) -> dict[str, float]:
        """By name, for JSON; measures that do not apply are left out."""
        found = {item.name: float(getattr(self, item.name)) for item in fields(self)}
        return {name: value for name, value in found.items() if not np.isnan(value)}


def compute_seconds(replica_s: float, vcpus: float = 1.0, memory_gib: float = 4.0) -> float:
    """Compute-seconds of `replica_s` replica-seconds without GPUs."""
    return max(vcpus, memory_gib / GIB_PER_VCPU) * VCPU_RATE * replica_s


def measured(demand: Floats, run: Run, oracle_paid: int, coverage: float) -> Measures:
    """Judge `run` over `demand` (replicas of work per step); `oracle_paid` in replica-steps."""
    ready = np.asarray(run.capacity)
    paid_steps = float(np.sum(run.paid))
    wait = np.asarray(run.wait_s)
    over = demand > ready + EPSILON
    work = float(demand.sum()) or 1.0
    days = demand.size * STEP_S / DAY_S
    return Measures(
        violations=float(demand[over].sum()) / work,
        unserved=float(np.maximum(demand - ready, 0.0).sum()) / work,
        late=float(demand[wait > LATE_S].sum()) / work,
        time_share=float(over.mean()),
        replica_hours=paid_steps * STEP_S / 3600,
        compute_seconds=compute_seconds(paid_steps * STEP_S),
        cost_vs_oracle=paid_steps / max(1, oracle_paid),
        actions_per_day=changes(np.asarray(run.wish)) / days,
        thread_changes_per_day=changes(np.asarray(run.threads)) / days,
        coverage=coverage,
        **_elasticity(demand, ready),
    )


def changes(series: NDArray[np.int32]) -> int:
    """How often a series changed."""
    return int(np.count_nonzero(np.diff(series)))


def _elasticity(demand: Floats, ready: Floats) -> dict[str, float]:
    """The SPEC research group's elasticity metrics as shares, and the distance to the ideal.

    Source: Herbst et al., "Ready for Rain?", SPEC-RG-2016-01; Bauer et al., TPDS 2018. The
    deviation is the 5-norm of the five metrics.
    """
    needed = np.maximum(np.ceil(demand - EPSILON), 1.0)
    short, idle = needed - ready, ready - needed
    parts = {
        "theta_u": float((np.maximum(short, 0.0) / needed).mean()),
        "theta_o": float((np.maximum(idle, 0.0) / needed).mean()),
        "tau_u": float((short > 0).mean()),
        "tau_o": float((idle > 0).mean()),
        "upsilon": float((np.sign(np.diff(ready)) != np.sign(np.diff(needed))).mean()),
    }
    parts["deviation"] = float(sum(value**5 for value in parts.values()) ** 0.2)
    return parts
