"""How many series the catalogue allows: known before the first scrape, whatever happens."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from autoscaler.telemetry.catalogue import NAMED, Metric, Scope, Type

# Metrics of which one series per deployment is 1 at basic detail, and the others are left out.
ONE_HOT = frozenset({"deployment_state", "deployment_mode", "deployment_limited_by"})


def most(metrics: Iterable[Metric], named: Mapping[str, int], *, full: bool = True) -> int:
    """The most series that these metrics can have.

    `named` says how many values the configuration gives each label (one when left out);
    `full` is whether everything is told of each deployment.
    """
    return sum(_of(metric, named, full=full) for metric in metrics)


def _of(metric: Metric, named: Mapping[str, int], *, full: bool) -> int:
    if metric.scope is Scope.FULL and not full:
        return 0
    closed = [len(values) for values in metric.labels.values() if values != NAMED]
    counts = [named.get(label, 1) for label, values in metric.labels.items() if values == NAMED]
    one_hot = metric.name in ONE_HOT and not full
    # A histogram has its buckets, the one without an end, the sum and the count.
    each = len(metric.buckets) + 3 if metric.type is Type.HISTOGRAM else 1
    return each * math.prod(counts) * (1 if one_hot else math.prod(closed))
