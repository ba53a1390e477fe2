"""`explain --at` and `--decision`: what stood then, out of the journal."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoscaler.cli import app
from autoscaler.cli.exits import Exit
from autoscaler.cli.moment import moment
from autoscaler.core.decision import Kind
from autoscaler.core.reason import Code
from autoscaler.journal import open_journal
from tests.fakes.configuration import ENVIRON, text_of, written
from tests.fakes.decisions import decided
from tests.fakes.sources import StillClock

# Mon 23 Nov 2026, 09:41:07 UTC
NOW = 1_795_426_867.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T09:41:07", NOW),
        ("2026-11-23T10:41:07+01:00", NOW),
        ("09:41", NOW - 7),
        ("09:42", NOW + 53 - 86_400),
        ("2h", NOW - 7_200),
        ("10m ago", NOW - 600),
    ],
)
def test_a_moment_is_read_as_people_type_it(text: str, seconds: float) -> None:
    """A time of day is the last one."""
    assert moment(text, NOW) == seconds


def test_a_moment_that_is_none_is_refused_with_the_rule() -> None:
    """And the value."""
    with pytest.raises(ValueError, match=r"must be such as .*, got 'noon'"):
        moment("noon", NOW)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose journal holds two decisions on `chat`, an hour apart."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    place = f"sqlite:///{tmp_path}/journal.db"

    async def keep() -> None:
        journal = await open_journal(place, clock=StillClock())
        early = decided("chat", NOW - 3_600, Kind.HELD, Code.PAUSED)
        late = decided("chat", NOW, Kind.UNCHANGED)
        await journal.conclude([early, late])
        await journal.close()

    asyncio.run(keep())
    return written(tmp_path, text_of(journal=f"journal: {{url: '{place}'}}\n"))


def told(config: Path, *words: str) -> tuple[int, str]:
    """What the command says."""
    found = CliRunner().invoke(app, ["explain", "chat", "--config", str(config), *words])
    return found.exit_code, found.output


def test_explain_tells_what_stood_at_a_time(config: Path) -> None:
    """Between two records the earlier one stood."""
    code, text = told(config, "--at", "2026-11-23T09:00")
    assert (code, "HELD" in text) == (0, True)
    code, text = told(config, "--at", "2026-11-23T09:45")
    assert (code, "UNCHANGED" in text) == (0, True)
    code, text = told(config, "--at", "2026-11-23T01:00")
    assert code == 1
    assert "no decision on 'chat' at 2026-11-23T01:00 or before is in the journal" in text


def test_explain_tells_one_decision_by_its_id(config: Path) -> None:
    """As the log line names it."""
    ident = next(
        line.split()[-1]
        for line in told(config, "--at", "2026-11-23T09:00")[1].splitlines()
        if line.startswith("decision")
    )
    code, text = told(config, "--decision", ident)
    assert (code, "HELD" in text) == (0, True)
    assert told(config, "--decision", "nothing")[0] == 1


@pytest.mark.parametrize("body", ["", "{", "null", '{"plan": []}', "[[[["])
def test_a_record_that_is_damaged_is_told_and_the_earlier_one_shown(
    config: Path, body: str
) -> None:
    """Not with a traceback, and with the way to what can still be read."""
    with sqlite3.connect(config.parent / "journal.db") as store:
        store.execute(
            "UPDATE decision SET body = ? WHERE at = (SELECT max(at) FROM decision)", (body,)
        )
    for words in (), ("--at", "2026-11-23T09:45"):
        code, text = told(config, *words)
        assert code == Exit.PROBLEMS, text
        assert "record of this decision on 'chat' is damaged" in text.replace("\n", " ")
    code, text = told(config, "--at", "2026-11-23T09:00")
    assert (code, "HELD" in text) == (0, True)
