"""History to calibrated forecasts; standard library only."""

from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.margins import Pace
from autoscaler.forecast.options import Options
from autoscaler.forecast.quality import Quality, independent, tau_for
from autoscaler.forecast.replay import Choice, Lived, Sizes, choose, choosing

__all__ = [
    "Choice",
    "Forecaster",
    "Lived",
    "Options",
    "Pace",
    "Quality",
    "Sizes",
    "choose",
    "choosing",
    "independent",
    "tau_for",
]
