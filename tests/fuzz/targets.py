"""Every parser of foreign input as a function of bytes: it returns, or it found a bug.

A target catches the errors that its parser documents and asserts what must hold of whatever was
accepted: numbers are finite and in range, and what was read is written back the same.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from autoscaler.codec import (
    CodecError,
    decode_decision,
    decode_observation,
    encode_decision,
    encode_observation,
)
from autoscaler.forecast import persist
from autoscaler.forecast.options import Options
from autoscaler.foundry import body as platform
from autoscaler.foundry.answers import error_of
from autoscaler.foundry.backoff import LONGEST_RETRY_AFTER_S
from autoscaler.foundry.door import Answer
from autoscaler.foundry.errors import InvalidAnswer, TokenUnavailable, retry_cause
from autoscaler.foundry.token import grant_of
from autoscaler.foundry.wire import altered, configuration_of, live_of, merge, same
from autoscaler.lab.traces import TraceError, trace_of
from autoscaler.ports import Reading, Sample
from autoscaler.runtime.history import blob
from autoscaler.settings.document import read_yaml
from autoscaler.sources.exposition.answer import ASKED
from autoscaler.sources.exposition.answer import reading_of as scraped
from autoscaler.sources.exposition.query import Query
from autoscaler.sources.exposition.text import exposition_of
from autoscaler.sources.promql.answer import ages_of, keyed, reading_of, rows_of
from autoscaler.sources.promql.past import Past
from autoscaler.sources.wire.fetch import Body, Failure
from autoscaler.web.access.gate import Refused
from autoscaler.web.body import BadField, Fields, parsed
from autoscaler.web.params import LATEST, BadParameter, Params
from policies._conditions import condition
from policies._expression import compile_condition, compile_number
from tests.fuzz.configured import assembly, configuration, duration, yaml
from tests.fuzz.kept import state_row, worker_answer
from tests.fuzz.reshape import reshaped
from tests.strategies import NOW, seen

SEEN = seen()
OPTIONS = Options()
MOST = 1000


def promql(data: bytes) -> None:
    """An instant answer: only finite samples of text labels, within their age."""
    rows = rows_of(Body(200, "application/json", data), "vector", MOST, str)
    if isinstance(rows, Failure):
        return
    found = keyed(rows.rows, "d")
    ages = ages_of(rows.rows, "d", 1)
    ages_of(rows.rows, "d", 2)
    if isinstance(found, Failure):
        return
    for age in (None, ages):
        if not isinstance(age, Failure):
            _check(reading_of(found, age, NOW, 300.0, complete=rows.complete))


def promql_range(data: bytes) -> None:
    """A range answer: series of finite numbers whose times rise."""
    rows = rows_of(Body(200, "application/json", data), "matrix", MOST, str)
    if isinstance(rows, Failure):
        return
    past = Past("d")
    if past.add(rows) is not None:
        return
    for label, series in past.series().items():
        assert isinstance(label, str)
        assert all(map(math.isfinite, (*series.times, *series.values)))
        assert all(a < b for a, b in zip(series.times, series.times[1:], strict=False))


def _check(reading: Reading | Failure) -> None:
    if isinstance(reading, Failure):
        return
    for label, sample in reading.samples.items():
        assert isinstance(label, str)
        if isinstance(sample, Sample):
            assert math.isfinite(sample.value)
            assert NOW - 300 <= sample.at <= NOW + 30


def exposition(data: bytes) -> None:
    """A scrape: sums, rates, means and quantiles are finite or missing."""
    media = "application/openmetrics-text" if b"# EOF" in data else "text/plain"
    kinds = tuple(ASKED)
    kind = kinds[len(data) % len(kinds)]
    question = ASKED[kind](Query("m", kind=kind), "d")
    for at in (NOW - 30, NOW):
        read = exposition_of(Body(200, media, data), at, MOST)
        values = read if isinstance(read, Failure) else question.values(read)
        if isinstance(values, Failure):
            return
        _check(scraped(values, at, NOW, 300.0))


def platform_answer(data: bytes) -> None:
    """A deployment's answer: the body written back is the one that came, dials aside."""
    try:
        answer = platform.decode(data)
        live = live_of(answer)
    except InvalidAnswer as error:
        assert len(str(error)) < 400  # noqa: PT017 - a refusal is a sentence
        return
    assert 0 <= live.envelope.min_replicas <= live.envelope.max_replicas
    for number in (live.resources.vcpus, live.resources.memory_gib, live.native.up_delay_s):
        assert number is None or math.isfinite(number)
    raw = configuration_of(answer)
    sent = merge(raw, live.envelope)
    assert sent == raw
    back = platform.decode(platform.encode(sent))
    assert same(back, raw)
    assert altered(raw, back) == ()


def platform_error(data: bytes) -> None:
    """An error answer is an error of ours, its text short and printable."""
    status = 300 + (data[0] if data else 0) % 300
    headers = {"Retry-After": data[1:40].decode("latin-1")}
    error = error_of(Answer(status, headers, data[1:]), NOW)
    assert error is not None
    retry_cause(error)
    wait = error.facts.retry_after_s
    assert wait is None or 0 <= wait <= LONGEST_RETRY_AFTER_S
    assert len(error.facts.detail) <= 200
    assert str(error).isprintable()


def token(data: bytes) -> None:
    """A token answer: a token of visible text and a finite life, or TokenUnavailable."""
    try:
        grant = grant_of(platform.decode(data))
    except (InvalidAnswer, TokenUnavailable):
        return
    assert math.isfinite(grant.expires_in_s)
    assert grant.expires_in_s > 0


def api_body(data: bytes) -> None:
    """A body: fields of their exact type, or a refusal that names field and rule."""
    try:
        tree = parsed(data)
        fields = Fields(tree, ("a", "n", "w", "t", "o", "m"))
    except Refused:
        return
    except BadField as bad:
        assert bad.answer().status == 422  # noqa: PT017 - the documented refusal
        return
    _fields(fields, tree)


def _fields(fields: Fields, tree: Mapping[str, object]) -> None:
    asks: tuple[Callable[[], object], ...] = (
        lambda: fields.text("a", 50),
        lambda: fields.number("n", -10, 1e6),
        lambda: fields.whole("w", 0, 100),
        lambda: fields.true("t"),
        lambda: fields.one("o", ("x", "y")),
        lambda: fields.table("m", 5),
    )
    for name, ask in zip("anwtom", asks, strict=True):
        try:
            value = ask()
        except BadField as bad:
            assert (bad.name, bool(bad.rule)) == (name, True)  # noqa: PT017 - the documented refusal
            assert bad.answer().status == 422  # noqa: PT017 - likewise
        else:
            given = tree.get(name)
            if name == "t":
                assert value is (given is True)
                assert given is None or isinstance(given, bool)
            elif name == "n":
                assert value == given
                assert math.isfinite(cast("float", value))


class _Asked:
    def __init__(self, query: str) -> None:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
        self.query = MultiDict(pairs)


def api_params(data: bytes) -> None:
    """An address: values in range, cursors of ours alone, or a refusal by name."""
    try:
        request = cast("web.Request", _Asked(data.decode("utf-8", "replace")))
    except ValueError:  # the standard library's own limit of fields
        return
    known = ("text", "n", "from", "to", "some", "cursor")
    try:
        params = Params(request, known)
    except BadParameter as bad:
        assert bad.answer().status == 400  # noqa: PT017 - the documented refusal
        return
    asks: tuple[Callable[[], object], ...] = (
        lambda: params.text("text"),
        lambda: params.whole("n", 1, 1, 500),
        params.span,
        lambda: params.some("some", ("x", "y")),
        lambda: params.cursor("k"),
        lambda: params.place("k"),
        lambda: params.mark("k"),
    )
    for ask in asks:
        try:
            ask()
        except BadParameter as bad:
            assert (bad.name in known, bool(bad.rule), bad.answer().status) == (True, True, 400)  # noqa: PT017 - the documented refusal
    try:
        times = params.span()
    except BadParameter:
        return
    assert all(at is None or 0 <= at <= LATEST for at in times)


def journal_row(data: bytes) -> None:
    """A decision or observation: what was read is written and read again the same."""
    try:
        decision = decode_decision(data)
    except CodecError:
        pass
    else:
        written = encode_decision(decision)
        assert encode_decision(decode_decision(written)) == written
    try:
        observation = decode_observation(data)
    except CodecError:
        return
    written = encode_observation(observation)
    assert encode_observation(decode_observation(written)) == written


def history(data: bytes) -> None:
    """A blob of points: finite or unknown; packed again it reads the same."""
    for body in (data, data[:1] + zlib.compress(data[1:].ljust(528, b"\x01"), 1)):
        try:
            points = blob.unpack(body)
        except ValueError:
            continue
        for point in points:
            known = (point.load, point.forecast, point.keep, point.ceiling_forecast)
            assert all(value is None or math.isfinite(value) for value in known)
        assert blob.unpack(blob.pack(points)) == points


_RINGS = zlib.compress(bytes(persist.MAXIMA_BYTES + persist.MEANS_BYTES), 1)


def stored(head: bytes, rings: bytes = _RINGS) -> bytes:
    """A stored forecaster with this header and compressed rings, its checksum right."""
    rest = len(head).to_bytes(4, "big") + head + rings
    return persist.MAGIC + zlib.crc32(rest).to_bytes(4, "big") + rest


def forecast(data: bytes) -> None:
    """A stored forecaster, its checksum right: it goes on finitely, or ValueError."""
    for body in (data, stored(data)):
        try:
            made = persist.unpack(body, OPTIONS)
        except ValueError:
            continue
        persist.unpack(persist.pack(made), OPTIONS)


def expression(data: bytes) -> None:
    """Text is an expression with a finite value or none, or ValueError."""
    text = data.decode("utf-8", "replace")
    try:
        value = compile_number(text).value(SEEN)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - a refusal says why
    else:
        assert not isinstance(value, float) or math.isfinite(value)
    try:
        held = compile_condition(text).holds(SEEN)
    except ValueError:
        return
    assert not isinstance(held, int) or isinstance(held, bool)


def when(data: bytes) -> None:
    """A `when:` as YAML gives it, calendars included: it holds, or not, or ValueError."""
    document = read_yaml(data.decode("utf-8", "replace"))
    if document.flaws:
        return
    try:
        made = condition(document.data)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - a refusal says why
        return
    made.holds(SEEN)


def trace(data: bytes) -> None:
    """A trace, plain or gzipped: regular buckets of finite counts, or TraceError."""
    name = Path("fuzz.csv.gz" if data[:1] == b"\x1f" else "fuzz.csv")
    try:
        found = trace_of(name, io.BytesIO(data), MOST)
    except TraceError as error:
        assert "fuzz" in str(error)  # noqa: PT017 - it names the file
        return
    assert found.bucket_s > 0
    assert math.isfinite(found.duration_s)
    assert 2 <= len(found.requests) <= MOST
    assert all(math.isfinite(count) and count >= 0 for count in found.requests)


_JSON = (
    promql,
    promql_range,
    platform_answer,
    token,
    api_body,
    journal_row,
    forecast,
    assembly,
    state_row,
    worker_answer,
)
TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    each.__name__: reshaped(each) if each in _JSON else each
    for each in (
        yaml,
        configuration,
        assembly,
        duration,
        promql,
        promql_range,
        exposition,
        platform_answer,
        platform_error,
        token,
        api_body,
        api_params,
        journal_row,
        state_row,
        worker_answer,
        history,
        forecast,
        expression,
        when,
        trace,
    )
}
