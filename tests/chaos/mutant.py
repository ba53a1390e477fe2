"""The daemon's own program with a protection switched off: chaos has to notice.

`python tests/chaos/mutant.py NAME run --config FILE`; the names are those of `docs/protections.md`.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from autoscaler.__main__ import main
    from autoscaler.lab.sim.mutants import MUTANTS, planted

    name = sys.argv.pop(1)
    with planted(next(mutant for mutant in MUTANTS if mutant.name == name)):
        main()
