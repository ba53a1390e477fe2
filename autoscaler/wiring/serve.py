"""`run`: the daemon with its face, its log and its life cycle."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar

import structlog

from autoscaler import __version__
from autoscaler.core.decision import Outcome
from autoscaler.core.envelope import Envelope
from autoscaler.foundry.fence import UNFENCED, Fence
from autoscaler.journal import SqlJournal
from autoscaler.notify.options import SinkOptions
from autoscaler.ports import Alone, JournalError, Listener
from autoscaler.runtime.clock import SystemClock
from autoscaler.runtime.daemon import Daemon, Parts, close
from autoscaler.runtime.history.keeper import Keeper
from autoscaler.runtime.pausefile import PauseFile
from autoscaler.runtime.reload import FileWatch
from autoscaler.settings import ConfigError, Settings, load, watch_files
from autoscaler.telemetry.decision_log import DecisionLog
from autoscaler.telemetry.logs import Logs, configure
from autoscaler.telemetry.metrics import Metrics
from autoscaler.telemetry.troubles import EveryPlatformWatch, EverySourceWatch, Troubles
from autoscaler.web.access import Gate
from autoscaler.web.api.parts import Parts as WebParts
from autoscaler.web.server import Server
from autoscaler.web.server import serve as open_server
from autoscaler.wiring import events
from autoscaler.wiring.access import access_of, tls_of
from autoscaler.wiring.build import build, loaded_secrets
from autoscaler.wiring.controls import Controls, enter
from autoscaler.wiring.face import DaemonFace, Witnesses, forecast_readings, inside, parts_of
from autoscaler.wiring.face.configuration import changed_keys, sections_changed
from autoscaler.wiring.kernel_timer import process_fence
from autoscaler.wiring.notices import Notices, alarm_of, sinks_of
from autoscaler.wiring.signals import signals
from autoscaler.wiring.store import open_store
from autoscaler.wiring.tracing import close as close_tracer
from autoscaler.wiring.tracing import tracer_of
from autoscaler.wiring.whatif import Engine

log = structlog.get_logger("autoscaler")
T = TypeVar("T")

# Housekeeping of the journal. Small batches, so hourly is gentle and enough.
PRUNE_S = 3600.0
# A reload that found a tick or the journal too busy is tried again after this long.
AGAIN_S = 30.0
# How often the event loop's lag is copied into its metric.
LAG_S = 1.0
# How often overrides are compared for open pages, whichever way they came.
LOOK_S = 2.0
# A stop takes no longer than the PUT's deadline and this; half a second is left for the process.
END_S = 0.5
# Receivers of the last news get this long, however late it has become.
LEAST_S = 0.3
# How often some of the histories are written out.
SETTLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Watches:
    """Who hears of every request and query."""

    platform: EveryPlatformWatch
    source: EverySourceWatch


@dataclass(frozen=True, slots=True)
class Heard:
    """Who hears of ticks, requests and reloads."""

    metrics: Metrics
    lines: DecisionLog
    watches: Watches
    witnesses: Witnesses
    notices: Notices

    def keep(self, names: Collection[str]) -> None:
        """Forget what is told of deployments that are no longer managed."""
        self.metrics.keep(names)
        self.lines.keep(names)
        self.witnesses.keep(names)
        self.notices.keep(names)


@dataclass(slots=True)
class Running:
    """A daemon at work. `stop` ends it in order; `reload` takes the file as it is now."""

    settings: Settings
    daemon: Daemon
    heard: Heard
    server: Server
    hide: Callable[[str], None]
    controls: Controls
    journal: SqlJournal
    page: WebParts
    keeper: Keeper
    fence: Fence
    again_at: float | None = None
    """When to try a configuration again that was good but came at a bad moment; monotonic."""

    async def reload(self) -> bool:
        """Load the configuration again; keep the last good one when anything is wrong with it."""
        path, self.again_at = self.settings.file, None
        try:
            settings = load(path)
            for secret in loaded_secrets(settings):
                self.hide(secret)
            access = access_of(settings)
            sinks = sinks_of(settings)
            parts = await self._taken(settings)
        except (ConfigError, JournalError, TimeoutError, OSError) as problem:
            if isinstance(problem, JournalError | TimeoutError):
                # Not the file's fault: a slow write or a full disk passes, the wish stays.
                self.again_at = time.monotonic() + AGAIN_S
            told = str(problem) or type(problem).__name__
            log.error("configuration kept", file=str(path), problem=told)  # noqa: TRY400 - the problem says it all
            return await self._kept(told)
        except Exception as bug:  # a bug in a plug-in must not end a daemon that works
            log.exception("configuration kept", file=str(path))
            return await self._kept(f"a bug: {type(bug).__name__}")
        self.page.gate.access = access  # a token that was taken back is good no longer
        for section in sections_changed(self.settings, settings):
            log.warning("a change of this section needs a restart", section=section)
        changed = changed_keys(self.settings, settings)
        self.settings = settings
        now = self.daemon.clock.now()
        self.heard.witnesses.configuration.loaded(now, parts.digest, changed)
        self.daemon.operators.words.file.path = settings.pause_file
        self.heard.metrics.reloaded((group.name for group in parts.groups), parts.sources)
        self.keep()
        await self.heard.notices.take(sinks)
        self.heard.notices.watch.reloaded()
        self.heard.witnesses.telling.hub.publish("reload", {"ok": True, "digest": parts.digest})
        log.info("configuration loaded", file=str(path), digest=parts.digest)
        await enter(self.journal, events.reloaded(now, parts.digest, changed))
        return True

    async def _kept(self, problem: str) -> bool:
        now = self.daemon.clock.now()
        self.heard.metrics.reload_failed()
        known = self.heard.witnesses.configuration
        known.failed(now, problem)
        self.heard.notices.watch.reload_failed(known.problem or problem)
        self.heard.witnesses.telling.hub.publish("reload", {"ok": False, "digest": known.digest})
        await enter(self.journal, events.reload_failed(now, known.problem or problem))
        return False

    async def _taken(self, settings: Settings) -> Parts:
        """The parts of a configuration once the daemon runs on them; closed when it does not."""
        watches, daemon = self.heard.watches, self.daemon
        heard = (watches.platform, watches.source, daemon.clock)
        parts = build(settings, *heard, daemon.last_word, self.fence)
        try:
            await daemon.adopt(parts)
        except BaseException:
            if daemon.parts is not parts:
                await close(parts)
            raise
        return parts

    def keep(self) -> None:
        """Forget what is told of deployments that are no longer managed."""
        self.heard.keep(self.daemon.seats)

    async def stop(self) -> None:
        """Let the write in flight end, close the doors, then say goodbye to everybody at once.

        Receivers and readers that hang get what the write has left of its deadline and `END_S`.
        """
        until = time.monotonic() + self.settings.platform.timeouts.write + END_S
        if isinstance(self.page.what_if, Engine):
            await self.page.what_if.close()
        await self.keeper.finish()
        await self.daemon.stop(events.stopped, in_order=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(LEAST_S, until - time.monotonic())):
                await asyncio.gather(
                    self.heard.notices.close(),
                    asyncio.to_thread(close_tracer, self.daemon.tracer),
                    self.server.close(),
                )


async def start(
    settings: Settings,
    listeners: Sequence[Listener] = (),
    dropped: Callable[[], int] = lambda: 0,
    hide: Callable[[str], None] = lambda _: None,
    pause: PauseFile | None = None,
    fence: Fence = UNFENCED,
) -> Running:
    """Open the journal, build the parts, serve the page, begin to tick.

    `listeners` hear every tick besides metrics and log; `dropped` counts lost log lines; `hide`
    is told every secret that a reload brings; `pause` is the pause file that signals know; `fence`
    ends the process when it sleeps while a PUT leaves. Raises ConfigError, JournalError
    (JournalLocked when another daemon is there), OSError when the address is taken.
    """
    clock = SystemClock()
    metrics = Metrics(clock, version=__version__, detail=settings.web.detail, dropped=dropped)

    # A reload gives the daemon other seats, so they are looked up each time.
    witnesses = Witnesses.of(settings, clock, lambda: daemon.seats, metrics)
    notices = Notices(clock, metrics, lambda group: alarm_of(daemon, group))
    watches = _watches(metrics, Troubles(clock), witnesses, notices)

    async def last_word(rid: str, before: Envelope, after: Envelope) -> Outcome | None:
        # The daemon is made below, long before the first write.
        return await daemon.last_word(rid, before, after)

    access, tls = access_of(settings), tls_of(settings)
    sinks, tracer = sinks_of(settings), tracer_of(settings)
    parts = build(settings, watches.platform, watches.source, clock, last_word, fence)
    journal, lines = await open_store(settings), DecisionLog()
    told: tuple[Listener, ...] = (metrics, lines, *witnesses.listeners, notices, *listeners)
    chance = random.Random()  # noqa: S311 - jitter, not secrets
    daemon = Daemon(clock, chance, journal, told, Alone(), metrics, tracer)
    daemon.operators.words.file = pause or PauseFile(settings.pause_file)
    face = DaemonFace(daemon, metrics, journal, witnesses)
    controls = Controls(daemon, journal)
    keeper = Keeper(witnesses.recorder, journal, clock)
    page = parts_of(face, keeper, controls, Gate(access), settings.file)
    server = await _page(settings, page, journal, tls)
    witnesses.configuration.loaded(clock.now(), parts.digest)
    _watch(metrics, daemon, parts)
    heard = Heard(metrics, lines, watches, witnesses, notices)
    running = Running(settings, daemon, heard, server, hide, controls, journal, page, keeper, fence)
    await _begin(running, parts, sinks)
    return running


def _watch(metrics: Metrics, daemon: Daemon, parts: Parts) -> None:
    metrics.reloaded((group.name for group in parts.groups), parts.sources)
    metrics.watch_inside(lambda: inside(daemon))
    metrics.watch_forecasts(lambda: forecast_readings(list(daemon.seats.values())))


async def _begun(running: Running, digest: str) -> None:
    """Keep house from now on, and tell that it runs."""
    _keep_house(running, running.journal)
    now, deployments = running.daemon.clock.now(), len(running.daemon.seats)
    began = events.started(now, __version__, deployments, digest)
    running.heard.notices.watch.started(began.summary)
    await enter(running.journal, began)


async def _begin(running: Running, parts: Parts, sinks: Sequence[SinkOptions]) -> None:
    """Begin to tick. Whatever ends that before its end leaves nothing running."""
    daemon, notices = running.daemon, running.heard.notices
    try:
        await daemon.start(parts)
        await notices.take(sinks)
        await _begun(running, parts.digest)
    except BaseException:
        await daemon.stop()
        if daemon.parts is not parts:
            await close(parts)
        await notices.close()
        await running.server.close()
        raise


def _watches(
    metrics: Metrics, troubles: Troubles, witnesses: Witnesses, notices: Notices
) -> Watches:
    return Watches(
        EveryPlatformWatch(metrics, troubles, witnesses.platform, notices.watch),
        EverySourceWatch(metrics, troubles, witnesses.sources),
    )


async def _page(
    settings: Settings, page: WebParts, journal: SqlJournal, tls: ssl.SSLContext | None
) -> Server:
    listen, hosts = settings.web.listen, settings.web.allowed_hosts
    try:
        return await open_server(page, listen, hosts, tls)
    except OSError as problem:
        await journal.close()
        why = problem.strerror or str(problem)
        raise OSError(f"web.listen {listen}: cannot listen: {why}") from problem


def _keep_house(running: Running, journal: SqlJournal) -> None:
    """What has to be done now and then: old rows, the loop's lag, deployments that left."""
    daemon = running.daemon
    running.keep()

    async def prune(_lag_s: float) -> None:
        keep = running.settings.journal
        await journal.prune(daemon.clock.now(), keep.keep, keep.keep_rows)

    async def lag(_lag_s: float) -> None:
        running.heard.metrics.lagged(daemon.watchdog.worst())
        running.keep()

    daemon.schedule.every("prune", PRUNE_S, prune, after=60.0)

    async def look(_lag_s: float) -> None:
        with contextlib.suppress(JournalError):
            await running.heard.witnesses.telling.look(running.page.controls, running.page.records)

    async def notify(_lag_s: float) -> None:
        running.heard.notices.desk.flush()

    daemon.schedule.every("lag", LAG_S, lag)
    daemon.schedule.every("notify", LAG_S, notify)
    daemon.schedule.every("telling", LOOK_S, look)

    async def settle(_lag_s: float) -> None:
        with contextlib.suppress(JournalError):
            await running.keeper.settle()

    daemon.schedule.every("history", SETTLE_S, settle, after=1.0)


async def serve(path: Path) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP and a changed file reload. Raises as `start` does.

    SIGUSR1 pauses the fleet, SIGUSR2 lets it go on.
    """
    settings = load(path)
    watch = FileWatch(watch_files(settings))
    with logging_for(settings) as logs:
        pause = PauseFile(settings.pause_file)
        async with signals(pause) as (stop, reload):
            fence = process_fence()
            opening = start(settings, (), logs.dropped, logs.redactor.add, pause, fence)
            running = await unless(stop, opening)
            if running is None:
                log.info("daemon stops before it has started")
                return
            log.info(
                "daemon started",
                version=__version__,
                url=running.server.url,
                deployments=len(running.daemon.seats),
                self_fence=fence.kind if settings.platform.self_fence else "off",
            )
            await _until_stopped(running, watch, stop, reload)
            log.info("daemon stops")
            await running.stop()


async def unless(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """What `work` gives, or None when `stop` is set first: then it is cancelled, and has ended."""
    task, waiting = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None
    finally:
        waiting.cancel()


@contextlib.contextmanager
def logging_for(settings: Settings, stream: TextIO | None = None) -> Iterator[Logs]:
    """The log as configured, with every loaded secret hidden wherever it would appear."""
    logs = configure(settings.log.format, settings.log.level, stream=stream)
    for secret in loaded_secrets(settings):
        logs.redactor.add(secret)
    try:
        yield logs
    finally:
        logs.close()


async def _until_stopped(
    running: Running, watch: FileWatch, stop: asyncio.Event, reload: asyncio.Event
) -> None:
    waiting = asyncio.create_task(stop.wait())
    try:
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=1.0)
            changed = await asyncio.to_thread(watch.changed)
            again = running.again_at is not None and running.again_at <= time.monotonic()
            if not waiting.done() and (reload.is_set() or changed or again):
                reload.clear()
                await unless(stop, running.reload())
                watch.follow(watch_files(running.settings))
    finally:
        waiting.cancel()
