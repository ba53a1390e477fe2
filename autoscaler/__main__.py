"""`python -m autoscaler`: runs the command line."""

from __future__ import annotations

import gc

# What is imported stays. To look for garbage among it takes a seventh of a command's start.
FEW_LOOKS = 100_000
"""How many objects may be made, less those that went, before garbage is looked for."""


def main() -> None:
    """Run the command that was asked for; exit codes are listed in `autoscaler --help`."""
    gc.set_threshold(FEW_LOOKS)
    from autoscaler.cli import app

    app(prog_name="autoscaler")


if __name__ == "__main__":
    main()
