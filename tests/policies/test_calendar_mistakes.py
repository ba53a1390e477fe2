"""`calendar`: what is wrong with a window is told at start, by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from autoscaler.core.envelope import Dial
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.plugins.options import build_options
from policies.calendar import Calendar, Entry, Numbers
from tests.strategies import seen

SIX = Numbers(min_replicas=6)
OFFICE = Entry(days="Mon-Fri", time="07:30-20:00", at_least=SIX)


def bids(calendar: Calendar, now: str) -> dict[Dial, Bid]:
    answer = calendar.propose(seen(at=datetime.fromisoformat(now).timestamp()))
    assert isinstance(answer, Proposal)
    return dict(answer.bids)


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"days": "Mom"}, "days must be weekdays such as Mon-Fri or Sat,Sun, got 'Mom'"),
    ({"days": "Wednsday"}, "got 'Wednsday': did you mean wednesday?"),
    ({"time": "8-18"}, "time must be local times such as"),
    ({"time": "24:00-25:00"}, "time must be local times such as"),
    ({"time": "24:00-06:00"}, "time must be local times such as"),
    ({"time": "Fri 18:00-06:00"}, "time must be local times such as"),
    ({"time": "08:00-08:00"}, "time must begin and end at different times, got '08:00-08:00'"),
    ({"time": "Fri 18:00-Mon 06:00", "days": "Sat"}, "time must not name weekdays when days"),
    ({"zone": "Europe/Berln"}, "got 'Europe/Berln': did you mean Europe/Berlin?"),
    ({"zone": "../etc/passwd"}, "zone must be an IANA time zone such as Europe/Berlin"),
    ({"dates": ("2026-02-30",)}, "dates must be dates such as 2026-12-24"),
    ({"dates": ("2026-12-24..01-02",)}, "dates must have a year at both ends or at none"),
    ({"dates": ("2026-12-24..2026-12-23",)}, "dates must end after it begins"),
    ({"holidays": ("ZZ",)}, "holidays must be a country or a part of one such as DE or DE-BY"),
    ({"holidays": ("DE-QQ",)}, "got 'DE-QQ'"),
    ({"on_holidays": "never"}, "on_holidays must be one of as_usual, skip, only, got 'never'"),
    ({"start": "0 8 * *", "end": "0 9 * * *"}, "start must be a cron expression of five fields"),
    ({"start": "0 8 * * *", "end": "0 25 * * *"}, "end must be a cron expression of five fields"),
    ({"start": "0 8 30 2 *", "end": "0 9 * * *"}, "(bad day-of-month)"),
    ({"start": "0 8 */20 * Mon#2", "end": "0 9 * * *"}, "start must be a cron expression that co"),
    ({"start": "0 8 * 2 Mon#5", "duration_s": 9.0, "time": "1:00-2:00"}, "time must not be given"),
    ({"start": "0 8 * * *"}, "start must be given with either end or duration"),
    ({"start": "0 8 * * *", "end": "0 9 * * *", "duration_s": 9.0}, "either end or duration"),
    ({"end": "0 9 * * *"}, "start must be given with end or duration"),
    ({"duration_s": 60.0}, "start must be given with end or duration"),
    ({"duration_s": 0.0, "start": "0 8 * * *"}, "duration_s must be greater than 0, got 0.0"),
    ({"start": "2026-01-02T00:00", "end": "2026-01-01T00:00"}, "end must have its end after"),
    ({"start": "2026-01-02T25:00", "end": "2026-01-03"}, "start must be such as 2026-12-24T08:00"),
    ({"start": "2026-01-02", "end": "0 8 * * *"}, "end must be such as 2026-12-24T08:00"),
    ({"start": "2026-01-02", "end": "2026-01-03", "days": "Mon"}, "start must be a cron"),
    ({"spec": "Mon-Fri"}, "spec must be such as Mon-Fri 07:30-20:30 Europe/Berlin"),
    ({"spec": "Mon-Fri 07:30-20:30 Europe/Berlin", "days": "Mon"}, "spec must stand alone, it"),
    ({"spec": "2026-01-02T00:00:00Z-2026-01-01T00:00:00Z"}, "spec must have its end after"),
    ({"lead_s": -1.0}, "lead_s must be at least 0, got -1.0"),
)


@pytest.mark.parametrize(("options", "rule"), WRONG, ids=[str(w[0]) for w in WRONG])
def test_a_mistake_in_a_window_is_refused_at_start_by_name(
    options: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is looked at next
        Entry(**options, at_least=SIX)
    assert rule in str(refused.value)


def test_a_fifth_monday_in_february_comes_every_28_years_and_is_allowed() -> None:
    rare = Calendar({"rare": Entry(start="0 8 * 2 Mon#5", duration_s=60.0, at_least=SIX)})
    assert bids(rare, "2044-02-29T08:00Z") != {}
    assert bids(rare, "2026-02-23T08:00Z") == {}


def test_a_calendar_is_refused_as_a_whole_where_its_windows_do_not_fit_it() -> None:
    with pytest.raises(ValueError, match="windows must have at least one window"):
        Calendar()
    with pytest.raises(ValueError, match=r"zone must be an IANA time zone.* got 'Mars'"):
        Calendar({"office": OFFICE}, zone="Mars")
    with pytest.raises(ValueError, match="windows: sale: on_holidays must be as_usual where no"):
        Calendar({"sale": Entry(on_holidays="only", at_least=SIX)})
    with pytest.raises(ValueError, match="one of at_least, at_most, want must have a number"):
        Entry(days="Mon")
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        Numbers(threads=0)
    with pytest.raises(ValueError, match="windows: office: holidays must be a country"):
        Calendar({"office": OFFICE}, holidays=("QQ",))


def test_a_configuration_fills_the_windows_by_name() -> None:
    built = build_options(
        Calendar,
        {
            "zone": "Europe/Berlin",
            "lead": "2m",
            "windows": {
                "office": {"days": "Mon-Fri", "time": "07:30-20:00", "want": {"min_replicas": 6}},
                "batch": {"start": "0 22 * * *", "duration": "2h", "at_most": {"max_replicas": 4}},
            },
        },
    )
    assert not built.faults
    assert bids(built.value, "2026-11-23T06:28Z") == {Dial.MIN_REPLICAS: Bid(at_least=6)}
    assert bids(built.value, "2026-11-23T21:00Z") == {Dial.MAX_REPLICAS: Bid(at_most=4)}
    wrong = build_options(Calendar, {"windows": {"office": {"days": "Mom", "at_least": {}}}})
    assert wrong.faults[0].path == ("windows", "office", "days")
