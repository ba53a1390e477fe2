"""How the daemon does: what works, what does not, and how much is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autoscaler.core.decision import Kind
from autoscaler.journal import SqlJournal
from autoscaler.ports import JournalError
from autoscaler.runtime.daemon import Daemon
from autoscaler.runtime.shared import MINUTE_S, rate_of
from autoscaler.runtime.tick import Tick
from autoscaler.telemetry.tally import SourceCount
from autoscaler.web import view
from autoscaler.web.face import Standing

if TYPE_CHECKING:
    from autoscaler.wiring.face.daemon import Witnesses

Json = Mapping[str, Any]

# A loop that wakes up this late is too busy to keep its deadlines.
LATE_LOOP_S = 1.0
DAY_S = 86_400.0


def in_short(
    daemon: Daemon,
    witnesses: Witnesses,
    standing: Sequence[Standing],
    live: tuple[bool, str],
) -> dict[str, Any]:
    """What the status says besides counts. Called in a thread: reads copies."""
    at, pause = daemon.clock.now(), daemon.operators.words.file.word()
    ticks = list(daemon.ticks.items())
    unhealthy = list(_troubles(daemon, witnesses, live))
    last, platform = witnesses.ticks.last, witnesses.platform
    counts = list(witnesses.sources.sources.items())
    names = list(daemon.parts.sources) if daemon.parts else []
    up = sum(one.up is True for name, one in counts if name in names)
    return {
        "healthy": not unhealthy,
        "unhealthy": unhealthy,
        "leader": True,
        "groups": [_group(name, tick, witnesses) for name, tick in ticks],
        "decisions_per_minute": witnesses.ticks.per_minute(at),
        "changes_today": changes_today(daemon, at),
        "lateness_s": max((one.lag_s for name, one in list(last.items())), default=None),
        "loop_lag_s": daemon.watchdog.loop_lag_s,
        "journal_up": _journal_up(daemon),
        "sources": {"up": up, "total": len(names)},
        "writes": {
            "room": daemon.parts.platform.room(MINUTE_S) if daemon.parts else 0,
            "pace_per_second": platform.pace,
            "breaker_open": platform.breaker_open,
            "waiting": waiting(daemon),
        },
        "budgets": [one for name, tick in ticks for one in budgets(name, tick, daemon)],
        "controls": {
            "active": len(standing),
            "fleet": [view.override_json(one) for one in standing if one.scope == "fleet"],
        },
        "pause_file": pause and pause.why,
        "configuration": witnesses.configuration.short(),
    }


def changes_today(daemon: Daemon, at: float) -> int:
    """Changes that the daemon made since midnight UTC."""
    midnight = at - at % DAY_S
    seats = list(daemon.seats.values())
    return sum(c.at >= midnight and not c.foreign for seat in seats for c in seat.changes)


def waiting(daemon: Daemon) -> int:
    """Deployments whose change waits for its turn."""
    latest = (seat.latest for seat in list(daemon.seats.values()))
    return sum(one is not None and one.outcome.kind is Kind.DEFERRED for one in latest)


def budgets(group: str, tick: Tick, daemon: Daemon) -> Iterable[Json]:
    """What a group may still spend: replicas in this minute, compute-seconds per second."""
    spec = tick.shared.spec
    if spec.raise_per_minute:
        now = daemon.clock.monotonic()
        spent = sum(n for when, n in list(tick.shared.raised) if when > now - MINUTE_S)
        left = max(0, spec.raise_per_minute - spent)
        kind = "raised replicas per minute"
        yield {"group": group, "kind": kind, "left": left, "of": spec.raise_per_minute}
    if spec.compute_rate:
        costs = sum(seat.live.envelope.min_replicas * rate_of(seat) for seat in tick.seats)
        left_rate = max(0.0, spec.compute_rate - costs)
        kind = "compute-seconds per second"
        yield {"group": group, "kind": kind, "left": left_rate, "of": spec.compute_rate}


async def health(daemon: Daemon, witnesses: Witnesses, journal: SqlJournal) -> Json:
    """Everything about sources, platform, loop, journal and configuration."""
    try:
        size = await journal.size()
    except JournalError:
        size = None
    platform = witnesses.platform
    return {
        "sources": sources(daemon, witnesses),
        "platform": {
            "requests": dict(platform.requests),
            "retries": dict(platform.retries),
            "waited_s": platform.waited_s,
            "pace_per_second": platform.pace,
            "breaker_open": platform.breaker_open,
            "clock_skew_s": platform.skew_s,
            "last_error": platform.last_error,
            "last_error_at": platform.last_error_at,
            "last_ok_at": platform.last_ok_at,
        },
        "loop": {
            "lag_s": daemon.watchdog.loop_lag_s,
            "ticks": [one.json() for one in witnesses.ticks.latest()],
        },
        "journal": {
            "up": size is not None and _journal_up(daemon),
            "bytes": size and size.bytes,
            "decisions": size and size.decisions,
            "place": journal.place,
        },
        "config": witnesses.configuration.full(),
    }


def sources(daemon: Daemon, witnesses: Witnesses) -> list[Json]:
    """Every configured source; `up` is null before its first answer."""
    kinds = daemon.parts.sources if daemon.parts else {}
    counts = witnesses.sources.sources
    return [
        _source(name, type(source).__name__.lower(), counts.get(name, SourceCount()))
        for name, source in sorted(kinds.items())
    ]


def _source(name: str, kind: str, count: SourceCount) -> Json:
    return {
        "name": name,
        "kind": kind,
        "up": count.up,
        "last_ok_at": count.last_ok_at,
        "last_error": count.last_error,
        "last_error_at": count.last_error_at,
        "outcomes": dict(count.outcomes),
        "p50_s": count.p50_s,
    }


def _group(name: str, tick: Tick, witnesses: Witnesses) -> Json:
    last = witnesses.ticks.last.get(name)
    return {
        "name": name,
        "interval_s": tick.interval_s,
        "deployments": len(tick.seats),
        "last_tick_at": tick.last_at,
        "lag_s": last and last.lag_s,
        "took_s": last and last.took_s,
    }


def _journal_up(daemon: Daemon) -> bool:
    return all(tick.ledger.up for tick in list(daemon.ticks.values()))


def _troubles(daemon: Daemon, witnesses: Witnesses, live: tuple[bool, str]) -> Iterable[str]:
    """Why it is not healthy, the most serious first."""
    if not live[0]:
        yield live[1]
    if not _journal_up(daemon):
        yield "the journal cannot record: nothing is written to the platform"
    if witnesses.platform.breaker_open:
        yield "the platform fails: its breaker is open and nothing is written"
    yield from _silent(daemon, witnesses)
    alarms = ((name, tick.alarm) for name, tick in list(daemon.ticks.items()))
    yield from (f"group {name} lowers nothing: {alarm}" for name, alarm in alarms if alarm)
    if daemon.watchdog.loop_lag_s > LATE_LOOP_S:
        yield f"the event loop wakes up {daemon.watchdog.loop_lag_s:.1f} s late"
    if witnesses.configuration.failed_at is not None:
        yield "the configuration on disk is not valid; the last good one runs"
    yield from _left_over(daemon)


def _left_over(daemon: Daemon) -> Iterable[str]:
    """Who is left out, and what nobody knows the end of."""
    if count := daemon.jury.left_out():
        yield f"{count} policies are left out for a while: they took too long"
    yield from (
        f"a write to {one.deployment} has no known end, and nobody manages it any more"
        for one in daemon.orphans.left
    )
    if isinstance(daemon.journal, SqlJournal) and (rows := daemon.journal.aside.rows):
        yield f"{len(rows)} rows of the journal cannot be read: its log names them"


def _silent(daemon: Daemon, witnesses: Witnesses) -> Iterable[str]:
    """Sources that were asked and did not answer."""
    names = daemon.parts.sources if daemon.parts else {}
    counts = witnesses.sources.sources
    for name in sorted(names):
        one = counts.get(name)
        if one is not None and one.up is False:
            yield f"source {name} does not answer ({one.last_error})"
