"""Which files changed: none is missed, whenever it is written."""

from __future__ import annotations

from pathlib import Path

from autoscaler.runtime.reload import FileWatch


def test_a_change_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("one", encoding="utf-8")
    watch = FileWatch([file])
    assert not watch.changed()
    file.write_text("two", encoding="utf-8")
    assert watch.changed()
    assert not watch.changed()


def test_what_is_written_while_a_change_is_being_loaded_is_a_change(tmp_path: Path) -> None:
    file, added = tmp_path / "config.yaml", tmp_path / "secret"
    file.write_text("one", encoding="utf-8")
    watch = FileWatch([file])
    file.write_text("two", encoding="utf-8")
    assert watch.changed()
    # "two" is loaded and names another file; meanwhile somebody writes "three".
    file.write_text("three", encoding="utf-8")
    added.write_text("s", encoding="utf-8")
    watch.follow([file, added])
    assert watch.changed()
    assert not watch.changed()


def test_a_file_that_is_gone_is_no_change_until_it_is_back_as_another(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("one", encoding="utf-8")
    watch = FileWatch([file])
    file.unlink()
    assert not watch.changed()
    file.write_text("one", encoding="utf-8")
    assert not watch.changed()
    file.write_text("two", encoding="utf-8")
    assert watch.changed()
