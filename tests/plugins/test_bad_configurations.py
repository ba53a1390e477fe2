"""Bad configurations and the exact text that each is answered with, from `bad/*.txt`.

A file holds the configuration, a line of `=====`, and the answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from autoscaler.plugins import check
from autoscaler.settings import ConfigError
from tests.fakes.configuration import ENVIRON, written

CASES = sorted((Path(__file__).parent / "bad").glob("*.txt"))
BETWEEN = "=====\n"


def answer(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check(written(folder, text), ENVIRON)
    return str(caught.value).replace(f"{folder}/", "") + "\n"


@pytest.mark.fault(54, 58, 59)
@pytest.mark.parametrize("case", CASES, ids=[path.stem for path in CASES])
def test_a_bad_configuration_is_answered_word_for_word(tmp_path: Path, case: Path) -> None:
    text, _, expected = case.read_text(encoding="utf-8").partition(BETWEEN)
    assert answer(tmp_path, text) == expected


def test_the_table_covers_every_kind_of_rule() -> None:
    assert len(CASES) >= 25
