"""Every protection, switched off, is missed by an invariant; and the page of them is current."""

from __future__ import annotations

import pytest

from autoscaler.cli.sim import composition
from autoscaler.lab.sim.hunt import hunt
from autoscaler.lab.sim.mutants import MUTANTS, Mutant


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_protection_that_is_switched_off_is_missed(mutant: Mutant) -> None:
    found = hunt(mutant, composition(), first=1)
    assert found.caught, found.line


def test_at_least_twenty_protections_are_switched_off_in_turn() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
