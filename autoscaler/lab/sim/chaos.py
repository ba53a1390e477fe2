"""Everything that happens to a daemon in its life, at moments that the seed decides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from autoscaler.lab.platform.wire import read_config
from autoscaler.lab.sim import weather as w
from autoscaler.lab.sim.disk import Disk
from autoscaler.lab.sim.fleet import METRICS, OTHER, PLATFORM, Fleet
from autoscaler.lab.sim.foundry import Deployment, Platform
from autoscaler.lab.sim.leaning import NOWHERE, Leaning
from autoscaler.lab.sim.mood import MOOD, MOODS
from autoscaler.lab.sim.net import Network
from autoscaler.lab.sim.record import Record
from autoscaler.lab.sim.world import World

MINUTE = 60.0


class Acts(Protocol):
    """What can be done to the daemon itself; nothing happens while none runs."""

    def stop(self) -> None:
        """Ask it to end in order."""
        ...

    def reload(self, text: str | None) -> None:
        """Write a configuration and let it be loaded; None: as the fleet is now."""
        ...

    def stand(self, scope: str, seconds: float | None, *, brake: bool) -> None:
        """An operator pauses a scope, or brakes it."""
        ...

    def resume(self) -> None:
        """An operator ends every pause."""
        ...


@dataclass(slots=True)
class Chaos:
    """Plans what goes wrong. `harsh` multiplies how often."""

    world: World
    fleet: Fleet
    platform: Platform
    record: Record
    weather: w.Weather
    network: Network
    disk: Disk
    acts: Acts
    harsh: float = 1.0
    steady: bool = False
    """Whether the process and its machine are left alone: only what is around them fails."""
    leaning: Leaning = NOWHERE
    over: bool = False
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = self.world.chance("chaos")

    def begin(self) -> None:
        """Start everything; each kind of trouble comes at its own pace, in minutes on average."""
        MOOD.kind, MOOD.block = "", lambda: self.world.work(self._for(0.5, 45))
        around = (
            (8, self._spell),
            (6, self._hand),
            (18, self._operator),
            (25, self._configuration),
            (12, self._mood),
            (35, self._port),
            (50, self._returning),
        )
        within = (
            (45, self._kill),
            (150, self._orderly_end),
            (60, self._clock),
            (240, self._suspend),
            (30, self._disk),
        )
        for minutes, trouble in around if self.steady else (*around, *within):
            often = self.harsh * self.leaning.often.get(trouble.__name__.strip("_"), 1.0)
            self._again(minutes * MINUTE / often, trouble)

    def end(self) -> None:
        """All is well from now on, and everybody has far too much to do."""
        self.over = True
        self.weather.clear()
        self.network.refusing.clear()
        self.network.silent.clear()
        self.disk.full, self.disk.slow_s = False, 0.0
        self.disk.on_commit = self.record.on_request = _nothing
        MOOD.kind = ""
        self.world.set_wall(0.0)
        self.record.clock_set()
        self.world.crash_in = None
        for deployment in self.platform.deployments.values():
            deployment.disabled = False
        self.acts.resume()
        self.fleet.overloaded = True
        self.world.log("calm")

    def _again(self, mean_s: float, trouble: Callable[[], None]) -> None:
        def come() -> None:
            if not self.over:
                trouble()
                self._again(mean_s, trouble)

        self.world.after(self._chance.expovariate(1 / mean_s), come)

    def _for(self, low_s: float, high_s: float) -> float:
        """A length of time, short ones more often."""
        return math.exp(self._chance.uniform(math.log(low_s), math.log(high_s)))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.world.after(seconds, lambda: None if self.over else act())

    # --- the outside ------------------------------------------------------------------------

    def _spell(self) -> None:
        """Something goes wrong with the platform or with a source, for a while."""
        chance = self._chance
        leans = bool(self.leaning.kinds) and chance.random() < 0.7  # noqa: PLR2004 - seven of ten
        places = self.leaning.places if leans else ("platform", "prom", "prom", "other")
        place = chance.choice(places)
        kind = self._of_platform() if place == "platform" else self._of_source()
        kind = chance.choice(self.leaning.kinds) if leans else kind
        method = chance.choice(("", "PUT", "PUT", "GET")) if place == "platform" else ""
        # A lie that nobody could see through must not last.
        length = self._for(5, 35) if kind == "zero" else self._for(20, 1500)
        share = chance.choice((0.2, 0.5, 1.0))
        self.weather.add(w.Spell(place, kind, self.world.now + length, share, method))

    def _of_platform(self) -> str:
        sort = self._chance.choice((w.NETWORK, w.ERRORS, w.BODIES, (w.CLAMP, w.UNKNOWN_STATE)))
        return self._chance.choice(sort)

    def _of_source(self) -> str:
        sort = self._chance.choice((w.NETWORK, w.ERRORS, w.BODIES, w.LIES, w.LIES, (w.WARNINGS,)))
        return self._chance.choice(sort)

    def _returning(self) -> None:
        """A source goes away, and comes back serving zeros for a while."""
        place, now = self._chance.choice(("prom", "other")), self.world.now
        away, zeros = self._for(130, 600), self._chance.uniform(10, 230)
        self.weather.add(w.Spell(place, "lost", now + away, 1.0))
        self._later(away, lambda: self.weather.add(w.Spell(place, "zero", now + away + zeros, 1.0)))

    def _port(self) -> None:
        port = self._chance.choice((PLATFORM, METRICS, OTHER))
        ports = self._chance.choice((self.network.refusing, self.network.silent))
        ports.add(port)
        self.world.log("port", port)
        self._later(self._for(5, 400), lambda: ports.discard(port))

    def _hand(self) -> None:
        """Somebody works in the platform's own pages."""
        found: Deployment = self._chance.choice(list(self.platform.deployments.values()))
        kind = self._chance.random()
        self.world.log("hand", found.rid[-8:], f"{kind:.3f}")
        if kind < 0.15:  # noqa: PLR2004 - shares of what hands do
            found.disabled = not found.disabled
        elif kind < 0.5:  # noqa: PLR2004 - likewise
            found.raw = {**found.raw, "notYetInvented": self._chance.random()}
        else:
            low = self._chance.randint(0, 12)
            dials = {"minReplicas": low, "maxReplicas": low + self._chance.randint(1, 12)}
            raw = {**found.raw, **dials}
            read_config(raw, self.platform.rules)
            found.raw = raw
            self.record.handed[found.rid] = self.world.now

    # --- the machine ------------------------------------------------------------------------

    def _kill(self) -> None:
        """The process dies: now, or a few steps after its next commit, request or PUT."""
        steps = self._chance.choice((0, 0, 1, 2, 3, 5, 8, 13, 21))
        when = self._chance.choice(("now", "commit", "request", "put", "put"))
        self.world.log("kill", when, steps)

        def strike() -> None:
            self.disk.on_commit = self.record.on_request = self.record.after_put = _nothing
            if not self.over:
                self.world.crash_in = steps

        if when == "now":
            strike()
        elif when == "commit":
            self.disk.on_commit = strike
        elif when == "request":
            self.record.on_request = strike
        else:
            self.record.after_put = strike

    def _orderly_end(self) -> None:
        self.acts.stop()

    def _clock(self) -> None:
        """The wall clock is put right or wrong, by a second or by hours."""
        size = self._chance.choice((0.0, 1.0, 20.0, 400.0, 7200.0))
        wrong = size * self._chance.choice((1, -1))
        self.world.set_wall(wrong)
        self.record.clock_set()

    def _suspend(self) -> None:
        self.world.log("suspend")
        self.world.sleep(self._for(5, 3000))

    def _disk(self) -> None:
        if self._chance.random() < 0.5:  # noqa: PLR2004 - a coin
            self.disk.full = True
            self._later(self._for(20, 900), self._disk_is_well)
        else:
            self.disk.slow_s = self._for(0.2, 12)
            self._later(self._for(20, 300), self._disk_is_well)
        self.world.log("disk", self.disk.full, f"{self.disk.slow_s:.2f}")

    def _disk_is_well(self) -> None:
        self.disk.full, self.disk.slow_s = False, 0.0

    def _mood(self) -> None:
        MOOD.kind = self._chance.choice(("", *MOODS))
        self.world.log("mood", MOOD.kind)

    # --- people at the daemon ---------------------------------------------------------------

    def _operator(self) -> None:
        if self._chance.random() < 0.3:  # noqa: PLR2004 - one in three
            self.acts.resume()
            return
        member = self._chance.choice(self.fleet.members)
        scope = self._chance.choice(("fleet", f"group:{member.group}", member.name, member.name))
        length = self._chance.choice((None, self._for(30, 1800)))
        self.acts.stand(scope, length, brake=self._chance.random() < 0.4)  # noqa: PLR2004 - two in five

    def _configuration(self) -> None:
        if self._chance.random() < 0.3:  # noqa: PLR2004 - one in three
            self.acts.reload(self._chance.choice(("", "{", "platform: [", '{"groups": {}}')))
            return
        for member in self._chance.sample(self.fleet.members, min(3, len(self.fleet.members))):
            kind = self._chance.randrange(4)
            if kind == 0:
                member.managed = not member.managed
            elif kind == 1:
                member.mode = self._chance.choice(("apply", "apply", "raise_only", "recommend"))
            else:
                high = self._chance.choice((8, 20, 40))
                member.replicas = (member.replicas[0], high)
                member.most = (member.most[0], high + self._chance.choice((0, 10)))
        self.acts.reload(None)


def _nothing() -> None:
    """Nobody waits for this any more."""
