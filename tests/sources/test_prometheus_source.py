"""The prometheus source against a server that misbehaves, fault by fault."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from autoscaler.core.observation import Absence, Missing
from autoscaler.ports import Question, Reading, Sample
from autoscaler.sources.prometheus import SOURCE, Prometheus, PrometheusOptions, Query, build
from autoscaler.sources.promql.expression import MARK
from tests.fakes.prometheus import free_port
from tests.fakes.sources import (
    Ears,
    Handler,
    MetricsServer,
    StillClock,
    answering,
    instants,
    matrix,
    success,
    vector,
)

NOW = 1_700_000_000.0
SUM = "sum by (d) (jobs)"


def question(promql: str = SUM, label: str = "d", max_age_s: float = 90.0) -> Question:
    return Question("jobs", Query.parse(promql), label, max_age_s)


@asynccontextmanager
async def source(
    handler: Handler, **options: object
) -> AsyncIterator[tuple[Prometheus, Ears, MetricsServer]]:
    async with MetricsServer(handler) as server:
        ears = Ears()
        made = PrometheusOptions(**{"url": server.url, "timeout_s": 5.0} | options)  # type: ignore[arg-type]  # the tests' own options
        prometheus = build("prom", made, ears, StillClock())
        try:
            yield prometheus, ears, server
        finally:
            await prometheus.close()


async def asked(
    handler: Handler, what: Question | None = None, **options: object
) -> tuple[Reading | Missing, str]:
    async with source(handler, **options) as (prometheus, ears, _):
        answer = await prometheus.read(what or question(), NOW)
        assert len(ears.heard) == 1, "each question is told once"
        return answer, ears.outcomes[0]


async def refused(handler: Handler, *words: str, outcome: str = "error", **options: object) -> str:
    """The source failed, said so in these words, and never took it for data."""
    answer, told = await asked(handler, None, **options)
    assert isinstance(answer, Missing)
    assert answer.why is Absence.SOURCE_FAILED
    assert told == outcome
    assert len(answer.detail) < 260
    for word in words:
        assert word in answer.detail
    return answer.detail


def one(value: str, age_s: float = 3.0, **labels: str) -> Handler:
    series = labels or {"d": "chat"}
    return instants(vector((series, NOW, value)), vector((series, NOW, repr(NOW - age_s))))


async def test_a_value_carries_the_time_it_was_sampled_and_not_the_time_it_was_asked() -> None:
    answer, told = await asked(one("12.5", age_s=42.0))
    assert answer == Reading({"chat": Sample(NOW - 42.0, 12.5)}, complete=True)
    assert told == "success"


async def test_one_question_answers_for_the_whole_group() -> None:
    values = vector(*(({"d": f"m{i}"}, NOW, str(i)) for i in range(10_000)))
    ages = vector(*(({"d": f"m{i}"}, NOW, repr(NOW - 1)) for i in range(10_000)))
    async with source(instants(values, ages)) as (prometheus, _, server):
        answer = await prometheus.read(question(), NOW)
        assert isinstance(answer, Reading)
        assert len(answer.samples) == 10_000
        assert answer.samples["m9999"] == Sample(NOW - 1, 9999.0)
        assert server.paths == ["/api/v1/query"] * 2
        assert all(form["timeout"] == "5000ms" for form in server.forms)


@pytest.mark.fault(1)
async def test_a_source_that_is_down_has_failed() -> None:
    """Item 1."""
    prometheus = build(
        "prom", PrometheusOptions(f"http://127.0.0.1:{free_port()}"), ears := Ears(), StillClock()
    )
    answer = await prometheus.read(question(), NOW)
    await prometheus.close()
    assert isinstance(answer, Missing)
    assert answer.why is Absence.SOURCE_FAILED
    assert "cannot connect" in answer.detail
    assert ears.outcomes == ["error"]


@pytest.mark.fault(1)
async def test_a_name_that_does_not_resolve_has_failed() -> None:
    """Item 1: DNS."""
    prometheus = build("prom", PrometheusOptions("http://nowhere.invalid"), Ears(), StillClock())
    answer = await prometheus.read(question(), NOW)
    await prometheus.close()
    assert isinstance(answer, Missing)
    assert "cannot connect" in answer.detail


@pytest.mark.fault(1)
async def test_a_server_that_does_not_speak_tls_has_failed() -> None:
    """Item 1: TLS."""
    async with MetricsServer(one("1")) as server:
        url = server.url.replace("http:", "https:")
        prometheus = build("prom", PrometheusOptions(url), Ears(), StillClock())
        answer = await prometheus.read(question(), NOW)
        await prometheus.close()
    assert isinstance(answer, Missing)
    assert "cannot connect" in answer.detail


@pytest.mark.fault(2)
async def test_a_slow_source_is_given_up_at_its_deadline() -> None:
    """Item 2."""
    let_go = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await let_go.wait()
        return web.Response()

    async with source(slow, timeout_s=0.05) as (prometheus, ears, _):
        answer = await prometheus.read(question(), NOW)
        let_go.set()
    assert isinstance(answer, Missing)
    assert answer.detail.endswith("no answer within 0.05 s")
    assert ears.outcomes == ["timeout"]


@pytest.mark.fault(3)
async def test_an_error_inside_a_200_is_an_error() -> None:
    """Item 3."""
    body = b'{"status":"error","errorType":"execution","error":"many-to-many matching"}'
    await refused(answering(body), "execution", "many-to-many matching")


@pytest.mark.fault(4)
@pytest.mark.parametrize("more", [{"warnings": ["a store was away"]}, {"isPartial": True}])
async def test_warnings_make_the_answer_incomplete(more: dict[str, object]) -> None:
    """Item 4."""
    ages = vector(({"d": "chat"}, NOW, repr(NOW)))
    handler = instants(vector(({"d": "chat"}, NOW, "3"), **more), ages)
    answer, told = await asked(handler)
    assert answer == Reading({"chat": Sample(NOW, 3.0)}, complete=False)
    assert told == "partial"


async def test_warnings_about_the_age_make_the_answer_incomplete() -> None:
    """Item 4."""
    ages = vector(({"d": "chat"}, NOW, repr(NOW)), warnings=["x"])
    answer, _ = await asked(instants(vector(({"d": "chat"}, NOW, "3")), ages))
    assert isinstance(answer, Reading)
    assert not answer.complete


async def test_notes_of_the_server_do_not_make_an_answer_incomplete() -> None:
    ages = vector(({"d": "chat"}, NOW, repr(NOW)))
    values = vector(({"d": "chat"}, NOW, "3"), infos=["metric might not be a counter"])
    answer, _ = await asked(instants(values, ages))
    assert isinstance(answer, Reading)
    assert answer.complete


@pytest.mark.fault(5)
async def test_a_web_page_is_not_an_answer() -> None:
    """Item 5: HTML."""
    page = b"<html>Sign in with token s3cr3t</html>"
    detail = await refused(answering(page, media_type="text/html"), "web page", "login")
    assert "s3cr3t" not in detail


@pytest.mark.fault(5)
@pytest.mark.parametrize("keep", [0, 1, 30, 60])
async def test_a_truncated_answer_is_not_an_answer(keep: int) -> None:
    """Item 5: truncated JSON."""
    await refused(answering(vector(({"d": "chat"}, NOW, "3"))[:keep]), "not JSON")


async def test_a_connection_that_breaks_off_is_not_an_answer() -> None:
    """Item 5: a body shorter than announced."""

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"status":')
        assert request.transport is not None
        request.transport.abort()
        return response

    await refused(broken, "broke off")


async def test_an_answer_announced_too_large_is_not_read() -> None:
    """Items 5 and 18."""
    await refused(answering(b" " * 2_000), "larger than 1000 bytes", max_bytes=1_000)


@pytest.mark.fault(5)
async def test_an_answer_that_never_ends_is_cut_at_the_limit() -> None:
    """Items 5 and 18: no Content-Length."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65_536)
        except (ConnectionError, asyncio.CancelledError):
            return response

    await refused(endless, "larger than 1000000 bytes", max_bytes=1_000_000)


@pytest.mark.fault(5)
async def test_a_compressed_answer_is_refused_unread() -> None:
    """Item 5: a gzip bomb."""
    bomb = gzip.compress(b" " * 50_000_000)
    await refused(
        answering(bomb, headers={"Content-Encoding": "gzip"}), "compressed", max_bytes=100_000
    )


async def test_compression_is_not_asked_for() -> None:
    async with source(one("1")) as (prometheus, _, server):
        await prometheus.read(question(), NOW)
        assert {headers["Accept-Encoding"] for headers in server.headers} == {"identity"}


@pytest.mark.fault(6)
async def test_an_empty_vector_leaves_the_label_absent() -> None:
    """Item 6: no data is not zero."""
    answer, told = await asked(instants(vector(), vector()))
    assert answer == Reading({})
    assert told == "empty"


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("value", "absence"),
    [
        ("NaN", Absence.UNDEFINED),
        ("+Inf", Absence.NOT_A_NUMBER),
        ("-Inf", Absence.NOT_A_NUMBER),
        ("1e999", Absence.NOT_A_NUMBER),
    ],
)
async def test_what_is_no_number_is_missing(value: str, absence: Absence) -> None:
    """Item 7."""
    answer, told = await asked(one(value))
    assert isinstance(answer, Reading)
    found = answer.samples["chat"]
    assert isinstance(found, Missing)
    assert found.why is absence
    assert told == "error"


async def test_a_native_histogram_is_no_number() -> None:
    row = {"metric": {"d": "chat"}, "histogram": [NOW, {"count": "3", "sum": "4"}]}
    ages = vector(({"d": "chat"}, NOW, repr(NOW)))
    answer, _ = await asked(instants(success("vector", [row]), ages))
    assert isinstance(answer, Reading)
    found = answer.samples["chat"]
    assert isinstance(found, Missing)
    assert found.why is Absence.NOT_A_NUMBER


@pytest.mark.fault(9)
async def test_several_series_of_one_deployment_are_never_the_first_of_them() -> None:
    """Item 9."""
    values = vector(
        *(({"d": "chat", "pod": p}, NOW, "3") for p in "abc"), ({"d": "rank"}, NOW, "1")
    )
    ages = vector(*(({"d": d}, NOW, repr(NOW)) for d in ("chat", "rank")))
    answer, told = await asked(instants(values, ages))
    assert isinstance(answer, Reading)
    assert answer.samples["chat"] == Missing(Absence.DUPLICATE, "3 series instead of one")
    assert answer.samples["rank"] == Sample(NOW, 1.0)
    assert told == "success"


@pytest.mark.fault(10)
async def test_an_answer_without_the_label_anywhere_is_a_failure_and_not_silence() -> None:
    """Item 10: the label was renamed; "empty means zero" must not apply."""
    await refused(one("3", deployment="chat"), "none of the 1 series", "'d'")


@pytest.mark.fault(10)
async def test_a_series_without_the_label_makes_the_answer_incomplete() -> None:
    """Item 10: it may be anybody's load."""
    values = vector(({"d": "chat"}, NOW, "3"), ({}, NOW, "99"))
    ages = vector(({"d": "chat"}, NOW, repr(NOW)), ({}, NOW, repr(NOW)))
    answer, told = await asked(instants(values, ages))
    assert answer == Reading({"chat": Sample(NOW, 3.0)}, complete=False)
    assert told == "partial"


@pytest.mark.fault(11)
async def test_a_dead_target_that_is_replayed_is_stale() -> None:
    """Item 11: the server answers with now, the sample is four minutes old."""
    answer, told = await asked(one("3", age_s=240.0))
    assert isinstance(answer, Reading)
    found = answer.samples["chat"]
    assert isinstance(found, Missing)
    assert found.why is Absence.STALE
    assert found.since == NOW - 240.0
    assert "240 s old" in found.detail
    assert told == "stale"


async def test_a_value_whose_inputs_have_no_recent_sample_is_stale() -> None:
    """Item 11: a range longer than the lookback still counts what is long gone."""
    answer, _ = await asked(instants(vector(({"d": "chat"}, NOW, "3")), vector()))
    assert isinstance(answer, Reading)
    found = answer.samples["chat"]
    assert isinstance(found, Missing)
    assert found.why is Absence.STALE


async def test_the_oldest_of_several_inputs_counts() -> None:
    """Item 11, for a ratio of which one side died."""
    ages = vector(
        ({"d": "chat", MARK: "0"}, NOW, repr(NOW - 1)),
        ({"d": "chat", MARK: "1"}, NOW, repr(NOW - 50)),
    )
    values = vector(({"d": "chat"}, NOW, "0.5"))
    answer, _ = await asked(instants(values, ages), question("sum by (d) (a) / sum by (d) (b)"))
    assert answer == Reading({"chat": Sample(NOW - 50, 0.5)})


async def test_an_input_without_the_label_speaks_for_all() -> None:
    ages = vector(({MARK: "0"}, NOW, repr(NOW - 20)), ({"d": "chat", MARK: "1"}, NOW, repr(NOW)))
    values = vector(({"d": "chat"}, NOW, "0.5"))
    joined = question("sum by (d) (a * on (pod) group_left (d) b)")
    answer, _ = await asked(instants(values, ages), joined)
    assert answer == Reading({"chat": Sample(NOW - 20, 0.5)})


@pytest.mark.fault(12)
@pytest.mark.parametrize("ahead", [31.0, 3_600.0])
async def test_a_sample_from_the_future_is_not_believed(ahead: float) -> None:
    """Item 12."""
    answer, _ = await asked(one("3", age_s=-ahead))
    assert isinstance(answer, Reading)
    found = answer.samples["chat"]
    assert isinstance(found, Missing)
    assert found.why is Absence.FROM_THE_FUTURE


async def test_clocks_may_differ_a_little() -> None:
    """Item 12."""
    answer, _ = await asked(one("3", age_s=-30.0))
    assert answer == Reading({"chat": Sample(NOW + 30.0, 3.0)})


@pytest.mark.fault(17)
@pytest.mark.parametrize("status", [400, 422, 500, 502, 503])
async def test_a_refused_query_has_failed(status: int) -> None:
    """Item 17."""
    body = b'{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}'
    await refused(answering(body, status), str(status), "timeout", "timed out in expression")
    await refused(answering(b"upstream", status, "text/plain"), str(status))


async def test_success_under_a_bad_status_is_no_success() -> None:
    await refused(answering(vector(({"d": "chat"}, NOW, "3")), 500), "500")


@pytest.mark.fault(18)
async def test_a_million_series_are_too_many() -> None:
    """Item 18."""
    body = vector(*(({"d": str(i)}, NOW, "1") for i in range(101)))
    await refused(answering(body), "101 series, 100 are allowed", max_series=100)


@pytest.mark.fault(19)
@pytest.mark.parametrize("status", [401, 403])
async def test_expired_credentials_are_said_and_not_retried(status: int, tmp_path: Path) -> None:
    """Item 19."""
    token = tmp_path / "token"
    token.write_text("c4nary-t0ken\n")
    async with source(answering(b"{}", status), token_file=str(token)) as (prometheus, _, server):
        answer = await prometheus.read(question(), NOW)
        assert isinstance(answer, Missing)
        assert answer.detail.endswith(f"refuses the credentials ({status})")
        assert len(server.paths) == 2, "one for the value, one for its age, none again"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_gets_no_credentials(
    status: int, tmp_path: Path
) -> None:
    """Items 39 and 84: credentials stay with their origin."""
    token = tmp_path / "token"
    token.write_text("c4nary-t0ken")
    async with MetricsServer(one("1")) as elsewhere:
        handler = answering(b"", status, headers={"Location": elsewhere.url + "/c4nary-t0ken"})
        detail = await refused(handler, "redirects", token_file=str(token))
        assert elsewhere.paths == []
        assert "c4nary" not in detail


async def test_a_token_is_read_anew_for_every_query(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")
    async with source(one("1"), token_file=str(token)) as (prometheus, _, server):
        await prometheus.read(question(), NOW)
        token.write_text("new\n")
        await prometheus.read(question(), NOW)
        sent = [headers["Authorization"] for headers in server.headers]
    assert sent == ["Bearer old", "Bearer old", "Bearer new", "Bearer new"]


async def test_a_user_name_makes_it_basic_authentication(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("pw")
    async with source(one("1"), token_file=str(token), username="me") as (prometheus, _, server):
        await prometheus.read(question(), NOW)
        assert server.headers[0]["Authorization"] == "Basic bWU6cHc="


@pytest.mark.parametrize("content", [None, "", "two\nlines", "caf\x00"])
async def test_an_unusable_token_sends_nothing(content: str | None, tmp_path: Path) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
    async with source(one("1"), token_file=str(token)) as (prometheus, _, server):
        answer = await prometheus.read(question(), NOW)
        assert isinstance(answer, Missing)
        assert str(token) in answer.detail
        assert "lines" not in answer.detail
        assert server.paths == []


@pytest.mark.parametrize("echo", ["c4nary-t0ken", "bWU6YzRuYXJ5LXQwa2Vu"])
async def test_a_server_that_repeats_the_secret_is_not_quoted(echo: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("c4nary-t0ken")
    body = b'{"status":"error","errorType":"bad_data","error":"you sent %b"}' % echo.encode()
    detail = await refused(answering(body, 400), "bad_data", token_file=str(token), username="me")
    assert echo not in detail


async def test_foreign_text_is_clipped_and_made_printable() -> None:
    body = b'{"status":"error","errorType":"<script>","error":"a\\u001b[31m\\n%b"}' % (b"x" * 5_000)
    detail = await refused(answering(body, 400))
    assert detail.isprintable()
    assert "script" not in detail


async def test_headers_of_the_configuration_are_sent() -> None:
    async with source(one("1"), headers={"X-Scope-OrgID": "ml"}) as (prometheus, _, server):
        await prometheus.read(question(), NOW)
        assert server.headers[0]["X-Scope-OrgID"] == "ml"


async def test_cookies_are_not_kept() -> None:
    handler = answering(vector(), headers={"Set-Cookie": "session=1"})
    async with source(handler) as (prometheus, _, server):
        await prometheus.read(question(), NOW)
        await prometheus.read(question(), NOW)
        assert not any("Cookie" in headers for headers in server.headers)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    answer, _ = await asked(one("1"))
    assert isinstance(answer, Reading)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
async def test_link_local_addresses_are_refused_when_connecting(host: str) -> None:
    """Item 84 and SSRF: a metadata service is no metrics server."""
    prometheus = build("prom", PrometheusOptions(f"http://{host}:80"), Ears(), StillClock())
    answer = await prometheus.read(question(), NOW)
    await prometheus.close()
    assert isinstance(answer, Missing)
    assert "link-local or metadata address" in answer.detail


async def test_a_name_that_resolves_to_a_link_local_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SSRF by DNS: what counts is the address at the moment of connecting."""

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    prometheus = build("prom", PrometheusOptions("http://metrics.example"), Ears(), StillClock())
    answer = await prometheus.read(question(), NOW)
    await prometheus.close()
    assert isinstance(answer, Missing)
    assert "link-local or metadata address" in answer.detail


@pytest.mark.parametrize("kind", ["scalar", "string"])
async def test_a_scalar_answer_is_refused_for_it_names_no_deployment(kind: str) -> None:
    await refused(answering(success(kind, [NOW, "1"])), kind, "label")


@pytest.mark.parametrize(
    "result",
    [
        [1],
        [{"metric": []}],
        [{"value": [NOW, "1"]}],
        [{"metric": {"d": "chat"}, "value": []}],
        [{"metric": {"d": "chat"}, "value": [NOW, None]}],
        [{"metric": {"d": "chat"}, "value": [NOW, "many"]}],
        [{"metric": {"d": ["chat"]}, "value": [NOW, "1"]}],
        [{"metric": {"d": "chat"}, "value": [None, "1"]}],
    ],
)
async def test_series_of_another_shape_are_refused(result: list[object]) -> None:
    what = question("vector(1)")
    answer, _ = await asked(answering(success("vector", result)), what)
    assert isinstance(answer, Missing)
    assert answer.why is Absence.SOURCE_FAILED


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"status":"success"}',
        b'{"status":"success","data":[]}',
        b"[" * 5_000,
    ],
)
async def test_json_of_another_shape_is_refused(body: bytes) -> None:
    await refused(answering(body))


@pytest.mark.parametrize("at", ["NaN", "+Inf", "-Inf"])
async def test_an_age_that_is_no_number_is_no_age(at: str) -> None:
    handler = instants(vector(({"d": "chat"}, NOW, "3")), vector(({"d": "chat"}, NOW, at)))
    answer, _ = await asked(handler)
    assert isinstance(answer, Reading)
    found = answer.samples["chat"]
    assert isinstance(found, Missing)
    assert found.why is Absence.STALE


async def test_without_ages_there_is_no_reading() -> None:
    handler = instants(vector(({"d": "chat"}, NOW, "3")), b'{"status":"error"}')
    await refused(handler, "age is unknown")


async def test_the_evaluation_time_stands_in_where_no_selector_is_found() -> None:
    replaced = question('label_replace(vector(1), "d", "chat", "", "")')
    values = vector(({"d": "chat"}, NOW - 2, "1"))
    answer, _ = await asked(answering(values), replaced)
    assert answer == Reading({"chat": Sample(NOW - 2, 1.0)})


@pytest.mark.fault(84)
@pytest.mark.parametrize(
    "name", ['a"} or vector(1e9) or up{x="', "\\", "\n", "Ω", "{deployment}", "a,b", "'", " "]
)
async def test_hostile_label_values_are_names_and_nothing_else(name: str) -> None:
    """Item 84."""
    answer, _ = await asked(one("3", d=name))
    assert answer == Reading({name: Sample(NOW - 3.0, 3.0)})


async def test_history_comes_on_a_grid_with_gaps_where_there_is_no_number() -> None:
    body = matrix(
        ({"d": "chat"}, [(100.0, "1"), (110.0, "NaN"), (120.0, "3")]),
        ({"d": "silent"}, [(100.0, "NaN")]),
        ({"d": "twice", "pod": "a"}, [(100.0, "1")]),
        ({"d": "twice", "pod": "b"}, [(100.0, "1")]),
    )
    async with source(answering(body)) as (prometheus, ears, server):
        past = await prometheus.history(question(), 100.0, 120.0, 10.0)
        assert set(past) == {"chat"}
        assert past["chat"].times == (100.0, 120.0)
        assert past["chat"].values == (1.0, 3.0)
        assert server.paths == ["/api/v1/query_range"]
        form = server.forms[0]
        assert (form["start"], form["end"], form["step"]) == ("100.0", "120.0", "10.0")
        assert ears.outcomes == ["success"]


async def test_history_that_is_partial_says_so() -> None:
    body = matrix(({"d": "chat"}, [(100.0, "1")]), warnings=["x"])
    async with source(answering(body)) as (prometheus, _, _server):
        past = await prometheus.history(question(), 100.0, 120.0, 10.0)
        assert not past["chat"].complete


async def range_of(request: web.Request) -> web.Response:
    """Every point of the asked grid, its value being its time."""
    form = await request.post()
    start, end, step = (float(str(form[key])) for key in ("start", "end", "step"))
    count = int((end - start) / step + 1e-9) + 1
    points = [(start + i * step, str(start + i * step)) for i in range(count)]
    return web.Response(body=matrix(({"d": "chat"}, points)), content_type="application/json")


async def test_history_beyond_the_size_limit_is_asked_for_in_parts() -> None:
    async with source(range_of, max_bytes=2_000) as (prometheus, _, server):
        past = await prometheus.history(question(), 0.0, 2_550.0, 10.0)
        assert past["chat"].times == tuple(i * 10.0 for i in range(256))
        assert len(server.paths) > 4


async def test_history_of_many_points_is_asked_for_in_parts() -> None:
    async with source(range_of) as (prometheus, _, server):
        past = await prometheus.history(question(), 0.0, 19_999.0, 1.0)
        assert past["chat"].times == tuple(float(i) for i in range(20_000))
        assert len(server.paths) == 2


@pytest.mark.parametrize(
    "handler",
    [answering(b"{}"), answering(b"", 503), answering(matrix(({"x": "y"}, [(1.0, "1")])))],
)
async def test_history_that_fails_is_empty_and_told(handler: Handler) -> None:
    async with source(handler) as (prometheus, ears, _):
        assert await prometheus.history(question(), 0.0, 100.0, 10.0) == {}
        assert ears.outcomes == ["error"]


async def test_history_of_no_time_is_empty() -> None:
    async with source(answering(b"{}")) as (prometheus, ears, server):
        assert await prometheus.history(question(), 10.0, 0.0, 10.0) == {}
        assert await prometheus.history(question(), 0.0, 10.0, 0.0) == {}
        assert server.paths == []
        assert ears.outcomes == ["empty", "empty"]


async def test_a_path_before_the_api_is_kept() -> None:
    async with source(one("1")) as (_, _ears, server):
        prometheus = build("p", PrometheusOptions(server.url + "/prom/"), Ears(), StillClock())
        await prometheus.read(question(), NOW)
        await prometheus.close()
        assert server.paths[-1] == "/prom/api/v1/query"


async def test_the_module_registers_itself() -> None:
    assert SOURCE.options is PrometheusOptions
    assert SOURCE.query.parse("up") == Query("up")
    assert SOURCE.shorthand == "promql"


async def test_a_source_that_was_never_asked_can_be_closed() -> None:
    await build("prom", PrometheusOptions("http://127.0.0.1:9"), Ears(), StillClock()).close()
