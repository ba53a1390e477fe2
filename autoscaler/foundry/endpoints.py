"""Addresses on the platform, made safely."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

from yarl import URL

from autoscaler.foundry.errors import InvalidRid

# The pattern that the platform's own SDK (1.111) checks before it asks.
_RID = re.compile(
    r"ri\.[a-z][a-z0-9-]*\.([a-z0-9][a-z0-9\-]*)?\.[a-z][a-z0-9-]*\.[a-zA-Z0-9._-]+", re.ASCII
)
_DEPLOYMENTS = "/api/v2/models/liveDeployments"
_TOKEN = "/multipass/api/oauth2/token"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All addresses that are ever asked; each begins with the one configured origin."""

    base: str
    preview: bool

    def token(self) -> URL:
        """Where tokens come from."""
        return URL(self.base + _TOKEN, encoded=True)

    def deployment(self, rid: str) -> URL:
        """One live deployment. Raises InvalidRid."""
        query = "?preview=true" if self.preview else ""
        return URL(f"{self.base}{_DEPLOYMENTS}/{quote(checked(rid), safe='')}{query}", encoded=True)

    def deployments(self, model_rid: str, branch: str | None) -> URL:
        """The live deployments of a model. Raises InvalidRid."""
        query = "?modelRid=" + quote(checked(model_rid), safe="")
        query += "" if branch is None else "&branch=" + quote(branch, safe="")
        query += "&preview=true" if self.preview else ""
        return URL(self.base + _DEPLOYMENTS + query, encoded=True)


def endpoints(url: str, *, preview: bool) -> Endpoints:
    """The endpoints below `url`. Raises ValueError unless it is https, or http to loopback."""
    found = URL(url)
    if found.scheme not in {"https", "http"} or not found.host:
        raise ValueError(f"url must begin with https:// and name a host, got {_shown(found)!r}")
    if found.scheme == "http" and not is_loopback(found.host):
        raise ValueError(
            f"url must use https, since a token goes there; http is for loopback addresses, "
            f"got {_shown(found)!r}"
        )
    if found.user or found.password or found.query_string or found.fragment:
        raise ValueError(
            f"url must be a plain origin without user, query or fragment, got {_shown(found)!r}"
        )
    return Endpoints(str(found).rstrip("/"), preview)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked(rid: str) -> str:
    """The RID itself. Raises InvalidRid."""
    if not _RID.fullmatch(rid):
        raise InvalidRid(f"a RID must look like ri.service.instance.type.id, got {rid[:100]!r}")
    return rid


def _shown(url: URL) -> str:
    # A password in a URL is a mistake that must not be repeated in the message about it.
    return f"{url.scheme}://{url.host or ''}"
