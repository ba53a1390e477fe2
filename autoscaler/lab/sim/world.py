"""Time and chance: one clock for everybody, moved on only when nobody has anything left to do.

The world is a discrete-event simulation whose guest is the daemon's event loop. What the world
does (a packet arrives, a hand turns a dial, the disk fills up) happens between two steps of that
loop, so a run is a function of its seed.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable
from random import Random

Act = Callable[[], None]

# 2026-03-02 00:00:00 UTC, a Monday.
EPOCH = 1_772_409_600.0
# Steps of the daemon's loop without any time passing: beyond this it runs in circles.
CIRCLES = 200_000
# The machine has been up for a while.
BEGIN = 1000.0


class Crashed(BaseException):
    """The daemon's process dies here: nothing of it runs any more, not even its `finally`."""


class Broken(AssertionError):  # noqa: N818 - it reads as what it is
    """An invariant does not hold."""


class World:
    """Virtual time, everything that is going to happen, and the log of what did."""

    def __init__(self, seed: int, tell: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.now = BEGIN
        """Seconds since the machine was started; never steps back, goes on while it sleeps."""
        self.asleep = 0.0
        """Seconds for which the machine slept: its event loops do not count them."""
        self.awake_by = math.inf
        """When the machine is awake at the latest: nobody mends anything asleep."""
        self.wall_error = 0.0
        """How far the daemon's wall clock is ahead of the truth, seconds."""
        self.wall_set_at = 0.0
        self.wall_before = 0.0
        """What it had said when it was set last."""
        self.wall_forward_at = -1e9
        """When it was put forward last."""
        self.busy = 0.0
        """Seconds for which the daemon's process computed without a step."""
        self.store_ill_at = -1e9
        """When the disk was full or slow last."""
        self.crash_in: int | None = None
        """Steps of the loop until the daemon's process is killed; None: not planned."""
        self.failure: Exception | None = None
        """A bug of the world itself, where its guest would have hidden it."""
        self.broken: list[str] = []
        self.brief = False
        """Whether the first broken invariant ends the run."""
        self.events = 0
        self._due: list[tuple[float, int, Act]] = []
        self._count = 0
        self._steps = 0
        self._log = hashlib.sha256()
        self._tell = tell

    # --- time and chance --------------------------------------------------------------------

    @property
    def true(self) -> float:
        """The right time, Unix seconds."""
        return EPOCH + self.now

    @property
    def wall(self) -> float:
        """What the daemon's machine takes for the time, Unix seconds."""
        return self.true + self.wall_error

    @property
    def loop_time(self) -> float:
        """What an event loop on the machine counts: CLOCK_MONOTONIC, which sleeps with it."""
        return self.now - self.asleep

    def chance(self, name: str) -> Random:
        """A stream of chance of its own: more draws in one place change nothing elsewhere."""
        return Random(f"{self.seed}/{name}")

    def at(self, when: float, act: Act) -> None:
        """Let `act` happen at `when` (of `now`)."""
        self._count += 1
        heapq.heappush(self._due, (when, self._count, act))

    def after(self, seconds: float, act: Act) -> None:
        """Let `act` happen in so many seconds."""
        self.at(self.now + seconds, act)

    def advance(self, seconds: float | None) -> None:
        """Move on to the next thing that happens, at most `seconds`. Raises Broken for none."""
        if self._due and (seconds is None or self._due[0][0] <= self.now + seconds):
            when, _, act = heapq.heappop(self._due)
            self.now = max(self.now, when)
            act()
        elif seconds is None:
            raise Broken("the daemon waits for something that will never happen")
        else:
            self.now += seconds
        self._steps = 0

    def pass_by(self, seconds: float) -> None:
        """Let so much time pass, and everything happen that is due in it."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            when, _, act = heapq.heappop(self._due)
            self.now = max(self.now, when)
            act()
        self.now = max(self.now, until)

    def work(self, seconds: float) -> None:
        """The daemon's process is busy for so long: nothing reaches it meanwhile."""
        self.now += seconds
        self.busy += seconds

    def set_wall(self, error: float) -> None:
        """Somebody sets the daemon's wall clock, right or wrong."""
        if error > self.wall_error:
            self.wall_forward_at = self.now
        self.wall_before = self.wall
        self.wall_error, self.wall_set_at = error, self.now
        self.log("clock", error)

    def sleep(self, seconds: float) -> None:
        """The machine is suspended: the rest of the world goes on."""
        seconds = max(0.0, min(seconds, self.awake_by - self.now))
        self.asleep += seconds
        self.pass_by(seconds)

    def stepped(self) -> None:
        """The daemon's loop has made a step. Raises Crashed when it was its last."""
        self._steps += 1
        if self.failure is not None:
            raise self.failure
        if self._steps > CIRCLES:
            raise Broken(f"the daemon's loop made {CIRCLES} steps and no time passed")
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                raise Crashed

    def forget(self) -> None:
        """Nothing more is going to happen."""
        self._due.clear()

    # --- what happened ----------------------------------------------------------------------

    def log(self, kind: str, *facts: object) -> None:
        """Write down what happened, in words that are the same in every run of the seed."""
        self.events += 1
        line = f"{self.now:.6f} {kind} {' '.join(map(str, facts))}"
        self._log.update(line.encode())
        if self._tell is not None:
            self._tell(line)

    @property
    def digest(self) -> str:
        """A mark of everything that happened so far."""
        return self._log.hexdigest()[:16]

    def found(self, invariant: str, sentence: str) -> None:
        """An invariant does not hold. The run goes on, for what follows may tell more."""
        self.log("BROKEN", invariant, sentence)
        if self.brief:
            self.crash_in = 0
        self.broken.append(f"{invariant}: {sentence} (at {self.now:.3f} s)")
