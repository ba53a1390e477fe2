"""Which tests carry which fault's mark, read from the source: no test has to run for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def covered(tests: Path = TESTS) -> dict[int, list[str]]:
    """The tests of each fault, by number, as they are given to pytest."""
    found: dict[int, list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in _numbers(node.decorator_list):
                    place = path.relative_to(tests.parent).as_posix()
                    found.setdefault(number, []).append(f"{place}::{node.name}")
    return found


def _numbers(decorators: list[ast.expr]) -> Iterator[int]:
    for mark in decorators:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
            for argument in mark.args:
                number = ast.literal_eval(argument)
                if isinstance(number, int):
                    yield number
