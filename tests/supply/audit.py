"""Is anything that is shipped known to be vulnerable? What could not be asked about is a failure.

Python packages are asked about by pip-audit, whose exit code alone means little: where a package
cannot be looked up it says "no known vulnerabilities". So each package must be in its answer. The
scripts copied into the page are none of its business and are asked about here. A service that
knows of no fault in two old packages that everybody knows to be faulty is no advisory database,
and what it says of ours is worth nothing.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp

from tests.supply.shipped import PYTHON, SCRIPT, Package

DEADLINE_S = 15.0
FAULTY = (Package(PYTHON, "jinja2", "2.4.1"), Package(SCRIPT, "lodash", "4.17.15"))


async def audit(packages: Sequence[Package], service: str) -> list[str]:
    """Every reason why this may not be shipped, in words; none means that all of it was audited."""
    deadline = aiohttp.ClientTimeout(total=DEADLINE_S)
    async with aiohttp.ClientSession(timeout=deadline, trust_env=True) as session:
        for each in FAULTY:
            known = await _advisories(session, service, each)
            if isinstance(known, str):
                return [f"nothing could be audited: {known}"]
            if not known:
                return [f"nothing could be audited: the service knows of no fault in {each}"]
        found: list[str] = []
        for each in (package for package in packages if package.kind != PYTHON):
            known = await _advisories(session, service, each)
            if isinstance(known, str):
                found.append(f"{each} could not be audited: {known}")
            else:
                found += [f"{each} is known to be vulnerable: {one}" for one in known]
    pins = [package for package in packages if package.kind == PYTHON]
    return [*found, *await asyncio.to_thread(_python, pins, service)] if pins else found


async def _advisories(
    session: aiohttp.ClientSession, service: str, package: Package
) -> list[str] | str:
    """The advisories about a package that were not withdrawn, or why they cannot be told."""
    name = {"name": package.name, "ecosystem": package.kind}
    try:
        async with session.post(
            service, json={"package": name, "version": package.version}, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                return f"the service answered {answer.status}"
            told = await answer.json(content_type=None)
            return [str(one["id"]) for one in told.get("vulns", ()) if not one.get("withdrawn")]
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"the service cannot be asked: {type(error).__name__}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return "the service gave no answer that could be read"


def _python(pins: Sequence[Package], service: str) -> list[str]:
    with tempfile.TemporaryDirectory() as place:
        # Without markers: what is shipped to another platform is audited here, too.
        listed = Path(place) / "pins.txt"
        listed.write_text("".join(f"{p.name}=={p.version}\n" for p in pins), encoding="utf-8")
        asked = ["--requirement", str(listed), "--no-deps", "--disable-pip"]
        asked += ["--vulnerability-service", "osv", "--osv-url", service]
        asked += ["--format", "json", "--progress-spinner", "off"]
        asked += ["--cache-dir", str(Path(place) / "cache"), "--timeout", f"{DEADLINE_S:.0f}"]
        ran = subprocess.run(
            [sys.executable, "-m", "pip_audit", *asked],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    why = (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return list(judged(ran.stdout, ran.returncode, pins, why))


def judged(text: str, code: int, pins: Sequence[Package], why: str) -> Iterator[str]:
    """What pip-audit's answer means; `why` is the last that it said of itself."""
    try:
        told = {
            each["name"]: (each.get("skip_reason"), each.get("version"), each.get("vulns"))
            for each in json.loads(text)["dependencies"]
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        yield f"the Python packages could not be audited (pip-audit ended with {code}): {why}"
        return
    vulnerable = False
    for pin in pins:
        skipped, version, advisories = told.get(pin.name, (None, None, None))
        if skipped or version != pin.version or advisories is None:
            yield f"{pin} could not be audited: {skipped or 'pip-audit did not tell of it'}"
        for one in advisories or ():
            vulnerable = True
            yield f"{pin} is known to be vulnerable: {one.get('id')}"
    if code != int(vulnerable):
        yield f"pip-audit ended with {code}, which does not fit what it told: {why}"
