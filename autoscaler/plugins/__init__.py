"""Policies, sources and guards by name: found, checked against their own fields, assembled."""

from __future__ import annotations

from autoscaler.plugins.assemble import assemble, build_sources, check
from autoscaler.plugins.registry import PluginError, policy_types, source_kinds
from autoscaler.plugins.schema import json_schema, schema_text

__all__ = [
    "PluginError",
    "assemble",
    "build_sources",
    "check",
    "json_schema",
    "policy_types",
    "schema_text",
    "source_kinds",
]
