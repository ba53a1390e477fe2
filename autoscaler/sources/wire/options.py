"""The options of every source that is asked over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from autoscaler.core.options import check_options, meta
from autoscaler.outbound.address import is_loopback

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "accept-encoding", "accept"}
)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Where to ask, with which credentials, and how long and how large an answer may be."""

    url: str = field(metadata=meta("where to ask; credentials go to this origin alone"))
    timeout_s: float = field(
        default=3.0, metadata=meta("total deadline of one query", unit="s", gt=0, le=60)
    )
    token_file: str = field(
        default="",
        metadata=meta("file with a bearer token (with `username`: a password), read per query"),
    )
    username: str = field(
        default="", metadata=meta("user of HTTP basic authentication; needs `token_file`")
    )
    ca_file: str = field(
        default="", metadata=meta("PEM file of a private CA; verification cannot be switched off")
    )
    headers: Mapping[str, str] = field(
        default_factory=dict, metadata=meta("further request headers; not for secrets")
    )
    max_bytes: int = field(
        default=10_000_000,
        metadata=meta("a larger answer is refused", unit="bytes", ge=1_000, le=1_000_000_000),
    )
    max_series: int = field(
        default=50_000, metadata=meta("an answer of more series is refused", ge=1, le=1_000_000)
    )
    allow_link_local: bool = field(
        default=False, metadata=meta("connect to link-local addresses too (169.254.0.0/16)")
    )
    allow_http_token: bool = field(
        default=False,
        metadata=meta("send the token over plain http too, as under a mesh that encrypts"),
    )

    def __post_init__(self) -> None:
        check_options(self)
        self._check_secrets(_checked_url(self.url))
        for name, value in self.headers.items():
            _check_header(name, value)

    def _check_secrets(self, url: SplitResult) -> None:
        if self.username and not self.token_file:
            raise ValueError(f"username {self.username!r} needs a token_file with its password")
        if not self.token_file or url.scheme == "https" or self.allow_http_token:
            return
        if not is_loopback(url.hostname or ""):
            raise ValueError(
                f"url must be https when a token_file is given, got {self.url!r} "
                "(allow_http_token: true where the network itself encrypts)"
            )


def _checked_url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ValueError("url must be a legal URL with a legal port") from None
    if url.username is not None or url.password is not None:
        # The value is not repeated: it holds a password.
        raise ValueError("url must not hold credentials: use username and token_file")
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError(f"url must be http(s)://host..., got {text!r}")
    if url.fragment:
        raise ValueError(f"url must not have a fragment, got {text!r}")
    return url


def _check_header(name: str, value: str) -> None:
    lowered = name.lower()
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"headers: a name must be an HTTP token, got {name!r}")
    if lowered in _SECRET_HEADERS:
        raise ValueError(f"headers: {name} is a secret and belongs in token_file")
    if lowered in _OWN_HEADERS:
        raise ValueError(f"headers: {name} is set by the source itself")
    if not value.isprintable():
        raise ValueError(f"headers: the value of {name} must be printable, on one line")
