"""Settings to parts: the platform's client, the sources, the groups."""

from __future__ import annotations

import contextlib
import hashlib
import random
from pathlib import Path

from pydantic import SecretStr

from autoscaler.foundry import (
    ClientLogin,
    FileSecret,
    FixedSecret,
    FoundryOptions,
    FoundryPlatform,
    PacingOptions,
    TokenLogin,
)
from autoscaler.foundry.fence import UNFENCED, Fence
from autoscaler.isolation import Order, Pool
from autoscaler.plugins import assemble, build_sources
from autoscaler.ports import Clock, LastWord, PlatformWatch, SourceWatch, granted
from autoscaler.runtime.daemon import Parts
from autoscaler.runtime.quarantine import Patience
from autoscaler.settings import Auth, ConfigError, Pacing, Settings, read_secret
from autoscaler.settings.problem import Fault
from autoscaler.wiring.notices import secrets_of


def build(
    settings: Settings,
    platform_watch: PlatformWatch,
    source_watch: SourceWatch,
    clock: Clock,
    last_word: LastWord = granted,
    fence: Fence = UNFENCED,
) -> Parts:
    """Everything that one configuration asks for. Raises ConfigError; asks nobody anything.

    `last_word` is asked right before each PUT leaves; `fence` ends the process when it sleeps in
    between, unless the configuration says that it may.
    """
    groups = assemble(settings)
    sources = build_sources(settings, source_watch, clock)
    fence = fence if settings.platform.self_fence else UNFENCED
    platform = build_platform(settings, platform_watch, clock, last_word, fence)
    resync, write = settings.platform.resync, settings.platform.timeouts.write
    plugins = settings.plugins
    rules, limits = plugins.quarantine, plugins.isolation
    order = Order(
        directories=plugins.directories,
        deadline_s=limits.deadline,
        cpu_s=limits.cpu,
        memory_mib=limits.memory_mib,
    )
    return Parts(
        groups,
        platform,
        sources,
        resync,
        digest(settings),
        write,
        Patience(rules.slow, rules.after, rules.rest),
        Pool(order, clock),
    )


def build_platform(
    settings: Settings,
    watch: PlatformWatch,
    clock: Clock,
    last_word: LastWord,
    fence: Fence = UNFENCED,
) -> FoundryPlatform:
    """The platform's client. Raises ConfigError for a CA file that holds no certificate."""
    platform = settings.platform
    options = FoundryOptions(
        url=platform.url,
        ca_file=Path(platform.ca_file) if platform.ca_file else None,
        preview=platform.preview,
        read_timeout_s=platform.timeouts.read,
        write_timeout_s=platform.timeouts.write,
        pacing=_pacing(platform.pacing),
    )
    chance = random.Random()  # noqa: S311 - jitter, not secrets
    try:
        login = _login(platform.auth)
        return FoundryPlatform(options, login, clock, chance, watch, last_word, fence)
    except ValueError as problem:
        fault = Fault(("platform", "ca_file"), f"must be a PEM file: {problem}", platform.ca_file)
        raise ConfigError([settings.tree.problem(fault)]) from problem


def loaded_secrets(settings: Settings) -> list[str]:
    """Every secret that the configuration loads now, for hiding them by value."""
    found = [settings.platform.auth.current(), settings.journal.current()]
    secrets = [secret.get_secret_value() for secret in found if secret is not None]
    with contextlib.suppress(ConfigError, OSError):
        secrets += secrets_of(settings)
        if settings.tracing is not None and settings.tracing.token_file is not None:
            secrets.append(read_secret(settings.tracing.token_file).get_secret_value())
    for source in settings.sources.values():
        file = (source.model_extra or {}).get("token_file")
        if isinstance(file, str) and file:
            with contextlib.suppress(ConfigError, OSError):
                secrets.append(read_secret(file).get_secret_value())
    return secrets


def digest(settings: Settings) -> str:
    """A short mark of the configuration's file, to see which one is running."""
    return hashlib.sha256(settings.file.read_bytes()).hexdigest()[:12]


def _pacing(pacing: Pacing) -> PacingOptions:
    return PacingOptions(
        requests_per_second=pacing.requests_per_second,
        burst=pacing.burst,
        concurrency=pacing.concurrency,
        attempts=pacing.attempts,
        backoff_base_s=pacing.backoff.base,
        backoff_cap_s=pacing.backoff.cap,
        breaker_failures=pacing.breaker.failures,
        breaker_open_s=pacing.breaker.open_for,
    )


def _login(auth: Auth) -> ClientLogin | TokenLogin:
    if auth.client_id is not None:
        secret = _secret(auth.client_secret, auth.client_secret_file)
        return ClientLogin(auth.client_id, secret, auth.scopes)
    return TokenLogin(_secret(auth.token, auth.token_file))


def _secret(given: SecretStr | None, file: str | None) -> FixedSecret | FileSecret:
    if given is not None:
        return FixedSecret(given.get_secret_value())
    return FileSecret(Path(file or ""))
