"""Options and reasons of a module as Markdown tables."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path

from autoscaler.core.reason import Code
from autoscaler.lab.docs.options import Row, rows_of
from autoscaler.plugins.hints import nested_in
from autoscaler.plugins.options import hints_of, option_fields, spellings

HEAD = "| option | default | type | range | meaning |\n|---|---|---|---|---|\n"


def options_table(cls: type) -> str:
    """Every option of a dataclass, and below it those of the dataclasses that it holds."""
    rows = rows_of(cls)
    if not rows:
        return "It has no options.\n"
    parts = [HEAD + "".join(_row(row) for row in rows)]
    held: dict[type, list[str]] = {}
    for item in option_fields(cls):
        found = nested_in(hints_of(cls)[item.name])
        if found is not None:
            several = "" if found[0] in {"one", "optional"} else "each of "
            held.setdefault(found[1], []).append(f"{several}`{spellings(item)[0]}`")
    parts += [f"Options of {', '.join(n)}:\n\n{options_table(c)}" for c, n in held.items()]
    return "\n".join(parts)


def _row(row: Row) -> str:
    unit = f" ({row.unit})" if row.unit else ""
    default = row.default if row.default in {"none", "required"} else f"`{row.default}`"
    cells = [f"`{row.name}`", default, row.type + unit, row.allowed, row.doc]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def source_of(cls: type) -> Path:
    """The file that a class is written in."""
    return Path(inspect.getfile(cls))


def codes_in(files: Iterable[Path]) -> frozenset[Code]:
    """The codes that these files give: those that they only compare with do not count."""
    return frozenset(
        code for file in files for code in _given(ast.parse(file.read_text(encoding="utf-8")))
    )


def _given(node: ast.AST) -> Iterator[Code]:
    if isinstance(node, ast.Compare | ast.Set):
        return
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Code":
        if node.attr in Code.__members__:
            yield Code[node.attr]
        return
    for child in ast.iter_child_nodes(node):
        yield from _given(child)


def codes_list(codes: Iterable[Code], page: str) -> str:
    """The codes in the order of the enumeration, each with a link to its meaning on `page`."""
    known = frozenset(codes)
    return ", ".join(f"[`{code.value}`]({page}#{code.value})" for code in Code if code in known)
