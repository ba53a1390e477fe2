"""`autoscaler run`: the daemon."""

from __future__ import annotations

from autoscaler.cli.exits import told
from autoscaler.cli.options import Config

LOOKS = (700, 10, 10)
"""Python's own: how often a process looks for garbage that runs for a month."""


def run(config: Config) -> None:
    """Run the daemon until SIGTERM or Ctrl-C. SIGHUP, or a changed file, reloads it."""
    import asyncio
    import gc

    gc.disable()
    from autoscaler.wiring.serve import serve

    # Modules never become garbage: from here on no look for it goes through them again.
    gc.freeze()
    gc.set_threshold(*LOOKS)
    gc.enable()
    with told():
        asyncio.run(serve(config))
