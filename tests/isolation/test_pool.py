"""Policies in processes of their own: real ones, and a pool on a clock that tests move."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
import pytest

from autoscaler.codec import encode, to_tree
from autoscaler.core.envelope import Dial
from autoscaler.core.observation import Observation
from autoscaler.core.proposal import Answer, Apart, Proposal
from autoscaler.core.reason import Code
from autoscaler.isolation import Order, Pool
from autoscaler.ports import NotYet, Stopped
from autoscaler.runtime.clock import SystemClock
from tests.fakes.world import FakeClock
from tests.strategies import seen

MOODY = '''
"""A policy that does what its option says."""
import os, sys, time
from dataclasses import dataclass
from autoscaler.core.envelope import Dial
from autoscaler.core.proposal import Bid, Proposal
from autoscaler.core.reason import Code, because


@dataclass(frozen=True)
class Moody:
    """Does what it is told."""

    mood: str = "good"
    want: int = 3

    @property
    def needs(self):
        return ()

    def propose(self, seen):
        return globals()[self.mood](self, seen)


def good(self, seen):
    reason = because(Code.COMPUTED, "{n} for {who}", n=self.want, who=seen.deployment)
    return Proposal({Dial.MIN_REPLICAS: Bid(want=self.want)}, reason)

def spins(self, seen):
    while True:
        pass

def sleeps(self, seen):
    time.sleep(3600)

def eats(self, seen):
    return [bytearray(16 << 20) for _ in range(1000)]

def dies(self, seen):
    os._exit(3)

def leaves(self, seen):
    sys.exit(0)

def raises(self, seen):
    raise ZeroDivisionError("by nothing")

def halves(self, seen):
    return Proposal({Dial.MIN_REPLICAS: Bid(want=2.5)}, because(Code.COMPUTED, "half"))

def mumbles(self, seen):
    return None

def prints(self, seen):
    print('{"answer": "nonsense"}', flush=True)
    return good(self, seen)

def writes(self, seen):
    with open(os.environ.get("TMPDIR", "/tmp") + "/moody-was-here", "w") as file:
        file.write("x" * 100)

def peeks(self, seen):
    reason = because(Code.COMPUTED, "{found}", found=os.environ.get("AUTOSCALER_TOKEN", "nothing"))
    return Proposal({}, reason)
'''
SEEN = seen()


def moody(mood: str = "good", **options: object) -> Apart:
    return Apart("moody", json.dumps({"mood": mood, **options}))


PATIENT_S = 30.0
"""For an answer that is meant to come: a busy machine may need its time."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "moody.py").write_text(MOODY)
    return tmp_path


def order(folder: Path, deadline_s: float = PATIENT_S) -> Order:
    return Order(directories=(str(folder),), deadline_s=deadline_s, cpu_s=60.0)


async def test_a_policy_apart_answers_as_it_would_in_ours_and_harms_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("AUTOSCALER_TOKEN", "s3cret")
    pool = Pool(order(folder), SystemClock())
    said: dict[str, Answer] = {}
    try:
        said["surprise"] = await pool.ask(moody(surprise=1), SEEN)
        moods = ("raises", "halves", "mumbles", "leaves", "eats", "writes", "peeks", "prints")
        for mood in (*moods, "good"):
            said[mood] = await pool.ask(moody(mood, want=7), SEEN)
        worker = pool._places["moody"].worker
    finally:
        await pool.close()
    answer = said["good"]
    assert isinstance(answer, Proposal)
    assert answer.bids[Dial.MIN_REPLICAS].want == 7
    assert str(answer.reason) == f"7 for {SEEN.deployment}"
    # What it prints is no answer.
    assert said["prints"] == answer
    # Whatever it does wrong is its own abstention, and did not cost the process its life.
    crashes = {
        "surprise": "options are refused",
        "raises": "ZeroDivisionError: by nothing",
        "leaves": "SystemExit",
        "eats": "MemoryError",
        "writes": "File too large",
    }
    for mood, why in crashes.items():
        assert said[mood].reason.code is Code.POLICY_CRASHED, mood
        assert why in str(said[mood].reason)
    assert said["halves"].reason.code is said["mumbles"].reason.code is Code.POLICY_INVALID
    # It sees nothing of the daemon's environment, where secrets are.
    assert str(said["peeks"].reason) == "nothing"
    with pytest.raises(ProcessLookupError):
        os.kill(worker._process.pid, 0)  # type: ignore[union-attr]  # it is a real one


@pytest.mark.fault(49)
async def test_a_policy_that_hangs_is_killed_at_its_deadline_and_begun_again(folder: Path) -> None:
    pool = Pool(order(folder), SystemClock())
    ends = []
    try:
        for mood, deadline_s in (("spins", 0.3), ("sleeps", 0.3), ("dies", PATIENT_S)):
            # The first answer proves that the process was up before the deadline began.
            pool._order = order(folder)
            assert isinstance(await pool.ask(moody(), SEEN), Proposal)
            pool._order = order(folder, deadline_s)
            with pytest.raises(Stopped) as end:
                await pool.ask(moody(mood), SEEN)
            ends.append(str(end.value))
    finally:
        await pool.close()
    late = "it gave no answer within 0.3 s"
    assert ends == [late, late, "its process ended"]


async def test_a_policy_that_cannot_be_loaded_says_why(folder: Path) -> None:
    (folder / "moody.py").write_text("raise RuntimeError('not today')")
    pool = Pool(order(folder), SystemClock())
    try:
        with pytest.raises(NotYet, match="not today"):
            await pool.ask(moody(), SEEN)
    finally:
        await pool.close()


@pytest.mark.parametrize("first", ["{", "[]", "7"])
async def test_a_process_that_begins_with_nonsense_is_stopped_and_rests(
    folder: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\necho '{first}'\nexec sleep 60\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    pool = Pool(order(folder, deadline_s=20.0), SystemClock())
    try:
        with pytest.raises(NotYet, match="its process began with nonsense"):
            await pool.ask(moody(), SEEN)
    finally:
        await pool.close()


def test_the_kernel_stops_a_policy_that_the_daemon_can_no_longer_stop(folder: Path) -> None:
    limits = replace(order(folder, deadline_s=0.1), kind="moody")
    line = orjson.dumps([moody("sleeps").options, to_tree(Observation, SEEN)])
    # Nobody reads the answer or keeps the time, as after a kill of the daemon.
    done = subprocess.run(
        [sys.executable, "-m", "autoscaler.isolation.worker", encode(Order, limits)],
        input=line + b"\n",
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGALRM


# --- restarts, on a clock that the test moves ---------------------------------------------------


@dataclass
class Puppet:
    """A worker that answers, or is stopped when told to be."""

    hang: set[str] = field(default_factory=set)
    begun: int = 0
    ended: int = 0

    async def __call__(self, order: Order) -> Puppet:
        self.begun += 1
        return self

    async def ask(self, line: bytes, deadline_s: float) -> bytes:
        if json.loads(line)[1]["deployment"] in self.hang:
            raise Stopped("it gave no answer within 1 s")
        return b'{"crashed": ["KeyError", "a"]}'

    async def stop(self) -> None:
        self.ended += 1


async def test_a_worker_is_begun_again_at_once_and_then_with_patience() -> None:
    clock, puppet = FakeClock(), Puppet({SEEN.deployment})
    pool = Pool(Order(), clock, puppet)
    waits = []
    for _ in range(4):
        with pytest.raises(Stopped):
            await pool.ask(moody(), SEEN)
        waits.append(pool._places["moody"].not_before - clock.monotonic())
        clock.forward(waits[-1])
    assert waits == [0, 1, 2, 4]
    assert (puppet.begun, puppet.ended) == (4, 4)


async def test_nobody_waits_for_a_worker_that_rests() -> None:
    clock, puppet = FakeClock(), Puppet({SEEN.deployment})
    pool = Pool(Order(), clock, puppet)
    for _ in range(2):
        with pytest.raises(Stopped):
            await pool.ask(moody(), SEEN)
    with pytest.raises(NotYet, match="started again in 1 s"):
        await pool.ask(moody(), SEEN)
    assert puppet.begun == 2


async def test_an_answer_ends_the_patience() -> None:
    clock, puppet = FakeClock(), Puppet({SEEN.deployment})
    pool = Pool(Order(), clock, puppet)
    with pytest.raises(Stopped):
        await pool.ask(moody(), SEEN)
    puppet.hang.clear()
    answer: Answer = await pool.ask(moody(), SEEN)
    assert answer.reason.code is Code.POLICY_CRASHED
    assert pool._places["moody"].failures == 0


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b'{"crashed": 3}', b'{"crashed": []}', b"\xff"])
async def test_nonsense_of_a_worker_ends_it(line: bytes) -> None:
    class Odd(Puppet):
        async def ask(self, _: bytes, deadline_s: float) -> bytes:
            return line

    pool = Pool(Order(), FakeClock(), Odd())
    with pytest.raises(Stopped, match="nonsense"):
        await pool.ask(moody(), SEEN)


@pytest.mark.parametrize(
    "line",
    [
        b'{"answer": null}',
        b'{"answer": {"kind": "proposal"}}',
        b'{"answer": {"kind": "abstain", "reason": {"code": "made_up", "sentence": ""}}}',
        b'{"invalid": "so"}',
        b"{}",
    ],
)
async def test_an_answer_that_is_none_is_an_abstention(line: bytes) -> None:
    class Odd(Puppet):
        async def ask(self, _: bytes, deadline_s: float) -> bytes:
            return line

    answer = await Pool(Order(), FakeClock(), Odd()).ask(moody(), SEEN)
    assert answer.reason.code is Code.POLICY_INVALID
