"""Backtests: recorded demand, the live decision code and the well-known scalers side by side."""

from autoscaler.lab.backtest.demand import Scale, demand_of
from autoscaler.lab.backtest.measures import Measures
from autoscaler.lab.backtest.ours import Ours
from autoscaler.lab.backtest.plant import Actuator
from autoscaler.lab.backtest.run import BacktestOptions, BacktestResult, Progress, run_backtest
from autoscaler.lab.backtest.sets import PolicySet, hpa, ours, peers
from autoscaler.lab.backtest.simulate import World
from autoscaler.lab.traces import Trace, read_trace

__all__ = [
    "Actuator",
    "BacktestOptions",
    "BacktestResult",
    "Measures",
    "Ours",
    "PolicySet",
    "Progress",
    "Scale",
    "Trace",
    "World",
    "demand_of",
    "hpa",
    "ours",
    "peers",
    "read_trace",
    "run_backtest",
]
