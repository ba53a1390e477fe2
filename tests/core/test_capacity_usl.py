"""The Universal Scalability Law: found again in its own points, refused where nothing is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.core.capacity import Misfit, Usl, fit_usl
from tests.strategies import SOME


def points(curve: Usl, *jobs: float) -> list[tuple[float, float]]:
    return [(n, curve.throughput(n)) for n in jobs]


def why(found: Usl | Misfit) -> str:
    assert isinstance(found, Misfit)
    return found.why


def test_gunthers_example_has_its_peak_where_he_says() -> None:
    # sigma 0.02, kappa 0.0005: sqrt(0.98 / 0.0005) = 44.27.
    curve = Usl(1000, 0.02, 0.0005)
    assert curve.throughput(1) == 1000
    assert curve.peak() == pytest.approx(44.27, abs=0.01)
    assert curve.throughput(44) > max(curve.throughput(30), curve.throughput(60))


def test_without_coherence_throughput_only_rises() -> None:
    assert Usl(10, 0.1, 0.0).peak() == math.inf
    assert Usl(10, 2.0, 0.1).peak() == 1


def test_a_straight_line_is_fitted_as_one() -> None:
    found = fit_usl(points(Usl(20, 0, 0), 1, 2, 4, 8, 16, 32))
    assert isinstance(found, Usl)
    assert found.throughput(64) == pytest.approx(64 * 20)


def test_contention_alone_and_coherence_alone_are_found() -> None:
    for curve in (Usl(20, 0.1, 0), Usl(20, 0, 0.01)):
        found = fit_usl(points(curve, 1, 2, 4, 8, 16, 32))
        assert isinstance(found, Usl)
        assert found.throughput(24) == pytest.approx(curve.throughput(24), rel=1e-6)


def test_better_than_linear_is_taken_as_linear_or_refused() -> None:
    found = fit_usl([(n, 10 * n**1.1) for n in (1, 2, 4, 8, 16, 32)])
    assert isinstance(found, Usl)
    assert found.contention == found.coherence == 0


def test_too_few_points_are_refused() -> None:
    assert why(fit_usl(points(Usl(20, 0.1, 0.01), 1, 2, 4, 8, 16))) == (
        "5 usable points are fewer than 6"
    )
    assert "0 usable" in why(fit_usl([(0, 1), (1, 0), (1e300, 1), (1, math.inf)]))


def test_a_narrow_range_is_refused() -> None:
    assert why(fit_usl(points(Usl(20, 0.1, 0.01), *[10 + i for i in range(9)]))) == (
        "concurrency from 10.0 to 18.0 is no factor of 2"
    )


def test_noise_is_refused() -> None:
    cloud = [(n, 10 + 7 * (-1) ** n) for n in range(1, 20)]
    assert "of the throughput, 80% are needed" in why(fit_usl(cloud))
    assert why(fit_usl([(n, 10.0) for n in range(4, 40, 4)])).startswith("the curve explains")


def test_two_places_determine_no_parabola_but_a_simpler_curve() -> None:
    found = fit_usl([*[(4.0, 40.0)] * 4, *[(16.0, 100.0)] * 4])
    assert isinstance(found, Usl)
    assert found.throughput(16) == pytest.approx(100)


def test_absurd_numbers_are_refused_and_do_not_crash() -> None:
    assert isinstance(fit_usl([(10.0**k, 1e300) for k in range(-150, 150, 20)]), Misfit)
    assert isinstance(fit_usl([(10.0**k, 10.0 ** (-2 * k)) for k in range(-150, 150, 20)]), Misfit)
    tiny = [(5e-324 * k, 1.7e308) for k in range(1, 9)]
    assert isinstance(fit_usl(tiny), Misfit)


rates = st.floats(1e-6, 1e6)


@settings(max_examples=SOME)
@given(rates, st.floats(0, 0.5), st.floats(0, 0.05))
def test_a_curve_is_found_again_in_its_own_points(rate: float, s: float, k: float) -> None:
    curve = Usl(rate, s, k)
    found = fit_usl(points(curve, *range(1, 40)), least_r2=0.0)
    assert isinstance(found, Usl)
    for n in (1, 10, 40):
        assert found.throughput(n) == pytest.approx(curve.throughput(n), rel=1e-3)


@settings(max_examples=SOME)
@given(st.lists(st.tuples(st.floats(-10, 1e3), st.floats(-10, 1e6)), max_size=20))
def test_whatever_is_measured_a_fit_has_sane_parameters(found: list[tuple[float, float]]) -> None:
    curve = fit_usl(found)
    if isinstance(curve, Misfit):
        assert curve.why
    else:
        assert curve.rate > 0
        assert min(curve.contention, curve.coherence) >= 0
        assert curve.peak() >= 1


@settings(max_examples=SOME)
@given(rates, st.floats(0, 0.9), st.floats(1e-6, 0.1), st.floats(1, 100))
def test_nothing_is_above_the_peak(rate: float, s: float, k: float, n: float) -> None:
    curve = Usl(rate, s, k)
    assert curve.throughput(n) <= curve.throughput(curve.peak()) * (1 + 1e-9)
