"""Policies, sources and guards by name: found, checked against their own fields, assembled."""

from __future__ import annotations

from autoscaler.plugins.assemble import assemble, build_sources, check
from autoscaler.plugins.registry import PluginError, policy_types, source_kinds

__all__ = [
    "PluginError",
    "assemble",
    "build_sources",
    "check",
    "policy_types",
    "source_kinds",
]
