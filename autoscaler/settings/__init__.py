"""The configuration: YAML, environment and secret files in; frozen settings or all problems out."""

from __future__ import annotations

from autoscaler.settings.load import Settings, examine, load, read_tree, watch_files
from autoscaler.settings.problem import ConfigError, Fault, Problem
from autoscaler.settings.secrecy import read_secret
from autoscaler.settings.sections import Auth, Journal, Log, Pacing, Platform, Plugins
from autoscaler.settings.tree import Tree
from autoscaler.settings.web import Oidc, Tls, Web

__all__ = [
    "Auth",
    "ConfigError",
    "Fault",
    "Journal",
    "Log",
    "Oidc",
    "Pacing",
    "Platform",
    "Plugins",
    "Problem",
    "Settings",
    "Tls",
    "Tree",
    "Web",
    "examine",
    "load",
    "read_secret",
    "read_tree",
    "watch_files",
]
