"""Whose word counts: what operators asked for, where it stands, and what it does.

A pause and a brake are absolute: any that is active counts, whatever its scope. Of pins and modes
the narrowest scope has the last word, and in one scope the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Control, Mode, Override

FLEET = "fleet"
GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Standing:
    """An override as stored. `scope`: "fleet", "group:NAME" or a deployment's name."""

    id: str
    scope: str
    override: Override
    created_at: float


def scopes(group: str | None, deployment: str) -> tuple[str, ...]:
    """Where words for a deployment may stand, the widest first: a narrower word comes last."""
    return (FLEET, *((GROUP + group,) if group is not None else ()), deployment)


def by_scope(found: Sequence[Standing]) -> dict[str, tuple[Override, ...]]:
    """The words of each scope, oldest first."""
    said: dict[str, tuple[Override, ...]] = {}
    for one in found:
        said[one.scope] = (*said.get(one.scope, ()), one.override)
    return said


@dataclass(frozen=True, slots=True)
class Said:
    """All words at one moment, by scope."""

    by_scope: Mapping[str, tuple[Override, ...]]

    def of(self, group: str, deployment: str) -> tuple[Override, ...]:
        """The words for one deployment, the widest scope first."""
        if not self.by_scope:
            return ()
        found = self.by_scope
        return tuple(w for scope in scopes(group, deployment) for w in found.get(scope, ()))


def told(word: Override) -> str:
    """What a word asks for, in words: `pin of min_replicas to 8`."""
    dial = word.dial.value if word.dial is not None else "?"
    if word.control is Control.PIN:
        return f"pin of {dial} to {word.value}"
    if word.control is Control.FLOOR:
        return f"floor of {word.value} for {dial}"
    if word.control is Control.MODE:
        return f"mode {word.mode.value if word.mode else '?'}"
    return word.control.value


def until(word: Override) -> dict[str, float]:
    """When a word ends, as a fact for a reason; nothing for one without end."""
    return {} if word.expires_at is None else {"until": word.expires_at}


def where(scope: str) -> str:
    """A scope in words."""
    if scope == FLEET:
        return "the fleet"
    return f"group {scope.removeprefix(GROUP)}" if scope.startswith(GROUP) else scope


def check(scope: str, word: Override) -> None:
    """Raise ValueError for a word that would do nothing, or that nobody answers for."""
    if not scope:
        raise ValueError("scope must be fleet, group:NAME or a deployment's name, got ''")
    if not word.author.strip() or not word.why.strip():
        raise ValueError("an override needs an author and a reason (why), got an empty one")
    numbered = word.control in {Control.PIN, Control.FLOOR}
    if numbered and (word.dial is None or word.value is None):
        raise ValueError(f"{word.control.value} needs a dial and a value, got none")
    if not numbered and (word.dial is not None or word.value is not None):
        raise ValueError(f"{word.control.value} takes no dial and no value, got one")
    if (word.control is Control.MODE) is (word.mode is None):
        modes = ", ".join(Mode)
        raise ValueError(f"mode must be one of {modes} for a mode, and nothing else has one")
    least = 1 if word.dial is Dial.THREADS else 0
    if word.value is not None and not least <= word.value <= MOST:
        raise ValueError(f"value must be in {least}..{MOST}, got {word.value}")


# The journal keeps whole numbers of 32 bits.
MOST = 2**31 - 1


def said(words: Sequence[Override], control: Control, at: float) -> Override | None:
    """The word of this kind that has the say at `at` (Unix seconds): the last active one."""
    for word in reversed(words):
        if word.control is control and word.active(at):
            return word
    return None


def mode_at(configured: Mode, words: Sequence[Override], at: float) -> Mode:
    """The mode that holds: the narrowest active word on it, or else the configured one."""
    word = said(words, Control.MODE, at)
    return configured if word is None or word.mode is None else word.mode
