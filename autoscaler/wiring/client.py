"""A reader of a running daemon's API, for commands: ETags, a token, events. No dependencies."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

TIMEOUT_S = 5.0
# The daemon sends a sign of life every 15 s; three missing ones mean that it is gone.
STREAM_S = 45.0
NOT_MODIFIED = 304
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404


class Unreachable(Exception):  # noqa: N818 - it reads as what it is
    """The daemon does not answer; the text says where and what to do."""


class Refused(Exception):  # noqa: N818 - it reads as what it is
    """The daemon answered, and not with what was asked for."""


class Unknown(Refused):
    """There is no such deployment or decision."""


@dataclass(slots=True)
class Api:
    """`url` without a path, such as http://127.0.0.1:9464; `token` empty for none."""

    url: str
    token: str = ""
    _kept: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def get(self, path: str, **query: object) -> Any:
        """The JSON at a path of /api/v1; the kept one when it has not changed.

        Raises Unreachable, Refused, Unknown.
        """
        given = {name: value for name, value in query.items() if value not in {None, ""}}
        where = f"/api/v1{path}" + (f"?{urlencode(given)}" if given else "")
        tag, kept = self._kept.get(where, ("", None))
        more = {"If-None-Match": tag} if tag else {}
        try:
            with self._open(where, more, TIMEOUT_S) as answer:
                found, new = json.loads(answer.read()), answer.headers.get("ETag", "")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == NOT_MODIFIED:
                    return kept
                raise self._refusal(error) from error
        except (OSError, ValueError) as error:
            raise self._silent(error) from error
        if new:
            self._kept[where] = new, found
        return found

    def events(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What happens from now on, by name; ends when the stream ends. Raises as `get`."""
        try:
            with self._open("/api/v1/events", {"Accept": "text/event-stream"}, STREAM_S) as stream:
                yield from parsed(line.decode("utf-8", "replace") for line in stream)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from error
        except (OSError, ValueError) as error:
            raise self._silent(error) from error

    def _open(self, where: str, headers: Mapping[str, str], timeout: float) -> Any:
        if not self.url.startswith(("http://", "https://")):
            raise Refused(f"the URL must begin with http:// or https://, got {self.url!r}")
        request = urllib.request.Request(self.url.rstrip("/") + where, headers=dict(headers))  # noqa: S310 - checked above
        if self.token:
            # Not passed on when the server redirects.
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        # Proxies are not used: the daemon is near, and the token is for it alone.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=timeout)

    def _refusal(self, error: urllib.error.HTTPError) -> Refused:
        text = _detail(error)
        if error.code in {UNAUTHORIZED, FORBIDDEN}:
            return Refused(f"{self.url} wants a token ({text}): give --token-file")
        return Unknown(text) if error.code == NOT_FOUND else Refused(f"{self.url}: {text}")

    def _silent(self, error: Exception) -> Unreachable:
        why = getattr(error, "reason", error)
        return Unreachable(
            f"no daemon answers at {self.url} ({why}): is it running, and is this its address? "
            "(--url, or --config for web.listen)"
        )


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        found = json.loads(error.read(65_536))
        return str(found.get("detail") or found.get("title"))
    except (OSError, ValueError, AttributeError):
        return f"HTTP {error.code}"


def parsed(lines: Iterator[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Server-sent events out of lines, by name; what is no JSON is left out."""
    name, data = "message", ""
    for raw in lines:
        line = raw.rstrip("\r\n")
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()
        elif not line:
            if data:
                with suppress(ValueError):
                    yield name, json.loads(data)
            name, data = "message", ""
