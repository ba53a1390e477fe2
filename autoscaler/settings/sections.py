"""The daemon's own sections: the platform, the journal, the log, plug-ins."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic.json_schema import SkipJsonSchema

from autoscaler.settings.secrecy import read_secret
from autoscaler.settings.shape import FileName, HttpsUrl, Seconds, Shape, Texts, pattern_schema

_JOURNAL = "^(sqlite:///|postgres(ql)?://)."
# Only the environment fills these; the file names a `*_file`.
FromEnvironment = SkipJsonSchema[SecretStr | None]


class Auth(Shape):
    """Who the daemon is: a service user (`client_id` and its secret) or a static token."""

    client_id: str | None = Field(default=None, min_length=1, max_length=256)
    """OAuth2 client credentials: the service user's client id."""
    client_secret: FromEnvironment = None
    client_secret_file: FileName | None = None
    """File with the client secret, read anew whenever a token is fetched."""
    scopes: Texts = ("api:models-read", "api:models-write")
    """OAuth2 scopes to ask for."""
    token: FromEnvironment = None
    token_file: FileName | None = None
    """File with a static token, for trials; read anew when it is refused."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        static = self.token is not None or self.token_file is not None
        secret = self.client_secret is not None or self.client_secret_file is not None
        if self.client_id is not None and static:
            raise ValueError("must name either client_id or a token, not both")
        if self.client_id is not None and not secret:
            raise ValueError("client_id needs client_secret_file or the secret's variable")
        if self.client_id is None and not static:
            raise ValueError("must name client_id and client_secret_file, or token_file")
        return self

    def current(self) -> SecretStr:
        """The client secret, or the token when there is no `client_id`, as it is now.

        The environment beats a file; a file is read at each call. Raises ConfigError.
        """
        given, file = self.token, self.token_file
        if self.client_id is not None:
            given, file = self.client_secret, self.client_secret_file
        return given if given is not None else read_secret(file or "")


class Timeouts(Shape):
    """Deadlines of whole requests, answers included."""

    read: Seconds = Field(default=10.0, gt=0, le=300)
    """Total deadline of a GET, seconds or a duration."""
    write: Seconds = Field(default=4.0, gt=0, le=300)
    """Total deadline of the PUT, seconds or a duration."""


class Backoff(Shape):
    """Full jitter: a wait is drawn from 0 to min(cap, base x 2^attempt)."""

    base: Seconds = Field(default=0.25, gt=0, le=60)
    """The first wait's upper end, seconds or a duration."""
    cap: Seconds = Field(default=30.0, gt=0, le=3600)
    """The upper end of every wait, seconds or a duration."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.cap < self.base:
            raise ValueError(f"cap {self.cap:g} s must be at least base {self.base:g} s")
        return self


class Breaker(Shape):
    """When the platform fails, stop asking for a while."""

    failures: int = Field(default=5, ge=1, le=1000)
    """Failures in a row that open it."""
    open_for: Seconds = Field(default=30.0, ge=1, le=3600)
    """How long it stays open, seconds or a duration."""


class Pacing(Shape):
    """How fast the platform may be asked. Its limit is per service user: stay far below."""

    requests_per_second: float = Field(default=1.0, gt=0, le=100)
    """Sustained rate of requests."""
    burst: int = Field(default=5, ge=1, le=1000)
    """Requests that may go at once after a quiet time."""
    concurrency: int = Field(default=2, ge=1, le=100)
    """Requests on their way at the same time."""
    attempts: int = Field(default=4, ge=1, le=20)
    """Attempts of a read; a PUT is never repeated blindly."""
    backoff: Backoff = Backoff()
    """Waits between attempts."""
    breaker: Breaker = Breaker()
    """When to stop asking."""


class Platform(Shape):
    """Foundry: where it is, who we are there, and how gently it is asked."""

    url: HttpsUrl
    """https://host; http is accepted for loopback addresses."""
    auth: Auth
    """Who the daemon is."""
    ca_file: FileName | None = None
    """PEM file of a private CA; verification cannot be switched off."""
    preview: bool = True
    """Send preview=true: the endpoints are in preview and ask for it."""
    timeouts: Timeouts = Timeouts()
    """Deadlines of requests."""
    self_fence: bool = True
    """A daemon that slept past a PUT's deadline is ended by the kernel (SIGALRM) before it can
    write; switch it off to halt the daemon in a debugger."""
    resync: Seconds = Field(default=300.0, ge=10, le=86_400)
    """Every deployment is re-read at least this often, jittered; seconds or a duration."""
    pacing: Pacing = Pacing()
    """How fast the platform may be asked."""


def _journal_url(value: str) -> str:
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    if re.fullmatch(r"postgres(?:ql)?://[^/\s]*[^/\s@]/[^\s?#]+(?:\?\S*)?", value):
        return value
    raise ValueError("must be sqlite:///path or postgresql://host/database")


class Journal(Shape):
    """The durable record of decisions."""

    url: Annotated[str, AfterValidator(_journal_url), pattern_schema(_JOURNAL)] = (
        "sqlite:///autoscaler.db"
    )
    """sqlite:///path, or postgresql://user@host/database for a server."""
    password: FromEnvironment = None
    password_file: FileName | None = None
    """File with the database's password."""
    keep: Seconds = Field(default=30 * 86_400.0, ge=3600, le=10 * 365 * 86_400)
    """Older decisions are deleted; seconds or a duration."""
    keep_rows: int = Field(default=1_000_000, ge=1000, le=1_000_000_000)
    """The oldest decisions beyond this number are deleted."""

    def current(self) -> SecretStr | None:
        """The password as it is now, None when none is set. Raises ConfigError."""
        if self.password is not None or self.password_file is None:
            return self.password
        return read_secret(self.password_file)


class Log(Shape):
    """What is written to standard output."""

    format: Literal["json", "console", "auto"] = "auto"
    """json, console, or auto (console on a terminal)."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severity that is written."""


class Controls(Shape):
    """How operators stop the daemon when nothing else works."""

    pause_file: FileName = "PAUSE"
    """While this file exists, nothing is written; its text is the reason. Relative to this file."""


class Isolation(Shape):
    """Limits of a process in which a policy is evaluated apart from the daemon."""

    deadline: Seconds = Field(default=1.0, ge=0.05, le=60)
    """One evaluation is stopped after so long, seconds or a duration."""
    cpu: Seconds = Field(default=1.0, ge=1, le=60)
    """CPU time of one evaluation, whole seconds or a duration."""
    memory_mib: int = Field(default=512, ge=64, le=65_536)
    """Address space, MiB; Python itself takes about 60 of it."""


class Quarantine(Shape):
    """A policy that took longer than `slow`, or was stopped, so often is left out for a while."""

    slow: Seconds = Field(default=0.5, ge=0.01, le=60)
    """An evaluation inside the daemon counts as too long from here on, seconds or a duration."""
    after: int = Field(default=3, ge=1, le=1000)
    """Too long so often within ten minutes: for one deployment there, for so many everywhere."""
    rest: Seconds = Field(default=300.0, ge=1, le=86_400)
    """How long it is left out at first, twice as long each time again, up to an hour."""


class Plugins(Shape):
    """Where else policies are found, beside the built-in ones and installed packages."""

    directories: Texts = ()
    """Directories of policy files; refused when everybody may write to them."""
    isolate: bool = False
    """Evaluate policies that did not come with the daemon in a process of their own."""
    isolation: Isolation = Isolation()
    """What such a process may use."""
    quarantine: Quarantine = Quarantine()
    """When a policy that takes too long is not asked any more, and for how long."""
