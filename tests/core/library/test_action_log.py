"""What people said outlives the program, is taken back in order, and is never thrown away by advice."""

import os
import sqlite3

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.library.action_log import ActionLog

from .conftest import nobody_may_write


class Notes(ActionLog[str]):
    title = "The file of notes"
    schema = """
        CREATE TABLE actions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            author TEXT NOT NULL,
            note TEXT NOT NULL,
            undone INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX by_author ON actions (author);
    """
    subject = "note"

    def say(self, author, note):
        self._append("INSERT INTO actions (author, note) VALUES (?, ?)", (author, note), author)

    def held(self):
        return [note for (note,) in self._rows("SELECT note FROM actions WHERE undone = 0 ORDER BY id")]

    def _about(self, row):
        return str(row[0])


@pytest.fixture
def open_notes(tmp_path):
    made = []

    def make():
        made.append(Notes(tmp_path / "notes.db"))
        return made[-1]

    yield make
    for notes in made:
        notes.close()


def test_the_last_is_taken_back_first_and_comes_back_last(open_notes):
    notes = open_notes()
    for note in ("one", "two", "three"):
        notes.say("ana", note)
    notes.say("bo", "other")
    assert [notes.undo("ana"), notes.undo("ana")] == ["three", "two"]
    notes.close()
    notes = open_notes()  # undo outlives the program
    assert [notes.redo("ana"), notes.redo("ana"), notes.redo("ana")] == ["two", "three", None]
    assert [notes.undo("bo"), notes.undo("bo"), notes.undo("nobody")] == ["other", None, None]
    assert notes.held() == ["one", "two", "three"]


def test_what_is_said_anew_cannot_be_redone_over(open_notes):
    notes = open_notes()
    for author in ("ana", "bo"):
        notes.say(author, f"{author}'s")
        notes.undo(author)
    notes.say("ana", "better")
    assert notes.redo("ana") is None
    assert notes.redo("bo") == "bo's"
    assert notes.held() == ["bo's", "better"]


def test_a_write_that_fails_leaves_nothing_half(open_notes):
    notes = open_notes()
    notes.say("ana", "one")
    notes.undo("ana")
    with pytest.raises(DrivescopeError):
        notes.say("ana", None)  # STRICT refuses it, after the redo was forgotten
    assert notes.redo("ana") == "one"


@pytest.mark.parametrize("content", [b"no database at all, " * 50, None])
def test_a_file_that_cannot_be_read_is_to_be_kept(open_notes, tmp_path, content):
    path = tmp_path / "notes.db"
    if content is None:  # a newer program's
        open_notes().close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 9")
        db.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(DrivescopeError) as caught:
        open_notes()
    if content is None:
        assert caught.value.kind is ErrorKind.VERSION
    else:
        assert caught.value.kind is ErrorKind.UNREADABLE
        assert caught.value.sentence.startswith(f"The file of notes {path} is damaged: move it away")
    assert "delete" not in caught.value.sentence
    assert path.read_bytes() == before


def test_a_log_that_may_only_be_read_is_read(open_notes, tmp_path, monkeypatch):
    notes = open_notes()
    notes.say("ana", "one")
    notes.close()
    nobody_may_write(monkeypatch)
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK and path.exists())
    notes = open_notes()
    assert notes.held() == ["one"]
    with pytest.raises(DrivescopeError, match="may not be written") as caught:
        notes.say("ana", "two")
    assert caught.value.kind is ErrorKind.NO_PERMISSION
    notes.close()
    (tmp_path / "notes.db").unlink()
    notes = open_notes()  # nothing was said there, and nothing is taken that could not be kept
    assert notes.held() == []
    with pytest.raises(DrivescopeError, match="may not be written"):
        notes.say("ana", "two")
    assert not (tmp_path / "notes.db").exists()
