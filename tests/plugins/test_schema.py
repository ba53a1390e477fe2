"""The JSON schema: current, valid, complete, and of one mind with the loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from autoscaler.plugins import json_schema, policy_types, schema_text, source_kinds
from autoscaler.plugins.options import option_fields
from autoscaler.plugins.registry import GUARD_TYPES
from autoscaler.settings.document import read_yaml
from tests.fakes.configuration import text_of

CONFIG = Path(__file__).parents[2] / "config"
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(read_yaml(text).data))


def test_the_schema_in_the_tree_is_current() -> None:
    message = "write it anew: autoscaler config schema > config/schema.json"
    assert (CONFIG / "schema.json").read_text(encoding="utf-8") == schema_text(), message


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_example_satisfies_the_schema() -> None:
    assert accepts((CONFIG / "example.yaml").read_text(encoding="utf-8"))


AUTH = "platform: {url: https://a.example, auth: {token_file: t}}\n"


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"defaults": "defaults: {policies: {load: {target: 0.5}}}\n"},
        {"defaults": "defaults: {policies: {load: null}, guards: {step: null}}\n"},
        {
            "defaults": "defaults: {guards: {step: {enabled: false}, cooldown: {raise: 0s, lower_s: 5}}}\n"
        },
    ],
)
def test_what_the_loader_takes_the_schema_takes(sections: dict[str, str]) -> None:
    assert accepts(text_of(**{"platform": AUTH, **sections}))


@pytest.mark.parametrize(
    "sections",
    [
        {"platform": "platform: {url: https://a.example, auth: {token: x}}\n"},
        {"defaults": "defaults: {policies: {load: {kind: target_load, taget: 0.5}}}\n"},
        {"defaults": "defaults: {policies: {load: {kind: target_load, target: 7}}}\n"},
        {"defaults": "defaults: {policies: {load: {kind: target_laod}}}\n"},
        {"defaults": "defaults: {guards: {mode: {}}}\n"},
        {"defaults": "defaults: {guards: {cooldown: {raise: soon}}}\n"},
        {"sources": "sources: {prom: {kind: prometheus, urll: x}}\n"},
        {"sources": "sources: {prom: {url: x}}\n"},
        {"web": "web: {listen: x}\n"},
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(sections: dict[str, str]) -> None:
    assert not accepts(text_of(**{"platform": AUTH, **sections}))


def described(schema: Any, path: str = "") -> list[str]:
    """Options of the schema without a description."""
    found: list[str] = []
    for name, each in schema.get("properties", {}).items():
        if not each.get("description") and not path.startswith(("Guards", "Policy", "Source")):
            found.append(f"{path}.{name}")
    return found


def test_every_option_is_described() -> None:
    lacking = [gap for name, each in SCHEMA["$defs"].items() for gap in described(each, name)]
    known_plugins = tuple(f"policy.{name}." for name in policy_types())
    assert [gap for gap in lacking if not gap.startswith(known_plugins)] == []


def test_every_option_of_every_plug_in_is_there() -> None:
    for prefix, types in (
        ("policy", policy_types()),
        ("source", {n: k.options for n, k in source_kinds().items()}),
    ):
        for name, cls in types.items():
            properties = SCHEMA["$defs"][f"{prefix}.{name}"]["properties"]
            assert {item.name for item in option_fields(cls)} <= properties.keys()
    assert SCHEMA["$defs"]["Guards"]["properties"].keys() == {
        n for n, g in GUARD_TYPES.items() if option_fields(g)
    }
