"""The language of formulas and conditions: what it reads, what it refuses, what it comes to."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoscaler.core.envelope import Envelope
from autoscaler.core.observation import Absence, Missing, Observation, Series
from policies._duration import seconds
from policies._expression import compile_condition, compile_number
from policies._grammar import DEEPEST, FORMS, FUNCTIONS, SCALARS
from policies._reading import Absent, Undefined, percentile, rate
from tests.strategies import NOW, SOME, observations, seen

JOBS = Series((NOW - 120, NOW - 60, NOW - 30, NOW), (2.0, 9.0, 4.0, 6.0))
COUNTER = Series((NOW - 40, NOW - 20, NOW), (100.0, 130.0, 10.0))
AHEAD = Series((NOW + 60, NOW + 300, NOW + 900), (5.0, 8.0, 50.0))
GONE = Missing(Absence.EMPTY, since=NOW - 900)
SEEN = seen(
    envelope=Envelope(4, 10, 32),
    signals={"jobs": JOBS, "served": COUNTER, "forecast": AHEAD, "gone": GONE},
)


def number(text: str, observation: Observation = SEEN) -> Any:
    return compile_number(text).value(observation)


def truth(text: str, observation: Observation = SEEN) -> bool | Missing:
    return compile_condition(text).holds(observation)


# --- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("jobs", 6),
        ("min_replicas + max_replicas * threads", 4 + 320),
        ("-jobs + +1", -5),
        ("7 // 2 + 7 % 2 + 7 / 2", 3 + 1 + 3.5),
        ("1 + 2 * 3 - (1 + 2) * 3", -2),
        ("abs(-jobs)", 6),
        ("ceil(1.2) + floor(1.8) + round(2.5)", 2 + 1 + 3),
        ("sqrt(16)", 4),
        ("clamp(jobs, 1, 5) + clamp(jobs, 7, 9)", 5 + 7),
        ("min(jobs, 3, 4) + max(jobs, 3)", 3 + 6),
        ("if_(jobs > 5, 1, 2)", 1),
        ("1 if jobs > 7 else 2", 2),
        ("count(jobs > 1, jobs > 100, true)", 2),
        ('min(jobs, "1m") + max(jobs, "1m")', 4 + 9),
        ('avg(jobs, "60s")', 19 / 3),
        ('sum(jobs, "59 s")', 10),
        ('delta(jobs, "2m")', 4),
        ('percentile(jobs, 50, "2m")', 5),
        ('rate(served, "1m")', (30 + 10) / 40),
        ('ahead(forecast, "5m")', 8),
        ("age(jobs)", 0),
        ("first_of(gone, jobs, 8)", 6),
        ("first_of(gone, 1 / 0, 8)", 8),
        ('first_of(avg(jobs, "10s"), 3) + first_of(gone + jobs, 1)', 7),
        ("1e3 + .5", 1000.5),
    ],
)
def test_an_expression_comes_to(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("jobs > 5 and jobs < 7", True),
        ("5 < jobs < 6", False),
        ("jobs == 6 or false", True),
        ("jobs != 6", False),
        ("not (jobs >= 6) or jobs <= 5", False),
        ("true", True),
        ("False", False),
        ("if_(jobs > 5, jobs > 1, true)", True),
        ("first_of(gone > 1, true)", True),
        ('max(jobs, "2m") > 8 and age(jobs) < 30', True),
    ],
)
def test_a_condition_holds_or_not(text: str, value: bool) -> None:
    assert truth(text) is value


def test_signals_that_are_needed_are_named_once_and_dials_are_none() -> None:
    found = compile_number('jobs + threads + first_of(gone, avg(jobs, "5m"), max(jobs, "9m"))')
    assert found.needs == ("jobs", "gone")
    assert dict(found.windows) == {"jobs": 540}
    assert compile_condition("threads > 3").needs == ()


def test_the_newest_sample_that_is_not_ahead_counts() -> None:
    mixed = Series((NOW - 30, NOW + 30), (1.0, 2.0))
    assert number("x", seen(signals={"x": mixed})) == 1
    later = number("forecast")
    assert isinstance(later, Absent)
    assert later.found.why is Absence.FROM_THE_FUTURE


def test_age_is_counted_from_the_newest_sample() -> None:
    old = seen(signals={"x": Series((NOW - 100, NOW - 45), (1.0, 2.0)), "y": AHEAD})
    assert number("age(x)", old) == 45
    assert number("age(y)", old) == 0


# --- no value -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "gone",
        "gone + jobs",
        "1 if jobs > 0 else gone",
        'max(gone, "5m")',
        "age(gone)",
        "never_read",
        "first_of(gone, gone + 1)",
        'delta(jobs, "20s")',
        'rate(served, "10s")',
    ],
)
def test_what_reads_a_signal_without_data_has_no_value_in_any_branch(text: str) -> None:
    assert isinstance(number(text), Absent)


def test_a_window_without_samples_says_how_many_it_had() -> None:
    found = number('delta(jobs, "20s")')
    assert isinstance(found, Absent)
    assert found.signal == "jobs"
    assert found.found == Missing(Absence.STALE, "1 samples within 20 s, 2 are needed", NOW)


def test_a_condition_that_cannot_be_told_is_missing_and_never_false() -> None:
    assert truth("gone > 1") == GONE
    assert truth("jobs > 0 or gone > 1") == GONE
    found = truth("1 / (jobs - 6) > 1")
    assert found == Missing(Absence.NOT_A_NUMBER, "it divides by zero")


def test_a_sum_beyond_all_numbers_has_no_value() -> None:
    huge = seen(signals={"x": Series((NOW - 30, NOW), (1.7e308, 1.7e308))})
    assert isinstance(number('sum(x, "1m")', huge), Undefined)
    assert number('first_of(sum(x, "1m"), 3)', huge) == 3


# --- mistakes -------------------------------------------------------------------------------

WRONG = (
    ("", "column 1: an expression is needed, it is empty"),
    ("  ", "column 1: an expression is needed, it is empty"),
    ("jobs +", "column 7: it cannot be read"),
    ("(jobs", "column 1: it cannot be read: '(' was never closed"),
    ("jobs jobs", "column 6: it cannot be read"),
    ("jobs > 5", "column 1: a number is needed, this is a condition"),
    ("1 + (jobs > 5)", "column 6: a number is needed here, this is a condition"),
    ("jobs and 5", "column 1: a condition is needed here, this is a number: compare it, as in"),
    ("1 if jobs else 2", "column 6: a condition is needed here, this is a number"),
    ("1 if jobs > 1 else true", "column 20: a number is needed here, this is a condition"),
    ("first_of(1, jobs > 2)", "column 13: a number is needed here, this is a condition"),
    ("-true", "column 2: a number is needed here"),
    ("true == false", "column 1: a number is needed here"),
    ("mx(1, 2)", "column 1: 'mx' is no function: did you mean max?"),
    ("exec(1)", "column 1: 'exec' is no function"),
    ("jobs(1)(2)", "column 1: this is no function"),
    ("ceil()", "column 1: ceil takes 1 argument, got 0: ceil(x)"),
    ("ceil(1, 2)", "column 1: ceil takes 1 argument, got 2: ceil(x)"),
    (
        "max(jobs)",
        'column 1: max takes at least 2 arguments, got 1: max(a, b) or max(signal, "5m")',
    ),
    ("clamp(1, 2)", "column 1: clamp takes 3 arguments, got 2"),
    ("if_(true, 1)", "column 1: if_ takes 3 arguments, got 2: if_(condition, a, b)"),
    ("first_of(1)", "column 1: first_of takes at least 2 arguments, got 1"),
    ("count()", "column 1: count takes at least 1 argument, got 0"),
    ("count(jobs)", "column 7: a condition is needed here"),
    ("age(jobs, 1)", "column 1: age takes 1 argument, got 2: age(signal)"),
    ("age(5)", "column 5: the name of a signal is needed here"),
    ('avg(jobs, "5m", 3)', 'column 1: avg takes 2 arguments, got 3: avg(signal, "5m")'),
    ("avg(jobs, 5)", "column 11: a window must be a duration such as 30s, 5m, 2h or 1d, in quotes"),
    ('avg(jobs, "5 min")', "column 11: a window must be a duration"),
    ('avg(jobs, "0s")', "column 11: a window must be longer than 0 s and at most 30d"),
    ('avg(jobs, "31d")', "column 11: a window must be longer than 0 s and at most 30d"),
    ('avg(jobs + 1, "5m")', "column 5: the name of a signal is needed here"),
    ('avg(threads, "5m")', "column 5: the name of a signal is needed here"),
    ('percentile(jobs, "5m")', "column 1: percentile takes 3 arguments, got 2"),
    ('percentile(jobs, 101, "5m")', "column 18: a percentile must be a number in 0..100"),
    ('percentile(jobs, jobs, "5m")', "column 18: a percentile must be a number in 0..100"),
    ('percentile(jobs, True, "5m")', "column 18: a percentile must be a number in 0..100"),
    ("max(*jobs)", "column 6: arguments are given in order"),
    ("ceil(**jobs)", "column 8: arguments are given in order: ceil(x)"),
    ('"jobs"', "column 1: text is for windows only"),
    ("1j", "column 1: 1j is no number"),
    ("1e999", "column 1: the number is too large"),
    ("9" * 400, "column 1: the number is too large"),
    ("jobs ? 1 : 2", "column 6: `?` is not part of the language: write `a if condition else b`"),
    ("gone ?? 8", "column 6: `??` is not part of the language: write first_of(a, b)"),
    ("a > 1 && b > 1", "column 7: `&&` is not part of the language: write `and`"),
    ("a > 1 || b > 1", "column 7: `||` is not part of the language: write `or`"),
    ("!a", "column 1: `!` is not part of the language: write `not`"),
    ("a = 1", "column 3: `=` is not part of the language: compare with `==`"),
    ("a & b", "column 3: `&` is not part of the language: write `and`"),
    ("a | b", "column 3: `|` is not part of the language: write `or`"),
    ("~a", "column 1: `~` is not part of the language: write `not`"),
    ("a ** 2", "column 3: `**` is not part of the language"),
    ("a.b", "column 1: `.` is not part of the language: signals have plain names"),
    ("a[5]", "column 1: `[...]` is not part of the language: write a window as in"),
    ("max([a, b], 1)", "column 5: `[...]` is not part of the language: functions take"),
    ("lambda: 1", "column 1: `lambda` is not part of the language"),
    ("(a for a in b)", "column 1: GeneratorExp is not part of the language"),
    ("1 if a is b else 2", "column 11: `is` is not part of the language"),
    ("(a := 1)", "column 2: NamedExpr is not part of the language"),
    ("jöbs", "column 2: only ASCII characters are allowed"),
    ("1 + " * 300 + "1", "column 1001: it is longer than 1000 characters"),
    ("-" * (DEEPEST + 2) + "1", f"it is nested deeper than {DEEPEST} levels"),
    ("(" * 300 + "1" + ")" * 300, "it cannot be read: too many nested parentheses"),
)


@pytest.mark.parametrize(("text", "rule"), WRONG, ids=[w[0][:40] for w in WRONG])
def test_a_mistake_is_told_with_its_column_and_a_caret(text: str, rule: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole text is looked at next
        compile_number(text)
    told = str(refused.value)
    assert rule in told
    if text.strip():
        head, shown, caret = told.split("\n")
        assert re.fullmatch(r" +\^", caret)
        assert len(shown) <= 102
        column = int(re.findall(r"^column (\d+)", head)[0])
        assert text.startswith(shown.strip()[:3]) or column > 70


def test_the_caret_stands_under_the_mistake_however_long_the_text() -> None:
    text = "max(" + "1, " * 60 + "averge(2), " + "1, " * 60 + "1)"
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole text is looked at next
        compile_number(text)
    _, shown, caret = str(refused.value).split("\n")
    assert shown[len(caret) - 1 :].startswith("averge(2)")


def test_a_condition_must_be_one() -> None:
    with pytest.raises(ValueError, match="a condition is needed, this is a number: compare it"):
        compile_condition("jobs")


def test_an_expression_may_stand_on_several_lines() -> None:
    assert number("jobs\n  + 1\n") == 7


def test_every_function_shows_how_it_is_written() -> None:
    for name in FUNCTIONS:
        form = SCALARS[name].form if name in SCALARS else FORMS[name]
        assert form.startswith(f"{name}(")


def test_a_language_of_arithmetic_has_no_way_out() -> None:
    for text in ("__import__('os')", "jobs.__class__", "open('x')", "[].append", "f'{jobs}'"):
        with pytest.raises(ValueError, match="column"):
            compile_number(text)


# --- durations, percentiles, rates ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"), [("250ms", 0.25), ("30s", 30), ("1.5 m", 90), ("2h", 7200), ("1d", 86_400)]
)
def test_a_duration_is_read(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "5 min", "-5s", "1h30m", "s", None, True, [5]])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 30s, 5m, 2h or 1d"):
        seconds(text)


def test_a_number_is_a_duration_in_seconds() -> None:
    assert seconds(90) == 90.0


values = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(values, st.floats(0, 100))
@settings(max_examples=SOME)
def test_a_percentile_lies_between_its_neighbours(some: list[float], share: float) -> None:
    found = percentile(some, share)
    below = sum(1 for value in some if value < found)
    assert below <= share / 100 * (len(some) - 1) + 1
    assert percentile(some, 0) == min(some) <= found + 1e-9
    assert percentile(some, 100) == max(some) >= found - 1e-9


@given(values)
@settings(max_examples=SOME)
def test_a_counter_never_falls_however_often_it_restarts(some: list[float]) -> None:
    counts = [abs(value) for value in some]
    times = [float(i) for i in range(len(counts))]
    assert rate(times, counts) >= 0
    rising = sorted(counts)
    grown = (rising[-1] - rising[0]) / times[-1]
    assert rate(times, rising) == pytest.approx(grown, abs=1e-6)


# --- promises -------------------------------------------------------------------------------

leaves = st.sampled_from(["jobs", "served", "threads", "min_replicas", "2", "0.5", "10"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        pair.map(lambda t: f"max({t[0]}, {t[1]})"),
        pair.map(lambda t: f"({t[0]} if {t[0]} < {t[1]} else {t[1]})"),
        inner.map(lambda t: f"-{t}"),
        inner.map(lambda t: f"abs({t})"),
    )


texts = st.recursive(leaves, grown, max_leaves=12)


@given(texts)
@settings(max_examples=SOME, deadline=None)
def test_arithmetic_is_pythons_own(text: str) -> None:
    names = {"jobs": 6.0, "served": 10.0, "threads": 32.0, "min_replicas": 4.0}
    found = number(text)
    try:
        expected = eval(text, {"__builtins__": {}, "max": max, "abs": abs}, names)  # noqa: S307 - made of the leaves above
    except ZeroDivisionError:
        assert isinstance(found, Undefined)
        return
    if math.isfinite(expected):
        assert found == pytest.approx(expected)


@given(st.text(max_size=60) | st.text("jobs1()+-*/<>=.,[]{} \"'5mif_else and", max_size=40))
@example("1or 2")
@example("0x1for x in y")
@example("'\\d'")
@example("\x00")
@example("jobs if")
@settings(max_examples=SOME, deadline=None)
def test_any_text_is_compiled_or_refused_with_a_column(text: str) -> None:
    for reader in (compile_number, compile_condition):
        try:
            reader(text)
        except ValueError as error:
            assert str(error).startswith("column ")  # noqa: PT017 - either way is right


@given(texts, observations())
@settings(max_examples=SOME, deadline=None)
def test_it_has_a_finite_value_or_says_why_not(text: str, observation: Observation) -> None:
    expression = compile_number(f"{text} + running_jobs")
    found = expression.value(observation)
    if not isinstance(found, Absent | Undefined):
        assert math.isfinite(found)
    assert expression.value(observation) == found
