"""The text exposition, Prometheus' and OpenMetrics', read line by line.

Format: prometheus/docs, "Exposition formats"; OpenMetrics 1.0. prometheus-client's parser costs
20 us a line, which would hold the event loop for 0.2 s per 10,000 series; this reader costs a
quarter of it and reads only the metrics that are asked for. The two agree on all that the tests
make up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from autoscaler.sources.wire.fetch import Body, Failure

ACCEPT: Final = (
    "application/openmetrics-text;version=1.0.0;q=0.9, text/plain;version=0.0.4;q=0.8, */*;q=0.1"
)
KEPT: Final = 20_000
LONGEST_KEPT: Final = 500
"""Label sets kept, and characters of the longest: at most some 20 MB, whatever is exposed."""
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABELS: Final = re.compile(r'\{[^"}]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"}]*)*\}')
_LABEL: Final = re.compile(
    r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*(?:,|$)'
)
_ESCAPE: Final = re.compile(r"\\([\\\"n])")


@dataclass(frozen=True, slots=True)
class Line:
    """One sample. `at` is the target's own time, Unix seconds, where it gives one."""

    labels: Mapping[str, str]
    value: float
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Exposition:
    """One scrape, split by metric; the lines of a metric are read when first asked for."""

    at: float
    lines: Mapping[str, Sequence[str]]
    seconds: bool
    """Whether timestamps are in seconds (OpenMetrics) rather than milliseconds."""
    _read: dict[str, list[Line] | Failure] = field(default_factory=dict)

    def samples(self, name: str) -> list[Line] | Failure:
        """The samples called exactly `name`; none when the target does not expose it."""
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = self._parse(name)
        return found

    def _parse(self, name: str) -> list[Line] | Failure:
        try:
            return [_line(text, len(name), self.seconds) for text in self.lines.get(name, ())]
        except ValueError:
            return Failure(f"a line of {name} is not of the exposition format")


def exposition_of(body: Body, at: float, max_series: int) -> Exposition | Failure:
    """Split an answer into metrics, refusing what is cut off or is no exposition at all."""
    openmetrics = "openmetrics" in body.media_type
    text = _text(body, openmetrics=openmetrics)
    lines = text if isinstance(text, Failure) else _split(text)
    if isinstance(lines, Failure):
        return lines
    count = sum(map(len, lines.values()))
    if not count:
        return Failure("the exposition has no samples")
    if count > max_series:
        return Failure(f"the exposition has {count} samples, {max_series} are allowed")
    return Exposition(at, lines, openmetrics)


def _text(body: Body, *, openmetrics: bool) -> str | Failure:
    if body.status != 200:  # noqa: PLR2004 - HTTP OK
        return Failure(f"the target answers {body.status}")
    if "html" in body.media_type:
        return Failure("the answer is a web page and not an exposition")
    try:
        text = body.content.decode()
    except UnicodeDecodeError:
        return Failure("the answer is not UTF-8")
    whole = text.rstrip("\n").endswith("# EOF") if openmetrics else text.endswith("\n")
    return text if whole else Failure("the exposition is empty or cut off")


def _split(text: str) -> dict[str, list[str]] | Failure:
    found: dict[str, list[str]] = {}
    name_of = _NAME.match
    for line in text.split("\n"):
        if not line or line[0] == "#":
            continue
        name = name_of(line)
        if name is not None:
            found.setdefault(name[0], []).append(line)
        elif line.strip() and line[0] != "{":  # a quoted metric name: legal, not ours to read
            return Failure("the answer is not of the exposition format")
    return found


def _line(text: str, start: int, seconds: bool) -> Line:  # noqa: FBT001 - private, named above
    """Read what follows the metric's name. Raises ValueError."""
    labels: Mapping[str, str] = {}
    rest = text[start:].lstrip()
    if rest.startswith("{"):
        block = _LABELS.match(rest)
        if block is None:
            raise ValueError("the labels do not end")
        inner = block[0][1:-1]
        labels = _known(inner) if len(inner) <= LONGEST_KEPT else labels_of(inner)
        rest = rest[block.end() :]
    elif rest == text[start:]:
        raise ValueError("a name must be followed by a blank")
    parts = rest.partition(" # ")[0].split()
    if any("_" in part or not part.isascii() for part in parts):
        raise ValueError("a number of Python's own, not of the format")
    if len(parts) == 1:
        return Line(labels, float(parts[0]))
    value, at = parts
    return Line(labels, float(value), float(at) if seconds else float(at) / 1000)


@lru_cache(maxsize=KEPT)
def _known(text: str) -> Mapping[str, str]:
    """The same series come back with every scrape: half the cost of a line is saved so."""
    return labels_of(text)


def labels_of(text: str) -> dict[str, str]:
    """The labels between the braces. Raises ValueError for anything but name="value" pairs."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        pair = _LABEL.match(text, place)
        if pair is None:
            if text[place:].strip():
                raise ValueError("not a label pair")
            break
        name, value = pair[1], pair[2]
        if name in found:
            raise ValueError("a label is given twice")
        found[name] = _ESCAPE.sub(_unescaped, value) if "\\" in value else value
        place = pair.end()
    return found


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
