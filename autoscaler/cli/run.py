"""`autoscaler run`: the daemon."""

from __future__ import annotations

from autoscaler.cli.exits import told
from autoscaler.cli.options import Config


def run(config: Config) -> None:
    """Run the daemon until SIGTERM or Ctrl-C. SIGHUP, or a changed file, reloads it."""
    import asyncio

    from autoscaler.wiring import serve

    with told():
        asyncio.run(serve(config))
