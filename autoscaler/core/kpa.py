"""The arithmetic of Knative's pod autoscaler (KPA), as pure functions.

Source of the rules: knative/serving, pkg/autoscaler/scaling/autoscaler.go and
pkg/autoscaler/aggregation (2025), described in its documentation under "Autoscaling".
Times are Unix seconds, windows are counted in buckets of equal width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.core.hpa import MOST_REPLICAS, whole

# --- windows of buckets ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Buckets:
    """Values by bucket number, of one unbroken stretch: no gap in it is a window long."""

    values: Mapping[int, float]
    first: int
    last: int


def bucketed(
    times: Sequence[float], values: Sequence[float], width_s: float, *, sums: bool
) -> list[tuple[int, float]]:
    """Samples by the number of their bucket, oldest first; one bucket's are summed or averaged."""
    grouped: dict[int, list[float]] = {}
    for at, value in zip(times, values, strict=True):
        grouped.setdefault(math.floor(at / width_s), []).append(value)
    return [
        (bucket, sum(found) if sums else sum(v / len(found) for v in found))
        for bucket, found in sorted(grouped.items())
    ]


def stretches(samples: Iterable[tuple[int, float]], size: int, *, hold: bool) -> Iterator[Buckets]:
    """What was known after each sample; a gap of `size` buckets begins a new stretch.

    Shorter gaps are left empty, which counts as zero, or hold the value before them. The values
    are shared between the answers: only those from `first` to `last` belong to each.
    """
    known: dict[int, float] = {}
    first = last = 0
    for bucket, value in samples:
        if known and bucket - last >= size:
            known = {}
        if not known:
            first = bucket
        elif hold:
            known.update(dict.fromkeys(range(last + 1, bucket), known[last]))
        known[bucket] = value
        last = bucket
        yield Buckets(known, first, last)


def held_until(buckets: Buckets, now: int, size: int) -> Buckets:
    """The last value held up to bucket `now`, for less than a window of `size` buckets."""
    last = max(buckets.last, min(now, buckets.last + size - 1))
    held = dict.fromkeys(range(buckets.last + 1, last + 1), buckets.values[buckets.last])
    return Buckets({**buckets.values, **held}, buckets.first, last)


def linear_average(buckets: Buckets, now: int, size: int) -> float:
    """The mean of the window of `size` buckets that ends at bucket `now`, to 6 digits.

    It divides by the buckets since the first one, at most by those of the window that do not
    lie behind the last write: silence neither raises nor lowers it until the window is empty.
    """
    idle = max(0, now - buckets.last)
    if idle >= size:
        return 0.0
    newest = max(now, buckets.last)
    inside = range(newest - size + 1, buckets.last + 1)
    total = sum(buckets.values.get(bucket, 0.0) for bucket in inside)
    mean: float = total / min(buckets.last - buckets.first + 1, size - idle)
    return round(mean, 6)


def decay(size: int) -> float:
    """The share of the newest bucket so that `size` of them weigh 99.99 %; at least 0.2."""
    return max(1 - math.pow(1 - 0.9999, 1 / size), 0.2)


def weighted_average(buckets: Buckets, now: int, size: int) -> float:
    """The exponentially weighted mean of the window that ends at `now`; empty buckets are zero."""
    newest, share = max(now, buckets.last), decay(size)
    weights = (share * math.pow(1 - share, age) for age in range(size))
    return sum(buckets.values.get(newest - age, 0.0) * w for age, w in enumerate(weights))


def window_max(points: Iterable[tuple[float, int]], window_s: float, width_s: float) -> int:
    """The highest value of the last `window_s`, in buckets of `width_s`, up to the last point."""
    numbered = [(math.floor(at / width_s), value) for at, value in points]
    size = math.ceil(window_s / width_s)
    last = numbered[-1][0]
    return max(value for bucket, value in numbered if last - bucket < size)


# --- one look --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kpa:
    """The numbers of one look. `target` is what one replica should work on, requests."""

    target: float
    max_up: float = 1000.0
    max_down: float = 2.0
    panic_threshold: float = 2.0
    stable_window_s: float = 60.0
    activation_scale: int = 0
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class Panic:
    """Since when there is panic (Unix seconds, None: calm), and the most it has asked for."""

    since: float | None = None
    most: int = 0


CALM = Panic()


def kpa_step(
    kpa: Kpa, panic: Panic, at: float, ready: int, stable: float, surge: float
) -> tuple[Panic, int]:
    """One look: the panic after it and the replicas it asks for, before any scale-down delay.

    `stable` and `surge` are the averages of the long and the short window, requests.
    """
    base = max(1, ready)
    most = whole(kpa.max_up * base)
    least = math.floor(base / kpa.max_down) if kpa.reachable else 0
    wishes = (whole(stable / kpa.target), whole(surge / kpa.target))
    # The rates bound what the windows ask for; the way up wins where they cross.
    calm, alarmed = (
        max(min(max(wish, least), most), kpa.activation_scale if wish else 0) for wish in wishes
    )
    if wishes[1] / base >= kpa.panic_threshold:
        panic = Panic(at, panic.most)
    elif panic.since is not None and panic.since + kpa.stable_window_s < at:
        panic = CALM
    if panic.since is None:
        return panic, calm
    panic = Panic(panic.since, max(panic.most, calm, alarmed))
    return panic, panic.most


def excess_burst_capacity(ready: int, capacity: float, burst: float, surge: float) -> int:
    """How many requests above `surge` plus a burst find room; negative: how many do not.

    `capacity` is what one replica works on at most. A burst of 0 asks for nothing (0), a
    negative one is unlimited (-1).
    """
    if burst == 0:
        return 0
    if burst < 0:
        return -1
    return math.floor(max(-MOST_REPLICAS, min(ready * capacity - burst - surge, MOST_REPLICAS)))
