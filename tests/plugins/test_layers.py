"""Layers: one map over another, and who had the last word."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.plugins.layers import Layers, Plain, merged
from autoscaler.settings import Tree

leaves = (
    st.none()
    | st.integers(0, 5)
    | st.text("ab", max_size=2)
    | st.lists(st.integers(0, 3), max_size=2)
)
maps = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), leaves, max_size=4),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), leaves | inner, max_size=4),
    max_leaves=12,
)


def nulls(value: object) -> bool:
    return value is None or (
        isinstance(value, dict) and any(nulls(each) for each in value.values())
    )


def leaf_paths(data: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(data, dict):
        return [path]
    return [found for key, each in data.items() for found in leaf_paths(each, (*path, key))]


def at(data: object, path: tuple[str, ...]) -> object:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def test_maps_merge_by_key_null_removes_and_lists_replace() -> None:
    base: Plain = {"a": {"x": 1, "y": [1, 2]}, "b": 2, "c": 3}
    over: Plain = {"a": {"y": [3], "z": 4}, "b": None, "d": None}
    assert merged(base, over) == {"a": {"x": 1, "y": [3], "z": 4}, "c": 3}


@given(maps, maps)
def test_merging_changes_neither_side_and_leaves_no_null(base: Plain, over: Plain) -> None:
    before = repr((base, over))
    assert not nulls(merged(base, over))
    assert repr((base, over)) == before


@given(maps)
def test_nothing_over_a_map_is_that_map_and_itself_over_it_too(data: Plain) -> None:
    plain = merged(data, {})
    assert merged({}, data) == plain
    assert merged(plain, {}) == plain
    assert merged(plain, plain) == plain


@given(maps, maps)
def test_laying_the_same_over_twice_is_laying_it_once(base: Plain, over: Plain) -> None:
    once = merged(base, over)
    assert merged(once, over) == once


@given(maps, maps, maps)
def test_every_merged_value_is_where_its_origin_says(base: Plain, group: Plain, own: Plain) -> None:
    layers = layered(base, group, own)
    for path in leaf_paths(layers.map("limits")):
        full = layers.origin(("limits", *path))
        if path and at(layers.map("limits"), path) != {}:
            assert layers.tree.at(full) == at(layers.map("limits"), path)


def layered(base: Plain, group: Plain, own: Plain) -> Layers:
    tree = Tree("x.yaml", "", {})
    tree.data = {
        "defaults": {"limits": base},
        "groups": {"g": {"limits": group, "deployments": {"d": {"limits": own}}}},
    }
    root = Layers.root(tree, ("limits",), ("defaults",))
    return root.over(("groups", "g")).over(("groups", "g", "deployments", "d"))


def test_a_section_that_nobody_touches_stays_the_same_object() -> None:
    tree = Tree("x.yaml", "", {})
    tree.data = {"defaults": {"limits": {"a": 1}}, "groups": {"g": {"mode": "apply"}}}
    root = Layers.root(tree, ("limits", "mode"), ("defaults",))
    group = root.over(("groups", "g"))
    assert group.map("limits") is root.map("limits")
    assert group.sections["mode"] == "apply"
