"""The policy contract as tests, for policies of this house and of everybody else.

    from autoscaler.testing import PolicyContract

    class TestMine(PolicyContract):
        policy = Mine(target=0.5)

Needs pytest and hypothesis, which the daemon itself does without.
"""

from __future__ import annotations

from autoscaler.testing.build import built
from autoscaler.testing.contract import PolicyContract
from autoscaler.testing.strategies import NOW, envelopes, missing, observations, series

__all__ = ["NOW", "PolicyContract", "built", "envelopes", "missing", "observations", "series"]
