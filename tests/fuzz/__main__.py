"""`python -m tests.fuzz TARGET --runs N`: fuzz one parser, guided by the coverage of our code."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
SLOWEST_S = 5
LARGEST_MB = 2048


def main() -> None:
    """Run the engine; it ends the process, with a code above 0 when something was found."""
    import atheris  # type: ignore[import-untyped]  # it ships no types

    with atheris.instrument_imports(
        include=["autoscaler", "policies"], enable_loader_override=False
    ):
        from tests.fuzz.targets import TARGETS
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("target", choices=sorted(TARGETS))
    options.add_argument("--runs", type=int, default=1_000_000)
    options.add_argument("--seconds", type=int, default=0, help="stop earlier; 0: do not")
    options.add_argument("--longest", type=int, default=2048, help="bytes of an input")
    options.add_argument("--seed", type=int, default=0, help="0: a new one")
    asked = options.parse_args()
    new = tempfile.mkdtemp(prefix=f"fuzz-{asked.target}-")
    seeds = CORPUS / asked.target
    seeds.mkdir(parents=True, exist_ok=True)
    arguments = [
        sys.argv[0],
        f"-runs={asked.runs}",
        f"-max_total_time={asked.seconds}",
        f"-max_len={asked.longest}",
        f"-seed={asked.seed}",
        f"-timeout={SLOWEST_S}",
        f"-rss_limit_mb={LARGEST_MB}",
        f"-artifact_prefix={new}/found-",
        "-print_final_stats=1",
        new,
        str(seeds),
    ]
    atheris.Setup(arguments, TARGETS[asked.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
