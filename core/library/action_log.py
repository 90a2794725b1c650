"""What people said about a library, action by action, in an SQLite file of its own beside the catalogue.

Actions are appended and only ever marked undone, so that undo and redo outlive the program, and each is on the disk
before the call that recorded it returns. People's judgements (`core.evaluate.judgements`) and their corrections of
skeletons (`core.explain.skeleton_store`) are such files.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, TypeVar

from core.errors import DrivescopeError, ErrorKind
from core.library.storage import connect

Subject = TypeVar("Subject")
Row = tuple[Any, ...]
"""One row as SQLite gives it; the tables are STRICT, so each column has its declared type."""

_MEANINGS: Final = {
    sqlite3.SQLITE_FULL: (ErrorKind.DISK_FULL, "cannot grow because the disk is full: free some space"),
    sqlite3.SQLITE_READONLY: (ErrorKind.NO_PERMISSION, "may not be written: change its permissions"),
    sqlite3.SQLITE_CANTOPEN: (
        ErrorKind.NO_PERMISSION,
        "cannot be opened: look at the folder's permissions",
    ),
    sqlite3.SQLITE_BUSY: (ErrorKind.BUSY, "is being written by another Drivescope: try again in a moment"),
}
_DAMAGED: Final = (ErrorKind.UNREADABLE, "is damaged: move it away to begin anew, and keep it for a rescue")


class ActionLog(ABC, Generic[Subject]):
    """The open file. Its methods may be called from several threads; they take turns.

    One that may only be read (another user's library, a read-only disk) is read; recording then raises.
    A subclass says in `title` what a person calls the file, in `schema` what makes an empty one, among it a table
    `actions` with the columns `id`, `author` and `undone`, and in `subject` which columns say what an action is about.

    Raises DrivescopeError: UNREADABLE for a file that is no such log, VERSION for a newer program's, DISK_FULL,
    NO_PERMISSION or BUSY as the disk has it.
    """

    title: ClassVar[str]
    schema: ClassVar[str]
    subject: ClassVar[str]
    version: ClassVar[int] = 1

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        with self._errors():
            # Where nobody has said anything yet and nobody can, there is nothing to be read either.
            mute = not path.exists() and path.parent.is_dir() and not os.access(path.parent, os.W_OK)
            self._db, frozen = connect(Path(":memory:") if mute else path, synchronous="FULL")
            try:
                self._prepare()
                self._db.execute(f"PRAGMA query_only = {int(frozen or mute)}")
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Closes the file."""
        with self._turn:
            self._db.close()

    def undo(self, author: str) -> Subject | None:
        """Takes back this author's last action; returns what it was about, or None if there is none."""
        return self._flip("SELECT max(id) FROM actions WHERE author = ? AND undone = 0", author, undone=1)

    def redo(self, author: str) -> Subject | None:
        """Brings back the action that this author undid last, or returns None."""
        return self._flip("SELECT min(id) FROM actions WHERE author = ? AND undone = 1", author, undone=0)

    @abstractmethod
    def _about(self, row: Row) -> Subject:
        """What an action is about, from the columns of `subject`."""

    def _append(self, insert: str, values: Sequence[object], author: str) -> None:
        """Records an action and forgets what this author could have redone."""
        with self._writing():
            self._db.execute("DELETE FROM actions WHERE undone = 1 AND author = ?", (author,))
            self._db.execute(insert, values)

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        with self._turn, self._errors():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Everything inside happens, or nothing does."""
        with self._turn, self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        if self._version() == self.version:
            return
        with self._writing():
            version = self._version()  # another process may have been first
            if version > self.version:
                raise DrivescopeError(
                    ErrorKind.VERSION,
                    f"{self.path} was made by a newer Drivescope: update this one to open it.",
                )
            if version == 0:
                for statement in self.schema.split(";"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {self.version}")

    def _version(self) -> int:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _flip(self, which: str, author: str, *, undone: int) -> Subject | None:
        with self._writing():
            (action,) = self._db.execute(which, (author,)).fetchone()
            if action is None:
                return None
            self._db.execute("UPDATE actions SET undone = ? WHERE id = ?", (undone, action))
            row = self._db.execute(f"SELECT {self.subject} FROM actions WHERE id = ?", (action,)).fetchone()
        return self._about(row)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            kind, what = _MEANINGS.get(-1 if code is None else code & 0xFF, _DAMAGED)
            raise DrivescopeError(
                kind, f"{self.title} {self.path} {what}.", detail=f"{type(error).__name__}: {error}"
            ) from error
