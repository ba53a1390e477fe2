"""Decisions as the API's JSON: rows for the fleet, everything for one. Pure.

Times are Unix seconds. What is not known is null, never zero. Parts of the results are shared
between rows: they are to be written out, never changed.
"""

from __future__ import annotations

from autoscaler.web.view.detail import Known, detail
from autoscaler.web.view.rows import Row, attention, row, waiting
from autoscaler.web.view.status import status
from autoscaler.web.view.words import Stored, applying, override_json

__all__ = [
    "Known",
    "Row",
    "Stored",
    "applying",
    "attention",
    "detail",
    "override_json",
    "row",
    "status",
    "waiting",
]
