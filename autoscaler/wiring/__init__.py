"""The composition root: settings in, a running daemon out. It alone knows every room."""

from __future__ import annotations

from autoscaler.wiring.inspect import inspect, validate
from autoscaler.wiring.scopes import NotManaged
from autoscaler.wiring.serve import Running, logging_for, serve, start
from autoscaler.wiring.store import last_decision, recorded_decision

__all__ = [
    "NotManaged",
    "Running",
    "inspect",
    "last_decision",
    "logging_for",
    "recorded_decision",
    "serve",
    "start",
    "validate",
]
