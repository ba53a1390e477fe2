"""`docs/protections.md`: each protection, its mutant, and the invariant that misses it."""

from __future__ import annotations

from autoscaler.lab.sim.mutants import MUTANTS

_HEAD = """\
# Protections, and what notices when one is gone

Made by `python -m autoscaler.lab.docs`. Each row is a bug planted on purpose: the protection is
switched off in the running daemon, and the simulation (`docs/simulation.md`) must break an
invariant that is named here. `autoscaler-sim --mutants` shows it, and so does
`tests/simulation/test_mutants.py`.

| protection | mutant | noticed by |
|---|---|---|
"""


def protections() -> str:
    """The whole page."""
    rows = (
        f"| {one.protection} | `{one.name}` | {', '.join(one.noticed_by)} |\n" for one in MUTANTS
    )
    return _HEAD + "".join(rows)
