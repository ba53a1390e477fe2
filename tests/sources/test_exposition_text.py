"""The exposition reader, held to prometheus-client's own parsers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from autoscaler.sources.exposition.text import Exposition, Line, exposition_of, labels_of
from autoscaler.sources.wire.fetch import Body, Failure

TEXT = "text/plain"
OPENMETRICS = "application/openmetrics-text"
NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LABELS = st.dictionaries(NAMES, VALUES, max_size=4)
NUMBERS = st.floats() | st.integers(-(10**6), 10**6)
STAMPS = st.none() | st.integers(0, 10**10)


def read(text: str, media_type: str = TEXT) -> Exposition | Failure:
    return exposition_of(Body(200, media_type, text.encode()), 0.0, 1_000)


def samples(text: str, name: str, media_type: str = TEXT) -> list[Line]:
    exposition = read(text, media_type)
    assert isinstance(exposition, Exposition)
    found = exposition.samples(name)
    assert isinstance(found, list)
    return found


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def written(labels: dict[str, str]) -> str:
    pairs = ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if labels else ""


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(st.lists(st.tuples(LABELS, NUMBERS, STAMPS), min_size=1, max_size=5))
def test_prometheus_text_is_read_as_its_own_client_reads_it(
    lines: list[tuple[dict[str, str], float, int | None]],
) -> None:
    text = "".join(
        f"m{written(labels)} {value}{'' if at is None else f' {at}'}\n"
        for labels, value, at in lines
    )
    expected = [sample for family in prometheus(text) for sample in family.samples]
    found = samples(text, "m")
    assert len(found) == len(expected) == len(lines)
    for line, sample in zip(found, expected, strict=True):
        assert line.labels == sample.labels
        assert same(line.value, float(sample.value))
        assert line.at == (None if sample.timestamp is None else float(sample.timestamp))


@given(LABELS, st.floats(0, 1e9), st.none() | st.integers(0, 10**13))
def test_openmetrics_is_read_as_its_own_client_reads_it(
    labels: dict[str, str], value: float, at: int | None
) -> None:
    stamp = "" if at is None else f" {at // 1000}.{at % 1000:03}"
    text = f'# TYPE m counter\nm_total{written(labels)} {value!r}{stamp} # {{trace="a}} b"}} 1\n# EOF\n'
    families = openmetrics(text)  # type: ignore[no-untyped-call]  # the library's own omission
    (sample,) = [sample for family in families for sample in family.samples]
    (line,) = samples(text, "m_total", OPENMETRICS)
    assert line.labels == sample.labels
    assert line.value == sample.value
    assert line.at is None or line.at == pytest.approx(float(sample.timestamp), abs=1e-6)


@given(LABELS)
def test_labels_come_back_as_they_were_written(labels: dict[str, str]) -> None:
    assert labels_of(written(labels)[1:-1]) == labels


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    content = text.encode(errors="replace")
    found = exposition_of(Body(200, TEXT, content), 0.0, 1_000)
    if isinstance(found, Exposition):
        for name in found.lines:
            found.samples(name)


@given(st.text('m{}="\\, 1#\nab', max_size=40))
def test_almost_legal_lines_are_read_or_refused(text: str) -> None:
    found = read(f"m{text}\n")
    if isinstance(found, Exposition):
        for name in found.lines:
            found.samples(name)


@pytest.mark.parametrize(
    ("text", "media_type", "why"),
    [
        ("", TEXT, "empty or cut off"),
        ("\n", TEXT, "no samples"),
        ("# HELP m x\n", TEXT, "no samples"),
        ("m 1\nm 2", TEXT, "cut off"),
        ("m 1\n", OPENMETRICS, "cut off"),
        ("<html></html>\n", TEXT, "not of the exposition format"),
        ("m 1\n", "text/html", "web page"),
        ('{"status": "ok"}\nm 1\n=\n', TEXT, "not of the exposition format"),
        ("m 1\n" * 1_001, TEXT, "1001 samples, 1000 are allowed"),
    ],
)
def test_what_is_cut_off_or_no_exposition_is_refused(text: str, media_type: str, why: str) -> None:
    found = read(text, media_type)
    assert isinstance(found, Failure)
    assert why in found.detail


def test_what_is_not_utf8_is_refused() -> None:
    assert isinstance(exposition_of(Body(200, TEXT, b"m\xff 1\n"), 0.0, 10), Failure)


@pytest.mark.parametrize("status", [204, 404, 500])
def test_another_status_is_refused(status: int) -> None:
    assert isinstance(exposition_of(Body(status, TEXT, b"m 1\n"), 0.0, 10), Failure)


@pytest.mark.parametrize(
    "line", ["m", "m x", "m 1 2 3", 'm{a="b" 1', "m{a=b} 1", 'm{a="b",a="c"} 1', "m{} ", "m-x 1"]
)
def test_a_bad_line_costs_its_own_metric_only(line: str) -> None:
    exposition = read(f"{line}\nother 1\n")
    assert isinstance(exposition, Exposition)
    assert isinstance(exposition.samples("m"), Failure)
    assert exposition.samples("other") == [Line({}, 1.0)]


def test_a_metric_is_not_found_by_the_beginning_of_its_name() -> None:
    assert samples("jobs_total 1\njobs 2\n", "jobs") == [Line({}, 2.0)]
    assert samples("jobs_total 1\n", "jobs") == []
