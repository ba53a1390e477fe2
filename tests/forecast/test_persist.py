from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.forecast import Forecaster, Options
from autoscaler.forecast.persist import pack, unpack
from tests.strategies import NOW

OPTIONS = Options(every_s=60.0)


def lived(days: float, options: Options = OPTIONS) -> Forecaster:
    made = Forecaster(options)
    for minute in range(int(days * 1440)):
        day = 2 * math.pi * minute / 1440
        made.observe(NOW + minute * 60, 100 + 60 * math.sin(day) + minute * 7 % 13)
    return made


def test_a_forecast_goes_on_after_a_restart_as_if_nothing_had_been() -> None:
    before = lived(2.0)
    after = unpack(pack(before), OPTIONS)
    assert after.history.codes == before.history.codes
    assert after.quality() == before.quality()
    at = NOW + 2 * 86_400
    for minute in range(5):
        before.observe(at + minute * 60, 150.0)
        after.observe(at + minute * 60, 150.0)
    assert after.signals(at + 240).keys() == before.signals(at + 240).keys()
    assert after.history.codes == before.history.codes


def test_fourteen_days_take_less_than_64_kib() -> None:
    made = Forecaster(OPTIONS)
    value = 1.0
    for minute in range(14 * 1440):
        value = (value * 7919 + minute) % 9973
        made.history.add(NOW + minute * 60, value)
    assert len(pack(made)) <= 64 * 1024


def test_another_risk_keeps_the_history_and_begins_its_margins_anew() -> None:
    before = lived(1.0)
    after = unpack(pack(before), Options(every_s=60.0, tau=0.99))
    assert after.history.codes == before.history.codes
    assert after.quality().trials == 0


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(ValueError, match="stored forecast"):
        unpack(data, OPTIONS)


WHOLE = pack(lived(0.2))


@settings(max_examples=200)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_store_is_refused_or_read_but_never_crashes(place: int, byte: int) -> None:
    data = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        made = unpack(data, OPTIONS)
    except ValueError:
        return
    made.observe(NOW + 90_000, 10.0)
    made.signals(NOW + 90_000)
