"""How loads and envelopes went: minutes in memory, tens of minutes in the journal."""

from __future__ import annotations

from autoscaler.runtime.history.recorder import Fine, Recorder
from autoscaler.runtime.history.track import Point, Track

__all__ = ["Fine", "Point", "Recorder", "Track"]
