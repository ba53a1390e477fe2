"""The pages of tune and replay name what the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoscaler.lab import tune
from autoscaler.lab.replay import Verdict
from autoscaler.lab.tune.objective import MEASURES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tune.md").read_text("utf-8")


@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_every_measure_is_explained(measure: str) -> None:
    assert f"`{measure}`" in PAGE


def test_every_caveat_is_explained() -> None:
    sources = [path.read_text("utf-8") for path in Path(tune.__path__[0]).glob("*.py")]
    codes = set(re.findall(r'Caveat\(\s*"(\w+)"', "\n".join(sources)))
    assert len(codes) >= 12
    assert {code for code in codes if f"| `{code}` |" not in PAGE} == set()


def test_every_verdict_is_explained() -> None:
    page = (ROOT / "docs" / "replay.md").read_text("utf-8")
    assert all(f"* **{verdict.value}**" in page for verdict in Verdict)
