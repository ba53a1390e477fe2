"""What is shipped: the packages of `requirements.lock` and the scripts copied into the tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
SCRIPTS = ROOT / "autoscaler" / "web" / "static" / "vendor" / "VENDOR.json"
REPORT = ROOT / "autoscaler" / "lab" / "report" / "vendor" / "README.md"
PYTHON, SCRIPT = "PyPI", "npm"
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^ +#(?: via)? +(\S+)$", re.MULTILINE)
_COPIED = re.compile(r"npm package `([^`]+)` (\d[\w.]*)")


@dataclass(frozen=True, slots=True)
class Package:
    """One package in one version. `kind` is the advisory databases' word for where it is from.

    `wanted_by` names the packages that ask for it, as far as that is known.
    """

    kind: str
    name: str
    version: str
    sha256: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = ()
    licence: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.kind})"


def shipped() -> tuple[Package, ...]:
    """Everything of others that an installation holds. Raises ValueError for a line not understood."""
    lock = LOCK.read_text(encoding="utf-8")
    scripts = json.loads(SCRIPTS.read_text(encoding="utf-8"))
    return (*locked(lock), *copied(scripts, REPORT.read_text(encoding="utf-8")))


def locked(text: str) -> Iterator[Package]:
    """The pins of a lock file, for every platform. Raises ValueError when a line is no pin."""
    starts = [match.start() for match in re.finditer(r"^[^\s#]", text, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        pin = _PIN.match(part)
        if pin is None:
            raise ValueError(f"{LOCK.name}: no pin: {part.splitlines()[0]!r}")
        hashes, via = _HASH.findall(part), _VIA.findall(part)
        yield Package(PYTHON, pin[1], pin[2], tuple(hashes), tuple(via))


def copied(scripts: Iterable[dict[str, str]], report: str) -> Iterator[Package]:
    """The packages whose files were copied into the tree, each once."""
    files: dict[tuple[str, str], list[dict[str, str]]] = {}
    for script in scripts:
        files.setdefault((script["package"], script["version"]), []).append(script)
    for (name, version), parts in files.items():
        hashes = tuple(part["sha256"] for part in parts)
        yield Package(SCRIPT, name, version, hashes, (), parts[0]["licence"])
    for name, version in _COPIED.findall(report):
        if (name, version) not in files:
            yield Package(SCRIPT, name, version)
