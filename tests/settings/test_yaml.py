"""The YAML reader: no trap of YAML 1.1, every flaw with its line and column."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.settings.document import DEEPEST, MOST_NODES, read_yaml


def flaws(text: str) -> list[tuple[int, int, str]]:
    return [(f.mark[0] + 1, f.mark[1] + 1, f.rule) for f in read_yaml(text).flaws]


def test_words_and_times_stay_what_they_look_like() -> None:
    text = "a: 12:30\nb: on\nc: no\nd: 0123\ne: 2026-11-23\nf: true\n"
    assert read_yaml(text).data == {
        "a": "12:30",
        "b": "on",
        "c": "no",
        "d": "0123",
        "e": "2026-11-23",
        "f": True,
    }


def test_a_key_is_its_text_whatever_it_looks_like() -> None:
    assert read_yaml("on: 1\n1: 2\nnull: 3\n").data == {"on": 1, "1": 2, "null": 3}


def test_quoted_and_tagged_scalars_are_text() -> None:
    assert read_yaml("a: '5'\nb: \"true\"\nc: !!str 7\n").data == {"a": "5", "b": "true", "c": "7"}


def test_a_duplicate_key_is_a_flaw_and_the_first_value_stays() -> None:
    document = read_yaml("a:\n  x: 1\n  y: 2\n  x: 3\n")
    assert document.data == {"a": {"x": 1, "y": 2}}
    assert flaws("a:\n  x: 1\n  y: 2\n  x: 3\n") == [(4, 3, "is written twice, first in line 2")]


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("a: *x\n", (1, 4, "no value is anchored as &x before")),
        ("a: &x {b: *x}\n", (1, 11, "no value is anchored as &x before")),
        ("a: !!python/object:os.system x\n", (1, 4, "YAML tags are not read")),
        ("a: !thing {b: 1}\n", (1, 4, "YAML tags are not read")),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            (3, 3, "merge keys are not read: use `defaults` and groups instead"),
        ),
        ("? [a, b]\n: 1\n", (1, 3, "a key must be plain text")),
        ("a: 1\n---\nb: 2\n", (2, 1, "only one YAML document is read")),
        ("a: b: c\n", (1, 5, "not valid YAML: mapping values are not allowed in this context")),
        ("a: [1, 2\n", (2, 1, "not valid YAML: did not find expected ',' or ']'")),
        ("x: 1\ny: a\x01b\n", (2, 5, "not valid YAML: control characters are not allowed")),
    ],
)
def test_every_flaw_has_its_line_and_column(text: str, flaw: tuple[int, int, str]) -> None:
    assert flaws(text) == [flaw]


def test_an_alias_is_the_value_that_was_anchored() -> None:
    assert read_yaml("a: &x [1, 2]\nb: *x\n").data == {"a": [1, 2], "b": [1, 2]}


def test_nine_lines_cannot_unfold_into_a_billion_values() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (flaw,) = flaws("\n".join(lines))
    assert flaw[2] == f"the file must unfold to at most {MOST_NODES} values"


def test_nesting_is_bounded() -> None:
    (flaw,) = flaws("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    assert flaw == (1, DEEPEST + 1, f"must be nested at most {DEEPEST} deep")
    assert flaws("[" * 100_000)


def test_an_empty_file_is_an_empty_map() -> None:
    assert read_yaml("").data == {}
    assert read_yaml("# nothing\n").data == {}


def test_marks_name_the_place_of_each_key_and_value() -> None:
    document = read_yaml("a:\n  b: [1, {c: x}]\n", marks=True)
    assert document.keys["a", "b"] == (1, 2)
    assert document.values["a", "b", 0] == (1, 6)
    assert document.keys["a", "b", 1, "c"] == (1, 10)
    assert document.values["a", "b", 1, "c"] == (1, 13)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(-1e9, 1e9)
    | st.text("abcxyz :-#'\"{}[]é\n", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdef", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(plain)
def test_data_written_as_yaml_is_read_as_it_was(data: object) -> None:
    text = yaml.safe_dump(
        json.loads(json.dumps(data)), default_flow_style=None, allow_unicode=True, sort_keys=False
    )
    document = read_yaml(text)
    if isinstance(data, dict | list) and "e+" not in text and "<<" not in text:
        assert document.flaws == []
        assert document.data == data


@given(st.text() | st.text("a:-[]{}&*!|>'\"#%@`,? \n\t<0", max_size=60))
def test_no_text_crashes_the_reader(text: str) -> None:
    read_yaml(text, marks=True)
