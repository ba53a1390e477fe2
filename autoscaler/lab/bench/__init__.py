"""What a tick costs: the real rooms against stub servers in another process, over real HTTP."""

from __future__ import annotations

from autoscaler.lab.bench.measure import measure

__all__ = ["measure"]
