"""The place of a daemon: files, modes, disks, the port; and that the advice helps."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autoscaler.journal import open_journal
from autoscaler.runtime.clock import SystemClock
from autoscaler.wiring.doctor import Level, examine
from autoscaler.wiring.doctor import place as place_room
from tests.doctor.stage import findings
from tests.fakes.daemon import Stage

HOUR = 3600.0
NOW = 1_800_000_000.0


async def test_a_file_that_others_may_write(world: Stage) -> None:
    world.site.write().chmod(0o666)
    assert "chmod go-w" in (await findings(world))["file_mode"].action


async def test_a_journal_without_a_directory(world: Stage, tmp_path: Path) -> None:
    path = world.site.write()
    text = path.read_text(encoding="utf-8").replace("journal.db", "nowhere/journal.db")
    path.write_text(text, encoding="utf-8")
    found = {one.check: one for one in await examine(path)}
    assert "mkdir -p" in found["journal_directory"].action


async def test_a_directory_in_which_others_may_replace_the_file(world: Stage) -> None:
    world.site.folder.chmod(0o777)
    found = (await findings(world))["file_mode"]
    assert found.about == str(world.site.folder)
    world.site.folder.chmod(0o1777)
    assert "file_mode" not in await findings(world), "as in /tmp, each only its own"


async def test_a_journal_where_nothing_can_be_written(
    world: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    found = (await findings(world))["journal_directory"]
    assert found.what == "nothing can be written there: Read-only file system"


MOUNTS = """\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
22 21 0:40 / /srv rw - {kind} server:/srv rw
23 22 0:41 / /srv/a\\040disk rw - ext4 /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("kind", "level"), [("nfs4", Level.WARNING), ("tmpfs", Level.NOTE), ("overlay", Level.NOTE)]
)
def test_a_journal_on_a_shared_or_a_forgetful_file_system(kind: str, level: Level) -> None:
    mounts = MOUNTS.format(kind=kind)
    (found,) = place_room.of_mount(Path("/srv/autoscaler"), mounts)
    assert (found.check, found.level) == ("journal_mount", level)
    assert f"on {kind}" in found.what
    for good in ("/var/lib/autoscaler", "/srv/a disk/autoscaler", "/srvother"):
        assert list(place_room.of_mount(Path(good), mounts)) == []


async def test_a_journal_that_everybody_may_read(world: Stage) -> None:
    journal = await open_journal(f"sqlite:///{world.site.journal}", clock=SystemClock())
    await journal.close()
    world.site.journal.chmod(0o644)
    assert (await findings(world))["journal_mode"].level is Level.WARNING


async def test_a_journal_that_cannot_be_read(world: Stage) -> None:
    world.site.journal.write_bytes(b"this is no database, and never was one" * 100)
    assert (await findings(world))["journal"].unreachable


async def test_a_disk_that_is_nearly_full(world: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place_room, "FEW_BYTES", 2**60)
    assert (await findings(world))["disk_space"].level is Level.WARNING
    monkeypatch.setattr(place_room, "LEAST_BYTES", 2**60)
    assert (await findings(world))["disk_space"].level is Level.ERROR


async def test_a_pause_file_that_was_forgotten(world: Stage) -> None:
    (world.site.folder / "PAUSE").write_text("an incident", encoding="utf-8")
    assert (await findings(world))["pause_file"].action.startswith("rm ")


async def test_a_port_that_is_taken(world: Stage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", world.site.port))
        taken.listen()
        assert str(world.site.port) in (await findings(world))["port"].about


ADVICE: Mapping[str, tuple[str, Callable[[Stage], object]]] = {
    "file_mode": ("autoscaler.yaml", lambda world: world.site.file.chmod(0o666)),
    "journal_mode": ("journal.db", lambda world: world.site.journal.chmod(0o644)),
    "journal_directory": ("gone", lambda _: None),
    "pause_file": ("PAUSE", lambda world: (world.site.folder / "PAUSE").touch()),
}


@pytest.mark.parametrize("check", ADVICE)
async def test_what_it_says_to_type_mends_what_it_found(world: Stage, check: str) -> None:
    name, spoil = ADVICE[check]
    journal = await open_journal(f"sqlite:///{world.site.journal}", clock=SystemClock())
    await journal.close()
    path = world.site.write()
    if check == "journal_directory":
        text = path.read_text(encoding="utf-8").replace("journal.db", f"{name}/journal.db")
        path.write_text(text, encoding="utf-8")
    spoil(world)
    found = {one.check: one for one in await examine(path)}
    assert name in found[check].about
    command = found[check].action.split(",")[0]
    process = await asyncio.create_subprocess_exec(*shlex.split(command))
    assert await process.wait() == 0
    assert check not in {one.check for one in await examine(path)}
