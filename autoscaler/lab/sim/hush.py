"""What the daemon says while it runs in the simulation: bugs are heard, the rest is not."""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, WrappedLogger

from autoscaler.lab.sim.world import World


@contextmanager
def logs(world: World) -> Iterator[None]:
    """A bug that the daemon tells its log of is a bug."""

    def hear(_logger: WrappedLogger, _method: str, told: EventDict) -> EventDict:
        if told.get("exc_info"):
            error = sys.exc_info()[1]
            world.found("bug", f"{told['event']}: {error!r}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[hear], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def quiet() -> Iterator[None]:
    """What a killed process left behind complains when it is cleared away; nobody listens."""
    before, sys.unraisablehook = sys.unraisablehook, lambda _: None
    collecting, disabled = gc.isenabled(), logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            sys.unraisablehook = before
            logging.disable(disabled)
            if collecting:
                gc.enable()
