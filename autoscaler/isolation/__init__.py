"""Policies that are not trusted, each kind evaluated in a process of its own, under limits."""

from __future__ import annotations

from autoscaler.isolation.order import Order
from autoscaler.isolation.pool import Pool

__all__ = ["Order", "Pool"]
