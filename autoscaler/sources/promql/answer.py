"""Answers of the Prometheus HTTP API, read strictly: what is not as documented is a failure.

Shapes: prometheus/prometheus, docs/querying/api.md. VictoriaMetrics says `isPartial` where
Thanos and Prometheus say `warnings`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from autoscaler.core.observation import Absence, Missing
from autoscaler.ports import Reading, Sample
from autoscaler.sources.promql.expression import MARK
from autoscaler.sources.sampled import FUTURE_S, judged
from autoscaler.sources.wire.fetch import Body, Failure

_ERROR_TYPE: Final = re.compile(r"[a-z_]{1,32}")
Row = dict[str, Any]
Quote = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Rows:
    """The series of an answer, as they came; `complete` is False when the server warned."""

    rows: Sequence[Row]
    complete: bool


def rows_of(body: Body, kind: str, max_series: int, quote: Quote) -> Rows | Failure:
    """The series of a `kind` ("vector", "matrix") answer; `quote` shortens foreign text."""
    try:
        answer = orjson.loads(body.content)
    except orjson.JSONDecodeError:
        return Failure(_not_json(body))
    if not isinstance(answer, dict) or answer.get("status") != "success" or body.status != 200:  # noqa: PLR2004 - HTTP OK
        return Failure(_told_error(body.status, answer, quote))
    data = answer.get("data")
    said = data.get("resultType") if isinstance(data, dict) else None
    found = said if isinstance(said, str) else ""
    rows = data.get("result") if isinstance(data, dict) else None
    if found in {"scalar", "string"}:
        return Failure(f"the query answers a {found}; it must answer series that carry the label")
    if found != kind or not isinstance(rows, list):
        return Failure(f"the answer is not a {kind}")
    if len(rows) > max_series:
        return Failure(f"the answer has {len(rows)} series, {max_series} are allowed")
    partial = bool(answer.get("warnings")) or answer.get("isPartial") is True
    return Rows(rows, not partial)


def _not_json(body: Body) -> str:
    if body.status != 200:  # noqa: PLR2004 - HTTP OK
        return f"the server answers {body.status} without an explanation in JSON"
    if "html" in body.media_type:
        return "the answer is a web page and not JSON; is there a login in front of the server?"
    return "the answer is not JSON, or is cut off"


def _told_error(status: int, answer: object, quote: Quote) -> str:
    told = answer if isinstance(answer, dict) else {}
    kind, text = told.get("errorType"), told.get("error")
    known = f" {kind}" if isinstance(kind, str) and _ERROR_TYPE.fullmatch(kind) else ""
    why = quote(text) if isinstance(text, str) else ""
    return f"the server answers {status} with the error{known}" + (f": {why}" if why else "")


@dataclass(frozen=True, slots=True)
class Keyed:
    """The rows by label value; values met more than once; how many rows lack the label."""

    rows: Mapping[str, Row]
    repeated: Mapping[str, int]
    unlabelled: int


def keyed(rows: Sequence[Row], label: str) -> Keyed | Failure:
    """Rows by their value of `label`. That no row at all carries it is a failure, not silence."""
    found: dict[str, Row] = {}
    repeated: dict[str, int] = {}
    unlabelled = 0
    try:
        for row in rows:
            value = row["metric"].get(label)
            if value is not None and not isinstance(value, str):
                return UNEXPECTED
            if not value:
                unlabelled += 1
            elif value in found:
                repeated[value] = repeated.get(value, 1) + 1
            else:
                found[value] = row
    except (AttributeError, KeyError, TypeError):
        return UNEXPECTED
    if unlabelled and not found:
        return Failure(f"none of the {unlabelled} series in the answer carries the label {label!r}")
    return Keyed(found, repeated, unlabelled)


UNEXPECTED: Final = Failure("the series in the answer are not of the documented shape")


@dataclass(frozen=True, slots=True)
class Ages:
    """When the inputs of a value were sampled, Unix seconds, per selector.

    A selector's series may lack the label (it comes from the other side of a join): the newest
    of them then speaks for every label value.
    """

    labelled: tuple[Mapping[str, float], ...]
    common: tuple[float | None, ...]

    def lookup(self) -> Callable[[str], float | None]:
        """From a label value to its oldest input's newest sample; None without any sample."""
        if len(self.labelled) == 1 and self.common[0] is None:
            return self.labelled[0].get  # the usual case, ten thousand times per tick
        return self._oldest

    def _oldest(self, value: str) -> float | None:
        times = (
            part.get(value, shared) for part, shared in zip(self.labelled, self.common, strict=True)
        )
        return min((at for at in times if at is not None), default=None)


def ages_of(rows: Sequence[Row], label: str, inputs: int) -> Ages | Failure:
    """Read the answer to an age query over `inputs` selectors."""
    labelled: tuple[dict[str, float], ...] = tuple({} for _ in range(inputs))
    common: list[float | None] = [None] * inputs
    try:
        for row in rows:
            labels, at = row["metric"], number_of(row["value"][1])
            place = int(labels[MARK]) if inputs > 1 else 0
            if place < 0:
                return UNEXPECTED
            if not math.isfinite(at):
                continue
            if value := labels.get(label):
                labelled[place][value] = at
            else:
                common[place] = at
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return UNEXPECTED
    return Ages(labelled, tuple(common))


def reading_of(
    found: Keyed, ages: Ages | None, at: float, max_age_s: float, *, complete: bool
) -> Reading | Failure:
    """Values with their true ages, judged at `at` (Unix seconds).

    Without `ages` the evaluation's time stands for the sample's. Series without the label
    belong to nobody knows whom, so the reading is then incomplete.
    """
    samples: dict[str, Sample | Missing] = {}
    when = ages.lookup() if ages is not None else None
    isfinite, oldest, newest = math.isfinite, at - max_age_s, at + FUTURE_S
    try:
        for key, row in found.rows.items():
            evaluated, text = row.get("value", (at, "NaN"))
            value = number_of(text)
            sampled = when(key) if when is not None else float(evaluated)
            if sampled is not None and isfinite(value) and oldest <= sampled <= newest:
                samples[key] = Sample(sampled, value)
            else:
                samples[key] = _unusable(row, sampled, at, max_age_s)
    except (IndexError, KeyError, TypeError, ValueError):
        return UNEXPECTED
    for key, count in found.repeated.items():
        samples[key] = Missing(Absence.DUPLICATE, f"{count} series instead of one")
    return Reading(samples, complete and not found.unlabelled)


def number_of(text: object) -> float:
    """A sample's value, which the API writes as text. Raises TypeError, ValueError.

    Python reads more as a number than the server writes: truth values, 1_000, foreign digits.
    """
    if not isinstance(text, str):
        raise TypeError("a value must be text")
    if "_" in text or not text.isascii():
        raise ValueError("a value must be a plain number")
    return float(text)


def _unusable(row: Row, sampled: float | None, at: float, max_age_s: float) -> Missing:
    if "value" not in row:
        return Missing(Absence.NOT_A_NUMBER, "a native histogram is not one number")
    value = number_of(row["value"][1])
    if math.isnan(value) and sampled is not None and judged(sampled, at, max_age_s) is None:
        return Missing(Absence.UNDEFINED, "the value is nan")
    if not math.isfinite(value):
        return Missing(Absence.NOT_A_NUMBER, f"the value is {value}")
    if sampled is None:
        return Missing(Absence.STALE, "the server keeps no recent sample of the query's inputs")
    return judged(sampled, at, max_age_s) or Missing(Absence.STALE, "the sample has no time")
