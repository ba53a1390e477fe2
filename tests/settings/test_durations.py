"""Durations and scalars: what is a number, and what stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.settings.units import Given, scalar, seconds


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("30s", 30.0),
        ("250ms", 0.25),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("1d", 86_400.0),
        ("1.5h", 5400.0),
        (12, 12.0),
        (0.5, 0.5),
        (Given("12"), 12.0),
    ],
)
def test_a_duration_is_seconds(written: object, expected: float) -> None:
    assert seconds(written) == expected


@pytest.mark.parametrize(
    "written",
    ["12", "5 minutes", "-5s", "s", "", "1h30m", True, None, [5], Given("true"), "1e3s", "٣s"],
)
def test_what_is_no_duration_is_refused_with_the_rule(written: object) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 250ms, 30s"):
        seconds(written)


@pytest.mark.parametrize(
    "text",
    [
        "12:30",
        "on",
        "no",
        "yes",
        "off",
        "0123",
        "0x10",
        "1_000",
        ".inf",
        ".nan",
        "1e400",
        "2026-11-23",
        "=",
        "1234567890123456789",
        "-",
        "--1",
        ".",
    ],
)
def test_what_yaml_1_1_would_turn_into_something_else_stays_text(text: str) -> None:
    assert scalar(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@given(st.integers(0, 10**12), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    factor = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]
    assert seconds(f"{number}{unit}") == pytest.approx(number * factor)


@given(st.text())
def test_text_never_crashes_the_reading_of_a_scalar(text: str) -> None:
    assert isinstance(scalar(text), str | int | float | None)
