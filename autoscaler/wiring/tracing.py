"""The settings' word on tracing as a tracer."""

from __future__ import annotations

from autoscaler import __version__
from autoscaler.settings import ConfigError, Settings, read_secret
from autoscaler.settings.problem import Fault
from autoscaler.steps import UNTRACED, Tracer


def tracer_of(settings: Settings) -> Tracer:
    """Who is told of the steps of ticks. Raises ConfigError when OpenTelemetry is not installed."""
    wanted = settings.tracing
    if wanted is None:
        return UNTRACED
    # Imported here: without the section OpenTelemetry is never loaded.
    from autoscaler.telemetry.tracing import Tracing, TracingOptions

    token = read_secret(wanted.token_file).get_secret_value() if wanted.token_file else ""
    options = TracingOptions(
        wanted.url,
        wanted.service,
        __version__,
        wanted.sample,
        wanted.timeout,
        wanted.queue,
        token,
        wanted.ca_file or "",
    )
    try:
        return Tracing(options)
    except ImportError as problem:
        raise ConfigError([settings.tree.problem(Fault(("tracing",), str(problem)))]) from problem


def close(tracer: Tracer) -> None:
    """Send what is left, for at most a second. For a worker thread."""
    end = getattr(tracer, "close", None)
    if end is not None:
        end()
