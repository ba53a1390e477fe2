"""Steps of ticks as OpenTelemetry spans. The only place that knows OpenTelemetry.

Spans end in a bounded queue; a thread of the SDK sends them. A collector that is down, slow or
silent costs spans and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from autoscaler.steps import Fact, Step

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as OtelTracer

log = structlog.get_logger("autoscaler.tracing")

PREFIX = "autoscaler."
GRACE_S = 1.0
"""A stop waits so long for what is queued."""
NEEDS = "needs OpenTelemetry: pip install 'foundry-autoscaler[otel]'"


@dataclass(frozen=True, slots=True)
class TracingOptions:
    """Where to send, and how much. `sample` is the share of ticks; durations in seconds."""

    url: str
    service: str
    version: str
    sample: float = 1.0
    timeout_s: float = 5.0
    queue: int = 2048
    token: str = ""
    ca_file: str = ""
    delay_s: float = 2.0


class Tracing:
    """Satisfies `steps.Tracer`. Raises ImportError, whose text says what to install."""

    def __init__(self, options: TracingOptions, exporter: SpanExporter | None = None) -> None:
        try:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
        except ImportError as error:
            raise ImportError(NEEDS) from error
        # It tells of every batch that fails and of every span that is dropped; we say it once.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        resource = Resource({"service.name": options.service, "service.version": options.version})
        self._provider = TracerProvider(
            sampler=TraceIdRatioBased(options.sample), resource=resource, shutdown_on_exit=False
        )
        self._processor = BatchSpanProcessor(
            _told(exporter or _exporter(options)),
            max_queue_size=options.queue,
            max_export_batch_size=min(512, options.queue),
            schedule_delay_millis=options.delay_s * 1000,
        )
        self._provider.add_span_processor(self._processor)
        self._tracer: OtelTracer = self._provider.get_tracer("autoscaler")

    @contextmanager
    def tick(self, group: str) -> Iterator[str]:
        """The root of a trace; empty when this tick is not among the sampled."""
        from opentelemetry.context import Context

        with self._tracer.start_as_current_span(
            "tick",
            context=Context(),
            attributes={PREFIX + "group": group},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield f"{span.get_span_context().trace_id:032x}" if span.is_recording() else ""

    @contextmanager
    def step(self, name: str, facts: dict[str, Fact]) -> Iterator[Step]:
        """A span below the current one; one that an error leaves is marked with its kind."""
        from opentelemetry.trace import Status, StatusCode

        with self._tracer.start_as_current_span(
            name, attributes=_named(facts), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Saying(span)
            except BaseException as error:
                # Only the kind: what an error says is in the decision, redacted where it has to be.
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def close(self, grace_s: float = GRACE_S) -> None:
        """Send what is left, for at most `grace_s` seconds. For a worker thread."""
        # The SDK's own shutdown waits for an export that hangs; nobody waits for this thread.
        ending = threading.Thread(target=self._provider.shutdown, name="tracing-end", daemon=True)
        ending.start()
        ending.join(grace_s)


@dataclass(frozen=True, slots=True)
class _Saying:
    span: Span

    def say(self, **facts: Fact) -> None:
        self.span.set_attributes(_named(facts))


def _named(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {PREFIX + name: fact for name, fact in facts.items()}


def _exporter(options: TracingOptions) -> SpanExporter:
    try:
        import requests
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ImportError(NEEDS) from error
    session = requests.Session()
    session.trust_env = False
    session.max_redirects = 0
    return OTLPSpanExporter(
        endpoint=options.url,
        certificate_file=options.ca_file or None,
        headers={"Authorization": f"Bearer {options.token}"} if options.token else {},
        timeout=options.timeout_s,
        compression=Compression.Gzip,
        session=session,
    )


def _told(exporter: SpanExporter) -> SpanExporter:
    """The exporter, telling its first failure and its recovery, once each."""
    from opentelemetry.sdk.trace.export import SpanExporter as Base
    from opentelemetry.sdk.trace.export import SpanExportResult as Result

    class Told(Base):
        failing = False

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            try:
                result = exporter.export(spans)
            except Exception as error:  # noqa: BLE001 - whatever it is, spans are lost and no more
                result, why = Result.FAILURE, type(error).__name__
            else:
                why = "the collector did not take them"
            if result is Result.SUCCESS:
                if self.failing:
                    log.info("works again", thing="tracing")
            elif not self.failing:
                log.warning("failing", thing="tracing", why=why, lost=len(spans))
            self.failing = result is not Result.SUCCESS
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return Told()
