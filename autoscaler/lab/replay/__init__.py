"""Recorded decisions made again by another configuration: what would have been different, why."""

from autoscaler.lab.replay.again import Compared, Difference, Verdict, again
from autoscaler.lab.replay.report import text, tree
from autoscaler.lab.replay.roster import Roster
from autoscaler.lab.replay.run import replay, take
from autoscaler.lab.replay.summary import Row, Summary

__all__ = [
    "Compared",
    "Difference",
    "Roster",
    "Row",
    "Summary",
    "Verdict",
    "again",
    "replay",
    "take",
    "text",
    "tree",
]
