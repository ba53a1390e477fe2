"""`python -m autoscaler`: runs the command line."""

from __future__ import annotations


def main() -> None:
    """Run the command that was asked for; exit codes are listed in `autoscaler --help`."""
    from autoscaler.cli import app

    app(prog_name="autoscaler")


if __name__ == "__main__":
    main()
