"""What may stand in an expression: every node is checked before anything is evaluated.

A subset of Python's own syntax, parsed by `ast`. Numbers and conditions are kept apart, and
signals, dials and windows are taken out of the tree as inputs, so that the evaluator is left
with arithmetic, comparisons and a handful of functions.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import singledispatch
from types import MappingProxyType

from autoscaler.core.envelope import Dial
from policies import _duration
from policies._reading import MEASURES, Age, Latest, Over, Reading, Turned

DEEPEST = 50
"""Levels of nesting: deeper formulas are no longer read by anybody."""
LONGEST_WINDOW_S = 30 * 86_400.0


class Kind(StrEnum):
    """What an expression yields."""

    NUMBER = "number"
    CONDITION = "condition"


class MistakeError(Exception):
    """A rule that an expression breaks, and the column (from 0) at which it does."""

    def __init__(self, rule: str, column: int) -> None:
        super().__init__(rule)
        self.rule, self.column = rule, column


@dataclass(frozen=True, slots=True)
class Scalar:
    """A function of numbers: how many it takes (`most` None: any number) and how it is written."""

    of: Callable[[Sequence[float]], float]
    form: str
    least: int = 1
    most: int | None = 1


SCALARS: Mapping[str, Scalar] = MappingProxyType(
    {
        "abs": Scalar(lambda x: abs(x[0]), "abs(x)"),
        "ceil": Scalar(lambda x: float(math.ceil(x[0])), "ceil(x)"),
        "floor": Scalar(lambda x: float(math.floor(x[0])), "floor(x)"),
        "round": Scalar(lambda x: float(math.floor(x[0] + 0.5)), "round(x)"),
        "sqrt": Scalar(lambda x: math.sqrt(x[0]), "sqrt(x)"),
        "clamp": Scalar(lambda x: min(max(x[0], x[1]), x[2]), "clamp(x, low, high)", 3, 3),
        "max": Scalar(max, 'max(a, b) or max(signal, "5m")', 2, None),
        "min": Scalar(min, 'min(a, b) or min(signal, "5m")', 2, None),
    }
)
FORMS = {name: f'{name}(signal, "5m")' for name in MEASURES if name not in SCALARS} | {
    "percentile": 'percentile(signal, 95, "5m")',
    "age": "age(signal)",
    "if_": "if_(condition, a, b)",
    "first_of": "first_of(a, b)",
    "count": "count(condition, condition)",
}
FUNCTIONS = (*SCALARS, *FORMS)
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_OTHERS_WORDS: dict[type[ast.AST], str] = {
    ast.BitAnd: ": write `and`",
    ast.BitOr: ": write `or`",
    ast.Invert: ": write `not`",
    ast.Attribute: ": signals have plain names",
    ast.Subscript: ': write a window as in avg(running_jobs, "5m")',
    ast.List: ": functions take their arguments one by one",
}
_NAMES: dict[type[ast.AST], str] = {
    ast.BitAnd: "`&`",
    ast.BitOr: "`|`",
    ast.Invert: "`~`",
    ast.Pow: "`**`",
    ast.Attribute: "`.`",
    ast.Subscript: "`[...]`",
    ast.List: "`[...]`",
    ast.Lambda: "`lambda`",
    ast.Is: "`is`",
    ast.In: "`in`",
}
_DIALS = {dial.value: dial for dial in Dial}


@dataclass(frozen=True, slots=True)
class Part:
    """A checked tree whose names are the numbers of its inputs."""

    kind: Kind
    tree: ast.expr
    inputs: tuple[Reading, ...]


@dataclass(slots=True)
class Reader:
    """Checks a tree and takes its inputs out. `choose` makes an input of a list of parts."""

    choose: Callable[[tuple[Part, ...]], Reading]
    needs: dict[str, None] = field(default_factory=dict)
    windows: dict[str, float] = field(default_factory=dict)
    inputs: list[Reading] = field(default_factory=list)

    def part(self, node: ast.expr, depth: int = 0) -> Part:
        """The checked part with inputs of its own. Raises MistakeError."""
        inner = Reader(self.choose, self.needs, self.windows)
        kind, tree = inner.take(node, depth)
        return Part(kind, tree, tuple(inner.inputs))

    def take(self, node: ast.expr, depth: int) -> tuple[Kind, ast.expr]:
        """The node's kind and what is left of it for the evaluator."""
        if depth > DEEPEST:
            raise MistakeError(f"it is nested deeper than {DEEPEST} levels", node.col_offset)
        kind, taken = _take(node, self, depth + 1)
        return kind, ast.copy_location(taken, node)

    def expect(self, kind: Kind, node: ast.expr, depth: int) -> ast.expr:
        """What is left of a node that must be of a kind."""
        found, taken = self.take(node, depth)
        if found is not kind:
            hint = ": compare it, as in x > 0" if kind is Kind.CONDITION else ""
            rule = f"a {kind.value} is needed here, this is a {found.value}{hint}"
            raise MistakeError(rule, node.col_offset)
        return taken

    def input(self, reading: Reading) -> ast.expr:
        """The name under which the evaluator finds an input."""
        if reading not in self.inputs:
            self.inputs.append(reading)
        return ast.Name(str(self.inputs.index(reading)), ast.Load())

    def signal(self, node: ast.expr) -> str:
        """The signal that a node names."""
        if not isinstance(node, ast.Name) or node.id in _DIALS:
            raise MistakeError("the name of a signal is needed here", node.col_offset)
        self.needs.setdefault(node.id)
        return node.id


def _foreign(node: ast.AST, at: ast.expr) -> MistakeError:
    name = _NAMES.get(type(node), type(node).__name__)
    rule = f"{name} is not part of the language{_OTHERS_WORDS.get(type(node), '')}"
    return MistakeError(rule, _end(at))


def _end(node: ast.expr) -> int:
    """Where to point: for operators, the left side's end is nearer than its begin."""
    if isinstance(node, ast.BinOp):
        return (node.left.end_col_offset or 0) + 1
    return node.col_offset


@singledispatch
def _take(node: ast.expr, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:  # noqa: ARG001 - what every node's rule takes
    """The rule of a node: its kind and what is left of it. Other nodes do not belong."""
    raise _foreign(node, node)


@_take.register
def _binary(node: ast.BinOp, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:
    if not isinstance(node.op, ARITHMETIC):
        raise _foreign(node.op, node)
    left = reader.expect(Kind.NUMBER, node.left, depth)
    right = reader.expect(Kind.NUMBER, node.right, depth)
    return Kind.NUMBER, ast.BinOp(left, node.op, right)


@_take.register
def _unary(node: ast.UnaryOp, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:
    if isinstance(node.op, ast.Invert):
        raise _foreign(node.op, node)
    kind = Kind.CONDITION if isinstance(node.op, ast.Not) else Kind.NUMBER
    return kind, ast.UnaryOp(node.op, reader.expect(kind, node.operand, depth))


@_take.register
def _boolean(node: ast.BoolOp, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:
    sides = [reader.expect(Kind.CONDITION, each, depth) for each in node.values]
    return Kind.CONDITION, ast.BoolOp(node.op, sides)


@_take.register
def _compare(node: ast.Compare, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:
    for op, right in zip(node.ops, node.comparators, strict=True):
        if not isinstance(op, COMPARISONS):
            raise _foreign(op, right)
    left = reader.expect(Kind.NUMBER, node.left, depth)
    others = [reader.expect(Kind.NUMBER, each, depth) for each in node.comparators]
    return Kind.CONDITION, ast.Compare(left, node.ops, others)


@_take.register
def _either(node: ast.IfExp, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:
    return _choice(reader, (node.test, node.body, node.orelse), depth)


def _choice(
    reader: Reader, parts: tuple[ast.expr, ast.expr, ast.expr], depth: int
) -> tuple[Kind, ast.expr]:
    test = reader.expect(Kind.CONDITION, parts[0], depth)
    kind, body = reader.take(parts[1], depth)
    return kind, ast.IfExp(test, body, reader.expect(kind, parts[2], depth))


@_take.register
def _constant(node: ast.Constant, _: Reader, __: int) -> tuple[Kind, ast.expr]:
    value = node.value
    if isinstance(value, bool):
        return Kind.CONDITION, ast.Constant(value)
    if isinstance(value, str):
        rule = 'text is for windows only, as in avg(running_jobs, "5m")'
        raise MistakeError(rule, node.col_offset)
    if not isinstance(value, int | float):
        raise MistakeError(f"{value!r} is no number", node.col_offset)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise MistakeError("the number is too large", node.col_offset)
    return Kind.NUMBER, ast.Constant(number)


@_take.register
def _name(node: ast.Name, reader: Reader, _: int) -> tuple[Kind, ast.expr]:
    if node.id in {"true", "false"}:
        return Kind.CONDITION, ast.Constant(node.id == "true")
    dial = _DIALS.get(node.id)
    reading: Reading = Latest(reader.signal(node)) if dial is None else Turned(dial)
    return Kind.NUMBER, reader.input(reading)


@_take.register
def _call(node: ast.Call, reader: Reader, depth: int) -> tuple[Kind, ast.expr]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        said = repr(name) if name else "this"
        raise MistakeError(f"{said} is no function{did_you_mean(name, FUNCTIONS)}", node.col_offset)
    named: list[ast.keyword | ast.Starred] = [*node.keywords]
    for other in [*named, *(each for each in node.args if isinstance(each, ast.Starred))]:
        raise MistakeError(f"arguments are given in order: {_form(name)}", other.value.col_offset)
    if name in MEASURES and (name not in SCALARS or _is_text(node.args[-1:])):
        return Kind.NUMBER, reader.input(_over(reader, name, node))
    if name in SCALARS:
        return Kind.NUMBER, _scalar(reader, name, node, depth)
    return _SPECIALS[name](reader, node, depth)


def _scalar(reader: Reader, name: str, node: ast.Call, depth: int) -> ast.expr:
    rule = SCALARS[name]
    _check_count(name, node, rule.least, rule.most)
    numbers = [reader.expect(Kind.NUMBER, each, depth) for each in node.args]
    return ast.Call(ast.Name(name, ast.Load()), numbers, [])


def _over(reader: Reader, name: str, node: ast.Call) -> Over:
    wanted = 3 if name == "percentile" else 2
    _check_count(name, node, wanted, wanted)
    signal, window = reader.signal(node.args[0]), _window(node.args[-1])
    if name != "ahead":
        reader.windows[signal] = max(window, reader.windows.get(signal, 0.0))
    return Over(name, signal, window, _share(node.args[1]) if wanted == 3 else 0.0)  # noqa: PLR2004 - signal, percent, window


def _window(node: ast.expr) -> float:
    value = node.value if isinstance(node, ast.Constant) else None
    try:
        window = _duration.seconds(value if isinstance(value, str) else None)
    except ValueError:
        rule = f"a window {_duration.RULE}, in quotes"
        raise MistakeError(rule, node.col_offset) from None
    if not 0 < window <= LONGEST_WINDOW_S:
        raise MistakeError("a window must be longer than 0 s and at most 30d", node.col_offset)
    return window


def _share(node: ast.expr) -> float:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # noqa: PLR2004 - percent
        raise MistakeError("a percentile must be a number in 0..100", node.col_offset)
    return float(value)


def _age(reader: Reader, node: ast.Call, _: int) -> tuple[Kind, ast.expr]:
    _check_count("age", node, 1, 1)
    return Kind.NUMBER, reader.input(Age(reader.signal(node.args[0])))


def _if(reader: Reader, node: ast.Call, depth: int) -> tuple[Kind, ast.expr]:
    _check_count("if_", node, 3, 3)
    return _choice(reader, (node.args[0], node.args[1], node.args[2]), depth)


def _first_of(reader: Reader, node: ast.Call, depth: int) -> tuple[Kind, ast.expr]:
    _check_count("first_of", node, 2, None)
    parts = tuple(reader.part(each, depth) for each in node.args)
    for part, each in zip(parts, node.args, strict=True):
        if part.kind is not parts[0].kind:
            rule = f"a {parts[0].kind.value} is needed here, this is a {part.kind.value}"
            raise MistakeError(rule, each.col_offset)
    return parts[0].kind, reader.input(reader.choose(parts))


def _count(reader: Reader, node: ast.Call, depth: int) -> tuple[Kind, ast.expr]:
    _check_count("count", node, 1, None)
    holds = [reader.expect(Kind.CONDITION, each, depth) for each in node.args]
    return Kind.NUMBER, ast.Call(ast.Name("count", ast.Load()), holds, [])


def _check_count(name: str, node: ast.Call, least: int, most: int | None) -> None:
    given = len(node.args)
    if given < least or (most is not None and given > most):
        rule = f"{name} takes {_amount(least, most)}, got {given}: {_form(name)}"
        raise MistakeError(rule, node.col_offset)


def _amount(least: int, most: int | None) -> str:
    exactly = f"{least} argument{'' if least == 1 else 's'}"
    return exactly if most == least else f"at least {exactly}"


def _form(name: str) -> str:
    return SCALARS[name].form if name in SCALARS else FORMS[name]


def _is_text(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in nodes)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest known name, empty when none is near."""
    near = difflib.get_close_matches(name, tuple(known), n=1)
    return f": did you mean {near[0]}?" if near else ""


_SPECIALS: dict[str, Callable[[Reader, ast.Call, int], tuple[Kind, ast.expr]]] = {
    "age": _age,
    "if_": _if,
    "first_of": _first_of,
    "count": _count,
}
