"""`doctor`: what a careful SRE checks before switching on, and what to do about each finding."""

from __future__ import annotations

from autoscaler.wiring.doctor.examine import examine
from autoscaler.wiring.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
