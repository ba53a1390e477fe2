"""Moments as people type them: an instant, a time of day, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

RULE = "must be such as 2026-11-23T09:41, 2026-11-23T09:41:00+01:00, 09:41 (UTC), or 2h (ago)"


def moment(text: str, now: float) -> float:
    """Unix seconds; without a zone it is UTC, a time of day is the last one. Raises ValueError."""
    from autoscaler.settings.units import scalar, seconds

    words = text.strip().removesuffix(" ago")
    try:
        if ":" not in words and "-" not in words:
            return now - seconds(scalar(words))
        if "-" not in words:
            return _of_day(words, now)
        found = datetime.fromisoformat(words)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{RULE}, got {text!r}") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _of_day(text: str, now: float) -> float:
    today = datetime.fromtimestamp(now, UTC)
    hour, minute, *rest = (int(part) for part in text.split(":"))
    then = today.replace(hour=hour, minute=minute, second=rest[0] if rest else 0, microsecond=0)
    return (then if then <= today else then - timedelta(days=1)).timestamp()
