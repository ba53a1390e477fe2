"""The place where the daemon is to run: files and their modes, disk, port. Asks no network."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autoscaler.settings import Settings, watch_files
from autoscaler.wiring.doctor.finding import Finding, Level

LEAST_BYTES = 100 * 1024**2
FEW_BYTES = 1024**3
SQLITE = "sqlite:///"
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def of_place(settings: Settings) -> Iterator[Finding]:
    """Everything about files, disk and port."""
    yield from _writable(settings)
    yield from _journal(settings)
    yield from _pause_file(settings)
    yield from _port(settings)


def _writable(settings: Settings) -> Iterator[Finding]:
    for path in watch_files(settings):
        yield from _open_to_others(path)
    # Whoever may write to a directory can put another file in the place of one in it.
    for folder in dict.fromkeys(path.parent for path in watch_files(settings)):
        yield from _open_to_others(folder)


def _open_to_others(path: Path) -> Iterator[Finding]:
    mode = _mode(path)
    if mode is None or not mode & OTHERS_WRITE or mode & stat.S_ISVTX:
        return
    yield Finding(
        Level.WARNING,
        "file_mode",
        str(path),
        f"others than its owner may write to it, its mode is {mode:04o}",
        "whoever can change it decides where credentials go and what is scaled",
        f"chmod go-w {path}",
    )


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _journal(settings: Settings) -> Iterator[Finding]:
    url = settings.journal.url
    if not url.startswith(SQLITE):
        return
    file = Path(url.removeprefix(SQLITE))
    folder = file.parent if str(file.parent) else Path()
    if not folder.is_dir():
        yield _unwritable(folder, "the directory does not exist", f"mkdir -p {folder}")
        return
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        words = error.strerror or type(error).__name__
        yield _unwritable(folder, f"nothing can be written there: {words}", f"chown it: {folder}")
        return
    yield from _space(folder)
    yield from of_mount(folder, _mounts())
    mode = _mode(file)
    if mode is not None and mode & (stat.S_IROTH | stat.S_IWOTH):
        yield Finding(
            Level.WARNING,
            "journal_mode",
            str(file),
            f"everybody on this machine may read it, its mode is {mode:04o}",
            "it tells what runs where and who paused it; whoever may write to it can pause",
            f"chmod o-rwx {file}",
        )


def _unwritable(folder: Path, what: str, action: str) -> Finding:
    why = "without a record nothing is written to the platform"
    return Finding(Level.ERROR, "journal_directory", str(folder), what, why, action)


def _space(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    if free >= FEW_BYTES:
        return
    yield Finding(
        Level.ERROR if free < LEAST_BYTES else Level.WARNING,
        "disk_space",
        str(folder),
        f"{free / 1024**2:.0f} MiB are free",
        "a full disk stops the journal, and with it every write",
        "free some, or shorten journal.keep",
    )


# Between machines SQLite's locks do not hold on these.
_SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "9p"})
# In memory, and the layer of a container: gone with the machine's restart, or the container.
_FORGETFUL = frozenset({"tmpfs", "ramfs", "overlay"})


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    except OSError:
        return ""


def of_mount(folder: Path, mounts: str) -> Iterator[Finding]:
    """Whether a journal is safe on the file system of its directory.

    `mounts` is what Linux tells in /proc/self/mountinfo: field 5 is the place, and the kind of
    file system follows a lone hyphen.
    """
    kind, longest = "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        place = left.split(" ")[4].replace("\\040", " ")
        if folder.resolve().is_relative_to(place) and len(place) >= longest:
            kind, longest = right.split(" ")[0], len(place)
    if kind in _SHARED:
        yield Finding(
            Level.WARNING,
            "journal_mount",
            str(folder),
            f"the journal lies on {kind}, which other machines may use, too",
            "locks are not sure there: two daemons at once can damage it",
            "put it on a local disk",
        )
    elif kind in _FORGETFUL:
        yield Finding(
            Level.NOTE,
            "journal_mount",
            str(folder),
            f"the journal lies on {kind}, which does not outlive a restart of its machine or pod",
            "cooldowns, overrides, pauses and what was learnt go with it",
            "right for a trial; else put it on a disk or a volume that stays",
        )


def _pause_file(settings: Settings) -> Iterator[Finding]:
    path = settings.pause_file
    if path is not None and path.exists():
        yield Finding(
            Level.WARNING,
            "pause_file",
            str(path),
            "the pause file is there",
            "while it is, nothing is changed anywhere, without end",
            f"rm {path}, when the reason for it is gone",
        )


def _port(settings: Settings) -> Iterator[Finding]:
    host, port = settings.web.host, settings.web.port
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            words = error.strerror or os.strerror(error.errno or 0)
            yield Finding(
                Level.WARNING,
                "port",
                settings.web.listen,
                f"it cannot be listened on: {words}",
                "a daemon that cannot serve its page does not start",
                "end what listens there (a daemon of this configuration?), or change web.listen",
            )
