"""How far the daemon's clock is from the platform's, by the Date of its answers."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.foundry.skew import skew_s
from tests.strategies import NOW


@given(
    st.floats(-86_400, 86_400),
    st.floats(0, 10),
    st.floats(0, 1),
)
def test_the_skew_is_right_to_half_a_second_and_half_the_request(
    ahead: float, took: float, where: float
) -> None:
    answered = NOW + took * where
    date = formatdate(answered - ahead, usegmt=True)
    found = skew_s(date, NOW, NOW + took)
    assert found is not None
    assert abs(found - ahead) <= 0.5 + took / 2 + 1e-3


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Foo 2026", "\x00", "0"])
def test_what_is_no_date_tells_nothing(date: str) -> None:
    assert skew_s(date, NOW, NOW) is None


@given(st.text(max_size=40))
def test_no_header_is_too_strange(date: str) -> None:
    skew_s(date, NOW, NOW)


def test_a_date_without_a_zone_is_universal_time() -> None:
    zoned = skew_s("Sat, 28 Nov 2026 12:00:00 +0000", NOW, NOW)
    assert skew_s("Sat, 28 Nov 2026 12:00:00 -0000", NOW, NOW) == zoned
