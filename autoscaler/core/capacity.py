"""Queueing and load arithmetic: how many servers a load needs, and what waiting it then meets.

A *server* is one thread of one replica. *Load* is the offered load in erlangs: the mean number
of busy servers, arrival rate times mean service time, whatever the number of servers. An *scv*
is a squared coefficient of variation, variance / mean^2: 0 for a constant, 1 for the exponential
distribution (and for Poisson arrivals), above 1 for a wider spread. Times are in seconds.

Sources:

* Little, Operations Research 9 (1961): jobs = rate x time.
* Erlang (1917): loss (B) and delay (C) probabilities; the recursion loses no precision.
* Allen-Cunneen: the wait of G/G/c is that of M/M/c times half the sum of both scvs (Allen,
  Probability, Statistics and Queueing Theory, 1990). Kimura, Operations Research 34 (1986):
  M/G/c between M/M/c and M/D/c, the latter by Cosmetatos, INFOR 13 (1975).
* Two-moment fits of a service time: hyperexponential with balanced means above scv 1, a constant
  plus an exponential part below (Tijms, A First Course in Stochastic Models, 2003).
* Halfin and Whitt, Operations Research 29 (1981): square-root staffing.
* Gunther, Guerrilla Capacity Planning (2007): the Universal Scalability Law.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Above so many servers the delay probability is Halfin and Whitt's, within 0.002 of Erlang's.
EXACT_SERVERS = 20_000


def little_jobs(rate: float, time_s: float) -> float:
    """Mean jobs in a system with `rate` arrivals per second that stay `time_s` each."""
    return rate * time_s


def little_time(jobs: float, rate: float) -> float:
    """Mean time in a system, seconds; infinite for jobs that nothing moves (rate 0)."""
    return jobs / rate if rate > 0 else math.inf


def load_ratio(jobs: float, replicas: int, threads: int) -> float:
    """The platform's own load: running jobs / (replicas x threads); infinite without replicas.

    Source: Foundry documentation, compute-modules/scaling (2026-08-14).
    """
    if replicas <= 0:
        return math.inf if jobs > 0 else 0.0
    return jobs / (replicas * threads)


def erlang_b(servers: int, load: float) -> float:
    """Probability in 0..1 that all servers are busy (M/G/c/c); takes time as `servers` grow.

    B(0) = 1, B(n) = load B(n-1) / (n + load B(n-1)).
    """
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Probability in 0..1 that an arrival waits (M/M/c); 1 when the load fills all servers."""
    return _delayed(erlang_b(servers, load), servers, load) if load < servers else 1.0


def _delayed(blocked: float, servers: int, load: float) -> float:
    return servers * blocked / (servers - load * (1 - blocked))


def halfin_whitt(beta: float) -> float:
    """Probability in 0..1 that an arrival waits with load + beta sqrt(load) servers, beta >= 0."""
    density = math.exp(-beta * beta / 2) / math.sqrt(2 * math.pi)
    if density == 0:
        return 0.0
    below = (1 + math.erf(beta / math.sqrt(2))) / 2
    return 1 / (1 + beta * below / density)


def square_root_staffing(load: float, delayed: float) -> int:
    """Servers at which about a share `delayed` (0..1) of arrivals waits: load + beta sqrt(load).

    Asymptotic: Erlang C needs at most two servers more for shares of 0.001 and above.
    """
    return math.ceil(load + _beta(delayed) * math.sqrt(load))


def _beta(delayed: float) -> float:
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if halfin_whitt(middle) > delayed else (low, middle)
    return high


@dataclass(frozen=True, slots=True)
class Demand:
    """What arrives: `load` in erlangs (>= 0), mean service time in seconds (> 0), both scvs."""

    load: float
    service_s: float
    service_scv: float = 1.0
    arrival_scv: float = 1.0

    def service_beyond(self, t_s: float) -> float:
        """Probability in 0..1 that a service alone takes longer than `t_s` seconds."""
        return sum(share * part.beyond(t_s) for share, part in _parts(self))


@dataclass(frozen=True, slots=True)
class Queue:
    """A demand at so many servers. `delayed` is the probability in 0..1 that an arrival waits."""

    demand: Demand
    servers: int
    delayed: float

    @property
    def drain(self) -> float:
        """Rate per second at which the waits of those who wait fall off; 0 when overloaded."""
        spare = self.servers - self.demand.load
        if spare <= 0:
            return 0.0
        spread_s = self.demand.service_s * variability(self.demand, self.servers)
        return spare / spread_s if spread_s > 0 else math.inf

    def mean_wait(self) -> float:
        """Mean wait of all arrivals, seconds; infinite when overloaded."""
        drain = self.drain
        return self.delayed / drain if drain > 0 else math.inf

    def wait_beyond(self, t_s: float) -> float:
        """Probability in 0..1 of waiting longer than `t_s` seconds."""
        drain = self.drain
        return self.delayed * _decay(drain, t_s) if drain > 0 else 1.0

    def response_beyond(self, t_s: float) -> float:
        """Probability in 0..1 that wait and service together take longer than `t_s` seconds."""
        drain = self.drain
        if drain <= 0:
            return 1.0
        return sum(
            share * ((1 - self.delayed) * part.beyond(t_s) + self.delayed * part.after(drain, t_s))
            for share, part in _parts(self.demand)
        )

    def wait_percentile(self, share: float) -> float:
        """The wait in seconds that a `share` (0..1, below 1) of arrivals does not exceed."""
        drain = self.drain
        if drain <= 0:
            return math.inf
        return max(0.0, math.log(self.delayed / (1 - share)) / drain) if self.delayed > 0 else 0.0

    def response_percentile(self, share: float) -> float:
        """The response time in seconds that a `share` (0..1, below 1) does not exceed."""
        if self.drain <= 0:
            return math.inf
        low, high = 0.0, self.demand.service_s
        while self.response_beyond(high) > 1 - share:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            late = self.response_beyond(middle) > 1 - share
            low, high = (middle, high) if late else (low, middle)
        return high


def queue(demand: Demand, servers: int) -> Queue:
    """The demand at so many servers, at least 1."""
    load = demand.load
    if load >= servers:
        return Queue(demand, servers, 1.0)
    if servers > EXACT_SERVERS:
        return Queue(demand, servers, _asymptotic(servers, load))
    return Queue(demand, servers, erlang_c(servers, load))


def _asymptotic(servers: int, load: float) -> float:
    return halfin_whitt((servers - load) / math.sqrt(load)) if load > 0 else 0.0


def variability(demand: Demand, servers: int) -> float:
    """How much longer (or shorter) waits are than in M/M/c: the more careful of two rules.

    Allen-Cunneen is the larger above scv 1, Kimura below.
    """
    scv, arrivals = demand.service_scv, demand.arrival_scv
    allen_cunneen = (arrivals + scv) / 2
    constant = _cosmetatos(demand.load / servers, servers)
    kimura = (1 + scv) / (2 * scv + (1 - scv) / constant)
    return max(allen_cunneen, kimura * (arrivals + scv) / (1 + scv))


def _cosmetatos(use: float, servers: int) -> float:
    """The mean wait of M/D/c as a share of that of M/M/c, in 0.5..1."""
    if use <= 0:
        return 1.0
    more = (1 - use) * (servers - 1) * (math.sqrt(4 + 5 * servers) - 2) / (16 * use * servers)
    return min(1.0, max(0.5, (1 + more) / 2))


@dataclass(frozen=True, slots=True)
class _Part:
    """A branch of a service time: `fixed_s` plus an exponential of mean `mean_s` (0: none)."""

    fixed_s: float
    mean_s: float

    def beyond(self, t_s: float) -> float:
        left = t_s - self.fixed_s
        if left < 0:
            return 1.0
        return math.exp(-left / self.mean_s) if self.mean_s > 0 else 0.0

    def after(self, drain: float, t_s: float) -> float:
        """Beyond `t_s`, after an exponential wait of that rate: a sum of two exponentials."""
        left = t_s - self.fixed_s
        if left < 0:
            return 1.0
        if self.mean_s <= 0:
            return _decay(drain, left)
        slow, fast = sorted((drain, 1 / self.mean_s))
        if left == 0 or math.isinf(fast):
            return _decay(slow, left)
        gap = (fast - slow) * left
        shape = -math.expm1(-gap) / gap if gap > 0 else 1.0
        return math.exp(-slow * left) * (1 + slow * left * shape)


def _decay(rate: float, t_s: float) -> float:
    return 0.0 if math.isinf(rate) else math.exp(-rate * max(0.0, t_s))


def _parts(demand: Demand) -> tuple[tuple[float, _Part], ...]:
    mean, scv = demand.service_s, demand.service_scv
    if scv <= 1:
        random = mean * math.sqrt(scv)
        return ((1.0, _Part(mean - random, random)),)
    short = (1 + math.sqrt((scv - 1) / (scv + 1))) / 2
    return (
        (short, _Part(0.0, mean / (2 * short))),
        (1 - short, _Part(0.0, mean / (2 * (1 - short)))),
    )


# --- how many servers -----------------------------------------------------------------------


def servers_for_wait(demand: Demand, t_s: float, share: float) -> int:
    """The fewest servers with which a `share` (0..1, below 1) waits at most `t_s` seconds."""
    return _fewest(demand, 1 - share, lambda found: found.wait_beyond(t_s) <= 1 - share)


def servers_for_response(demand: Demand, t_s: float, share: float) -> int | None:
    """The fewest servers with which a `share` (0..1, below 1) takes at most `t_s` in all.

    None when no number suffices, because the service time alone exceeds it too often.
    """
    spare = 1 - share - demand.service_beyond(t_s)
    if spare <= 0:
        return None
    return _fewest(demand, spare, lambda found: found.response_beyond(t_s) <= 1 - share)


def _fewest(demand: Demand, delayed: float, within: Callable[[Queue], bool]) -> int:
    """The fewest servers with which `within` holds; 0 without load.

    Never above square-root staffing that lets only a share `delayed` wait, with which it holds
    for sure. The next term, beta^2 / 6, is Cornish and Fisher's for a Poisson number's skewness.
    """
    load = demand.load
    if load <= 0:
        return 0
    more = math.ceil(_beta(delayed) ** 2 / 6) + 2
    low, most = math.floor(load) + 1, square_root_staffing(load, delayed) + more
    if low > EXACT_SERVERS:
        return _bisected(demand, low, most, within)
    servers, blocked = low - 1, erlang_b(low - 1, load)
    while True:
        servers += 1
        blocked = load * blocked / (servers + load * blocked)
        delay = _delayed(blocked, servers, load)
        if servers == most or within(Queue(demand, servers, delay)):
            return servers


def _bisected(demand: Demand, low: int, most: int, within: Callable[[Queue], bool]) -> int:
    while low < most:
        middle = (low + most) // 2
        if within(Queue(demand, middle, _asymptotic(middle, demand.load))):
            most = middle
        else:
            low = middle + 1
    return most


# --- the Universal Scalability Law ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usl:
    """Throughput of one replica by concurrency n: rate n / (1 + s (n - 1) + k n (n - 1)).

    `rate` is that of one job alone, per second (> 0); contention s and coherence k are >= 0.
    """

    rate: float
    contention: float
    coherence: float

    def throughput(self, jobs: float) -> float:
        """Jobs per second at a concurrency of `jobs` >= 1."""
        more = jobs - 1
        return self.rate * jobs / (1 + self.contention * more + self.coherence * jobs * more)

    def peak(self) -> float:
        """The concurrency with the highest throughput, at least 1; infinite when it only rises."""
        if self.coherence <= 0:
            return math.inf
        return max(1.0, math.sqrt(max(0.0, 1 - self.contention) / self.coherence))


@dataclass(frozen=True, slots=True)
class Misfit:
    """Measurements that no curve can be laid through, and why."""

    why: str


FEWEST_POINTS, LEAST_RANGE = 6, 2.0  # a parabola has three unknowns, and has to bend


def fit_usl(points: Sequence[tuple[float, float]], least_r2: float = 0.8) -> Usl | Misfit:
    """Fit the law to (concurrency, jobs per second) of one replica by least squares.

    concurrency / throughput is a parabola in the concurrency, weighed by relative error; no
    contention or coherence is below 0. Refused: fewer than 6 usable points, a concurrency range
    below a factor of 2, or R^2 below `least_r2`.
    """
    # A millionth of a job, or a billion of them, is no measurement.
    usable = [(n, x) for n, x in points if 1e-6 <= n <= 1e9 and 1e-6 <= x <= 1e9]  # noqa: PLR2004 - said above
    if len(usable) < FEWEST_POINTS:
        return Misfit(f"{len(usable)} usable points are fewer than {FEWEST_POINTS}")
    least, most = min(usable)[0], max(usable)[0]
    if most < LEAST_RANGE * least:
        return Misfit(f"concurrency from {least:.1f} to {most:.1f} is no factor of {LEAST_RANGE:g}")
    found = _least_squares(usable, most)
    if found is None:
        return Misfit("the points determine no curve")
    curve = Usl(1 / found[0], found[1] / found[0], found[2] / found[0])
    r2 = _r2(curve, usable)
    if not r2 >= least_r2:
        return Misfit(f"the curve explains {r2:.0%} of the throughput, {least_r2:.0%} are needed")
    return curve


def _least_squares(points: Sequence[tuple[float, float]], most: float) -> list[float] | None:
    """Single-job time and the two growths per job, all at least 0; None when undetermined."""
    # Scaled so that all terms are about 1: the pivots below must not depend on units.
    unit, time = max(most - 1, most / 2), max(n / x for n, x in points)
    weighed = [(n, (n - 1) / unit, time * (x / n)) for n, x in points]
    rows = [(w, m * w, n / unit * m * w) for n, m, w in weighed]
    fits = []
    for used in ((0, 1, 2), (0, 1), (0, 2), (0,)):
        matrix = [[sum(r[i] * r[j] for r in rows) for j in used] for i in used]
        solved = _solved(matrix, [sum(r[i] for r in rows) for i in used])
        if solved and solved[0] * time > 0 and min(solved) >= 0:
            off = [
                1 - sum(r[i] * found for i, found in zip(used, solved, strict=True)) for r in rows
            ]
            full = {0: 0.0, 1: 0.0, 2: 0.0} | dict(zip(used, solved, strict=True))
            scaled = [full[0] * time, full[1] * time / unit, full[2] * time / unit / unit]
            fits.append((sum(each * each for each in off), scaled))
    return min(fits)[1] if fits else None


def _solved(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Gauss elimination with pivots; None for a matrix that is singular or nearly so."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        if abs(rows[i][i]) < 1e-12:  # noqa: PLR2004 - rows are scaled to about 1 each
            return None
        for k in range(i + 1, size):
            share = rows[k][i] / rows[i][i]
            rows[k] = [a - share * b for a, b in zip(rows[k], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * found[j] for j in range(i + 1, size))
        found[i] = (rows[i][size] - known) / rows[i][i]
    return found


def _r2(curve: Usl, points: Sequence[tuple[float, float]]) -> float:
    mean = sum(x for _, x in points) / len(points)
    spread = sum((x - mean) * (x - mean) for _, x in points)
    missed = sum((x - fit) * (x - fit) for x, fit in ((x, curve.throughput(n)) for n, x in points))
    return 1 - missed / spread if spread > 0 else 0.0
