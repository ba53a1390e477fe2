"""Options of a plug-in: strict types, both spellings of seconds, every fault with its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.core.options import check_options, meta
from autoscaler.plugins.options import build_options
from autoscaler.settings.problem import Fault, Hidden, dotted
from autoscaler.settings.units import Given


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    low: float | None
    high: float


@dataclass(frozen=True, slots=True)
class Slot:
    name: str
    pause_s: float = field(default=1.0, metadata=meta("a pause", unit="s", ge=0))

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True)
class Sample:
    ratio: float = field(default=0.5, metadata=meta("a share", gt=0, le=1))
    count: int = field(default=1, metadata=meta("a number", ge=1))
    window_s: float = field(default=60.0, metadata=meta("a time", unit="s", ge=0, le=3600))
    limit_s: float | None = field(default=None, metadata=meta("a time", unit="s"))
    steps_s: tuple[float, ...] = field(default=(), metadata=meta("times", unit="s"))
    word: str = field(default="a", metadata=meta("a word", one_of=("a", "b")))
    flag: bool = False
    colour: Colour = Colour.RED
    side: Literal["left", "right"] = "left"
    slots: tuple[Slot, ...] = ()
    one: Slot | None = None
    named: Mapping[str, Slot] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    free: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_options(self)
        if self.count > 100 and self.flag:
            raise ValueError("too many with a flag")


def faults(raw: object, cls: type = Sample) -> list[tuple[str, str, object]]:
    def told(fault: Fault) -> tuple[str, str, object]:
        value = None if isinstance(fault.value, Hidden) else fault.value
        return dotted(fault.path), fault.rule, value

    return [told(fault) for fault in build_options(cls, raw).faults]


def test_nothing_said_is_the_defaults() -> None:
    assert build_options(Sample, {}).value == Sample()


def test_every_type_of_option_is_filled() -> None:
    raw = {
        "ratio": 1,
        "count": 3,
        "window": "5m",
        "limit": "250ms",
        "steps": ["1s", 2],
        "word": "b",
        "flag": True,
        "colour": "red",
        "side": "right",
        "slots": [{"name": "x", "pause": "2s"}],
        "one": {"name": "y"},
        "named": {"z": {"name": "z"}},
        "pairs": [[0, 1], [None, 2.5]],
        "free": {"a": 1},
    }
    built = build_options(Sample, raw)
    assert built.faults == ()
    assert built.value == Sample(
        ratio=1.0, count=3, window_s=300.0, limit_s=0.25, steps_s=(1.0, 2.0), word="b", flag=True,
        side="right", slots=(Slot("x", 2.0),), one=Slot("y"), named={"z": Slot("z")},
        pairs=(Pair(0, 1), Pair(None, 2.5)), free={"a": 1.0},
    )  # fmt: skip


def test_the_exact_name_of_a_field_works_too() -> None:
    assert build_options(Sample, {"window_s": "10s"}).value.window_s == 10.0


def test_both_spellings_at_once_are_refused() -> None:
    assert faults({"window": 1, "window_s": 2}) == [
        ("window_s", "is the same option as window: write it once", None)
    ]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"ratoi": 1}, ("ratoi", "unknown option (did you mean 'ratio'?)", None)),
        ({"count": True}, ("count", "must be a whole number", True)),
        ({"count": "5"}, ("count", "must be a whole number", "5")),
        ({"count": 1.5}, ("count", "must be a whole number", 1.5)),
        ({"ratio": "0.5"}, ("ratio", "must be a number", "0.5")),
        ({"ratio": True}, ("ratio", "must be a number", True)),
        ({"ratio": 7}, ("ratio", "must be at most 1", 7)),
        ({"ratio": 0}, ("ratio", "must be greater than 0", 0)),
        ({"window": "2h"}, ("window", "must be at most 3600 s", "2h")),
        (
            {"window": "soon"},
            (
                "window",
                "must be a duration such as 250ms, 30s, 5m, 2h or 1d, or a number of seconds",
                "soon",
            ),
        ),
        (
            {"steps": ["1s", "x"]},
            (
                "steps",
                "must be a duration such as 250ms, 30s, 5m, 2h or 1d, or a number of seconds",
                ["1s", "x"],
            ),
        ),
        ({"word": "c"}, ("word", "must be one of a, b", "c")),
        ({"flag": "yes"}, ("flag", "must be true or false", "yes")),
        ({"flag": 1}, ("flag", "must be true or false", 1)),
        ({"colour": "blue"}, ("colour", "must be one of 'red'", "blue")),
        ({"side": "up"}, ("side", "must be one of 'left' or 'right'", "up")),
        ({"slots": {}}, ("slots", "must be a list", {})),
        (
            {"slots": [{"name": "x", "paus": 1}]},
            ("slots[0].paus", "unknown option (did you mean 'pause'?)", None),
        ),
        ({"slots": [{"name": "x", "pause": -1}]}, ("slots[0].pause", "must be at least 0 s", -1)),
        ({"slots": [5]}, ("slots[0]", "must be a map", 5)),
        ({"slots": [{}]}, ("slots[0].name", "is required", None)),
        ({"one": 5}, ("one", "must be a map", 5)),
        ({"named": []}, ("named", "must be a map", [])),
        ({"named": {"q": {"name": 5}}}, ("named.q.name", "must be text (quote it)", 5)),
        ({"free": {"a": "x"}}, ("free.a", "must be a number", "x")),
        ({"count": 200, "flag": True}, ("", "too many with a flag", None)),
    ],
)
def test_every_fault_names_option_rule_and_value(
    raw: dict[str, object], fault: tuple[str, str, object]
) -> None:
    assert faults(raw) == [fault]


def test_all_faults_are_told_at_once() -> None:
    found = faults({"ratio": 7, "count": 0, "window": "x", "flga": 1, "word": "c"})
    assert sorted(path for path, _, _ in found) == ["count", "flga", "ratio", "window", "word"]


def test_text_from_the_environment_takes_the_type_of_its_option() -> None:
    built = build_options(
        Sample,
        {
            "count": Given("5"),
            "ratio": Given("0.25"),
            "window": Given("30"),
            "word": Given("b"),
            "flag": Given("true"),
            "free": Given("{a: 1}"),
        },
    )
    assert built.value == Sample(
        count=5, ratio=0.25, window_s=30.0, word="b", flag=True, free={"a": 1.0}
    )


def test_a_check_that_crashes_is_a_fault_and_not_a_crash() -> None:
    @dataclass(frozen=True)
    class Buggy:
        at: int = 0

        def __post_init__(self) -> None:
            self.nothing()  # type: ignore[attr-defined]  # the bug

    assert faults({}, Buggy) == [("", "its own check crashed with AttributeError", None)]


def test_a_duration_beyond_any_number_is_refused() -> None:
    assert faults({"limit": 10**400}) != []


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "ratio",
                "count",
                "window",
                "window_s",
                "limit",
                "steps",
                "word",
                "flag",
                "colour",
                "side",
                "slots",
                "one",
                "named",
                "pairs",
                "free",
                "x",
            ]
        ),
        anything,
    )
)
def test_any_options_make_an_instance_or_faults(raw: dict[str, object]) -> None:
    built = build_options(Sample, raw)
    assert (built.value is None) == bool(built.faults)
    assert built.faults or isinstance(built.value, Sample)
