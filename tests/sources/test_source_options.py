"""Options of HTTP sources, and the addresses that no source may be at."""

from __future__ import annotations

import socket
from dataclasses import fields
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.outbound.address import (
    ForbiddenAddressError,
    guarded_socket,
    is_forbidden,
    is_loopback,
)
from autoscaler.sources import openmetrics, prometheus
from autoscaler.sources.openmetrics import OpenMetricsOptions
from autoscaler.sources.prometheus import PrometheusOptions
from tests.fakes.sources import Ears, StillClock

URL = "https://prom.example"


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"url": "ftp://prom.example"}, "must be http"),
        ({"url": "prom.example:9090"}, "must be http"),
        ({"url": "file:///etc/passwd"}, "must be http"),
        ({"url": "http://"}, "must be http"),
        ({"url": "http://prom.example:99999"}, "legal port"),
        ({"url": "http://[::1"}, "legal URL"),
        ({"url": URL + "/#x"}, "fragment"),
        ({"url": URL, "timeout_s": 0.0}, "timeout_s must be greater than 0"),
        ({"url": URL, "timeout_s": 61.0}, "timeout_s must be at most 60"),
        ({"url": URL, "timeout_s": float("nan")}, "timeout_s must be a finite number"),
        ({"url": URL, "max_bytes": 1}, "max_bytes must be at least"),
        ({"url": URL, "username": "me"}, "needs a token_file"),
        ({"url": "http://prom.example", "token_file": "/t"}, "must be https"),
        ({"url": URL, "headers": {"Authorization": "x"}}, "belongs in token_file"),
        ({"url": URL, "headers": {"Host": "x"}}, "set by the source"),
        ({"url": URL, "headers": {"a b": "x"}}, "HTTP token"),
        ({"url": URL, "headers": {"X-A": "x\r\nX-B: y"}}, "printable"),
    ],
)
def test_options_out_of_range_are_refused_with_their_rule(
    options: dict[str, object], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        OpenMetricsOptions(**options)  # type: ignore[arg-type]  # what a configuration may hold


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="must not hold credentials") as caught:
        PrometheusOptions("https://me:hunter2@prom.example")
    assert "hunter2" not in str(caught.value)


def test_secret_header_values_are_not_repeated() -> None:
    with pytest.raises(ValueError, match="Cookie") as caught:
        PrometheusOptions(URL, headers={"Cookie": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_prometheus_url_has_no_query() -> None:
    with pytest.raises(ValueError, match="must not have a query"):
        PrometheusOptions(URL + "/?a=b")
    assert OpenMetricsOptions(URL + "/metrics?a=b").url.endswith("a=b")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", URL])
def test_a_token_may_go_to_this_machine_or_over_tls(url: str) -> None:
    assert PrometheusOptions(url, token_file="/t").token_file == "/t"


def test_a_token_over_http_has_to_be_asked_for() -> None:
    options = PrometheusOptions("http://prom", token_file="/t", allow_http_token=True)
    assert options.allow_http_token


@pytest.mark.parametrize("module", [prometheus, openmetrics])
def test_every_option_and_query_field_is_documented(module: object) -> None:
    kind = module.SOURCE  # type: ignore[attr-defined]  # both are sources
    for item in (*fields(kind.options), *fields(kind.query)):
        assert item.metadata["doc"], item.name


def test_a_ca_file_that_cannot_be_used_is_refused_at_start() -> None:
    options = PrometheusOptions(URL, ca_file="/nowhere/ca.pem")
    with pytest.raises(ValueError, match="ca_file must be a readable PEM file"):
        prometheus.build("prom", options, Ears(), StillClock())


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "2002:a9fe:a9fe::1",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
    ],
)
def test_addresses_that_hand_out_credentials_are_forbidden(address: str) -> None:
    assert is_forbidden(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "8.8.8.8"])
def test_ordinary_addresses_are_allowed(address: str) -> None:
    assert not is_forbidden(address)


@given(st.integers(0, 0xFFFF))
def test_link_local_stays_forbidden_in_every_wrapping(low: int) -> None:
    inner = IPv4Address((169 << 24) | (254 << 16) | low)
    high, rest = divmod(int(inner), 0x1_0000)
    for text in (
        str(inner),
        f"::ffff:{inner}",
        f"64:ff9b::{high:x}:{rest:x}",
        f"2002:{high:x}:{rest:x}::",
    ):
        assert is_forbidden(text)


def test_the_socket_is_not_made_for_a_forbidden_address() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))
    with pytest.raises(ForbiddenAddressError, match="link-local"):
        guarded_socket(allow_link_local=False)(info)
    with guarded_socket(allow_link_local=True)(info) as made:
        assert not made.getblocking()


@pytest.mark.parametrize(
    ("host", "here"),
    [("localhost", True), ("127.8.8.8", True), ("::1", True), ("localhost.example", False)],
)
def test_loopback_is_known_by_its_address(host: str, here: bool) -> None:
    assert is_loopback(host) is here
