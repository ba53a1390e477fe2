"""The bill of materials in CycloneDX 1.6: what is shipped, by whom it is wanted, under which licence."""

from __future__ import annotations

import importlib.metadata
import json
import tomllib
from collections.abc import Iterable
from email.message import Message
from typing import cast

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tests.supply.shipped import PYTHON, ROOT, SCRIPT, Package, shipped

LONGEST_LICENCE = 100  # some put the whole text there
_TYPES = {PYTHON: "pypi", SCRIPT: "npm"}


def bom() -> str:
    """The document, the same for the same tree. Raises ValueError when it is not valid."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    made = document(str(project["name"]), str(project["version"]), shipped())
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(made)
    if wrong is not None:
        raise ValueError(f"the bill of materials is not valid: {wrong}")
    return made


def document(name: str, version: str, packages: Iterable[Package]) -> str:
    """CycloneDX JSON of an application and the packages that it ships."""
    root = Component(name=name, version=version, type=ComponentType.APPLICATION, bom_ref=name)
    made = Bom(version=1)
    made.metadata.component = root
    parts = {(each.kind, each.name): (each, _component(each)) for each in packages}
    made.components.update(part for _, part in parts.values())
    wants: dict[str, list[Component]] = {}
    for package, part in parts.values():
        for wanting in package.wanted_by or (name,):
            wants.setdefault(wanting, []).append(part)
    made.register_dependency(root, wants.get(name, ()))
    for package, part in parts.values():
        if package.kind == PYTHON:
            made.register_dependency(part, wants.get(package.name, ()))
    return _plain(made)


def _plain(made: Bom) -> str:
    """As JSON, without the moment and the random number that would make each one different."""
    tree = json.loads(JsonV1Dot6(made).output_as_string())
    tree.pop("serialNumber", None)
    tree["metadata"].pop("timestamp", None)
    return json.dumps(tree, indent=2, sort_keys=True) + "\n"


def _component(package: Package) -> Component:
    space, _, name = package.name.rpartition("/")
    purl = PackageURL(_TYPES[package.kind], space or None, name, package.version)
    said = package.licence or _licence(package)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.sha256],
        licenses=[LicenseFactory().make_from_string(said)] if said else (),
    )


def _licence(package: Package) -> str:
    """What the package itself says, when it is installed here in this version."""
    try:
        told = cast("Message", importlib.metadata.metadata(package.name))
    except importlib.metadata.PackageNotFoundError:
        return ""
    if told["Version"] != package.version:
        return ""
    said = told.get("License-Expression") or told.get("License") or ""
    if not said or len(said) > LONGEST_LICENCE or "\n" in said:
        words = (each.split(" :: ") for each in told.get_all("Classifier", ()))
        said = next((each[-1] for each in words if each[0] == "License"), "")
    return said
