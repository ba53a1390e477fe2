"""Decisions as text for a terminal, from the same description that the API gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

from autoscaler.core.words import absent, dial, span

Told = Mapping[str, Any]
"""A decision as `autoscaler.codec.describe` tells it."""


def tell(told: Told) -> str:
    """The paragraph that everybody reads, and below it the whole trail as it came about."""
    when = datetime.fromtimestamp(told["at"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    outcome = told["outcome"]
    lines = [
        *(word["sentence"] for word in told.get("overrides", ())),
        f"{told['deployment']}  (group {told['group']}, mode {told['mode']})  {when}",
        *_wrapped(f"{outcome['kind'].upper()}: {told['headline']}"),
        "",
        *_wrapped(told["told"]),
        "",
        *_block("seen", [_state(told), *(_signal(signal) for signal in told["seen"])]),
        *_block("learned", told.get("learned", ())),
        *_block("said", [_vote(vote) for vote in told["votes"]]),
        *_block("wanted", [envelope(told["wanted"])]),
        *_block("trail", [step["line"] for step in told["trail"]]),
        *_hold(told["hold"]),
        *_block("plan", [f"{envelope(told['before'])}  ->  {envelope(told['after'])}"]),
        *_block("outcome", _outcome(outcome)),
        *_block("decision", [told["id"]]),
    ]
    return "\n".join(lines)


WIDTH = 88


def _wrapped(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def envelope(dials: Mapping[str, int]) -> str:
    """`2..5 x 32`: floor, ceiling and threads."""
    return f"{dials['min_replicas']}..{dials['max_replicas']} x {dials['threads']}"


def _state(told: Told) -> str:
    age = f"read {span(told['envelope_age_s'])} ago"
    return f"state {told['state']}, envelope {envelope(told['before'])} {age}"


def _block(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title if i == 0 else '':10} {line}" for i, line in enumerate(lines)]


def _hold(hold: Mapping[str, str] | None) -> list[str]:
    return _block("held", [f"by {hold['by']}: {hold['sentence']}"]) if hold else []


def _signal(signal: Mapping[str, Any]) -> str:
    if "missing" in signal:
        detail = f" ({signal['detail']})" if signal["detail"] else ""
        return f"{signal['name']} MISSING: it {absent(signal['missing'])}{detail}"
    partial = "" if signal["complete"] else ", may be partial"
    age = signal["age_s"]
    when = f"{span(age)} old" if age >= 0 else f"for {span(age)} ahead"
    return f"{signal['name']} {signal['value']:g}, {when}{partial}"


def _vote(vote: Mapping[str, Any]) -> str:
    shadow = " (shadow)" if vote["shadow"] else ""
    bids = "; ".join(f"{dial(name)} {bid}" for name, bid in vote["bids"].items())
    return f"{vote['policy']}{shadow}: {bids or 'no opinion'}: {vote['sentence']}"


def _outcome(outcome: Mapping[str, Any]) -> list[str]:
    lines = [f"{outcome['kind']} ({outcome['code']}): {outcome['sentence']}"]
    if outcome["status"]:
        took = f" in {outcome['took_s']:.2f} s" if outcome["took_s"] is not None else ""
        lines.append(f"the platform answered {outcome['status']}{took}")
    if outcome["actual"]:
        lines.append(f"the platform now has {envelope(outcome['actual'])}")
    return lines


def table(decisions: Sequence[Told]) -> str:
    """One line per deployment: what is, what would be, and why."""
    rows = [("deployment", "state", "now", "would be", "outcome", "why")]
    rows += [
        (
            told["deployment"],
            told["state"],
            envelope(told["before"]),
            envelope(told["after"]),
            told["outcome"]["kind"],
            told["headline"],
        )
        for told in decisions
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]])
        for row in rows
    )
