"""`notify`: who is told of what, and how."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from autoscaler.settings.shape import FileName, Seconds, Shape, Texts, pattern_schema

TopicName = Literal[
    "applied",
    "refused",
    "failing",
    "blind",
    "policy_crashed",
    "fleet_alarm",
    "breaker_open",
    "reload_failed",
    "override_added",
    "override_ended",
    "override_expiring",
    "started",
    "stopped",
]


def _receiver(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if parts.scheme not in {"http", "https"} or not host or parts.fragment:
        raise ValueError("must be http(s)://host/path")
    if "@" in parts.netloc:
        raise ValueError("must not hold credentials: use token_file or url_file")
    return value


ReceiverUrl = Annotated[str, AfterValidator(_receiver), pattern_schema("^https?://")]


class SinkShape(Shape):
    """One receiver of notifications."""

    format: Literal["cloudevents", "slack", "json"] = "json"
    """Shape of a message: cloudevents (CloudEvents 1.0, structured), slack, or json."""
    url: ReceiverUrl | None = None
    """Where messages are posted."""
    url_file: FileName | None = None
    """File with the URL, where the URL itself is a secret, as Slack's is; read at each post."""
    secret_file: FileName | None = None
    """File with a Standard Webhooks secret (whsec_...): messages are signed with it."""
    token_file: FileName | None = None
    """File with a bearer token that is sent along."""
    kinds: Annotated[tuple[TopicName, ...], Field(strict=False)] = ()
    """What to be told of; everything when left out."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """The least severity that is told."""
    groups: Texts = ()
    """Groups to be told of, as patterns; all when left out."""
    deployments: Texts = ()
    """Deployments to be told of, as patterns; all when left out."""
    wait: Seconds = Field(default=10.0, ge=0, le=3600)
    """How long the first news of a kind waits for others, to make one message of them."""
    interval: Seconds = Field(default=300.0, ge=1, le=86_400)
    """The least time between two messages of one kind."""
    timeout: Seconds = Field(default=10.0, gt=0, le=60)
    """Total deadline of one post."""
    ca_file: FileName | None = None
    """PEM file of a private CA; verification cannot be switched off."""
    allow_private: bool = True
    """Post to private and loopback addresses too; link-local ones are always refused."""

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("must name either url or url_file")
        if self.token_file is not None and self.url is not None:
            _ = _safe_for_token(self.url)
        return self


def _safe_for_token(url: str) -> str:
    host = urlsplit(url).hostname or ""
    if not url.startswith("https://") and host not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("url must begin with https:// when a token_file is given")
    return url
