"""History to calibrated forecasts; standard library only."""

from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.margins import Pace
from autoscaler.forecast.options import Options
from autoscaler.forecast.quality import Quality, tau_for

__all__ = ["Forecaster", "Options", "Pace", "Quality", "tau_for"]
