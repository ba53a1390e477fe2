"""One log: structlog's lines and the libraries' own, redacted, as JSON or to be read."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import orjson
import structlog
from structlog.processors import ExceptionRenderer, StackInfoRenderer, TimeStamper
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

from autoscaler.telemetry.redaction import Redactor
from autoscaler.telemetry.writer import Writer

Format = Literal["json", "console", "auto"]
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

# These tell of every job, statement and connection at INFO or DEBUG. Decisions say it better.
CHATTY = ("apscheduler", "aiosqlite", "sqlalchemy", "asyncio", "aiohttp.access", "alembic")
FRAMES = 20
CLIPPED = 500


@dataclass(frozen=True, slots=True)
class Logs:
    """The running log. `redactor.add` hides a secret that was loaded."""

    redactor: Redactor
    writer: Writer
    handler: logging.Handler

    def dropped(self) -> int:
        """Lines that nobody took in time."""
        return self.writer.dropped

    def close(self) -> None:
        """Write what is left, for at most two seconds, and hand the libraries' log back."""
        logging.captureWarnings(capture=False)
        logging.getLogger().removeHandler(self.handler)
        structlog.reset_defaults()
        self.writer.close()


def configure(
    format: Format = "auto",  # noqa: A002 - the configuration's own word
    level: str = "info",
    *,
    stream: TextIO | None = None,
    redactor: Redactor | None = None,
) -> Logs:
    """Set structlog and the standard library's logging up for the whole process.

    `auto` is the readable form on a terminal and JSON anywhere else. `level` is one of debug,
    info, warning, error. `stream` is standard output unless given; it needs a descriptor.
    """
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
    out = stream or sys.stdout
    terminal = out.isatty()
    readable = format == "console" or (format == "auto" and terminal)
    hide = redactor or Redactor()
    render = _render(hide, _console(colours=terminal) if readable else _json)
    writer = Writer(out.fileno(), notice=lambda n: _missed(render, n))
    shared = _shared(readable=readable)
    structlog.configure(
        processors=[*shared, _redact(hide), render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: Out(writer),
        # Loggers are made at import, before the format is known.
        cache_logger_on_first_use=False,
    )
    handler = Handler(writer, [*shared, _redact(hide), render])
    _route(handler, LEVELS[level])
    return Logs(hide, writer, handler)


def _route(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


def _shared(*, readable: bool) -> list[Processor]:
    # Locals never: they hold tokens, headers and whole requests.
    shape: Processor = (
        structlog.processors.format_exc_info
        if readable
        else ExceptionRenderer(ExceptionDictTransformer(show_locals=False, max_frames=FRAMES))
    )
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        TimeStamper(fmt="iso", utc=True, key="at"),
        StackInfoRenderer(),
        shape,
    ]


def _redact(redactor: Redactor) -> Processor:
    def redact(_: Any, __: str, event: EventDict) -> EventDict:
        return redactor.event(event)

    return redact


def _console(*, colours: bool) -> Callable[[EventDict], str]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours,
        timestamp_key="at",
        exception_formatter=structlog.dev.plain_traceback,
    )
    return lambda event: str(renderer(None, "", event))


def _json(event: EventDict) -> str:
    try:
        return orjson.dumps(event, default=_shown, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # lone surrogates or whole numbers beyond 64 bits
        return json.dumps(event, default=_shown)


def _shown(value: object) -> str:
    return repr(value)[:CLIPPED]


def _render(redactor: Redactor, form: Callable[[EventDict], str]) -> Processor:
    def render(_: Any, __: str, event: EventDict) -> bytes:
        # Once more as text: what was an object before has become text only now.
        line = redactor.scrub(form(event))
        return (line + "\n").encode("utf-8", "backslashreplace")

    return render


def _missed(render: Processor, lines: int) -> bytes:
    event: MutableMapping[str, Any] = {"event": "log lines were dropped", "lines": lines}
    rendered = render(None, "warning", {**event, "level": "warning"})
    return rendered if isinstance(rendered, bytes) else b""


class Out:
    """What structlog's bound loggers write to."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def msg(self, line: bytes) -> None:
        """Queue one rendered line."""
        self._writer.put(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class Handler(logging.Handler):
    """Passes a library's record through the same processors. A record never raises in here."""

    def __init__(self, writer: Writer, processors: Sequence[Processor]) -> None:
        super().__init__()
        self._writer = writer
        self._processors = processors

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record as a line."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        event: Any = {"event": text, "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for process in self._processors:
            event = process(None, record.levelname.lower(), event)
        self._writer.put(event)
