"""The daemon works as somebody who is not root, where nothing but its data can be written to.

No container engine is needed: the kernel's own parts of one are put together by util-linux. A
namespace of mounts makes every file system read-only but for the daemon's directory and what the
kernel makes up (/proc, /sys, /dev); `setpriv` makes the process a user that owns nothing else, has
no privilege and gets none. One capability stays, to read what that user may not: the interpreter
of the tests may lie where only its owner looks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes.daemon import Stage, stage
from tests.fakes.nursery import INSTALLED, LEASH

USER = 10001
CONFINE = """
set -eu
mount --make-rprivate /
mount --bind "$1" "$1"
awk '$5 !~ "^/(proc|sys|dev)(/|$)" {print $5}' /proc/self/mountinfo | while read -r place; do
  case "$place" in "$1") ;; *) mount -o remount,bind,ro "$place" ;; esac
done
cd "$1"
shift
exec setpriv --reuid "$0" --regid "$0" --clear-groups --no-new-privs \\
  --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search \\
  --bounding-set=-all,+dac_read_search --pdeathsig KILL "$@"
"""


def confined(data: Path) -> tuple[str, ...]:
    """What to put before a command that may write to nothing but `data`."""
    return (*LEASH, "unshare", "--mount", "sh", "-c", CONFINE, str(USER), str(data))


def unable() -> str:
    """Why nobody can be confined here, empty when it can be done."""
    if os.geteuid() != 0:
        return "needs root to become somebody else: run these tests in a container as root"
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return "needs unshare and setpriv: apt install util-linux"
    with tempfile.TemporaryDirectory(prefix="confined-") as place:
        tried = subprocess.run(
            [*confined(Path(place)), "true"], capture_output=True, text=True, check=False
        )
    last = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return "" if tried.returncode == 0 else f"needs a kernel that lets root confine: {last}"


WHY = unable()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY), reason=WHY)]


@pytest.fixture
def data() -> Iterator[Path]:
    """A directory of that user's. The ones of pytest lie where only their owner may look."""
    with tempfile.TemporaryDirectory(prefix="confined-", dir="/tmp") as place:
        os.chown(place, USER, USER)
        yield Path(place)


@pytest.fixture
async def world(data: Path) -> AsyncIterator[Stage]:
    async with stage(data) as made:
        for path in data.iterdir():  # noqa: ASYNC240 - three files
            os.chown(path, USER, USER)
        yield made


def status(process: int, word: str) -> str:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{word}:"))


async def test_the_daemon_does_all_its_work_with_nothing_but_its_data_to_write_to(
    world: Stage,
) -> None:
    program = (*confined(world.site.folder), *INSTALLED)
    env = {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}
    async with world.site.daemon(env, program) as daemon:
        world.knob.jobs = 100.0
        await daemon.until_outcome("applied", "as_planned")
        process = daemon.child.process.pid
        assert set(status(process, "Uid").split()) == {str(USER)}
        assert set(status(process, "Gid").split()) == {str(USER)}
        assert status(process, "NoNewPrivs") == "1"
        reading_only = f"{1 << 2:016x}"
        assert status(process, "CapEff") == status(process, "CapBnd") == reading_only
    assert set(world.puts) == {200}
    assert world.site.journal.stat().st_uid == USER


def test_nothing_but_the_data_can_be_written_to(data: Path) -> None:
    places = ("/tmp", "/var/tmp", "/etc", str(data))  # noqa: S108 - they are tried on purpose
    tried = f"for place in {' '.join(places)}; do touch $place/x 2>/dev/null && echo $place; done"
    ran = subprocess.run(
        [*confined(data), "sh", "-c", tried], capture_output=True, text=True, check=False
    )
    assert ran.stdout.split() == [str(data)], ran.stderr
