"""A token bucket whose pace gives way: halved when refused, regained with time."""

from __future__ import annotations

from autoscaler.foundry.errors import PaceExhausted
from autoscaler.ports import Clock

# From any pace back to the full one in at most this time, in a straight line.
RECOVERY_S = 60.0
# The pace never falls below a sixteenth: four halvings, then recovery must be possible.
LOWEST_SHARE = 1 / 16
# Refusals of requests that were under way together count as one.
CUT_EVERY_S = 1.0
ROUNDING_S = 1e-3


class AdaptiveRate:
    """Additive increase, multiplicative decrease. Source: Chiu and Jain (1989), as in TCP."""

    __slots__ = ("_cut_at", "_low", "top")

    def __init__(self, top: float) -> None:
        self.top = top
        self._low = top
        self._cut_at = float("-inf")

    def at(self, now: float) -> float:
        """Requests per second at `now`, monotonic seconds."""
        if self._low >= self.top:
            return self.top
        return min(self.top, self._low + (now - self._cut_at) * self.top / RECOVERY_S)

    def cut(self, now: float) -> None:
        """Halve it: the platform refused."""
        if now - self._cut_at >= CUT_EVERY_S:
            self._low = max(self.top * LOWEST_SHARE, self.at(now) / 2)
            self._cut_at = now


class Bucket:
    """Tokens that refill at an adaptive rate. Taking ahead is allowed and is waited for.

    Whoever wakes up takes from a second bucket of the same size, at the door. Ordinarily it has
    what he needs. After the process was held up, when everybody whose time came meanwhile wakes
    up at once, a burst of them goes and the others leave at the rate.
    """

    def __init__(self, rate: AdaptiveRate, burst: int, clock: Clock) -> None:
        self.rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._tokens = self._door = float(burst)
        self._at = self._door_at = clock.monotonic()
        self._shut_until = float("-inf")

    async def take(self, tokens: int, max_wait_s: float) -> float:
        """Take tokens, in the order of asking; the seconds waited. Raises PaceExhausted."""
        start = self._clock.monotonic()
        self._spend(tokens, start, max_wait_s)
        due = start + max(0.0, -self._tokens / self.rate.at(start))
        try:
            while (wait := max(due, self._shut_until) - self._clock.monotonic()) > 0:
                self._check(max(due, self._shut_until) - start, max_wait_s)
                await self._clock.sleep(wait)
            await self._pass(tokens, start, max_wait_s)
        except BaseException:
            self.give_back(tokens)
            raise
        return self._clock.monotonic() - start

    def give_back(self, tokens: int) -> None:
        """Return tokens that were not used."""
        self._tokens = min(self._burst, self._tokens + tokens)
        self._door = min(self._burst, self._door + tokens)

    def shut(self, seconds: float) -> None:
        """Let nothing through for a while; what was saved up is gone."""
        now = self._refill()
        self._shut_until = max(self._shut_until, now + seconds)
        self._tokens = min(self._tokens, 0.0)

    def within(self, seconds: float) -> float:
        """How many tokens there will have been in the next `seconds`, at the present rate."""
        now = self._refill()
        usable = seconds - max(0.0, self._shut_until - now)
        if usable < 0:
            return 0.0
        return max(0.0, self._tokens + self.rate.at(now) * usable)

    async def _pass(self, tokens: int, start: float, max_wait_s: float) -> None:
        now, rate = self._clock.monotonic(), self.rate.at(self._clock.monotonic())
        # Who takes more than a burst at once has waited for all of it.
        room = max(self._burst, float(tokens))
        self._door = min(room, self._door + (now - self._door_at) * rate) - tokens
        self._door_at = now
        wait = -self._door / rate
        # Rounding alone is no crowd.
        if wait > ROUNDING_S:
            self._check(now + wait - start, max_wait_s)
            await self._clock.sleep(wait)

    def _spend(self, tokens: int, now: float, max_wait_s: float) -> None:
        self._refill()
        owed = max(0.0, tokens - self._tokens) / self.rate.at(now)
        self._check(max(owed, self._shut_until - now), max_wait_s)
        self._tokens -= tokens

    def _check(self, wait: float, max_wait_s: float) -> None:
        if wait > max_wait_s:
            raise PaceExhausted(
                f"the next request may leave in {wait:.1f} s, beyond the {max_wait_s:g} s "
                "that one may wait",
                wait,
            )

    def _refill(self) -> float:
        now = self._clock.monotonic()
        # While the rate recovers, the past is counted at its slower beginning.
        gained = (now - self._at) * self.rate.at(self._at)
        self._tokens = min(self._burst, self._tokens + max(0.0, gained))
        self._at = now
        return now
