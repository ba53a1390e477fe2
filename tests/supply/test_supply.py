"""The bill of materials is whole, and an audit that did not happen is never a clean one."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from tests.fakes.prometheus import free_port
from tests.fakes.sources import MetricsServer
from tests.supply.__main__ import main
from tests.supply.audit import FAULTY, audit, judged
from tests.supply.bom import bom, document
from tests.supply.shipped import LOCK, PYTHON, ROOT, SCRIPT, Package, locked, shipped

ONE, OTHER = Package(PYTHON, "one", "1.0"), Package(PYTHON, "other", "2.0")
COPIED = Package(SCRIPT, "@acme/copied", "3.0")
PINS = "".join(
    f"{pin} \\\n    --hash=sha256:{'a' * 64}\n    # via foundry-autoscaler\n"
    for pin in ("one==1.0", "other==2.0 ; sys_platform == 'win32'")
)


def told(*names: str, vulns: tuple[str, ...] = (), **skipped: str) -> str:
    found: list[dict[str, object]] = [
        {"name": name, "version": {"one": "1.0", "other": "2.0"}[name], "vulns": []}
        for name in names
    ]
    found += [{"name": name, "skip_reason": why} for name, why in skipped.items()]
    if vulns:
        found[0]["vulns"] = [{"id": each, "fix_versions": []} for each in vulns]
    return json.dumps({"dependencies": found, "fixes": []})


class Advisories:
    """An advisory database on loopback: ids by package, or a status."""

    def __init__(self, known: Mapping[str, tuple[str, ...] | int]) -> None:
        self.known = {each.name: ("OLD-1",) for each in FAULTY} | dict(known)
        self.asked: list[str] = []
        self.server = MetricsServer(self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        name = asked["package"]["name"]
        self.asked.append(f"{asked['package']['ecosystem']}/{name}@{asked['version']}")
        found = self.known.get(name, ())
        if isinstance(found, int):
            return web.Response(status=found)
        vulns = [{"id": each, "affected": []} for each in found]
        return web.json_response({"vulns": vulns} if vulns else {})


async def audited(
    known: Mapping[str, tuple[str, ...] | int], *packages: Package
) -> tuple[list[str], list[str]]:
    database = Advisories(known)
    async with database.server as server:
        return await audit(packages, f"{server.url}/v1/query"), database.asked


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "some.lock"
    file.write_text(PINS, encoding="utf-8")
    return file


async def test_a_clean_audit_asked_about_every_package_and_ends_with_0(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Advisories({})
    async with database.server as server:
        asked = ["audit", "--service", server.url, "--lock", str(lock)]
        assert await asyncio.to_thread(main, asked) == 0
    assert capsys.readouterr().out == "audit of 2 packages: all audited, nothing known\n"
    assert sorted(database.asked) == [
        *("PyPI/jinja2@2.4.1", "PyPI/one@1.0", "PyPI/other@2.0"),
        "npm/lodash@4.17.15",
    ]


async def test_what_is_known_to_be_vulnerable_is_named_with_its_advisory() -> None:
    found, _ = await audited({"other": ("GHSA-1",)}, ONE, OTHER)
    assert found == ["other 2.0 (PyPI) is known to be vulnerable: GHSA-1"]


def test_the_script_of_ci_ends_with_1_when_nobody_answers(lock: Path) -> None:
    service = f"http://127.0.0.1:{free_port()}/v1/query"
    ended = subprocess.run(
        [ROOT / ".ci" / "audit", "--service", service, "--lock", lock],
        env=os.environ | {"AUTOSCALER_PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stdout.endswith("audit of 2 packages: FAILED\n")


async def test_a_package_that_cannot_be_asked_about_fails_the_audit() -> None:
    (found,), _ = await audited({"other": 503}, ONE, OTHER)
    assert found.startswith("the Python packages could not be audited (pip-audit ended with 1)")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            ("GHSA-2", "GHSA-3"),
            ["is known to be vulnerable: GHSA-2", "is known to be vulnerable: GHSA-3"],
        ),
        (404, ["could not be audited: the service answered 404"]),
        ((), []),
    ],
)
async def test_the_scripts_that_were_copied_are_asked_about_too(
    answer: tuple[str, ...] | int, words: list[str]
) -> None:
    found, asked = await audited({"@acme/copied": answer}, COPIED)
    assert found == [f"@acme/copied 3.0 (npm) {each}" for each in words]
    assert asked[-1] == "npm/@acme/copied@3.0"


async def test_a_service_that_is_not_there_fails_the_audit() -> None:
    found = await audit([ONE], f"http://127.0.0.1:{free_port()}/v1/query")
    assert found == ["nothing could be audited: the service cannot be asked: ClientConnectorError"]


async def test_a_service_that_knows_nothing_of_old_faults_fails_the_audit() -> None:
    found, asked = await audited({"jinja2": ()}, ONE)
    assert found == [
        "nothing could be audited: the service knows of no fault in jinja2 2.4.1 (PyPI)"
    ]
    assert asked == ["PyPI/jinja2@2.4.1"]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (told("one"), 0, "other 2.0 (PyPI) could not be audited: pip-audit did not tell of it"),
        (told("one", other="not found"), 0, "other 2.0 (PyPI) could not be audited: not found"),
        (told("one", "other"), 1, "pip-audit ended with 1, which does not fit what it told: why"),
        ("", 1, "the Python packages could not be audited (pip-audit ended with 1): why"),
        ("[]", 0, "the Python packages could not be audited (pip-audit ended with 0): why"),
        (told("one", "other", vulns=("X",)), 1, "one 1.0 (PyPI) is known to be vulnerable: X"),
        (
            told("one", "other").replace("2.0", "2.1"),
            0,
            "other 2.0 (PyPI) could not be audited: pip-audit did not tell of it",
        ),
    ],
)
def test_whatever_pip_audit_leaves_out_is_not_audited(text: str, code: int, words: str) -> None:
    assert list(judged(text, code, [ONE, OTHER], "why")) == [words]


def test_a_line_of_the_lock_that_is_no_pin_is_refused() -> None:
    with pytest.raises(ValueError, match="no pin: 'one>=1'"):
        list(locked("one>=1\n"))


def test_the_bill_of_materials_is_valid_and_names_everything_that_is_shipped() -> None:
    told = json.loads(bom())
    names = {part["name"] for part in told["components"]}
    pins = [line.split("==")[0] for line in LOCK.read_text("utf-8").splitlines() if "==" in line]
    assert names >= {*pins, "preact", "uplot", "@preact/signals"}
    assert len(told["components"]) == len(shipped()) == len(names)
    assert told["metadata"]["component"]["name"] == "foundry-autoscaler"
    assert all(part["hashes"] and part["purl"] for part in told["components"])
    refs = {part["bom-ref"] for part in told["components"]}
    wanted = {ref for each in told["dependencies"] for ref in each.get("dependsOn", ())}
    assert wanted == refs, "every package is wanted by somebody"


def test_the_bill_of_materials_of_one_tree_is_always_the_same() -> None:
    packages = (ONE, OTHER, COPIED)
    assert document("it", "1", packages) == document("it", "1", packages[::-1])
