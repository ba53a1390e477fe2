"""How numbers, spans, times and dials are said. Pure; used only when somebody reads.

Operators read "floor" for the guaranteed replicas (`min_replicas` on the platform), "ceiling" for
the most that the platform may start (`max_replicas`), and "threads" for the requests that one
replica works on at once. docs/words.md lists the words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from string import Formatter
from zoneinfo import ZoneInfo

from autoscaler.core.envelope import Dial, Envelope

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0

DIALS_SAID: Mapping[str, str] = {
    Dial.MIN_REPLICAS.value: "floor",
    Dial.MAX_REPLICAS.value: "ceiling",
    Dial.THREADS.value: "threads",
}

# Why a signal has no value: `running_jobs ...`.
ABSENT: Mapping[str, str] = {
    "never_read": "was never read",
    "empty": "has no data: the query answers nothing",
    "not_a_number": "is not a number",
    "stale": "is too old",
    "duplicate": "has more than one series, so nobody knows which counts",
    "implausible": "is outside its declared range",
    "from_the_future": "has samples from the future: a clock is wrong",
    "source_failed": "could not be read: its source fails",
}


def dial(name: str) -> str:
    """A dial in the operator's word; anything else as it is."""
    return DIALS_SAID.get(name, name)


def absent(why: str) -> str:
    """What is the matter with a signal that has no value, as the end of a sentence."""
    return ABSENT.get(why, f"is missing ({why})")


def counted(number: float, noun: str) -> str:
    """`1 replica`, `2 replicas`; the noun takes an s."""
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"


def envelope(value: Envelope) -> str:
    """`floor 3, ceiling 10, 32 threads`."""
    threads = counted(value.threads, "thread")
    return f"floor {value.min_replicas}, ceiling {value.max_replicas}, {threads}"


def listed(parts: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, end = list(parts) or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def span(seconds: float) -> str:
    """A length of time: `150 s`, `5 min`, `3 min 20 s`, `2 h 10 min`, `3 days`.

    Below three minutes in seconds, below ten with the seconds, from two days on with the hours.
    """
    if not math.isfinite(seconds):
        return "an unknown time"
    whole = round(abs(seconds))
    if whole < 3 * MINUTE_S:
        return f"{whole} s"
    if whole < 10 * MINUTE_S:
        return _pair(whole // 60, "min", whole % 60, "s")
    if whole < 2 * DAY_S:
        minutes = round(whole / MINUTE_S)
        return _pair(minutes // 60, "h", minutes % 60, "min")
    hours = round(whole / HOUR_S)
    return _pair(hours // 24, "days", hours % 24, "h")


def _pair(big: int, unit: str, small: int, part: str) -> str:
    if not big:
        return f"{small} {part}"
    return f"{big} {unit} {small} {part}" if small else f"{big} {unit}"


def clock(at: float, now: float, zone: str = "UTC") -> str:
    """A moment as `14:02 UTC`; with the day when it is another one than that of `now`.

    Both in Unix seconds. `zone` is an IANA name; one that is not known here counts as UTC.
    """
    place, name = _zone(zone)
    try:
        local, today = datetime.fromtimestamp(at, place), datetime.fromtimestamp(now, place)
    except (OverflowError, ValueError, OSError):
        return "a time beyond all calendars"
    day = "" if local.date() == today.date() else f"{local:%a %d %b} "
    if abs((local.date() - today.date()).days) > 300:  # noqa: PLR2004 - the year is not plain then
        day = f"{local:%d %b %Y} "
    return f"{day}{local:%H:%M} {name}"


def _zone(name: str) -> tuple[tzinfo, str]:
    if name == "UTC":
        return UTC, "UTC"
    try:
        return ZoneInfo(name), name
    except (OSError, ValueError, KeyError):
        return UTC, "UTC"


def capital(text: str) -> str:
    """The text with a first capital, as a sentence begins; names of signals stay as they are."""
    word = text.split(" ", 1)[0]
    plain = word.isalpha() and word.islower()
    return text[:1].upper() + text[1:] if plain else text


def sentence(text: str) -> str:
    """A clause as a sentence: a capital in front, one full stop at the end."""
    text = capital(text.strip())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


class _Places(Formatter):
    """`str.format` with units: `{left:span}`, `{n:count replica}`, `{dial:dial}`, `{why:absent}`.

    Facts stay plain numbers and names, which is what replay compares and metrics count.
    """

    def format_field(self, value: object, format_spec: str) -> str:
        word, _, rest = format_spec.partition(" ")
        said = _FORMS.get(word)
        return format(value, format_spec) if said is None else said(value, rest)


def _as_span(value: object, _: str) -> str:
    return span(float(str(value)))


def _as_count(value: object, noun: str) -> str:
    return counted(float(str(value)), noun)


def _as_dial(value: object, _: str) -> str:
    return dial(str(value))


def _as_absent(value: object, _: str) -> str:
    return absent(str(value))


_FORMS: Mapping[str, Callable[[object, str], str]] = {
    "span": _as_span,
    "count": _as_count,
    "dial": _as_dial,
    "absent": _as_absent,
}
_PLACES = _Places()


def filled(text: str, facts: Mapping[str, object]) -> str:
    """A sentence with its places filled.

    Raises LookupError, ValueError, TypeError or AttributeError when places and facts do not fit.
    """
    return _PLACES.vformat(text, (), facts)
