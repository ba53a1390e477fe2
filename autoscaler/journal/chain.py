"""The chain of hashes: how an entry is sealed, and how it is seen that one was touched. Pure.

An entry's hash is the SHA-256 of a JSON array without spaces, in UTF-8: seq, at (with six
decimals, as text), kind, deployment, group, actor, summary, ref, digest, prev. Any language can
recompute it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256

import orjson

from autoscaler.activity import Break, Entry, Event

NOTHING = "0" * 64
"""What stands before the first entry of all."""
# A sentence longer than this is cut: the whole story is in what the entry refers to.
LONGEST = 500


def digest_of(body: bytes) -> str:
    """The SHA-256 of what an entry tells of."""
    return sha256(body).hexdigest()


def seal(events: Iterable[Event], seq: int, prev: str) -> Iterator[Entry]:
    """The events as entries: the first gets the number `seq`, and follows on the hash `prev`."""
    for number, event in enumerate(events, seq):
        summary = _clean(event.summary)
        if len(summary) > LONGEST:
            summary = f"{summary[: LONGEST - 3]}..."
        open_entry = Entry(
            seq=number,
            at=event.at,
            kind=event.kind,
            deployment=event.deployment,
            group=event.group,
            actor=_clean(event.actor),
            summary=summary,
            ref=event.ref,
            digest=None if event.body is None else digest_of(event.body),
            prev=prev,
            hash="",
        )
        prev = hash_of(open_entry)
        yield _closed(open_entry, prev)


def _closed(entry: Entry, found: str) -> Entry:
    # `dataclasses.replace` takes three times as long, and a first tick seals 10,000.
    return Entry(
        entry.seq,
        entry.at,
        entry.kind,
        entry.deployment,
        entry.group,
        entry.actor,
        entry.summary,
        entry.ref,
        entry.digest,
        entry.prev,
        found,
    )


def _clean(text: str) -> str:
    """Text that every database takes and gives back as it was: no NUL, no lone surrogates."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def hash_of(entry: Entry) -> str:
    """The hash that an entry must have, by what it says and what it follows on."""
    said = [
        entry.seq,
        f"{entry.at:.6f}",
        entry.kind.value,
        entry.deployment,
        entry.group,
        entry.actor,
        entry.summary,
        entry.ref,
        entry.digest,
        entry.prev,
    ]
    return sha256(orjson.dumps(said)).hexdigest()


def flaw(entry: Entry, seq: int, prev: str) -> Break | None:
    """What is wrong with the entry that stands where number `seq` belongs, after `prev`."""
    if entry.seq != seq:
        return Break(seq, f"it is missing: the next one is {entry.seq}")
    if entry.prev != prev:
        return Break(seq, "it does not follow on the entry before it")
    if hash_of(entry) != entry.hash:
        return Break(seq, "it was changed: its hash is another one")
    return None
