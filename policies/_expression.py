"""Expressions over signals and dials, for formulas and conditions.

    ceil(max(running_jobs, "5m") / (threads * 0.7))
    error_share > 0.05 and first_of(queue_age, 0) < 30

A bare name is the newest value of a signal, or a dial (`min_replicas`, `max_replicas`,
`threads`). Windows: `avg`, `min`, `max`, `sum`, `delta` (last less first), `rate` (of a counter,
per second) and `ahead` (the highest of a forecast) of (signal, "5m"); `percentile(signal, 95,
"5m")`; `age(signal)` in seconds. Functions: `abs ceil floor round sqrt clamp min max`, `count` of
conditions that hold, `if_(condition, a, b)` or `a if condition else b`. `+ - * / // %`,
comparisons, `and or not`, `true false`. Every number is a floating-point number.

A signal without data leaves the whole expression without a value, in whatever branch it stands,
and so does a division by zero. `first_of(a, b, 8)` is the one exception: the first of them that
has a value. The checked tree is evaluated by simpleeval.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

from autoscaler.core.observation import Absence, Missing, Observation
from policies._grammar import SCALARS, Kind, MistakeError, Part, Reader, Scalar
from policies._reading import Absent, Undefined, Value

LONGEST = 1000
"""Characters; a formula that is longer belongs into a recording rule of the metric system."""
_SHOWN = 100

# What other languages write, and how it is written here.
_FOREIGN = (
    (re.compile(r"\?\?"), "`??` is not part of the language: write first_of(a, b)"),
    (re.compile(r"\?"), "`?` is not part of the language: write `a if condition else b`"),
    (re.compile(r"&&"), "`&&` is not part of the language: write `and`"),
    (re.compile(r"\|\|"), "`||` is not part of the language: write `or`"),
    (re.compile(r"!(?!=)"), "`!` is not part of the language: write `not`"),
    (re.compile(r"(?<![<>=!:])=(?!=)"), "`=` is not part of the language: compare with `==`"),
    (re.compile(r"[^\x20-\x7e]"), "only ASCII characters are allowed"),
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: the signals that it needs, and how much past of each, seconds."""

    text: str
    needs: tuple[str, ...]
    windows: Mapping[str, float]
    part: Part

    def value(self, seen: Observation) -> Value:
        """Its value now: a finite number or a truth, as it was compiled. Never raises."""
        return evaluate(self.part, seen)


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression as the condition of a policy entry."""

    expression: Expression

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the signals that it reads."""
        return self.expression.needs

    @property
    def windows(self) -> Mapping[str, float]:
        """How much past of each signal it looks at, seconds."""
        return self.expression.windows

    def holds(self, seen: Observation) -> bool | Missing:
        """Whether it holds now; Missing without data, or when it has no value."""
        found = self.expression.value(seen)
        if isinstance(found, Absent):
            return found.found
        if isinstance(found, Undefined):
            return Missing(Absence.NOT_A_NUMBER, found.why)
        return bool(found)


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several parts that has a value."""

    parts: tuple[Part, ...]

    def read(self, seen: Observation) -> Value:
        """The value of the first that has one, else what the first lacks."""
        lacking: Value = False
        for index, part in enumerate(self.parts):
            found = evaluate(part, seen)
            if not isinstance(found, Absent | Undefined):
                return found
            lacking = found if index == 0 else lacking
        return lacking


def compile_number(text: str) -> Expression:
    """The expression of a number. Raises ValueError that points at the mistake."""
    return _compiled(text, Kind.NUMBER)


def compile_condition(text: str) -> Compiled:
    """The expression as a condition. Raises ValueError that points at the mistake."""
    return Compiled(_compiled(text, Kind.CONDITION))


@lru_cache(maxsize=4096)
def _compiled(text: str, kind: Kind) -> Expression:
    line = re.sub(r"\s", " ", text).strip()
    try:
        return _checked(line, kind)
    except MistakeError as wrong:
        raise ValueError(_pointing(line, wrong)) from None


def _checked(text: str, kind: Kind) -> Expression:
    if not text:
        raise MistakeError("an expression is needed, it is empty", 0)
    if len(text) > LONGEST:
        raise MistakeError(f"it is longer than {LONGEST} characters", LONGEST)
    for pattern, rule in _FOREIGN:
        found = pattern.search(text)
        if found:
            raise MistakeError(rule, found.start())
    tree = _parsed(text)
    reader = Reader(FirstOf)
    part = reader.part(tree)
    if part.kind is not kind:
        hint = ": compare it, as in x > 0" if kind is Kind.CONDITION else ""
        raise MistakeError(f"a {kind.value} is needed, this is a {part.kind.value}{hint}", 0)
    return Expression(text, tuple(reader.needs), MappingProxyType(reader.windows), part)


def _parsed(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            # "1or 2" is deprecated Python, and for us it is either right or wrong.
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        # Without a place the text ends too early.
        column = min(error.offset - 1, len(text)) if error.offset else len(text)
        raise MistakeError(f"it cannot be read: {error.msg}", column) from None
    except (RecursionError, MemoryError, ValueError):  # pragma: no cover - by Python's version
        raise MistakeError("it is nested too deep", 0) from None


def _pointing(text: str, wrong: MistakeError) -> str:
    start = max(0, wrong.column - _SHOWN * 3 // 4)
    shown = text[start : start + _SHOWN]
    head = f"column {wrong.column + 1}: {wrong.rule}"
    return f"{head}\n  {shown}\n  {' ' * (wrong.column - start)}^" if text else head


# --- evaluation -----------------------------------------------------------------------------

_VALUES: ContextVar[Mapping[str, float | bool]] = ContextVar("values of an expression's inputs")


class _Names:
    """Where the evaluator looks names up. It is shared, so the values are the context's own."""

    def __getitem__(self, name: str) -> float | bool:
        return _VALUES.get()[name]


class _Evaluator(Protocol):
    def eval(self, expr: str, previously_parsed: ast.expr) -> float | bool: ...


def evaluate(part: Part, seen: Observation) -> Value:
    """A part's value. Its inputs are read first, so that no branch hides what is missing."""
    values: dict[str, float | bool] = {}
    for index, each in enumerate(part.inputs):
        found = each.read(seen)
        if isinstance(found, Absent | Undefined):
            return found
        values[str(index)] = found
    token = _VALUES.set(values)
    try:
        return _evaluator().eval("", part.tree)
    except ZeroDivisionError:
        return Undefined("it divides by zero")
    except ArithmeticError:
        return Undefined("it goes beyond all numbers")
    except ValueError:
        return Undefined("it takes the root of a negative number")
    finally:
        _VALUES.reset(token)


@lru_cache(maxsize=1)
def _evaluator() -> _Evaluator:
    from simpleeval import SimpleEval  # 25 ms that only those pay who use expressions

    operators: dict[type[ast.AST], object] = {**_LOGIC}
    operators |= {each: _binary(of) for each, of in _BINARY.items()}
    functions: dict[str, object] = {name: _scalar(each) for name, each in SCALARS.items()}
    functions["count"] = lambda *conditions: float(sum(conditions))
    evaluator: _Evaluator = SimpleEval(operators, functions, _Names())
    return evaluator


def _binary(of: Callable[[float, float], float]) -> Callable[[float, float], float]:
    return lambda left, right: _finite(of(left, right))


def _scalar(scalar: Scalar) -> Callable[[float], float]:
    return lambda *numbers: _finite(scalar.of(numbers))


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise OverflowError
    return number


_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_LOGIC: dict[type[ast.AST], object] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
