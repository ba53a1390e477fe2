"""defaults -> group -> deployment: one map over another, and who said what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.settings.problem import Path
from autoscaler.settings.tree import Tree, inner

Plain = dict[str, object]


def merged(base: Mapping[str, object], over: Mapping[str, object]) -> Plain:
    """`over` laid on `base`: maps key by key, null takes an entry away, all else replaces.

    Neither argument is changed; the answer holds no null in any map.
    """
    return _over(_bare(base), over)


def _over(base: Plain, over: Mapping[str, object]) -> Plain:
    """The same for a base without nulls; what nothing is laid on is shared with it."""
    found = dict(base)
    for key, value in over.items():
        below = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict):
            found[key] = _over(below if isinstance(below, dict) else {}, value)
        else:
            found[key] = value
    return found


def _bare(data: Mapping[str, object]) -> Plain:
    return {
        key: _bare(value) if isinstance(value, dict) else value
        for key, value in data.items()
        if value is not None
    }


@dataclass(frozen=True, slots=True)
class Layers:
    """The places that one deployment's options come from, the most general first.

    `sections` are the options merged up to the last place; a section in which the last place
    says nothing is the very object of the layers above, so that it is built only once.
    """

    tree: Tree
    places: tuple[Path, ...]
    sections: Mapping[str, object]

    @classmethod
    def root(cls, tree: Tree, names: tuple[str, ...], place: Path) -> Layers:
        """The first layer; `names` are the sections that layers can hold."""
        return cls(tree, (), dict.fromkeys(names)).over(place)

    def over(self, place: Path) -> Layers:
        """These layers with another one on top."""
        said = self.tree.at(place)
        data = said if isinstance(said, dict) else {}
        sections = {
            name: _laid(below, data[name]) if name in data else below
            for name, below in self.sections.items()
        }
        return Layers(self.tree, (*self.places, place), sections)

    def map(self, name: str) -> Plain:
        """A section that is a map, empty when nobody said anything."""
        found = self.sections.get(name)
        return found if isinstance(found, dict) else _NOTHING

    def origin(self, path: Path) -> Path:
        """The full path, in the layer that has the last word on it, of a merged value.

        A path that nobody wrote (an option that is missing) leads to its nearest container.
        """
        for end in range(len(path), 0, -1):
            for place in reversed(self.places):
                if self._wrote(place, path[:end]):
                    return place + path
        return self.places[-1] + path

    def _wrote(self, place: Path, path: Path) -> bool:
        found: object = self.tree.at(place)
        for part in path:
            found = inner(found, part)
        return found is not None


_NOTHING: Plain = {}


def _laid(below: object, said: object) -> object:
    if said is None:
        return None
    if isinstance(said, dict):
        return _over(below if isinstance(below, dict) else {}, said)
    return said
