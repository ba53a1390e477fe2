"""Policies as a configuration builds them: by name, their options checked."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

from autoscaler.core.proposal import Policy
from autoscaler.plugins.options import build_options
from autoscaler.plugins.registry import Registry
from autoscaler.settings.problem import dotted, one_of, show


def built(name: str, directory: Path | str | None = None, **options: object) -> Policy:
    """The policy `name` with options as YAML would give them ("5m" for seconds).

    `directory` holds further policies, as `plugins.directories` does. Raises LookupError for an
    unknown name and ValueError for options that the policy refuses, each with its rule.
    """
    registry = Registry([] if directory is None else [str(directory)])
    known = registry.policies()
    if name not in known:
        raise LookupError(f"no policy is called {name!r}; there are: {one_of(known)}")
    found = build_options(registry.policy(name), options)
    if found.faults:
        told = [f"{dotted(f.path)} {f.rule}, got {show(f.value)}" for f in found.faults]
        raise ValueError(f"policy {name}: " + "; ".join(told))
    return cast("Policy", found.value)


def again(policy: Policy) -> Policy:
    """An equal policy that is another object, so that nothing kept in the first one counts."""
    return dataclasses.replace(policy)  # type: ignore[type-var]  # every policy is a dataclass
