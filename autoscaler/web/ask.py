"""Asking a running daemon over its own loopback address."""

from __future__ import annotations

import urllib.error
import urllib.request


class Silence(Exception):  # noqa: N818 - it reads as what it is
    """Nobody answered, or not with a success."""


def ask(url: str, timeout: float = 2.0) -> bytes:
    """The body of a GET. Proxies are never used: the daemon is on this machine."""
    if not url.startswith(("http://", "https://")):
        raise Silence(f"url must begin with http:// or https://, got {url!r}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise Silence(f"{url} answered {error.code}") from error
    except (OSError, ValueError) as error:
        raise Silence(f"{url} does not answer") from error
