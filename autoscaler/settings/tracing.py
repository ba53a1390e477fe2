"""`tracing`: where the steps of ticks are sent."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from autoscaler.settings.shape import FileName, Seconds, Shape, is_loopback, pattern_schema


def _collector(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        raise ValueError("must be http(s)://host[:port]/path, as http://127.0.0.1:4318/v1/traces")
    return value


class Tracing(Shape):
    """Traces of ticks by OpenTelemetry; needs the extra `otel`."""

    url: Annotated[str, AfterValidator(_collector), pattern_schema("^https?://")]
    """The collector's OTLP/HTTP endpoint for traces, such as http://127.0.0.1:4318/v1/traces."""
    sample: float = Field(default=1.0, gt=0, le=1)
    """The share of ticks that are traced."""
    token_file: FileName | None = None
    """File with a bearer token that is sent along, read at the start."""
    ca_file: FileName | None = None
    """PEM file of a private CA; verification cannot be switched off."""
    timeout: Seconds = Field(default=5.0, gt=0, le=60)
    """Total deadline of one export."""
    queue: int = Field(default=2048, ge=1, le=100_000)
    """Steps that wait to be sent; beyond them the oldest are dropped."""
    service: str = Field(default="foundry-autoscaler", min_length=1, max_length=120)
    """The service's name in traces."""

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(self.url)
        if self.token_file and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ValueError("url must begin with https:// when a token_file is given")
        return self
