"""Who is managed and how: the configuration as the runtime wants it, typed and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.core.decide import Guard
from autoscaler.core.observation import Limits, Mode
from autoscaler.core.proposal import PolicyEntry
from autoscaler.ports import Question


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """One signal of a deployment: where it comes from and what counts as data.

    `window_s` is how much past is kept, seconds. Values outside `plausible` (closed range) are
    Missing(IMPLAUSIBLE). `empty_is_zero` is the user's word that no answer means no load.
    """

    source: str
    question: Question
    window_s: float
    empty_is_zero: bool = False
    plausible: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Managed:
    """One deployment under management. `match` is its value of the signals' label."""

    name: str
    rid: str
    group: str
    match: str
    mode: Mode
    limits: Limits
    policies: tuple[PolicyEntry, ...]
    guards: tuple[Guard, ...]
    signals: Mapping[str, SignalSpec]
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Discovery:
    """Deployments to be found by their model. `template.name` may hold {branch} and {rid}.

    A branch is taken when any `include` pattern matches (fnmatch; none given means all)
    and no `exclude` pattern does.
    """

    model_rid: str
    template: Managed
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """All deployments that are decided in one tick, every `interval_s` seconds."""

    name: str
    interval_s: float
    members: tuple[Managed, ...]
    discoveries: tuple[Discovery, ...] = ()
