"""The gateway before the platform: what it counted, and its page in Prometheus' text format.

Format: prometheus.io/docs/instrumenting/exposition_formats, text version 0.0.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
CODES = ("200", "400", "429", "503", "504")


class Gateway:
    """Counters of one deployment's callers. Shares of a request add up and are shown floored."""

    __slots__ = ("_buckets", "_count", "_sum", "codes", "queued", "running")

    def __init__(self) -> None:
        self.running = 0.0
        self.queued = 0.0
        self.codes: dict[str, float] = dict.fromkeys(CODES, 0.0)
        self._buckets = [0.0] * len(BUCKETS_S)
        self._count = 0.0
        self._sum = 0.0

    @property
    def in_flight(self) -> float:
        """Requests that are in work or wait: the demand, which no full replica can hide."""
        return self.running + self.queued

    def call(self, code: str, seconds: float) -> None:
        """Count one request that took `seconds`."""
        self.codes[code] = self.codes.get(code, 0.0) + 1
        self._count += 1
        self._sum += seconds
        for index, bound in enumerate(BUCKETS_S):
            if seconds <= bound:
                self._buckets[index] += 1

    def flow(self, code: str, requests: float, mean_s: float) -> None:
        """Count `requests`, any share of one included, of exponential length around `mean_s`."""
        if requests <= 0:
            return
        self.codes[code] = self.codes.get(code, 0.0) + requests
        self._count += requests
        self._sum += requests * mean_s
        for index, bound in enumerate(BUCKETS_S):
            within = 1.0 if mean_s <= 0 else -math.expm1(-bound / mean_s)
            self._buckets[index] += requests * within

    @property
    def buckets(self) -> Sequence[tuple[str, float]]:
        """Cumulative histogram buckets: upper bound and count."""
        bounds = [f"{bound:g}" for bound in BUCKETS_S]
        return [*zip(bounds, self._buckets, strict=True), ("+Inf", self._count)]

    @property
    def seconds(self) -> float:
        """Sum of all durations."""
        return self._sum


def exposition(gateways: Iterable[tuple[str, str, Gateway]]) -> str:
    """The page for (deployment name, rid, counters) of every deployment."""
    found = [(_labels(deployment=name, rid=rid), gateway) for name, rid, gateway in gateways]
    lines: list[str] = []
    for metric, doc, attribute in (
        ("foundry_gateway_running_jobs", "Requests that replicas work on now.", "running"),
        ("foundry_gateway_queued_jobs", "Requests that wait for a replica now.", "queued"),
        ("foundry_gateway_in_flight_jobs", "Requests in work or waiting now.", "in_flight"),
    ):
        lines += _head(metric, "gauge", doc)
        lines += [f"{metric}{{{labels}}} {getattr(g, attribute):.10g}" for labels, g in found]
    metric = "foundry_gateway_requests_total"
    lines += _head(metric, "counter", "Finished requests by HTTP status code.")
    for labels, gateway in found:
        for code, count in sorted(gateway.codes.items()):
            lines.append(f'{metric}{{{labels},code="{code}"}} {math.floor(count)}')
    metric = "foundry_gateway_request_duration_seconds"
    lines += _head(metric, "histogram", "Time from a request's arrival to its answer.")
    for labels, gateway in found:
        for bound, count in gateway.buckets:
            lines.append(f'{metric}_bucket{{{labels},le="{bound}"}} {math.floor(count)}')
        lines.append(f"{metric}_sum{{{labels}}} {gateway.seconds:.10g}")
        lines.append(f"{metric}_count{{{labels}}} {math.floor(gateway.buckets[-1][1])}")
    return "\n".join(lines) + "\n"


def _head(metric: str, kind: str, doc: str) -> list[str]:
    return [f"# HELP {metric} {doc}", f"# TYPE {metric} {kind}"]


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())


_ESCAPES: Mapping[int, str] = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
