"""How good the forecasts were: coverage, loss against the naive one, bias."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """Realised quality, the last day weighing most; shares are 0..1, None before any trial.

    `coverage` is the share of windows in which demand stayed within the forecast, to be
    compared with `tau`. `loss_ratio` is the pinball loss at `tau` over that of the naive
    forecast "as now": below 1 is better. `bias` is the mean forecast over the mean demand
    without any margin, minus 1: above 0 it forecasts too much. `trials` counts all windows.
    """

    tau: float
    trials: int
    coverage: float | None
    loss_ratio: float | None
    bias: float | None
    expert: str


HALF_LIFE_S = 86_400.0


def independent(trials: int, every_s: float, lead_s: float) -> float:
    """How many independent windows a faded coverage is worth, for its margin of error.

    Weights that fade by f are worth (1 + f) / (1 - f) equal ones (Kish's effective size), and
    windows of `lead_s` that begin every `every_s` overlap, so they count by their share of it.
    """
    fade: float = 0.5 ** (every_s / HALF_LIFE_S)
    return min(trials, (1 + fade) / (1 - fade)) * min(1.0, every_s / lead_s)


class Ledger:
    """Discounted sums behind `Quality`."""

    __slots__ = (
        "demand",
        "fade",
        "guess",
        "hits",
        "loss",
        "met",
        "naive",
        "tau",
        "trials",
        "weight",
    )

    def __init__(self, tau: float, step_s: float, half_life_s: float = HALF_LIFE_S) -> None:
        self.tau = tau
        self.fade = 0.5 ** (step_s / half_life_s)
        self.trials = self.met = 0
        self.weight = self.hits = self.loss = self.naive = self.guess = self.demand = 0.0

    def enter(self, covered: float, guess: float, naive: float, truth: float) -> None:
        """One window: the forecast with and without margin, the naive one, what came."""
        fade, tau = self.fade, self.tau
        self.trials += 1
        self.weight = self.weight * fade + 1
        self.met += truth <= covered
        self.hits = self.hits * fade + (truth <= covered)
        self.loss = self.loss * fade + pinball(truth - covered, tau)
        self.naive = self.naive * fade + pinball(truth - naive, tau)
        self.guess = self.guess * fade + guess
        self.demand = self.demand * fade + truth

    def quality(self, expert: str) -> Quality:
        """What the sums say; `expert` is the one that is followed now."""
        return Quality(
            self.tau,
            self.trials,
            self.hits / self.weight if self.weight else None,
            self.loss / self.naive if self.naive > 0 else None,
            self.guess / self.demand - 1 if self.demand > 0 else None,
            expert,
        )


def pinball(above: float, tau: float) -> float:
    """The newsvendor's loss of falling short by `above` (negative: of being too high)."""
    return tau * above if above > 0 else (tau - 1) * above


def tau_for(miss_cost: float, idle_cost: float) -> float:
    """The quantile at which a request short costs `miss_cost` and an idle one `idle_cost`.

    Raises ValueError unless both are above 0. Source: the newsvendor's critical ratio.
    """
    if not (miss_cost > 0 and idle_cost > 0):
        raise ValueError(f"costs must be above 0, got {miss_cost} and {idle_cost}")
    return miss_cost / (miss_cost + idle_cost)
