"""History to calibrated forecasts; standard library only."""

from autoscaler.forecast.alone import LivedAlone, budgeting, living_alone
from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.margins import Pace
from autoscaler.forecast.options import Options
from autoscaler.forecast.past import Lived, Sizes, end_of
from autoscaler.forecast.quality import Quality, independent, tau_for
from autoscaler.forecast.replay import Choice, choose, choosing

__all__ = [
    "Choice",
    "Forecaster",
    "Lived",
    "LivedAlone",
    "Options",
    "Pace",
    "Quality",
    "Sizes",
    "budgeting",
    "choose",
    "choosing",
    "end_of",
    "independent",
    "living_alone",
    "tau_for",
]
