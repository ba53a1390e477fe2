"""The guard rails, one file each, in the one order in which every plan passes them."""

from __future__ import annotations

from autoscaler.core.guards.behavior import Behavior
from autoscaler.core.guards.brake import Brake
from autoscaler.core.guards.consolidation import Consolidation
from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.disruption import Disruption
from autoscaler.core.guards.drift import Drift
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.guards.health import Health
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.mode import Mode
from autoscaler.core.guards.oscillation import Oscillation
from autoscaler.core.guards.override import Override
from autoscaler.core.guards.plausibility import Plausibility
from autoscaler.core.guards.recovery import Recovery
from autoscaler.core.guards.settle import Settle
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.guards.step import Step
from autoscaler.core.guards.veto import Veto

# Stops first and what others did, then what data and health allow, then how far and how often,
# then whether a restart is worth it, then the operator's word, and last the promises that
# nothing may break: the limits, and that nothing is lowered in `raise_only` or under a brake.
# Drift stands before the data rails, because a correction is a move like any other and must not
# pass them by.
GUARDS = (
    Hold,
    Drift,
    Plausibility,
    Freshness,
    Recovery,
    Health,
    Veto,
    Settle,
    Consolidation,
    Deadband,
    Stabilise,
    Behavior,
    Step,
    Oscillation,
    Cooldown,
    Disruption,
    Override,
    Limits,
    Mode,
    Brake,
)
