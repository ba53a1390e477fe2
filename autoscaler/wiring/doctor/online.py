"""What the platform and the sources answer, and what that means. Reads only."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.core.decision import Decision
from autoscaler.core.observation import Absence, Missing, NativeScaling
from autoscaler.core.reason import Code
from autoscaler.ports import Reading
from autoscaler.runtime.seat import Seat
from autoscaler.wiring.doctor.finding import Finding, Level, names
from autoscaler.wiring.quiet import Quiet

SKEW_S, BAD_SKEW_S = 2.0, 30.0
NEAR = 3
FAILED = frozenset({"error", "timeout"})


class Heard(Quiet):
    """A watch that keeps what a doctor wants to know."""

    def __init__(self) -> None:
        self.skew_s: float | None = None
        self.statuses: set[tuple[str, str]] = set()
        self.sources: dict[str, str] = {}

    def requested(self, operation: str, status: str, seconds: float) -> None:  # noqa: ARG002 - the protocol's signature
        """A request to the platform ended."""
        self.statuses.add((operation, status))

    def skewed(self, seconds: float) -> None:
        """The platform told its time."""
        self.skew_s = seconds

    def queried(self, source: str, outcome: str, seconds: float) -> None:  # noqa: ARG002 - likewise
        """A source was asked."""
        self.sources[source] = outcome


@dataclass(frozen=True, slots=True)
class Seen:
    """What one rehearsal brought: seats, decisions, and the sources' answers by signal."""

    seats: Sequence[Seat]
    decisions: Sequence[Decision]
    answers: Mapping[tuple[str, str], Reading | Missing]
    heard: Heard = field(default_factory=Heard)
    unscraped: tuple[str, ...] = ()
    """Prometheus servers that know nothing of any daemon like this one."""


def of_platform(seen: Seen) -> Iterator[Finding]:
    """Token, clock, permissions."""
    yield from _token(seen.heard)
    yield from _clock(seen.heard.skew_s)
    by_code: dict[Code, list[Seat]] = {}
    for seat in seen.seats:
        if seat.read_at is None:
            by_code.setdefault(seat.unread.code, []).append(seat)
    for code, seats in by_code.items():
        yield _unread(code, seats)


def _token(heard: Heard) -> Iterator[Finding]:
    refused = sorted(s for o, s in heard.statuses if o == "token" and s in {"400", "401", "403"})
    if refused:
        yield Finding(
            Level.ERROR,
            "token",
            "platform.auth",
            f"the platform gives no token ({', '.join(refused)})",
            "without one nothing is read or written",
            "check client_id, the secret's file, and that the service user is allowed the scopes",
        )


def _clock(skew_s: float | None) -> Iterator[Finding]:
    if skew_s is None or abs(skew_s) <= SKEW_S:
        return
    way = "ahead of" if skew_s > 0 else "behind"
    yield Finding(
        Level.ERROR if abs(skew_s) > BAD_SKEW_S else Level.WARNING,
        "clock",
        "this machine",
        f"its clock is {abs(skew_s):.0f} s {way} the platform's",
        "ages of samples are judged wrong, calendars begin at the wrong time, tokens seem expired",
        "run a time service (chrony, systemd-timesyncd) and look at its state",
    )


def _unread(code: Code, seats: list[Seat]) -> Finding:
    check, action = _ACTIONS.get(code, ("platform", "see the sentence; is platform.url right?"))
    return Finding(
        Level.ERROR,
        check,
        names([seat.managed.name for seat in seats]),
        f"cannot be read: {seats[0].unread}",
        "a deployment that cannot be read is not decided upon",
        action,
        unreachable=check == "platform",
    )


_ACTIONS = {
    Code.UNAUTHORIZED: ("token", "check platform.auth: the token or the service user is refused"),
    Code.PERMISSION_DENIED: (
        "permission",
        "give the service user a role on the project that holds the deployment",
    ),
    Code.NOT_FOUND: (
        "rid",
        "check the RID: deleted, mistyped, or not visible to the service user",
    ),
    Code.UNSUPPORTED: ("unsupported", "only direct live deployments can be scaled; leave it out"),
}


def of_sources(seen: Seen) -> Iterator[Finding]:
    """Sources that do not answer; signals without data, with the labels that nearly match."""
    down = {name: outcome for name, outcome in seen.heard.sources.items() if outcome in FAILED}
    for name, outcome in sorted(down.items()):
        why = _why_down(seen, name)
        yield Finding(
            Level.ERROR,
            "source",
            f"sources.{name}",
            f"it does not answer ({outcome}){why}",
            "signals without data hold everything where it is",
            "check its url, credentials and network; try the query by hand",
            unreachable=True,
        )
    for name in seen.unscraped:
        yield Finding(
            Level.NOTE,
            "scrape",
            f"sources.{name}",
            "it has no metric of this daemon",
            "alerts and dashboards need its /metrics, and a daemon that is down alerts nobody",
            "scrape web.listen; config/prometheus has rules and alerts",
        )
    for seat, decision in zip(seen.seats, seen.decisions, strict=True):
        for name, spec in seat.managed.signals.items():
            signal = decision.seen.signals.get(name)
            if isinstance(signal, Missing) and spec.source not in down:
                answer = seen.answers.get((spec.source, name))
                yield _missing(seat, name, signal, answer)


def _why_down(seen: Seen, source: str) -> str:
    for (asked, _), answer in seen.answers.items():
        if asked == source and isinstance(answer, Missing) and answer.detail:
            return f": {answer.detail}"
    return ""


def _missing(seat: Seat, name: str, signal: Missing, answer: Reading | Missing | None) -> Finding:
    member, detail = seat.managed, f" ({signal.detail})" if signal.detail else ""
    known = answer.samples if isinstance(answer, Reading) else {}
    action = "run the query by hand; is the exporter up and scraped?"
    if signal.why is Absence.EMPTY and known:
        near = _near(member.match, list(known))
        meant = f"did you mean match: {' or '.join(near)}? " if near else ""
        label = member.signals[name].question.label
        action = f"{meant}the label {label} has these values: {names(sorted(known))}"
    elif signal.why is Absence.STALE:
        action = "is the exporter scraped often enough? else raise signals.*.max_age"
    return Finding(
        Level.ERROR,
        "label" if signal.why is Absence.EMPTY and known else "signal",
        f"{member.name}: signal {name}",
        f"no data: {signal.why.value}{detail}; it is matched by {member.match!r}",
        "a missing signal holds the deployment: nothing is lowered, and raised only by others",
        action,
    )


def _near(match: str, known: list[str]) -> list[str]:
    """Values that somebody may have meant: alike, or the same but for case and separators."""
    plain = {value: "".join(c for c in value.casefold() if c.isalnum()) for value in known}
    wanted = "".join(c for c in match.casefold() if c.isalnum())
    alike = [v for v, p in plain.items() if p and (p == wanted or wanted in p or p in wanted)]
    close = difflib.get_close_matches(match, known, n=NEAR)
    return list(dict.fromkeys((*alike, *close)))[:NEAR]


def of_native(seen: Seen, intervals: Mapping[str, float]) -> Iterator[Finding]:
    """Settings of the daemon that fight the platform's own scaler."""
    for seat in seen.seats:
        if seat.read_at is None:
            continue
        native = seat.live.native
        yield from _late(seat, native, intervals.get(seat.managed.group, 0.0))
        for entry in seat.managed.policies:
            target = getattr(entry.policy, "target", None)
            if isinstance(target, float) and target >= native.up_threshold and not entry.shadow:
                yield _fights(seat, entry.name, target, native)
        # The platform's default for both thresholds is the same, and the API tells one of them.
        if native.down_delay_s <= native.up_delay_s:
            yield Finding(
                Level.WARNING,
                "native_delays",
                seat.managed.name,
                f"the platform takes replicas away after {native.down_delay_s:.0f} s and adds them "
                f"after {native.up_delay_s:.0f} s, both at a load of {native.up_threshold:g}",
                "with one threshold for both ways it flaps between two counts",
                "make scaleDownDelay much longer than scaleUpDelay (the default is 30 to 1 minute)",
            )


def _late(seat: Seat, native: NativeScaling, interval_s: float) -> Iterator[Finding]:
    if interval_s <= native.up_delay_s:
        return
    yield Finding(
        Level.WARNING,
        "interval",
        seat.managed.name,
        f"it is looked at every {interval_s:.0f} s, and the platform adds a replica after "
        f"{native.up_delay_s:.0f} s of load",
        "the platform's own scaler is always first, and the floor only follows it",
        f"make groups.{seat.managed.group}.interval at most {native.up_delay_s:.0f}s",
    )


def _fights(seat: Seat, policy: str, target: float, native: NativeScaling) -> Finding:
    return Finding(
        Level.WARNING,
        "native_threshold",
        seat.managed.name,
        f"policy {policy} aims at a load of {target:g}, and the platform adds replicas at "
        f"{native.up_threshold:g}",
        "at the policy's own target the platform scales up, and the policy wants fewer again",
        f"set target below {native.up_threshold:g}, or raise scaleUpLoadThreshold",
    )
