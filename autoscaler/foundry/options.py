"""What wiring hands in: plain typed values, checked where they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.core.options import check_options, meta
from autoscaler.foundry.secret import SecretSource

READ, WRITE = "api:models-read", "api:models-write"


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """Log in with a token as it is; for trials."""

    token: SecretSource


@dataclass(frozen=True, slots=True)
class ClientLogin:
    """Log in as a service user by OAuth2 client credentials. No scopes means all of them."""

    client_id: str
    client_secret: SecretSource
    scopes: tuple[str, ...] = (READ, WRITE)


Login = TokenLogin | ClientLogin


@dataclass(frozen=True, slots=True)
class PacingOptions:
    """How hard the platform may be asked. Its own limits are per service user: stay far below."""

    requests_per_second: float = field(
        default=1.0, metadata=meta("sustained rate of requests", unit="1/s", gt=0, le=1000)
    )
    burst: int = field(default=5, metadata=meta("requests at once after a quiet time", ge=1))
    concurrency: int = field(default=2, metadata=meta("requests under way at once", ge=1))
    attempts: int = field(default=4, metadata=meta("of a read, the first included", ge=1, le=20))
    backoff_base_s: float = field(
        default=0.25, metadata=meta("the first retry waits up to this", unit="s", gt=0)
    )
    backoff_cap_s: float = field(
        default=30.0, metadata=meta("no retry waits longer than this", unit="s", gt=0)
    )
    breaker_failures: int = field(
        default=5, metadata=meta("failures in a row that open the breaker", ge=1)
    )
    breaker_open_s: float = field(
        default=30.0, metadata=meta("rest before one probe is let through", unit="s", gt=0)
    )
    max_wait_s: float = field(
        default=30.0, metadata=meta("longest wait of one request for its turn", unit="s", ge=0)
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True)
class FoundryOptions:
    """Where the platform is and how long to wait for it. Deadlines are total, in seconds."""

    url: str
    ca_file: Path | None = None
    preview: bool = True
    read_timeout_s: float = field(
        default=10.0, metadata=meta("deadline of a read or token request", unit="s", gt=0)
    )
    write_timeout_s: float = field(
        default=4.0, metadata=meta("deadline of the one PUT", unit="s", gt=0)
    )
    largest_answer: int = field(
        default=5 * 1024 * 1024, metadata=meta("bytes read of one answer", ge=1024)
    )
    pacing: PacingOptions = field(default_factory=PacingOptions)

    def __post_init__(self) -> None:
        check_options(self)
