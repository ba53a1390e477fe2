"""Queueing arithmetic, held against closed forms, tables and identities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.capacity import (
    EXACT_SERVERS,
    Demand,
    Queue,
    erlang_b,
    erlang_c,
    halfin_whitt,
    little_jobs,
    little_time,
    load_ratio,
    queue,
    servers_for_response,
    servers_for_wait,
    square_root_staffing,
    variability,
)
from tests.strategies import SOME

# Loss probabilities of the usual Erlang B tables: (servers, erlangs, blocked).
TABLE_B = [
    (1, 0.0101, 0.01),
    (2, 0.153, 0.01),
    (5, 1.361, 0.01),
    (10, 4.461, 0.01),
    (20, 12.03, 0.01),
    (50, 37.90, 0.01),
    (100, 84.06, 0.01),
    (10, 6.216, 0.05),
    (10, 7.511, 0.10),
    (100, 95.24, 0.05),
]


@pytest.mark.parametrize(("servers", "load", "blocked"), TABLE_B)
def test_losses_are_those_of_the_tables(servers: int, load: float, blocked: float) -> None:
    assert erlang_b(servers, load) == pytest.approx(blocked, rel=0.01)


def test_delays_are_those_of_closed_forms() -> None:
    # M/M/1: rho. M/M/2 with one erlang: 1/3. M/M/3 with two erlangs: 4/9.
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(2, 1) == pytest.approx(1 / 3)
    assert erlang_c(3, 2) == pytest.approx(4 / 9)
    assert erlang_c(2, 2) == 1
    assert erlang_c(4, 0) == 0


def test_ten_thousand_servers_lose_no_precision() -> None:
    # The continued form 1/B = sum over k of n! / ((n-k)! a^k), summed term by term.
    load, term, inverse = 9950.0, 1.0, 1.0
    for k in range(10_000):
        term *= (10_000 - k) / load
        inverse += term
    assert erlang_b(10_000, load) == pytest.approx(1 / inverse, rel=1e-9)


def test_one_exponential_server_answers_by_the_closed_form() -> None:
    # M/M/1: the response time is exponential with rate mu - lambda.
    found = queue(Demand(0.8, 0.5), 1)
    assert found.mean_wait() == pytest.approx(0.8 * 0.5 / 0.2)
    assert found.response_beyond(3.0) == pytest.approx(math.exp(-(2 - 1.6) * 3))
    assert found.response_percentile(0.95) == pytest.approx(-math.log(0.05) / 0.4)
    assert found.wait_percentile(0.95) == pytest.approx(math.log(0.8 / 0.05) / 0.4)
    assert found.wait_beyond(0) == pytest.approx(0.8)


def test_one_server_with_general_service_waits_as_pollaczek_and_khinchine_say() -> None:
    for scv in (0.0, 0.5, 1.0, 4.0):
        found = queue(Demand(0.8, 0.5, scv), 1)
        assert found.mean_wait() == pytest.approx((1 + scv) / 2 * 0.8 * 0.5 / 0.2)


def test_a_constant_service_in_many_servers_waits_longer_than_half() -> None:
    # M/D/10, simulated with 600,000 arrivals: 0.650, 0.536 and 0.519 of the wait of M/M/10.
    for load, share in ((5, 0.650), (8, 0.536), (9, 0.519)):
        assert variability(Demand(load, 1, 0.0), 10) == pytest.approx(share, rel=0.01)
    assert variability(Demand(8, 1, 4.0), 10) == 2.5
    assert variability(Demand(0, 1, 0.0), 10) == 1.0


def test_regular_arrivals_of_constant_services_never_wait() -> None:
    found = queue(Demand(0.9, 1, 0.0, 0.0), 1)
    assert found.drain == math.inf
    assert found.wait_beyond(1e-9) == 0
    assert found.mean_wait() == 0


def test_the_sum_of_wait_and_service_is_right_where_both_rates_meet() -> None:
    # Two servers with one erlang: both fall off at the rate of one service.
    found = queue(Demand(1, 1), 2)
    assert found.drain == pytest.approx(1)
    expected = 2 / 3 * math.exp(-2) + 1 / 3 * 3 * math.exp(-2)
    assert found.response_beyond(2) == pytest.approx(expected)


def test_a_constant_service_is_either_in_time_or_late() -> None:
    demand = Demand(8, 1, 0.0)
    assert (demand.service_beyond(0.99), demand.service_beyond(1.0)) == (1.0, 0.0)
    found = queue(demand, 10)
    assert found.response_beyond(0.99) == 1
    assert found.response_beyond(1.5) == pytest.approx(found.wait_beyond(0.5))


def test_an_overloaded_queue_keeps_nobody_waiting_for_less_than_ever() -> None:
    found = queue(Demand(10, 1), 10)
    assert (found.delayed, found.drain) == (1, 0)
    assert found.wait_beyond(1e9) == found.response_beyond(1e9) == 1
    assert found.mean_wait() == found.wait_percentile(0.5) == math.inf
    assert found.response_percentile(0.5) == math.inf


def test_little_and_the_platforms_load() -> None:
    assert little_jobs(20, 0.5) == 10
    assert little_time(10, 20) == 0.5
    assert little_time(10, 0) == math.inf
    assert load_ratio(48, 2, 32) == 0.75
    assert load_ratio(1, 0, 32) == math.inf
    assert load_ratio(0, 0, 32) == 0


def test_square_root_staffing_is_what_its_table_says() -> None:
    # beta 0.506 lets half wait, 1.420 a tenth, 2.375 a hundredth (solved from the formula).
    assert halfin_whitt(0) == 1
    assert halfin_whitt(0.506) == pytest.approx(0.5, abs=1e-3)
    assert halfin_whitt(50) == 0
    assert square_root_staffing(100, 0.1) == math.ceil(100 + 1.420 * 10)
    assert square_root_staffing(0, 0.1) == 0


def test_no_load_needs_no_server() -> None:
    assert servers_for_wait(Demand(0, 1), 0.1, 0.95) == 0
    assert servers_for_response(Demand(0, 1), 9.0, 0.95) == 0


def test_what_the_service_alone_breaks_no_number_of_servers_meets() -> None:
    assert Demand(50, 0.4).service_beyond(0.8) == pytest.approx(math.exp(-2))
    assert servers_for_response(Demand(50, 0.4), 0.8, 0.95) is None
    assert servers_for_response(Demand(50, 0.4, 0.01), 0.8, 0.95) is not None


def test_beyond_the_exact_range_the_asymptotic_rule_joins_smoothly() -> None:
    below = servers_for_wait(Demand(EXACT_SERVERS - 400, 1), 0.0, 0.95)
    above = servers_for_wait(Demand(EXACT_SERVERS + 400, 1), 0.0, 0.95)
    assert below - EXACT_SERVERS + 400 == pytest.approx(above - EXACT_SERVERS - 400, abs=8)
    assert queue(Demand(30_000, 1), 30_300).delayed == pytest.approx(
        erlang_c(30_300, 30_000), abs=2e-3
    )
    assert queue(Demand(0, 1), 30_300).delayed == 0
    assert servers_for_wait(Demand(1e12, 1), 0.0, 0.5) < 1.001e12


# --- properties ------------------------------------------------------------------------------

servers_ = st.integers(1, 400)
loads = st.floats(1e-6, 400)
times = st.floats(1e-6, 1e6)
scvs = st.floats(0, 20)
shares = st.floats(0.5, 0.9999)
demands = st.builds(Demand, loads, times, scvs, st.floats(0, 5))


@settings(max_examples=SOME)
@given(servers_, loads)
def test_the_recursion_holds_and_delay_follows_from_loss(servers: int, load: float) -> None:
    blocked, before = erlang_b(servers, load), erlang_b(servers - 1, load)
    assert blocked * (servers + load * before) == pytest.approx(load * before)
    assert 0 <= blocked <= erlang_c(servers, load) <= 1
    if load < servers:
        use = load / servers
        assert erlang_c(servers, load) == pytest.approx(blocked / (1 - use * (1 - blocked)))


@settings(max_examples=SOME)
@given(servers_, loads, st.floats(0, 100))
def test_more_load_waits_more_and_more_servers_less(servers: int, load: float, more: float) -> None:
    dust = 1e-12
    assert erlang_b(servers, load + more) >= erlang_b(servers, load) - dust
    assert erlang_c(servers, load + more) >= erlang_c(servers, load) - dust
    assert erlang_c(servers + 1, load) <= erlang_c(servers, load) + dust


@settings(max_examples=SOME)
@given(demands, servers_, st.floats(0, 10), st.floats(0, 10))
def test_tails_are_probabilities_that_fall(
    demand: Demand, servers: int, early: float, later: float
) -> None:
    found = queue(demand, servers)
    at, after = early * demand.service_s, (early + later) * demand.service_s
    for tail in (found.wait_beyond, found.response_beyond, demand.service_beyond):
        assert 0 <= tail(after) <= tail(at) + 1e-9 <= 1 + 2e-9
    assert found.response_beyond(at) >= demand.service_beyond(at) - 1e-9
    assert found.response_beyond(at) >= found.wait_beyond(at) - 1e-9
    assert found.response_beyond(at) <= demand.service_beyond(at) + found.delayed + 1e-9


@settings(max_examples=SOME)
@given(demands, servers_, shares)
def test_a_percentile_is_where_its_tail_is_the_rest(
    demand: Demand, servers: int, share: float
) -> None:
    found = queue(demand, servers)
    if found.drain == 0:
        return
    limit = found.response_percentile(share)
    assert found.response_beyond(limit) <= 1 - share + 1e-9
    assert found.response_beyond(limit * (1 - 1e-6)) >= 1 - share - 1e-4
    wait = found.wait_percentile(share)
    assert found.wait_beyond(wait) <= 1 - share + 1e-9


@settings(max_examples=SOME)
@given(demands, st.floats(0, 20), shares)
def test_the_fewest_servers_suffice_and_one_less_does_not(
    demand: Demand, times_service: float, share: float
) -> None:
    limit = times_service * demand.service_s
    wait = servers_for_wait(demand, limit, share)
    assert queue(demand, wait).wait_beyond(limit) <= 1 - share
    assert queue(demand, wait - 1).wait_beyond(limit) > 1 - share if wait > 1 else True
    response = servers_for_response(demand, limit, share)
    if response is None:
        assert demand.service_beyond(limit) >= 1 - share
        return
    assert queue(demand, response).response_beyond(limit) <= 1 - share
    assert queue(demand, response - 1).response_beyond(limit) > 1 - share if response > 1 else True


@settings(max_examples=SOME)
@given(loads, st.sampled_from((0.5, 0.1, 0.05, 0.01, 0.001)))
def test_square_root_staffing_is_erlangs_number_within_two(load: float, delayed: float) -> None:
    exact = servers_for_wait(Demand(load, 1), 0.0, 1 - delayed)
    assert exact - 2 <= square_root_staffing(load, delayed) <= exact + 1


@settings(max_examples=SOME)
@given(st.floats(1e-6, 1e6), st.floats(1e-3, 1e6))
def test_little_is_his_own_inverse(rate: float, time_s: float) -> None:
    assert little_time(little_jobs(rate, time_s), rate) == pytest.approx(time_s)


@given(st.floats(0.01, 0.99), st.floats(0.01, 50))
def test_tails_do_not_depend_on_the_unit_of_time(use: float, scv: float) -> None:
    one, thousand = Demand(use * 5, 1, scv), Demand(use * 5, 1000, scv)
    assert queue(one, 5).response_beyond(2) == pytest.approx(
        queue(thousand, 5).response_beyond(2000)
    )
    assert Queue(one, 5, 0.5).wait_beyond(2) == pytest.approx(
        Queue(thousand, 5, 0.5).wait_beyond(2000)
    )
