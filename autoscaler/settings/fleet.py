"""Who is managed: `defaults`, groups and deployments, each a layer over the one before."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from autoscaler.settings.shape import STRICT, Name, Rid, Seconds, Shape, Texts, Word


class SourceShape(Shape):
    """A metric source: its kind, and the options of that kind."""

    model_config = ConfigDict(**{**STRICT, "extra": "allow"})

    kind: str = Field(min_length=1)
    """The kind of source; its own options stand beside it."""


class RangeShape(Shape):
    """A closed range of whole numbers."""

    low: int | None = Field(default=None, ge=0, le=1_000_000)
    """The lowest value."""
    high: int | None = Field(default=None, ge=0, le=1_000_000)
    """The highest value."""


class LimitsShape(Shape):
    """What is allowed; these hold whatever anybody asks for."""

    min_replicas: RangeShape | None = None
    """Range of the replicas that always run; 1..20 when left out."""
    max_replicas: RangeShape | None = None
    """Range of the replicas that may run; 1..20 when left out."""
    threads: RangeShape | None = None
    """Range of the requests that one replica works on at once; 1..32 when left out."""


class PlausibleShape(Shape):
    """A closed range of values that are believed."""

    low: float
    """The lowest value that is believed."""
    high: float
    """The highest value that is believed."""


class SignalShape(Shape):
    """One load metric: where it comes from and what counts as data."""

    source: str | None = None
    """The name of a source."""
    query: Any = None
    """What the source is asked, in its own form."""
    label: str | None = Field(default=None, min_length=1, max_length=256)
    """The label whose value is the deployment's `match`; "deployment" when left out."""
    max_age: Seconds | None = Field(default=None, gt=0, le=86_400)
    """Older samples are missing; 90s when left out."""
    window: Seconds | None = Field(default=None, ge=0, le=7 * 86_400)
    """How much past is kept in memory; 10m when left out."""
    on_empty: Literal["missing", "zero"] | None = None
    """`zero` only where an empty answer means no load; `missing` when left out."""
    on_nan: Literal["missing", "zero"] | None = None
    """`zero` only where NaN (0 / 0, a quantile of nothing) means no load; otherwise missing."""
    zero_while: str | None = Field(default=None, min_length=1, max_length=256)
    """Nothing is taken for zero unless this signal is above 0: a sign of life, such as `up`."""
    plausible: PlausibleShape | None = None
    """Values outside are missing; all are believed when left out."""


class Layer(Shape):
    """What can be said for all deployments, for a group, or for one. Null takes an entry away."""

    mode: Literal["observe", "recommend", "raise_only", "apply"] | None = None
    """How far the daemon may go: observe, recommend, raise_only or apply."""
    priority: int | None = Field(default=None, ge=-1000, le=1000)
    """Higher goes first when writes are scarce; 0 when left out."""
    limits: LimitsShape | None = None
    """Ranges of the three dials."""
    signals: dict[Word, SignalShape | None] | None = None
    """Load metrics by name."""
    forecasts: dict[Word, dict[str, Any] | None] | None = None
    """Forecasts by name; each adds the signals NAME, NAME_keep and NAME_ceiling."""
    capacity: dict[str, Any] | None = None
    """The signals from which it is learnt what one replica carries."""
    on_shutdown: dict[str, Any] | None = None
    """The least that a deployment is left with when the daemon is stopped in order."""
    policies: dict[Word, dict[str, Any] | None] | None = None
    """Policies by name: `kind`, `dials`, `shadow`, `when`, `isolate`, and the kind's options."""
    guards: dict[str, dict[str, Any] | None] | None = None
    """Options of the guard rails, by name."""


class DeploymentShape(Layer):
    """One live deployment."""

    rid: Rid
    """The live deployment's RID."""
    match: str | None = Field(default=None, min_length=1, max_length=256)
    """Its value of the signals' label; its name when left out."""


def _template(value: str) -> str:
    if re.fullmatch(_NAMES, re.sub(r"\{(?:branch|rid)\}", "x", value)) is None:
        raise ValueError("must be a name whose only braces are {branch} and {rid}")
    if value == re.sub(r"\{(?:branch|rid)\}", "", value):
        raise ValueError("must hold {branch} or {rid}: a model may have many deployments")
    return value


_NAMES = r"[A-Za-z0-9][A-Za-z0-9 ._/@:+-]{0,119}"
Template = Annotated[str, AfterValidator(_template)]


class DiscoverShape(Layer):
    """All live deployments of a model, by branch."""

    model_rid: Rid
    """The model's RID."""
    name: Template | None = None
    """Name of each deployment found; holds {branch} or {rid}. "{rid}" when left out."""
    match: str | None = Field(default=None, min_length=1, max_length=256)
    """Its value of the signals' label, with {branch} or {rid}; its name when left out."""
    include: Texts = ()
    """Branches to take, as patterns; all when left out."""
    exclude: Texts = ()
    """Branches to leave out, as patterns."""


class GroupShape(Layer):
    """Deployments that are decided together, in one tick."""

    interval: Seconds = Field(default=15.0, ge=1, le=3600)
    """Time between two ticks, seconds or a duration."""
    fleet: dict[str, Any] | None = None
    """What its deployments share: when nothing is lowered, how fast all may be raised."""
    deployments: dict[Name, DeploymentShape | None] | None = None
    """Deployments by name."""
    discover: tuple[DiscoverShape, ...] = Field(default=(), strict=False)
    """Deployments to be found by their model."""
