"""The faults that the daemon has to survive, by number, each with what is expected of it.

A test covers a fault when it carries `@pytest.mark.fault(number)`. `docs/faults.md` is made from
this table and those marks: `python -m tests.faults`.
"""

from __future__ import annotations

from dataclasses import dataclass

OWN = ""
"""Everything that one daemon can be held to."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`waiting` says why no test covers it yet; empty when one has to."""

    number: int
    what: str
    expected: str
    waiting: str = OWN


SEVERAL = "several daemons: later"

PARTS: dict[str, tuple[Fault, ...]] = {
    "The source of metrics": (
        Fault(1, "is down: refused, DNS, TLS", "never lowers; other signals may still raise"),
        Fault(2, "is slow", "given up at its deadline; costs its own signals alone"),
        Fault(3, "answers 200 with an error inside", "an error, not data"),
        Fault(4, "answers 200 with warnings", "good enough to raise, not to lower"),
        Fault(5, "answers HTML, cut JSON, another type, a bomb", "an error; size is capped"),
        Fault(6, "answers an empty vector", "no data, which is not zero unless declared so"),
        Fault(7, "answers NaN or infinity", "no data"),
        Fault(8, "answers a value that cannot be", "refused as implausible, and told"),
        Fault(9, "answers several series for one deployment", "an error, never the first one"),
        Fault(10, "loses or renames its labels", "a failure, with the time of the last sample"),
        Fault(11, "replays a dead target", "stale by the sample's own age"),
        Fault(12, "has a clock that runs ahead", "the sample is not believed"),
        Fault(13, "restarts and serves zeros or a part", "no lowering for a time of grace"),
        Fault(14, "disagrees with another", "the higher one sets the floor"),
        Fault(15, "falls to zero while there is work", "a sudden fall needs three samples"),
        Fault(16, "falls to zero for the whole fleet", "the fleet's alarm stops all lowering"),
        Fault(17, "refuses an expensive query", "that signal fails, and no other"),
        Fault(18, "answers a million series", "an error at the size limit"),
        Fault(19, "no longer takes the credentials", "no data, said once, no storm of retries"),
    ),
    "The platform": (
        Fault(20, "400 ThreadCountTooHigh", "learnt, tried once with the maximum, kept"),
        Fault(21, "400 InvalidGpuCount, GpuTypeNotAvailable", "refused, and not asked again soon"),
        Fault(22, "400 UnsupportedLiveDeployment", "refused, and not asked again soon"),
        Fault(23, "401", "one renewal for all; when it stays, writing stops everywhere"),
        Fault(24, "403", "that deployment rests; others go on"),
        Fault(25, "404, with and without a body", "gone is one deployment; no API is all of them"),
        Fault(26, "409 about sources", "refused; the fresh body is carried over, never resent"),
        Fault(27, "429, 503", "hints are obeyed, the pace is cut, raises go first"),
        Fault(28, "500, 502, 504", "unknown until it is read back"),
        Fault(
            29, "a timeout or a reset after sending", "unknown until read back; never sent twice"
        ),
        Fault(30, "a clamped answer", "what is real is taken over, not fought"),
        Fault(31, "broken JSON, an unknown state", "unknown until it is read back; it holds"),
        Fault(32, "the endpoint changes or goes", "unknown fields are kept, missing ones refused"),
        Fault(33, "the token expires under way", "renewed once; the change is read again first"),
        Fault(34, "somebody else changes it", "seen before the PUT, adopted, not fought"),
        Fault(35, "somebody disables it", "held; never started"),
        Fault(36, "FAILED, STARTING, DEGRADED", "no lowering, no restart for threads"),
        Fault(37, "a change takes its time", "no lowering before it has settled"),
        Fault(
            38,
            "a quota keeps replicas away",
            "told, and more is asked for only once in ten minutes",
        ),
        Fault(39, "a redirect to a login page", "an error; no token goes to another host"),
        Fault(40, "TLS fails, the CA changes", "nothing is written; the envelope stays"),
    ),
    "Time": (
        Fault(41, "the wall clock jumps", "waiting counts on the other clock; schedules go on"),
        Fault(
            42, "daylight saving begins or ends", "a skipped hour opens late, a doubled one once"
        ),
        Fault(43, "a leap second, a smear", "without effect: a second back on the wall clock"),
        Fault(44, "no time zones are installed", "refused at start, with the zone's name"),
        Fault(45, "the machine sleeps", "the watch begins anew, nothing is lowered on memory"),
        Fault(46, "year's end, a leap day", "days like others"),
    ),
    "The daemon and its host": (
        Fault(
            47,
            "a slow policy blocks the loop",
            "seen as lag; the plan is too old by then; not asked any more after the third time",
        ),
        Fault(48, "a policy raises", "abstains, in the journal; the others go on"),
        Fault(
            49,
            "a policy hangs",
            "with `isolate` killed at its deadline; after the third time not asked for a while",
        ),
        Fault(50, "a policy answers nonsense", "refused as an error of that policy"),
        Fault(51, "a policy swings", "the damper stops lowering after so many turns"),
        Fault(52, "a policy changes what it reads", "it cannot: everything is frozen"),
        Fault(53, "a plug-in fails at a reload", "the configuration in force is kept"),
        Fault(54, "a bad configuration at the start", "exit 78 with file, line and rule"),
        Fault(55, "a bad configuration at a reload", "the last good one stays, and it is told"),
        Fault(56, "the file vanishes or is half-written", "the last good one stays"),
        Fault(57, "a deployment leaves the configuration", "its envelope stays as it is"),
        Fault(58, "the same RID twice", "refused"),
        Fault(59, "limits that contradict each other", "refused; the plan is legal in any case"),
        Fault(60, "the disk is full or read-only", "no journal, no write"),
        Fault(61, "the journal's file is damaged", "refused, with what to do"),
        Fault(62, "a second daemon in the same place", "exit 75; a kill frees the lock"),
        Fault(
            63, "killed in the middle of a write", "found out by the first reading, not repeated"
        ),
        Fault(64, "SIGTERM in the middle of a write", "it ends first; a second one ends at once"),
        Fault(65, "a restart while it cools down", "the cooldown goes on"),
        Fault(66, "no more descriptors or connections", "bounded pools; errors, not crashes"),
        Fault(67, "nobody reads the log", "lines are dropped and counted, time is not"),
        Fault(68, "everything fails for ever", "memory stays bounded"),
        Fault(69, "a run is missed", "made up for once, counted, seen in the age of decisions"),
    ),
    "Several daemons": tuple(
        Fault(number, what, expected, SEVERAL)
        for number, what, expected in (
            (70, "the database is down or slow", "frozen, back within a second of its return"),
            (71, "the database is read-only", "refused"),
            (72, "the database fails over", "no intent lost"),
            (73, "two leaders", "the epoch of a slot never falls"),
            (74, "one daemon cannot reach the platform", "it lets go of its slots"),
            (75, "all start at once", "claims are spread; the first cycle lowers nothing"),
            (76, "a member is cloned", "one session of two is evicted"),
            (77, "mixed versions", "they run side by side"),
            (78, "a slow heartbeat", "told; leases are held"),
        )
    ),
    "Demand": (
        Fault(79, "scaling to zero with traffic", "zero only with consent; any doubt means one"),
        Fault(80, "more demand than the ceiling", "raised to the limit, and no further"),
        Fault(81, "a hand lowers the ceiling below the load", "obeyed for the grace"),
        Fault(82, "a huge fleet and little pace", "raises first; lowering waits"),
        Fault(83, "threads and replicas together", "one PUT, one intent"),
        Fault(84, "hostile names and labels", "names and nothing else"),
    ),
    "Operators": (
        Fault(85, "a pause", "durable, before the next write, over restarts"),
        Fault(86, "a pinned value", "with an end, an author and a reason in the record"),
        Fault(87, "a dry run", "the same record, nothing written"),
    ),
}

FAULTS = {fault.number: fault for part in PARTS.values() for fault in part}
