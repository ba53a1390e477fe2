"""Request traces: a `timestamp_s,requests` file, plain or gzipped, and the few that are bundled."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

DATA = Path(__file__).parent / "data"
BUNDLED = ("azure_llm23_conv", "azure_llm23_code", "mooncake_conv", "servegen_deepseek_r1")
HEADER = ["timestamp_s", "requests"]
# Two years of minutes, or eleven days of seconds; about 130 MB while it is read.
MOST_ROWS = 1_000_000
_BYTES_A_ROW = 64  # two numbers as long as a double can be, a comma and an end of line
_UNEVEN = 1e-6  # relative: timestamps of fractional buckets carry rounding of this order


class TraceError(ValueError):
    """A trace file is not one. Names the file, the line, the value and the rule."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests counted in regular buckets of `bucket_s` seconds, oldest first."""

    name: str
    bucket_s: float
    requests: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bucket_s) and self.bucket_s > 0):
            raise TraceError(f"{self.name}: bucket_s must be above 0, got {self.bucket_s}")
        if not self.requests:
            raise TraceError(f"{self.name}: a trace needs at least one bucket, got none")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.bucket_s * len(self.requests)


def read_trace(path: Path) -> Trace:
    """Read a .csv or .csv.gz of `timestamp_s,requests`. Raises TraceError, OSError."""
    with path.open("rb") as file:
        return trace_of(path, file)


def trace_of(path: Path, file: IO[bytes], most_rows: int = MOST_ROWS) -> Trace:
    """The trace in an open file; the path names it and tells by `.gz` how to read it.

    Raises TraceError, also for more than `most_rows` buckets or an answering number of bytes,
    before more of it than that is in memory. Raises OSError when it cannot be read.
    """
    most_bytes = _BYTES_A_ROW * (most_rows + 1)
    packed = path.suffix == ".gz"
    try:
        raw = (gzip.GzipFile(fileobj=file) if packed else file).read(most_bytes + 1)
        if len(raw) > most_bytes:
            raise TraceError(f"{path}: a trace must have at most {most_bytes} bytes of text")
        text = io.StringIO(raw.decode(), newline="")
        rows = _rows(path, csv.reader(text), most_rows)
    except (UnicodeDecodeError, gzip.BadGzipFile, zlib.error, EOFError, csv.Error) as problem:
        raise TraceError(f"{path}: not a readable CSV file: {problem}") from problem
    name = path.name.removesuffix(".gz").removesuffix(".csv")
    return Trace(name, _bucket(path, [at for at, _ in rows]), tuple(count for _, count in rows))


def bundled(name: str) -> Trace:
    """One of `BUNDLED`. Raises TraceError for any other name."""
    if name not in BUNDLED:
        raise TraceError(f"no bundled trace is called {name!r}; there are: {', '.join(BUNDLED)}")
    return read_trace(DATA / f"{name}.csv.gz")


def _rows(path: Path, reader: Iterable[list[str]], most: int) -> list[tuple[float, float]]:
    rows: list[tuple[float, float]] = []
    for line, cells in enumerate(reader, start=1):
        if line == 1:
            if cells != HEADER:
                raise TraceError(f"{path} line 1: the header must be timestamp_s,requests")
        elif line > most + 1:
            raise TraceError(f"{path} line {line}: a trace must have at most {most} buckets")
        else:
            rows.append(_row(f"{path} line {line}", cells))
    return rows


def _row(where: str, cells: list[str]) -> tuple[float, float]:
    try:
        at, count = (float(cell) for cell in cells)
    except ValueError as problem:
        raise TraceError(f"{where}: two numbers are needed, got {','.join(cells)!r}") from problem
    if not (math.isfinite(at) and math.isfinite(count) and count >= 0):
        raise TraceError(f"{where}: numbers must be finite and requests at least 0, got {cells}")
    return at, count


def _bucket(path: Path, times: list[float]) -> float:
    if len(times) < 2:  # noqa: PLR2004 - a width needs two edges
        raise TraceError(f"{path}: at least two buckets are needed, got {len(times)}")
    width = times[1] - times[0]
    for index in range(1, len(times)):
        if abs(times[index] - times[index - 1] - width) > _UNEVEN * abs(width):
            raise TraceError(
                f"{path} line {index + 2}: buckets must be {width:g} s wide, "
                f"got {times[index] - times[index - 1]:g} s"
            )
    return width
