"""`python -m tests.supply bom | audit`: what is shipped, and whether it is known to be vulnerable."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.supply.shipped import LOCK, Package, locked, shipped


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done, or all audited and nothing known. 1: something known, or not audited."""
    options = argparse.ArgumentParser(description=__doc__)
    asked = options.add_subparsers(dest="what", required=True)
    made = asked.add_parser("bom", help="the bill of materials, CycloneDX 1.6")
    made.add_argument("--output", type=Path, help="a file; standard output when left out")
    tried = asked.add_parser("audit", help="ask an advisory database about everything shipped")
    tried.add_argument("--service", help="an OSV query URL, of a mirror")
    tried.add_argument("--lock", type=Path, default=LOCK, help="another lock file, alone")
    said = options.parse_args(arguments)
    if said.what == "bom":
        return _written(said.output)
    packages = shipped() if said.lock == LOCK else tuple(locked(said.lock.read_text("utf-8")))
    return _audited(packages, said.service or _own_service())


def _written(output: Path | None) -> int:
    from tests.supply.bom import bom

    if output is None:
        sys.stdout.write(bom())
    else:
        output.write_text(bom(), encoding="utf-8")
    return 0


def _own_service() -> str:
    """The advisory database that pip-audit itself would ask."""
    from pip_audit._service import (  # type: ignore[import-untyped]  # it ships no types
        OsvService,
    )

    return str(OsvService.DEFAULT_OSV_URL)


def _audited(packages: Sequence[Package], service: str) -> int:
    from tests.supply.audit import audit

    found = asyncio.run(audit(packages, service))
    for reason in found:
        sys.stdout.write(f"{reason}\n")
    outcome = "FAILED" if found else "all audited, nothing known"
    sys.stdout.write(f"audit of {len(packages)} packages: {outcome}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
