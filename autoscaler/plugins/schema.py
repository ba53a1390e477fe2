"""The JSON schema of the configuration, the options of every plug-in included.

Made from the same fields that check a configuration, so the two cannot disagree.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler.core.envelope import DIALS
from autoscaler.core.farewell import Farewell
from autoscaler.plugins.hints import adapter_of, nested_in
from autoscaler.plugins.options import hints_of, option_fields, spellings
from autoscaler.plugins.registry import GUARD_TYPES, policy_types, source_kinds
from autoscaler.roster import CapacitySpec, FleetSpec, ForecastSpec
from autoscaler.settings import Settings
from autoscaler.settings.shape import DURATION_SCHEMA, NAME, WORD

Schema = dict[str, Any]
REF = "#/$defs/{model}"
_LAYERS = ("Layer", "GroupShape", "DeploymentShape", "DiscoverShape")
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_NULL: Schema = {"type": "null"}


def json_schema(directories: Sequence[str] = ()) -> Schema:
    """The schema of the whole file (JSON Schema 2020-12), policies in `directories` included.

    Raises PluginError for a plug-in that cannot be loaded.
    """
    schema = Settings.model_json_schema(ref_template=REF)
    _close(schema)
    defs: Schema = schema["$defs"]
    policies = {name: _policy(name, cls, defs) for name, cls in policy_types(directories).items()}
    sources = {name: _source(name, kind, defs) for name, kind in source_kinds().items()}
    guards = {
        name: _guard(name, cls, defs) for name, cls in GUARD_TYPES.items() if option_fields(cls)
    }
    defs |= {f"policy.{name}": each for name, each in policies.items()}
    defs |= {f"source.{name}": each for name, each in sources.items()}
    defs["Policy"] = _by_kind("policy", policies, needs_kind=False)
    defs["Source"] = _by_kind("source", sources, needs_kind=True)
    defs["Guards"] = _object(guards, "Options of the guard rails, by name.")
    defs["Forecast"] = _object(_options(ForecastSpec, defs), _summary(ForecastSpec))
    defs["Capacity"] = _object(_options(CapacitySpec, defs), _summary(CapacitySpec))
    defs["OnShutdown"] = _object(_options(Farewell, defs), _summary(Farewell))
    defs["Fleet"] = _object(_options(FleetSpec, defs), _summary(FleetSpec))
    defs["GroupShape"]["properties"]["fleet"] |= _nullable(_ref("Fleet"))
    defs.pop("SourceShape", None)
    schema["properties"]["sources"] |= _named(_ref("Source"), NAME)
    for layer in _LAYERS:
        properties = defs[layer]["properties"]
        properties["policies"] |= _nullable(_named(_nullable(_ref("Policy")), WORD))
        properties["forecasts"] |= _nullable(_named(_nullable(_ref("Forecast")), WORD))
        properties["capacity"] |= _nullable(_ref("Capacity"))
        properties["guards"] |= _nullable(_ref("Guards"))
        properties["on_shutdown"] |= _nullable(_ref("OnShutdown"))
    schema["title"] = "Foundry autoscaler"
    schema["description"] = "Configuration of the autoscaling policy daemon."
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text(directories: Sequence[str] = ()) -> str:
    """The schema as it stands in config/schema.json."""
    return json.dumps(json_schema(directories), indent=2) + "\n"


def _policy(name: str, cls: type, defs: Schema) -> Schema:
    entry: Schema = {
        "kind": {"const": name, "description": "The policy; the entry's own name when left out."},
        "dials": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": [dial.value for dial in DIALS]},
            "description": "The dials that it may bid on; all three when left out.",
        },
        "shadow": {
            "type": "boolean",
            "default": False,
            "description": "Evaluated and shown, never merged.",
        },
        "isolate": {
            "type": "boolean",
            "description": "Evaluate it in a process of its own; `plugins.isolate` if left out.",
        },
        "when": {"description": "The condition under which it is asked; always when left out."},
    }
    return _object(entry | _options(cls, defs), _summary(cls))


def _source(name: str, kind: Any, defs: Schema) -> Schema:
    word = {"kind": {"const": name, "description": "The kind of source."}}
    schema = _object(word | _options(kind.options, defs), _summary(kind.options))
    schema["required"] = ["kind", *_required(kind.options)]
    return schema


def _guard(name: str, cls: type, defs: Schema) -> Schema:
    switch: Schema = {
        "type": "boolean",
        "default": True,
        "description": f"False switches the guard {name} off.",
    }
    return _nullable(_object({"enabled": switch} | _options(cls, defs), _summary(cls)))


def _by_kind(prefix: str, kinds: Mapping[str, Schema], *, needs_kind: bool) -> Schema:
    """One schema per kind, chosen by `kind`; without one (a layer may leave it out) any fits."""
    chosen: Schema = {
        "type": "object",
        "properties": {"kind": {"enum": list(kinds)}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": _ref(f"{prefix}.{name}"),
            }
            for name in kinds
        ],
    }
    if needs_kind:
        return chosen | {"required": ["kind"]}
    any_of = [_ref(f"{prefix}.{name}") for name in kinds]
    return chosen | {"if": {"not": {"required": ["kind"]}}, "then": {"anyOf": any_of}}


def _options(cls: type, defs: Schema) -> Schema:
    """A schema for every key that fills a field of a dataclass."""
    found: Schema = {}
    for item in option_fields(cls):
        schema = _described(_typed(hints_of(cls)[item.name], item, defs), item)
        shortest, *others = spellings(item)
        found[shortest] = schema
        found |= {
            key: {**_typed(hints_of(cls)[item.name], item, defs), "description": f"`{shortest}`."}
            for key in others
        }
    return found


def _typed(hint: Any, item: dataclasses.Field[Any], defs: Schema) -> Schema:
    if item.metadata.get("unit") == "s":
        several = nested_in(hint) is None and "items" in (plain := _plain(hint, {}))
        if several:
            return plain | {"items": DURATION_SCHEMA}
        return _nullable(DURATION_SCHEMA) if item.default is None else dict(DURATION_SCHEMA)
    nested = nested_in(hint)
    if nested is None:
        return _bounded(_plain(hint, defs), item.metadata)
    shape, cls = nested
    inside = _object(_options(cls, defs), _summary(cls))
    inside["required"] = _required(cls)
    if shape == "map":
        return _map_of(inside)
    if shape == "optional":
        return _nullable(inside)
    return inside if shape == "one" else {"type": "array", "items": inside}


def _plain(hint: Any, defs: Schema) -> Schema:
    schema = adapter_of(hint).json_schema(ref_template=REF)
    defs |= schema.pop("$defs", {})
    return schema


def _bounded(schema: Schema, rules: Mapping[str, Any]) -> Schema:
    """The bounds of a field's metadata, on its number (which may also be null)."""
    for part in (schema, *schema.get("anyOf", ())):
        if part.get("type") in {"number", "integer"}:
            part |= {
                word: rules[key] for key, word in _BOUNDS.items() if rules.get(key) is not None
            }
        elif part.get("type") == "string" and rules.get("one_of"):
            part["enum"] = list(rules["one_of"])
    return schema


def _described(schema: Schema, item: dataclasses.Field[Any]) -> Schema:
    doc, unit = str(item.metadata.get("doc", "")), str(item.metadata.get("unit", ""))
    text = {"s": "seconds or a duration"}.get(unit, unit)
    schema["description"] = f"{doc} ({text})" if text else doc
    if item.default is not dataclasses.MISSING and _is_json(item.default):
        schema["default"] = item.default
    return schema


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _required(cls: type) -> list[str]:
    return [
        item.name
        for item in option_fields(cls)
        if item.default is item.default_factory is dataclasses.MISSING and len(spellings(item)) == 1
    ]


def _summary(cls: type) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]


def _object(properties: Mapping[str, Any], description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
    }


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _named(schema: Schema, pattern: str) -> Schema:
    return {
        "type": "object",
        "patternProperties": {pattern: schema},
        "additionalProperties": False,
    }


def _close(schema: Any) -> None:
    """Refuse every name that breaks its pattern; leave out defaults that only repeat others."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if not isinstance(schema, dict):
        return
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    if isinstance(schema.get("default"), dict) or schema.get("default", 0) is None:
        del schema["default"]
    for key, each in schema.items():
        # Below these stand names of options, and an option may be called "default".
        _close(list(each.values()) if key in {"properties", "patternProperties", "$defs"} else each)


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, dict(_NULL)]}


def _ref(name: str) -> Schema:
    return {"$ref": REF.format(model=name)}
