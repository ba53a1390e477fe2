"""PromQL expressions: checked offline, and asked how old the samples behind them are.

The timestamp in the answer of an instant query is the time of the evaluation: a target that
died is replayed for five minutes (the server's lookback) as if it were alive. The age of the
samples has to be asked for. PromQL's `timestamp()` tells it for a plain selector only, so the
age query is made of the selectors found in the expression:

    sum by (d) (rate(a[2m])) / sum by (d) (rate(b[2m]))
      -> max by (d) (timestamp(a))  and  max by (d) (timestamp(b)), each under its own mark

The newest series counts within one selector (a finished pod does not make a sum stale), the
oldest selector counts for the value. Offsets are left out: who asks for last week's load means
it, and the age tells whether the series is still written today.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

import promql_parser as promql

from autoscaler.core.options import meta

LONGEST: Final = 8_192
"""Characters of one expression."""
MARK: Final = "autoscaler_input"
"""The label under which the ages of several selectors are told apart."""
_PLAIN_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_UNKNOWN: Final = "unknown function with name"
_RELABEL: Final = frozenset({"label_replace", "label_join"})
_WITHOUT_INPUT: Final = frozenset({"absent", "absent_over_time"})
_TYPES: Final[Mapping[type[promql.Expr], promql.ValueType]] = {
    promql.NumberLiteral: promql.ValueType.Scalar,
    promql.StringLiteral: promql.ValueType.String,
    promql.MatrixSelector: promql.ValueType.Matrix,
    promql.SubqueryExpr: promql.ValueType.Matrix,
}
_OPERATORS: Final = (
    (promql.MatchOp.Equal, "="),
    (promql.MatchOp.NotEqual, "!="),
    (promql.MatchOp.Re, "=~"),
    (promql.MatchOp.NotRe, "!~"),
)


def quoted(value: str) -> str:
    """A PromQL string literal for any text.

    JSON's escapes are a subset of PromQL's, so a JSON string is one. Raises ValueError for
    text that is not Unicode (lone surrogates).
    """
    value.encode()  # UnicodeEncodeError is a ValueError
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Query:
    """One instant-vector expression, and how the age of its samples is asked."""

    promql: str = field(metadata=meta("an expression whose series carry the signal's label"))
    age: str = field(
        default="",
        metadata=meta(
            "an expression for the samples' Unix time per label value, such as "
            "max by (deployment) (timestamp(jobs)); found by itself when left out"
        ),
    )

    @classmethod
    def parse(cls, value: object) -> Self:
        """A bare expression, or a mapping with `promql` and, if need be, `age`.

        Raises ValueError with the place, the rule and the expression. Functions that this
        parser does not know are the server's business and no error.
        """
        parts = {"promql": value} if isinstance(value, str) else value
        if not isinstance(parts, Mapping) or "promql" not in parts:
            raise ValueError(f"query must be a PromQL expression or have `promql`, got {value!r}")
        if unknown := sorted(str(key) for key in parts if key not in {"promql", "age"}):
            raise ValueError(f"query: {unknown[0]!r} is not one of promql, age")
        for place, text in parts.items():
            _check(f"query.{place}", text)
        found = cls(**parts)
        try:
            found.age_query("label")
        except RecursionError:
            raise ValueError("query.promql must not be nested this deeply") from None
        return found

    @property
    def age_from(self) -> str:
        """Where ages come from: "stated", "samples", or "evaluation" when no selector is found.

        Under "evaluation" a dead target is believed for as long as the server replays it.
        """
        if self.age:
            return "stated"
        return "samples" if self.age_query("label") else "evaluation"

    def only(self, label: str, value: str) -> Query:
        """The same question for one value of `label`; the server leaves out all others."""
        name = label if _PLAIN_NAME.fullmatch(label) else quoted(label)
        one = f'label_replace(vector(1), {quoted(label)}, {quoted(value)}, "", "")'
        return Query(f"({self.promql}) and on ({name}) {one}", self.age)

    def age_query(self, label: str) -> AgeQuery | None:
        """The expression that tells the samples' ages per value of `label`, if there is one."""
        return _age_query(self, label)


@dataclass(frozen=True, slots=True)
class AgeQuery:
    """An expression whose values are Unix times, and over how many selectors it is marked."""

    promql: str
    inputs: int


@lru_cache(maxsize=4_096)
def _age_query(query: Query, label: str) -> AgeQuery | None:
    name = label if _PLAIN_NAME.fullmatch(label) else quoted(label)
    if query.age:
        return AgeQuery(f"max by ({name}) ({query.age})", 1)
    expression = _parsed(query.promql)
    if expression is None:
        return None
    found = list(dict.fromkeys(_times(expression, label)))
    newest = [f"max by ({name}) ({text})" for text in found]
    if len(newest) <= 1:
        return AgeQuery(newest[0], 1) if newest else None
    marked = (f'label_replace({text}, "{MARK}", "{i}", "", "")' for i, text in enumerate(newest))
    return AgeQuery(" or ".join(marked), len(newest))


def _check(place: str, text: object) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{place} must be a PromQL expression, got {text!r}")
    if len(text) > LONGEST:
        raise ValueError(f"{place} must have at most {LONGEST} characters, has {len(text)}")
    shown = text if len(text) <= 200 else text[:200] + "..."  # noqa: PLR2004 - a message's width
    try:
        expression = _parsed(text)
        rule = "" if expression is None else _broken_rule(expression)
    except RecursionError:
        rule = "must not be nested this deeply"
    except ValueError as error:
        rule = f"is not PromQL: {error}"
    if rule:
        raise ValueError(f"{place} {rule}; got {shown!r}")


def _parsed(text: str) -> promql.Expr | None:
    """The expression; None when it calls a function that only the server may know."""
    try:
        return promql.parse(text)
    except ValueError as error:
        if str(error).startswith(_UNKNOWN):
            return None
        raise


def _broken_rule(expression: promql.Expr) -> str:
    kind = _value_type(expression)
    if kind != promql.ValueType.Vector:
        name = str(kind).rpartition(".")[2].lower()
        return f"must answer an instant vector, one series per label value, not a {name}"
    if any(_is_fixed(node) for node in _nodes(expression)):
        return "must not be fixed in time by @: it would never change"
    return ""


def _value_type(expression: promql.Expr) -> promql.ValueType:
    if isinstance(expression, promql.ParenExpr | promql.UnaryExpr):
        return _value_type(expression.expr)
    if isinstance(expression, promql.BinaryExpr):
        left, right = _value_type(expression.lhs), _value_type(expression.rhs)
        return left if left == right else promql.ValueType.Vector
    if isinstance(expression, promql.Call):
        return expression.func.return_type
    return _TYPES.get(type(expression), promql.ValueType.Vector)


def _nodes(expression: promql.Expr) -> list[promql.Expr]:
    found: list[promql.Expr] = []
    promql.walk(expression, found.append)
    return found


def _is_fixed(node: promql.Expr) -> bool:
    if isinstance(node, promql.MatrixSelector):
        node = node.vector_selector
    if not isinstance(node, promql.VectorSelector | promql.SubqueryExpr):
        return False
    return node.at is not None and node.at.type == promql.AtModifierType.At


def _times(node: promql.Expr, label: str) -> list[str]:
    """`timestamp(selector)` for every selector below, renamed as its value's label is."""
    if isinstance(node, promql.MatrixSelector):
        node = node.vector_selector
    if isinstance(node, promql.VectorSelector):
        return [f"timestamp({_selector(node)})"]
    if isinstance(node, promql.Call):
        return _call_times(node, label)
    if isinstance(node, promql.BinaryExpr):
        return _times(node.lhs, label) + _times(node.rhs, label)
    inner = getattr(node, "expr", None)  # of aggregations, parentheses, signs and subqueries
    return _times(inner, label) if isinstance(inner, promql.Expr) else []


def _call_times(call: promql.Call, label: str) -> list[str]:
    name = call.func.name
    if name in _WITHOUT_INPUT:
        return []
    below = [text for item in call.args for text in _times(item, label)]
    target = call.args[1] if name in _RELABEL else None
    if not isinstance(target, promql.StringLiteral) or target.val != label:
        return below
    rest = ", ".join(quoted(item.val) for item in call.args[1:])
    return [f"{name}({text}, {rest})" for text in below]


def _selector(node: promql.VectorSelector) -> str:
    """The selector without offset and @, its literals escaped (the library does not)."""
    groups = node.matchers.or_matchers or [node.matchers.matchers]
    name = node.name or ""
    plain = _METRIC_NAME.fullmatch(name) is not None
    first = [] if plain or not name else [quoted(name)]
    inner = " or ".join(",".join([*first, *map(_matcher, group)]) for group in groups)
    return f"{name if plain else ''}{{{inner}}}"


def _matcher(matcher: promql.Matcher) -> str:
    operator = next(sign for op, sign in _OPERATORS if op == matcher.op)
    name = matcher.name if _PLAIN_NAME.fullmatch(matcher.name) else quoted(matcher.name)
    return f"{name}{operator}{quoted(matcher.value)}"
