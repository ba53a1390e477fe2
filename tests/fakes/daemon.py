"""The command line in real processes, with real files and real HTTP on loopback.

Nothing outlives its test: every process is ended when its block is left, and the kernel ends it
should the tests themselves be killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.core.envelope import Envelope
from autoscaler.lab.platform.clock import WallClock
from autoscaler.lab.platform.deployment import DeploymentSpec
from autoscaler.lab.platform.server import SimulatedPlatform
from tests.fakes.nursery import INSTALLED, LEASH, Fork, can_fork, nursery
from tests.fakes.prometheus import free_port

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE_S = 60.0
"""Ends a test that hangs; nothing that is right takes a tenth of it."""
SECRET = "canary-client-secret-8c1f0d77"
CALM_ENVELOPE = Envelope(1, 2, 32)
"""What the configuration below wants for the load that every stage begins with."""
HANGS_S = 3600.0
"""The `delay_s` of a fault that ends when the test opens its `Gate`."""
TOKEN = "canary-static-token-51b6a2e9"


async def until(
    look: Callable[[], Awaitable[T | None]], why: str, timeout_s: float = PATIENCE_S
) -> T:
    """The first answer of `look` that is neither None nor False. Raises AssertionError."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = await look()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {why}"
        await asyncio.sleep(0.05)


# --- processes ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Child:
    """A command that runs; what it writes goes into files, so that no pipe can fill up."""

    process: asyncio.subprocess.Process | Fork
    out_file: Path
    err_file: Path

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self.out_file.read_text(encoding="utf-8", errors="replace")

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self.err_file.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self, timeout_s: float = PATIENCE_S) -> Ended:
        """Wait for the end. Raises TimeoutError."""
        code = await asyncio.wait_for(self.process.wait(), timeout_s)
        return Ended(code, self.out, self.err)


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What a command sees: nothing of the tests' own settings."""
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "USER": "tester"}
    return {**plain, **given}


@asynccontextmanager
async def command(
    *arguments: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    program: Sequence[str] = (),
) -> AsyncIterator[Child]:
    """`autoscaler` with these arguments; killed at the end of the block if it still runs.

    It is forked, as scripts of the fakes are (`nursery.py`); a `program` that is named is executed.
    """
    mark = uuid.uuid4().hex[:8]
    out, err = folder / f"out-{mark}", folder / f"err-{mark}"
    place, env = cwd or folder, environment(folder, env or {})
    process: asyncio.subprocess.Process | Fork
    with out.open("wb") as out_pipe, err.open("wb") as err_pipe:
        if can_fork(program):
            files = {"out": out_pipe.fileno(), "err": err_pipe.fileno()}
            process = await nursery().start(program, arguments, cwd=place, env=env, **files)
        else:
            process = await asyncio.create_subprocess_exec(
                *LEASH,
                *(program or INSTALLED),
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out_pipe,
                stderr=err_pipe,
                cwd=place,
                env=env,
            )
    try:
        yield Child(process, out, err)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def autoscaler(
    *arguments: str,
    folder: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    program: Sequence[str] = (),
) -> Ended:
    """Run a command to its end."""
    async with command(*arguments, folder=folder, env=env, cwd=cwd, program=program) as child:
        return await child.ended()


# --- the daemon -----------------------------------------------------------------------------


@dataclass(slots=True)
class Site:
    """One daemon's place: its configuration, its journal, its port and its secret.

    `text` is the configuration as a tree; a test changes it and calls `write`.
    """

    folder: Path
    tree: Json
    port: int = field(default_factory=free_port)
    children: list[Child] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """The configuration file."""
        return self.folder / "autoscaler.yaml"

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self.folder / "journal.db"

    @property
    def url(self) -> str:
        """Where the daemon listens."""
        return f"http://127.0.0.1:{self.port}"

    def write(self) -> Path:
        """Write the configuration; JSON is YAML."""
        self.tree["journal"] = {
            **self.tree.get("journal", {}),
            "url": f"sqlite:///{self.journal}",
        }
        self.tree["web"] = {"listen": f"127.0.0.1:{self.port}"}
        self.file.write_text(json.dumps(self.tree, indent=2), encoding="utf-8")
        return self.file

    async def cli(self, *arguments: str, env: Mapping[str, str] | None = None) -> Ended:
        """A command beside the daemon, on the same configuration."""
        given = {"AUTOSCALER_CONFIG": str(self.file), **(env or {})}
        return await autoscaler(*arguments, folder=self.folder, env=given)

    @asynccontextmanager
    async def daemon(
        self, env: Mapping[str, str] | None = None, program: Sequence[str] = ()
    ) -> AsyncIterator[Daemon]:
        """`autoscaler run`, ready to be asked."""
        self.write()
        arguments = ("run", "--config", str(self.file))
        async with command(*arguments, folder=self.folder, env=env, program=program) as child:
            self.children.append(child)
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE_S)) as session:
                daemon = Daemon(self, child, session)
                await until(daemon.is_up, "the daemon answers")
                yield daemon

    def everything_written(self) -> bytes:
        """Each byte that a daemon or a command left here, but for the files of secrets."""
        return b"\n".join(path.read_bytes() for path in self._left())

    def holding(self, secrets: Sequence[str]) -> list[str]:
        """The files, but for those of secrets and the configuration, in which one of them is."""
        words = [secret.encode() for secret in secrets]
        left = [path for path in self._left() if path != self.file]
        return [path.name for path in left if any(word in path.read_bytes() for word in words)]

    def _left(self) -> list[Path]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [path for path in files if "secret" not in path.name]


@dataclass(slots=True)
class Daemon:
    """A running daemon, asked over HTTP."""

    site: Site
    child: Child
    session: aiohttp.ClientSession

    async def is_up(self) -> bool:
        """Whether it answers at all; fails the test when it has ended."""
        code = self.child.process.returncode
        assert code is None, f"the daemon ended with {code}: {self.child.err}{self.child.out}"
        try:
            async with self.session.get(f"{self.site.url}/livez") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def page(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        async with self.session.get(self.site.url + path) as answer:
            return answer.status, await answer.text()

    async def api(self, path: str) -> Json:
        """A page of the API. Raises AssertionError for an error."""
        status, text = await self.page(f"/api/v1{path}")
        assert status == 200, text
        found: Json = json.loads(text)
        return found

    async def decisions(self, name: str = "chat") -> list[Json]:
        """The recorded decisions as the journal has them, newest first."""
        return await asyncio.to_thread(self._recorded, name)

    def _recorded(self, name: str) -> list[Json]:
        wanted = "SELECT body FROM decision WHERE deployment = ? ORDER BY id DESC LIMIT 50"
        place = f"file:{self.site.journal}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, timeout=PATIENCE_S)) as journal:
            return [json.loads(body) for (body,) in journal.execute(wanted, (name,))]

    async def outcomes(self, name: str = "chat") -> list[tuple[str, str]]:
        """Kind and reason code of the recorded decisions, oldest first."""
        found = [one["outcome"] for one in reversed(await self.decisions(name))]
        return [(one["kind"], one["reason"]["code"]) for one in found]

    async def latest(self, name: str = "chat") -> Json | None:
        """The last decision in sentences, recorded or not; None before the first."""
        status, text = await self.page(f"/api/v1/deployments/{name}")
        found: Json | None = json.loads(text).get("latest") if status == 200 else None
        return found

    async def until_outcome(
        self, kind: str, code: str, name: str = "chat", timeout_s: float = PATIENCE_S
    ) -> Json:
        """The newest recorded decision that ended so."""

        async def look() -> Json | None:
            for one in await self.decisions(name):
                outcome = one["outcome"]
                if (outcome["kind"], outcome["reason"]["code"]) == (kind, code):
                    return one
            return None

        try:
            return await until(look, f"an outcome {kind} {code}", timeout_s)
        except AssertionError as late:
            seen = await self.outcomes(name)
            raise AssertionError(
                f"{late}; there were {seen}; now {await self.latest(name)}"
            ) from late

    async def until_settled(
        self, envelope: Envelope, name: str = "chat", timeout_s: float = PATIENCE_S
    ) -> None:
        """Wait until it wants nothing else than this envelope and the platform has it."""
        dials = {
            "min_replicas": envelope.min_replicas,
            "max_replicas": envelope.max_replicas,
            "threads": envelope.threads,
        }

        async def look() -> bool:
            one = await self.latest(name)
            return (
                one is not None and one["outcome"]["kind"] == "unchanged" and one["before"] == dials
            )

        try:
            await until(look, f"settled at {envelope}", timeout_s)
        except AssertionError as late:
            seen = await self.outcomes(name)
            raise AssertionError(
                f"{late}; there were {seen}; now {await self.latest(name)}"
            ) from late

    async def metric(self, name: str, **labels: str) -> float | None:
        """The value of one sample of ours; None when there is no such sample."""
        _, text = await self.page("/metrics")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == f"foundry_autoscaler_{name}" and sample.labels == labels:
                    return float(sample.value)
        return None


# --- the platform ---------------------------------------------------------------------------


class Gate(WallClock):
    """A platform's clock: what is slow for HANGS_S or longer is so until the test lets it go on."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop, or for the gate."""
        if seconds < HANGS_S:
            await super().sleep(seconds)
        else:
            await self.opened.wait()


@dataclass(slots=True)
class Knob:
    """A load that the test turns by hand: jobs wanted at once."""

    jobs: float = 10.0

    def at(self, t_s: float) -> float:
        """The same at every time."""
        return self.jobs


@dataclass(slots=True)
class Stage:
    """A simulated platform with one deployment called chat, and the site of its daemon."""

    platform: SimulatedPlatform
    site: Site
    knob: Knob
    session: aiohttp.ClientSession

    @property
    def envelope(self) -> Envelope:
        """The dials that the platform really has."""
        return self.platform.deployments["chat"].envelope

    @property
    def puts(self) -> list[int]:
        """The HTTP status of every PUT so far."""
        return [put.status for put in self.platform.puts]

    async def fault(self, kind: str, operation: str | None = None, **more: Any) -> None:
        """Inject a fault over HTTP."""
        body = {"kind": kind, "operation": operation, **more}
        async with self.session.post(f"{self.platform.url}/_faults", json=body) as answer:
            assert answer.status == 201, await answer.text()

    async def no_more_faults(self) -> None:
        """End every fault over HTTP."""
        async with self.session.delete(f"{self.platform.url}/_faults") as answer:
            assert answer.status == 204

    async def until_struck(self, count: int = 1) -> None:
        """Wait until faults have struck so many requests."""

        async def look() -> bool:
            async with self.session.get(f"{self.platform.url}/_faults") as answer:
                faults = (await answer.json())["faults"]
            return sum(int(one["struck"]) for one in faults) >= count

        await until(look, f"{count} requests struck by a fault")


def configuration(platform: SimulatedPlatform, secret_file: Path) -> Json:
    """A daemon that looks every second and forgives quickly. Durations are wall seconds."""
    rid = platform.deployments["chat"].rid
    return {
        "platform": {
            "url": platform.url,
            "auth": {"client_id": platform.client_id, "client_secret_file": str(secret_file)},
            "timeouts": {"read": "20s", "write": "20s"},
            "resync": "10s",
            "pacing": {
                "requests_per_second": 50,
                "burst": 50,
                "concurrency": 4,
                "attempts": 2,
                "backoff": {"base": "50ms", "cap": "2s"},
                "breaker": {"failures": 8, "open_for": "1s"},
            },
        },
        "sources": {"gateway": {"kind": "openmetrics", "url": f"{platform.url}/metrics"}},
        "defaults": {
            "mode": "apply",
            "limits": {
                "min_replicas": {"low": 1, "high": 20},
                "max_replicas": {"low": 2, "high": 30},
                "threads": {"low": 32, "high": 32},
            },
            "signals": {
                "in_flight": {
                    "source": "gateway",
                    "query": {"metric": "foundry_gateway_in_flight_jobs", "kind": "gauge"},
                    "max_age": "5s",
                    "window": "30s",
                }
            },
            "policies": {
                "load": {
                    "kind": "target_load",
                    "signal": "in_flight",
                    "target": 0.5,
                    "window": "2s",
                    "headroom": 0.5,
                }
            },
            "guards": {
                "freshness": {"max_age": "5s"},
                "recovery": {"grace": "1s"},
                "settle": {"timeout": "5s"},
                "stabilise": {"lower_window": "2s"},
                "cooldown": {"lower": "2s", "threads": "1s"},
                "step": {"enabled": False},
                "plausibility": {"enabled": False},
                "oscillation": {"enabled": False},
            },
        },
        "groups": {"online": {"interval": "1s", "deployments": {"chat": {"rid": rid}}}},
        "log": {"format": "json", "level": "debug"},
    }


@asynccontextmanager
async def stage(
    folder: Path, *, envelope: Envelope | None = None, **more: Any
) -> AsyncIterator[Stage]:
    """A platform under a load of 10 jobs, sixty times faster than real, and a daemon's site.

    Raises AssertionError at its end when a secret is in anything that was written there.
    """
    knob = Knob()
    spec = DeploymentSpec("chat", envelope or CALM_ENVELOPE, knob)
    settings = {"speed": 60.0, "client_secret": SECRET, "token": TOKEN, **more}
    async with (
        SimulatedPlatform([spec], **settings) as platform,
        aiohttp.ClientSession() as session,
    ):
        secret_file = folder / "client-secret"
        secret_file.write_text(SECRET + "\n", encoding="utf-8")
        secret_file.chmod(0o600)
        site = Site(folder, configuration(platform, secret_file))
        site.write()
        yield Stage(platform, site, knob, session)
        # Whatever a test was about: its logs, journal and backups have no secret in them.
        canaries = [platform.client_secret, platform.token, *platform.tokens._grants]
        assert site.holding(canaries) == []
