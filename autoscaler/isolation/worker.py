"""The process that evaluates one kind of policy: a line with an observation in, an answer out.

`python -m autoscaler.isolation.worker ORDER`. It is started by `isolation/process.py`, talks JSON
over its own standard input and output, and ends when its input does.

It gives up what a policy has no need for before it loads one: memory beyond the limit, files,
core dumps. Each evaluation stands under two alarms of the kernel, for CPU time and for time; the
daemon has a third watch of its own. They stop a policy that hangs, also when the daemon is gone.
None of it holds against a policy that means harm: it runs as the same user.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
from functools import lru_cache
from typing import Any, BinaryIO, cast

import orjson

from autoscaler.codec import decode, from_tree, to_tree
from autoscaler.core.observation import Observation
from autoscaler.core.proposal import Answer, Policy, fault_of
from autoscaler.isolation.order import Order
from autoscaler.plugins.options import build_options
from autoscaler.plugins.registry import Registry

# The daemon stops it at the deadline itself; this alarm is for when nobody is there to do so.
ALONE_S = 1.0
FILES = 64


def main() -> None:
    """Load the policy, then answer line by line."""
    order = decode(Order, sys.argv[1])
    give_up(order)
    answers = own_answers()
    try:
        cls = Registry(order.directories).policy(order.kind)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the daemon is to hear of it
        _say(answers, {"failed": f"{type(error).__name__}: {error}"[:400]})
        return
    _say(answers, {"ready": os.getpid()})

    @lru_cache(maxsize=1024)
    def made(options: str) -> Policy:
        built = build_options(cls, orjson.loads(options))
        if built.faults:
            raise ValueError(f"its options are refused: {built.faults[0].rule}")
        return cast("Policy", built.value)

    for line in sys.stdin.buffer:
        arm(order)
        said = reply(line, made)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        _say(answers, said)


def reply(line: bytes, made: Any) -> dict[str, object]:
    """What the policy answers to one line, or what went wrong with it."""
    try:
        options, tree = orjson.loads(line)
        answer = made(options).propose(from_tree(Observation, tree))
        fault = fault_of(answer)
        if fault:
            return {"invalid": fault[:400]}
        return {"answer": to_tree(cast("Any", Answer), answer)}
    except BaseException as bug:  # noqa: BLE001 - SystemExit too is only a bug of the policy
        return {"crashed": [type(bug).__name__, str(bug)[:200]]}


def give_up(order: Order) -> None:
    """Limits that hold from here to the end, for the hard ones are lowered too."""
    memory = order.memory_mib * 1024 * 1024
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, FILES),
    ):
        resource.setrlimit(what, (most, most))


def arm(order: Order) -> None:
    """Let the kernel end this process if the next evaluation takes too long."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = math.ceil(used.ru_utime + used.ru_stime)
    # Counted in whole seconds since the process began; SIGXCPU ends it.
    soft = spent + math.ceil(order.cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, order.deadline_s + ALONE_S)


def own_answers() -> BinaryIO:
    """Where answers go; what a policy prints goes nowhere and cannot spoil them."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _say(answers: BinaryIO, said: dict[str, object]) -> None:
    try:
        line = orjson.dumps(said)
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        line = orjson.dumps({"invalid": "its reason cannot be written as JSON"})
    answers.write(line + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
