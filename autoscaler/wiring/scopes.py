"""Which scopes there are, and what somebody may have meant by another one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from autoscaler.core.controls import FLEET, GROUP
from autoscaler.roster import Group


class NotManaged(Exception):  # noqa: N818 - it reads as what it is
    """Nothing of this name is managed: a word for it would do nothing."""


def expect(scope: str, groups: Iterable[str], deployments: Iterable[str]) -> None:
    """Raise NotManaged, with a guess, unless the scope is the fleet or one of these."""
    known = {FLEET, *(f"{GROUP}{name}" for name in groups), *deployments}
    if scope in known:
        return
    near = difflib.get_close_matches(scope, sorted(known), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise NotManaged(f"nothing called {scope!r} is in the configuration{hint}")


def expect_configured(scope: str, groups: Sequence[Group]) -> None:
    """The same by the configuration alone. Raises NotManaged.

    What is discovered has names that only the platform can tell: with a discovery, any
    deployment's name may be right.
    """
    if any(group.discoveries for group in groups) and not scope.startswith(GROUP):
        return
    members = (managed.name for group in groups for managed in group.members)
    expect(scope, (group.name for group in groups), members)
