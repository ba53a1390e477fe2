"""What operators say from the command line, without any daemon: the store is enough."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from autoscaler.cli import app
from autoscaler.runtime.clock import SystemClock
from tests.fakes.configuration import ENVIRON, text_of, written

RUNNER = CliRunner(env={**ENVIRON, "USER": "tester"})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose journal is beside it."""
    journal = f"journal: {{url: 'sqlite:///{tmp_path / 'journal.db'}'}}\n"
    return written(tmp_path, text_of(journal=journal))


def run(config: Path, *arguments: str) -> Result:
    return RUNNER.invoke(app, [*arguments, "--config", str(config)])


def said(config: Path, *arguments: str) -> str:
    """What a command prints that is to succeed."""
    told = run(config, *arguments)
    assert told.exit_code == 0, told.output
    return told.output


def active(config: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(said(config, "overrides", "-o", "json"))[
        "overrides"
    ]
    return found


def test_every_control_is_kept_with_author_reason_and_end(config: Path) -> None:
    why = ("--why", "INC-42")
    told = [
        said(config, "pause", "chat", "--for", "2h", *why),
        said(config, "brake", "--all", "--for", "1d", *why, "--by", "ada"),
        said(config, "pin", "chat", "min_replicas=8", "--for", "30m", *why),
        said(config, "floor", "group:online", "max_replicas=30", "--endless", *why),
        said(config, "mode", "fleet", "recommend", "--for", "1h", *why),
        said(config, "mode", "--all", "observe", "--for", "1h", *why),
    ]
    assert told[0].startswith("chat is paused until 2")
    assert told[1].startswith("fleet is not lowered until 2")
    assert told[2].startswith("min_replicas of chat is pinned to 8 until 2")
    assert told[3] == (
        "max_replicas of group:online is at least 30 without end: remember to resume it\n"
    )
    assert told[4].startswith("fleet is in mode recommend until 2")
    found = active(config)
    assert [(o["scope"], o["control"], o["dial"], o["value"]) for o in found] == [
        ("chat", "pause", None, None),
        ("fleet", "brake", None, None),
        ("chat", "pin", "min_replicas", 8),
        ("group:online", "floor", "max_replicas", 30),
        ("fleet", "mode", None, None),
        ("fleet", "mode", None, None),
    ]
    assert {o["author"] for o in found} == {"tester", "ada"}
    table = said(config, "overrides")
    assert "pin of min_replicas to 8" in table
    assert re.search(r"group:online +floor of 30 for max_replicas +tester +without end", table)


def test_resume_ends_what_it_is_told_to_end(config: Path) -> None:
    for command in ("pause", "brake"):
        said(config, command, "chat", "--for", "2h", "--why", "x")
    said(config, "pin", "chat", "threads=32", "--for", "2h", "--why", "x")
    assert said(config, "resume", "chat") == "chat goes on (1 ended)\n"
    assert run(config, "resume", "chat").exit_code == 1
    assert "no pause of chat is active" in run(config, "resume", "chat").output
    assert "(1 ended)" in said(config, "resume", "chat", "--what", "brake")
    (pin,) = active(config)
    assert said(config, "resume", "--id", str(pin["id"])) == f"{pin['id']} is ended\n"
    assert "nothing of the id" in run(config, "resume", "--id", str(pin["id"])).output
    said(config, "brake", "--all", "--for", "2h", "--why", "x")
    assert "(1 ended)" in said(config, "resume", "--all", "--what", "all")
    assert said(config, "overrides") == "nothing is active\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pause", "chat"), "say either --for, such as --for 2h, or --endless"),
        (("pause", "chat", "--for", "2h", "--endless"), "say either --for"),
        (("pause", "--for", "2h"), "expected SCOPE or --all, got nothing"),
        (("pause", "chat", "--all", "--for", "2h"), "expected nothing beside --all, got chat"),
        (("pin", "chat", "--for", "2h"), "expected SCOPE and DIAL=NUMBER, got chat"),
        (("pin", "chat", "min_replica=3", "--for", "2h"), "did you mean 'min_replicas'"),
        (("pin", "chat", "threads=-3", "--for", "2h"), "threads must be a whole number, got '-3'"),
        (("pin", "chat", "threads=0", "--for", "2h"), "value must be in 1..2147483647, got 0"),
        (("mode", "chat", "aply", "--for", "2h"), "got 'aply'; did you mean 'apply'?"),
        (("brake", "chat", "--for", "soon"), "--for: must be a duration"),
        (("look", "chat", "--by", " "), "a look needs an author and a reason"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    config: Path, arguments: tuple[str, ...], words: str
) -> None:
    told = run(config, *arguments, "--why", "x")
    assert (told.exit_code, words in told.output) == (2, True), told.output


@pytest.mark.parametrize(
    ("scope", "meant"), [("chta", "chat"), ("group:onlin", "group:online"), ("flet", "fleet")]
)
def test_a_scope_that_nobody_has_is_guessed(config: Path, scope: str, meant: str) -> None:
    for command in (("brake", scope, "--for", "1h"), ("look", scope)):
        told = run(config, *command, "--why", "x")
        assert (told.exit_code, f"did you mean '{meant}'?" in told.output) == (1, True)
    assert not (config.parent / "journal.db").exists()


def test_the_pause_file_is_listed_too(config: Path) -> None:
    said(config, "look", "chat", "--why", "makes the journal")
    (config.parent / "PAUSE").write_text("hands off", encoding="utf-8")
    (word,) = active(config)
    assert (word["id"], word["author"], word["why"]) == ("pause-file", "pause file", "hands off")
    assert run(config, "overrides", "-o", "xml").exit_code == 2


def test_the_journal_is_checked_exported_and_shown(config: Path) -> None:
    said(config, "pause", "chat", "--for", "2h", "--why", "INC-42")
    said(config, "look", "--all", "--why", "odd")
    said(config, "resume", "chat")
    told = said(config, "journal", "verify")
    found = re.fullmatch(r"the chain holds: 3 entries, 1 to 3; head (3:[0-9a-f]{64})\n", told)
    assert found is not None
    lines = [json.loads(line) for line in said(config, "journal", "export").splitlines()]
    assert [one["kind"] for one in lines] == ["override_added", "look", "override_ended"]
    assert f"3:{lines[2]['hash']}" == found[1]
    assert len(said(config, "journal", "export", "--after", "2").splitlines()) == 1
    tail = said(config, "journal", "tail", "-n", "2").splitlines()
    assert "look              fleet  tester: look at the fleet: odd" in tail[0]
    assert "override_ended    chat  tester: ended: pause for chat by tester (INC-42)" in tail[1]
    assert said(config, "journal", "tail", "-n", "0") == ""
    assert json.loads(said(config, "journal", "verify", "--json"))["broken"] is None
    said(config, "journal", "verify", "--known", found[1])
    odd = run(config, "journal", "verify", "--known", f"2:{'0' * 64}")
    assert (odd.exit_code, "entry 2 is not the one that was noted" in odd.output) == (1, True)
    assert run(config, "journal", "verify", "--known", "nonsense").exit_code == 2


def test_a_journal_that_was_touched_is_named(config: Path) -> None:
    import sqlite3

    said(config, "pause", "chat", "--for", "2h", "--why", "INC-42")
    said(config, "look", "--all", "--why", "odd")
    with sqlite3.connect(config.parent / "journal.db") as beside:
        beside.execute("UPDATE activity SET actor = 'nobody' WHERE seq = 2")
    beside.close()
    told = run(config, "journal", "verify")
    assert (told.exit_code, told.output) == (
        1,
        "entry 2 is broken: it was changed: its hash is another one\n",
    )
    broken = json.loads(run(config, "journal", "verify", "--json").stdout)
    assert broken["broken"]["seq"] == 2


def test_without_a_journal_there_is_nothing_to_read(config: Path) -> None:
    for command in (("overrides",), ("journal", "verify"), ("journal", "tail")):
        told = run(config, *command)
        assert (told.exit_code, "there is no journal at" in told.output) == (3, True)


def test_who_asks_is_the_one_who_is_logged_in(config: Path) -> None:
    bare = CliRunner(env={**ENVIRON, "USER": "", "LOGNAME": "grace"})
    arguments = ["pause", "chat", "--for", "2h", "--why", "x", "--config", str(config)]
    assert bare.invoke(app, arguments).exit_code == 0
    (word,) = active(config)
    assert word["author"] == "grace"
    assert isinstance(word["expires_at"], float)
    assert word["expires_at"] > SystemClock().now()
