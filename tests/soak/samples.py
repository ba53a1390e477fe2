"""What a running daemon holds, as seen from outside."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fakes.daemon import Daemon

_KIB = 1024.0
MEASURES = ("rss_mib", "blocks", "fds", "threads", "tasks", "series", "journal_mib")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `at_s` is seconds since the beginning; sizes are MiB.

    `blocks` are small pieces of memory that Python has given out: nearer to what the program
    itself keeps than the resident memory, which the allocator rounds.
    """

    at_s: float
    rss_mib: float
    blocks: int
    fds: int
    threads: int
    tasks: int
    series: int
    journal_mib: float

    def line(self) -> str:
        """As JSON, for the record."""
        return json.dumps({key: round(value, 3) for key, value in asdict(self).items()})


async def look(daemon: Daemon, counts: Path, at_s: float) -> Sample:
    """Look at the process, its files and its page of metrics."""
    _, page = await daemon.page("/metrics")
    return await asyncio.to_thread(_looked, daemon, counts, page, at_s)


def _looked(daemon: Daemon, counts: Path, page: str, at_s: float) -> Sample:
    proc = Path(f"/proc/{daemon.child.process.pid}")
    status = dict(
        line.split(":", 1)
        for line in (proc / "status").read_text(encoding="ascii").splitlines()
        if ":" in line
    )
    counted = json.loads(counts.read_text(encoding="utf-8"))
    lines = [line for line in page.splitlines() if line and not line.startswith("#")]
    files = daemon.site.folder.glob("journal.db*")
    return Sample(
        at_s=at_s,
        rss_mib=float(status["VmRSS"].split()[0]) / _KIB,
        blocks=counted["blocks"],
        fds=len(list((proc / "fd").iterdir())),
        threads=int(status["Threads"]),
        tasks=counted["tasks"],
        series=len(lines),
        journal_mib=sum(file.stat().st_size for file in files) / _KIB**2,
    )
