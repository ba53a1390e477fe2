"""Notifications of a running daemon: settings to sinks, and who tells what."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from autoscaler.core.reason import Reason
from autoscaler.notify.desk import Desk
from autoscaler.notify.formats import Format
from autoscaler.notify.news import Severity, Topic
from autoscaler.notify.options import Filter, SinkOptions
from autoscaler.notify.signature import key_of
from autoscaler.notify.sink import NotifyWatch
from autoscaler.notify.watch import Watch
from autoscaler.ports import Clock, TickReport
from autoscaler.runtime.daemon import Daemon
from autoscaler.settings import ConfigError, Settings, read_secret
from autoscaler.settings.notify import SinkShape
from autoscaler.settings.problem import Fault


@dataclass(frozen=True, slots=True)
class Given:
    """A URL that stands in the configuration."""

    text: str

    def __call__(self) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True, slots=True)
class FromFile:
    """What a secret file holds now."""

    file: str

    def __call__(self) -> str:
        """Read it. Raises ValueError, which names the file and quotes nothing of it."""
        try:
            return read_secret(self.file).get_secret_value()
        except ConfigError as problem:
            raise ValueError(str(problem)) from None


def sinks_of(settings: Settings) -> tuple[SinkOptions, ...]:
    """The configured sinks. Raises ConfigError for a secret or a URL that cannot be used."""
    faults = [fault for name, shape in settings.notify.items() for fault in _faults(name, shape)]
    if faults:
        raise ConfigError([settings.tree.problem(fault) for fault in faults])
    page = settings.web.public_url
    return tuple(_options(name, shape, page) for name, shape in settings.notify.items())


def secrets_of(settings: Settings) -> Iterator[str]:
    """What the sinks' files hold now, for hiding it by value."""
    for shape in settings.notify.values():
        for file in (shape.url_file, shape.secret_file, shape.token_file):
            if file is not None:
                yield read_secret(file).get_secret_value()


def _options(name: str, shape: SinkShape, page: str | None) -> SinkOptions:
    return SinkOptions(
        name,
        Format(shape.format),
        Given(shape.url) if shape.url is not None else FromFile(shape.url_file or ""),
        FromFile(shape.secret_file) if shape.secret_file is not None else None,
        FromFile(shape.token_file) if shape.token_file is not None else None,
        Filter(
            frozenset(Topic(kind) for kind in shape.kinds),
            Severity[shape.severity.upper()],
            shape.groups,
            shape.deployments,
        ),
        wait_s=shape.wait,
        interval_s=shape.interval,
        timeout_s=shape.timeout,
        allow_private=shape.allow_private,
        ca_file=shape.ca_file or "",
        page=page,
    )


def _faults(name: str, shape: SinkShape) -> Iterator[Fault]:
    for option, file, check in (
        ("secret_file", shape.secret_file, key_of),
        ("url_file", shape.url_file, _checked_url),
    ):
        try:
            if file is not None:
                check(FromFile(file)())
        except ValueError as problem:
            yield Fault(("notify", name, option), f"cannot be used: {problem}", file)


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the file must hold http(s)://host/path")
    return url


def alarm_of(daemon: Daemon, group: str) -> Reason | None:
    """Why nothing of a group is lowered; None when all is well, or the group is gone."""
    tick = daemon.ticks.get(group)
    return None if tick is None else tick.alarm


class CountedWatch(NotifyWatch, Protocol):
    """A watch that wants to know the sinks before anything is told."""

    def told_by(self, sinks: Iterable[str]) -> None:
        """These are the sinks from now on."""
        ...


class Notices:
    """The desk and who watches for it. Costs a tick nothing while nobody is to be told."""

    def __init__(
        self, clock: Clock, watch: CountedWatch, alarm: Callable[[str], Reason | None]
    ) -> None:
        chance = random.Random()  # noqa: S311 - jitter, not secrets
        self._metrics = watch
        self.desk = Desk(clock, watch, chance)
        self.watch = Watch(self.desk.tell, clock, alarm)

    def told(self, report: TickReport) -> None:
        """Hear of a tick. Satisfies `ports.Listener`."""
        if self.desk.sinks:
            self.watch.told(report)

    async def take(self, sinks: Sequence[SinkOptions]) -> None:
        """Have these sinks from now on; one that stays the same keeps what waits for it."""
        self._metrics.told_by(one.name for one in sinks)
        await self.desk.take(sinks)

    def keep(self, names: Collection[str]) -> None:
        """Forget deployments that are no longer managed."""
        self.watch.keep(names)

    async def close(self) -> None:
        """Say that the daemon stops; tell what is left, for at most two seconds."""
        self.watch.stopping()
        await self.desk.close()
