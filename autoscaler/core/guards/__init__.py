"""The guard rails, one file each, in the one order in which every plan passes them."""

from __future__ import annotations

from autoscaler.core.guards.cooldown import Cooldown
from autoscaler.core.guards.deadband import Deadband
from autoscaler.core.guards.freshness import Freshness
from autoscaler.core.guards.health import Health
from autoscaler.core.guards.hold import Hold
from autoscaler.core.guards.limits import Limits
from autoscaler.core.guards.mode import Mode
from autoscaler.core.guards.override import Override
from autoscaler.core.guards.stabilise import Stabilise
from autoscaler.core.guards.step import Step

# Stops first, then what data and health allow, then how far and how often,
# then the operator's word, and last the promises that nothing may break.
GUARDS = (
    Hold,
    Freshness,
    Health,
    Deadband,
    Stabilise,
    Step,
    Cooldown,
    Override,
    Limits,
    Mode,
)
