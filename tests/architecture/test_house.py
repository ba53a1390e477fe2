"""The house rules that a linter does not know."""

from __future__ import annotations

import ast
import logging
import re
import statistics
from collections.abc import Iterator
from logging import Logger
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = sorted(
    path
    for place in ("autoscaler", "policies")
    for path in (ROOT / place).rglob("*.py")
    if "versions" not in path.parts
)


def functions() -> Iterator[tuple[str, int]]:
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                where = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                # The options of a command are its signature; its help makes that long.
                first = node.body[0].lineno if path.parent.name == "cli" else node.lineno
                yield where, (node.end_lineno or first) - first + 1


def test_no_file_is_longer_than_400_lines() -> None:
    long = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in OURS}
    assert {name: size for name, size in long.items() if size > 400} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    assert {where: size for where, size in functions() if size > 50} == {}


def test_most_functions_fit_into_a_glance() -> None:
    sizes = sorted(size for _, size in functions())
    assert statistics.median(sizes) <= 10
    assert sizes[int(len(sizes) * 0.95)] <= 30


@pytest.mark.parametrize("path", OURS, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_say_what_a_thing_does(path: Path) -> None:
    words = ("manager", "helper", "utils")
    assert not any(word in path.name for word in words)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            assert not any(word in node.name.lower() for word in words), node.name


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "autoscaler" / "core").rglob("*.py")),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_every_value_of_the_core_is_frozen_and_slotted(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            if "dataclass" in ast.unparse(decorator):
                assert "frozen=True" in ast.unparse(decorator), node.name
                assert "slots=True" in ast.unparse(decorator), node.name


def test_every_exception_to_a_rule_names_its_reason() -> None:
    bare = re.compile(r"#\s*(noqa: [A-Z0-9, ]+|noqa|type: ignore(\[[^\]]*\])?)\s*$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*OURS, *sorted((ROOT / "tests").rglob("*.py")))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []


def test_the_import_contracts_are_kept() -> None:
    from importlinter import cli

    loggers = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, Logger)]
    silent = [one.disabled for one in loggers]
    assert cli.lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0
    # It configures logging and disables every logger there is, also for the tests behind it.
    for one, disabled in zip(loggers, silent, strict=True):
        one.disabled = disabled
