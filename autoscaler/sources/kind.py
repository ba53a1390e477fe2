"""What makes a module a source: its options, its queries and how it is built.

The module `autoscaler/sources/<kind>.py`, or any module of an installed package, offers one
`SOURCE = SourceKind(...)`. Nothing else about it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from autoscaler.ports import Clock, Source, SourceWatch

O = TypeVar("O")  # noqa: E741 - O for options; nothing here could be mistaken for a zero


class QueryShape(Protocol):
    """A signal's query: frozen and hashable, for equal questions are asked once."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read what the configuration says under `query:`.

        Raises ValueError with the field, the rule and the value.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourceKind(Generic[O]):
    """One kind of source, as a plugin loader finds it.

    `options` is a frozen dataclass whose fields carry `core.options.meta`. `build` gets the
    source's name in the configuration and must not touch the network; it raises ValueError
    for options that cannot work, such as an unreadable certificate file. `shorthand` names the
    query's field that a bare string fills.
    """

    options: type[O]
    query: type[QueryShape]
    build: Callable[[str, O, SourceWatch, Clock], Source]
    shorthand: str
