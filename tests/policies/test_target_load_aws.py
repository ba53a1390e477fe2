"""`target_load`, held against what AWS documents of target tracking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.core.envelope import Dial, Envelope
from autoscaler.core.observation import Series
from autoscaler.core.proposal import Proposal
from policies.target_load import TargetLoad
from tests.strategies import NOW, seen

AWS = json.loads((Path(__file__).parents[1] / "vectors" / "aws.json").read_text("utf-8"))


@pytest.mark.parametrize("case", AWS["inferred_required_capacity"], ids=lambda c: str(c["actual"]))
@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_the_capacity_that_a_metric_calls_for_is_that_of_aws(
    case: dict[str, Any], tolerance: float
) -> None:
    # Both are percentages there and shares of use here.
    policy = TargetLoad(mode="share", target=case["target"] / 100, tolerance=tolerance)
    signals = {"running_jobs": Series((NOW,), (case["scaling_metric"] / 100,))}
    answer = policy.propose(seen(envelope=Envelope(case["actual"], 20, 8), signals=signals))
    assert isinstance(answer, Proposal)
    assert answer.bids[Dial.MIN_REPLICAS].want == case["expect"]
