"""The contract on every policy that is found, each with the options of its example."""

from __future__ import annotations

import os
from typing import Any

import pytest

from autoscaler.lab.docs.examples import examples, managed
from autoscaler.plugins import policy_types
from autoscaler.testing import PolicyContract, built

TYPES = policy_types()
# In CI every promise is tried twice as often as at a desk: there are twelve policies.
EXAMPLES = 40 if os.environ.get("CI") == "true" else 20


def variants(name: str) -> list[Any]:
    """The policies that the contract runs on: the example's own, and what else its entry names."""
    if name not in examples():
        return [built(name)]
    example = examples()[name]
    own = [entry.policy for entry in managed(example).policies]
    return own + [built(name, **options) for options in example.more]


def waits(policy: Any) -> bool:
    """Whether a wish must last: then more load earlier can mean less now.

    The raise was due earlier, somebody took it back since, and a new wish has to last anew.
    """
    return bool(getattr(policy, "raise_after_s", 0) or getattr(policy, "lower_after_s", 0))


def contract(name: str, policy: Any) -> type[PolicyContract]:
    promises = examples()[name].promises if name in examples() else {}
    parts = {"policy": policy, "examples": EXAMPLES, **promises}
    rises = tuple(each for each in parts.get("rises_with", ()) if each in policy.needs)
    if waits(policy):
        rises = ()
    return type(f"Test_{name}", (PolicyContract,), {**parts, "rises_with": rises})


for _name in TYPES:
    for _place, _policy in enumerate(variants(_name)):
        globals()[f"Test_{_name}_{_place}"] = contract(_name, _policy)


@pytest.mark.parametrize("name", TYPES)
def test_every_policy_has_an_example(name: str) -> None:
    assert name in examples(), "describe it in autoscaler/lab/docs/examples.yaml"


def test_every_example_is_that_of_a_policy() -> None:
    assert set(examples()) == set(TYPES)
