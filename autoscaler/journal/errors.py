"""What can go wrong with a store, in our own words.

JournalError          the journal cannot record (declared by the ports)
└── JournalLocked     another daemon holds it; the caller ends with exit code 75
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from autoscaler.ports import JournalError

LONGEST = 200


class JournalLocked(JournalError):  # noqa: N818 - a state that the caller answers with exit code 75
    """Another daemon already writes to this journal."""


def clipped(error: BaseException, secret: str = "") -> str:
    """A foreign error as one short line, without its statement, parameters or the password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    line = " ".join(str(cause).split()) or type(cause).__name__
    if secret:
        line = line.replace(secret, "***")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
