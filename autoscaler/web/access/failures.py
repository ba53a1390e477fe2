"""How often an address may give a wrong token."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# Ten wrong tokens at once, then one in six seconds.
MOST = 10
REFILL_S = 6.0
ADDRESSES = 4_096


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Failures:
    """A bucket of failures per client address; an IPv6 client counts by its /64.

    A bounded number of addresses is remembered; the one that failed longest ago goes first.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """Whole seconds until this address may try again; 0: now."""
        bucket = self._buckets.get(_key(address))
        if bucket is None:
            return 0
        left = self._refilled(bucket)
        return 0 if left >= 1 else math.ceil((1 - left) * REFILL_S)

    def failed(self, address: str) -> None:
        """A wrong token came from here."""
        key = _key(address)
        bucket = self._buckets.pop(key, None) or _Bucket(float(MOST), self._now())
        self._buckets[key] = _Bucket(max(0.0, self._refilled(bucket) - 1), self._now())
        while len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)

    def _refilled(self, bucket: _Bucket) -> float:
        return min(float(MOST), bucket.left + (self._now() - bucket.at) / REFILL_S)


def _key(address: str) -> str:
    if ":" not in address:
        return address
    import ipaddress

    try:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    except ValueError:
        return address
