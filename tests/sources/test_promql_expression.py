"""PromQL expressions: what is refused at start, and how ages are asked."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.sources.promql.expression import MARK, Query, quoted

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))


def age_of(promql: str, label: str = "d") -> str:
    found = Query.parse(promql).age_query(label)
    assert found is not None
    promql_parser.parse(found.promql)  # what is asked is PromQL itself
    return found.promql


@pytest.mark.parametrize(
    ("promql", "age"),
    [
        ("up", "max by (d) (timestamp(up{}))"),
        ('up{a!~"b"}', 'max by (d) (timestamp(up{a!~"b"}))'),
        ("sum by (d) (rate(up[5m]))", "max by (d) (timestamp(up{}))"),
        ("max_over_time(sum by (d) (up)[5m:30s])", "max by (d) (timestamp(up{}))"),
        ("-(up)", "max by (d) (timestamp(up{}))"),
        ("up / up", "max by (d) (timestamp(up{}))"),
        ("up offset 1w", "max by (d) (timestamp(up{}))"),
        ("up @ end()", "max by (d) (timestamp(up{}))"),
        ('{__name__="a:b"}', 'max by (d) (timestamp({__name__="a:b"}))'),
        ("2 * up", "max by (d) (timestamp(up{}))"),
    ],
)
def test_the_age_is_asked_of_the_selectors(promql: str, age: str) -> None:
    assert age_of(promql) == age
    assert Query.parse(promql).age_from == "samples"


def test_several_selectors_are_told_apart_by_a_mark() -> None:
    asked = Query.parse("sum by (d) (a) / sum by (d) (b)").age_query("d")
    assert asked is not None
    assert asked.inputs == 2
    assert asked.promql == (
        f'label_replace(max by (d) (timestamp(a{{}})), "{MARK}", "0", "", "") or '
        f'label_replace(max by (d) (timestamp(b{{}})), "{MARK}", "1", "", "")'
    )


def test_a_label_made_by_label_replace_is_made_for_the_age_too() -> None:
    made = 'label_replace(sum by (pod) (up), "d", "$1", "pod", "(.*)-\\\\d+")'
    assert age_of(made) == (
        'max by (d) (label_replace(timestamp(up{}), "d", "$1", "pod", "(.*)-\\\\d+"))'
    )
    assert age_of(made, "other") == "max by (other) (timestamp(up{}))"


@pytest.mark.parametrize("promql", ["vector(1)", "absent(up)", "holt_winters(up[5m], 0.1, 0.2)"])
def test_that_no_selector_was_found_is_said(promql: str) -> None:
    query = Query.parse(promql)
    assert query.age_query("d") is None
    assert query.age_from == "evaluation"


def test_a_stated_age_is_asked_as_it_is() -> None:
    query = Query.parse({"promql": "mad(up[5m])", "age": "timestamp(up)"})
    assert query.age_from == "stated"
    asked = query.age_query("d")
    assert asked is not None
    assert asked.promql == "max by (d) (timestamp(up))"


def test_a_label_that_is_no_plain_name_is_quoted() -> None:
    asked = Query.parse("up").age_query('a") or vector(1')
    assert asked is not None
    assert asked.promql.startswith('max by ("a\\") or vector(1") (')


@pytest.mark.parametrize("promql", ["increases_pure(up[5m])", "nothing_known(up)"])
def test_functions_that_only_the_server_knows_are_no_errors(promql: str) -> None:
    assert Query.parse(promql).promql == promql


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("1", "instant vector"),
        ("1 + 1", "instant vector"),
        ("time()", "instant vector"),
        ('"text"', "instant vector"),
        ("up[5m]", "not a matrix"),
        ("(up[5m:10s])", "not a matrix"),
        ("up @ 1609746000", "fixed in time"),
        ("rate(up[5m] @ 1609746000)", "fixed in time"),
        ("sum(", "is not PromQL"),
        ("up{$deployment}", "is not PromQL"),
        ("rate(up)", "is not PromQL"),
        ("", "must be a PromQL expression"),
        ("  ", "must be a PromQL expression"),
        (3, "must be a PromQL expression"),
        (None, "must be a PromQL expression"),
        (["up"], "must be a PromQL expression"),
        ({"age": "up"}, "must be a PromQL expression"),
        ({"promql": 3}, "query.promql must be"),
        ({"promql": "up", "age": "sum("}, "query.age is not PromQL"),
        ({"promql": "up", "age": "time()"}, "query.age must answer"),
        ({"promql": "up", "expr": "x"}, "'expr' is not one of promql, age"),
        ("x" * 8_193, "at most 8192 characters"),
        ("(" * 3_000 + "up" + ")" * 3_000, "nested this deeply"),
        ("+".join(["up"] * 2_500), "nested this deeply"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_rule(value: object, rule: str) -> None:
    with pytest.raises(ValueError, match="query") as caught:
        Query.parse(value)
    assert rule in str(caught.value)
    assert len(str(caught.value)) < 400


def test_queries_are_equal_and_hashable_for_equal_questions_are_asked_once() -> None:
    assert len({Query.parse("up"), Query.parse({"promql": "up"}), Query.parse("up ")}) == 2


@pytest.mark.fault(84)
@given(UNICODE)
def test_any_text_can_be_quoted_and_stays_one_literal(value: str) -> None:
    parsed = promql_parser.parse(f"up{{a={quoted(value)}}}")
    assert isinstance(parsed, promql_parser.VectorSelector)
    assert [matcher.value for matcher in parsed.matchers.matchers] == [value]


@pytest.mark.fault(84)
@given(UNICODE)
def test_hostile_values_in_a_selector_stay_one_literal_in_the_age_query(value: str) -> None:
    """Item 84: the parsing library prints matchers without escaping them."""
    asked = Query(f"up{{a={quoted(value)}}}").age_query("d")
    assert asked is not None
    outer = promql_parser.parse(asked.promql)
    found: list[promql_parser.Expr] = []
    promql_parser.walk(outer, found.append)
    selectors = [node for node in found if isinstance(node, promql_parser.VectorSelector)]
    assert [m.value for s in selectors for m in s.matchers.matchers] == [value]


def test_text_that_is_not_unicode_cannot_be_quoted() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        quoted("\ud800")


@given(st.text(max_size=60))
def test_any_text_is_either_a_query_or_refused_by_value_error(text: str) -> None:
    try:
        query = Query.parse(text)
    except ValueError:
        return
    assert query.age_from in {"samples", "evaluation"}
