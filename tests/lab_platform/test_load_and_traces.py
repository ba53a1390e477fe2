"""Traces are read strictly; load follows them and can be scaled to a size."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.lab.platform.load import Steady, Steps, TraceLoad, percentile
from autoscaler.lab.traces import BUNDLED, DATA, Trace, TraceError, bundled, read_trace, trace_of

TWO = Trace("two", 10.0, (0.0, 100.0))


@pytest.mark.parametrize(
    ("name", "buckets", "width", "peak"),
    [
        ("azure_llm23_conv", 0, 10.0, 101),
        ("azure_llm23_code", 0, 10.0, 411),
        ("mooncake_conv", 0, 10.0, 67),
        ("servegen_deepseek_r1", 144, 600.0, 25_510),
    ],
)
def test_the_bundled_traces_are_what_their_table_says(
    name: str, buckets: int, width: float, peak: float
) -> None:
    trace = bundled(name)
    assert trace.bucket_s == width
    assert max(trace.requests) == pytest.approx(peak, rel=1e-3)
    assert not buckets or len(trace.requests) == buckets


def test_every_bundled_trace_is_attributed() -> None:
    page = (DATA / "README.md").read_text(encoding="utf-8")
    assert {path.name.split(".")[0] for path in DATA.glob("*.csv.gz")} == set(BUNDLED)
    assert all(f"**{name}**" in page for name in BUNDLED)


def test_an_unknown_bundled_trace_is_named() -> None:
    with pytest.raises(TraceError, match="'nope'; there are: azure_llm23_conv"):
        bundled("nope")


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_trace_reads_the_same_plain_and_zipped(tmp_path: Path, suffix: str) -> None:
    text = b"timestamp_s,requests\n0,1\n60,2.5\n120,0\n"
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
    assert read_trace(path) == Trace("mine", 60.0, (1.0, 2.5, 0.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least two buckets"),
        ("time,count\n0,1\n", "line 1: the header must be timestamp_s,requests"),
        ("timestamp_s,requests\n0,1\n", "at least two buckets are needed, got 1"),
        ("timestamp_s,requests\n0,1\n10,x\n", "line 3: two numbers are needed, got '10,x'"),
        ("timestamp_s,requests\n0,1\n10,-1\n", "line 3: numbers must be finite"),
        ("timestamp_s,requests\n0,1\n10,nan\n", "line 3: numbers must be finite"),
        ("timestamp_s,requests\n0,1\n10,1\n30,1\n", "line 4: buckets must be 10 s wide, got 20 s"),
        ("timestamp_s,requests\n10,1\n0,1\n", "bucket_s must be above 0"),
    ],
)
def test_a_broken_trace_names_place_and_rule(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceError, match=words):
        read_trace(path)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_trace_of_more_rows_or_bytes_than_anybody_has_is_refused(suffix: str) -> None:
    rows = "".join(f"{at},1\n" for at in range(4))
    long, wide = (f"timestamp_s,requests\n{text}".encode() for text in (rows, "0," + "1" * 999))
    for text, rule in (
        (long, r"mine\S+ line 5: a trace must have at most 3 buckets"),
        (wide, r"mine\S+: a trace must have at most 256 bytes"),
    ):
        packed = gzip.compress(text) if suffix.endswith("gz") else text
        with pytest.raises(TraceError, match=rule):
            trace_of(Path(f"mine{suffix}"), BytesIO(packed), most_rows=3)
    fits = trace_of(Path("mine.csv"), BytesIO(long), most_rows=4)
    assert len(fits.requests) == 4


def test_a_file_that_is_not_zipped_says_so(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv.gz"
    path.write_text("timestamp_s,requests\n", encoding="utf-8")
    with pytest.raises(TraceError, match="not a readable CSV file"):
        read_trace(path)


def test_concurrency_is_the_rate_times_the_service_time() -> None:
    assert TraceLoad(TWO, service_s=3.0).at(15) == pytest.approx(30)


def test_load_runs_straight_between_bucket_centres_and_begins_again_at_the_end() -> None:
    load = TraceLoad(TWO)
    assert [load.at(t) for t in (5, 10, 15, 20, 25, 35)] == pytest.approx([0, 5, 10, 5, 0, 10])


@pytest.mark.parametrize("name", BUNDLED)
def test_a_scaled_trace_fills_the_wanted_replicas_at_its_peak(name: str) -> None:
    trace = bundled(name)
    load = TraceLoad.filling(trace, replicas=20, threads=32)
    centres = [load.at((i + 0.5) * trace.bucket_s) for i in range(len(trace.requests))]
    assert percentile(centres, 0.999) == pytest.approx(640)


def test_a_trace_without_requests_cannot_be_scaled() -> None:
    with pytest.raises(ValueError, match="empty: a trace without requests"):
        TraceLoad.filling(Trace("empty", 10.0, (0.0, 0.0)), replicas=1, threads=1)


counts = st.lists(st.floats(0, 1e6), min_size=1, max_size=50).map(tuple)


@given(counts, st.floats(0, 1e7), st.floats(0, 1e4))
def test_load_stays_between_the_least_and_the_most_of_its_trace(
    requests: tuple[float, ...], t_s: float, offset_s: float
) -> None:
    value = TraceLoad(Trace("any", 1.0, requests), offset_s=offset_s).at(t_s)
    assert min(requests) - 1e-6 <= value <= max(requests) + 1e-6


@given(counts, st.floats(0, 100), st.integers(0, 5))
def test_load_repeats_with_its_trace(requests: tuple[float, ...], t_s: float, rounds: int) -> None:
    trace = Trace("any", 10.0, requests)
    load = TraceLoad(trace)
    again = load.at(t_s + rounds * trace.duration_s)
    assert again == pytest.approx(load.at(t_s), abs=1e-3)


def test_steps_hold_their_level_until_the_next() -> None:
    load = Steps(((10, 5), (20, 50)))
    assert [load.at(t) for t in (0, 10, 19, 20, 1e6)] == [0, 5, 5, 50, 50]


def test_a_steady_load_is_steady() -> None:
    assert {Steady(7).at(t) for t in (0, 1e9)} == {7}
