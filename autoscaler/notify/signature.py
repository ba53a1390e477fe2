"""Standard Webhooks 1.0: who sent a webhook, when, and that nobody changed it.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
LEAST, MOST = 24, 64
RULE = f"must be {PREFIX} and the base64 of {LEAST}..{MOST} random bytes"


def key_of(secret: str) -> bytes:
    """The key in a secret as it is written. Raises ValueError, which does not repeat it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not LEAST <= len(key) <= MOST:
        raise ValueError(f"a webhook's secret {RULE}")
    return key


def signed(ident: str, at: float, body: bytes, key: bytes) -> dict[str, str]:
    """The three headers for a body that is sent at `at` (Unix seconds)."""
    stamp = str(int(at))
    content = b".".join((ident.encode("ascii"), stamp.encode("ascii"), body))
    mark = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode("ascii")
    return {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": f"v1,{mark}"}
