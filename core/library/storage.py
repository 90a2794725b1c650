"""Writing a library's files: never half, never silently, and with a plain sentence when the disk says no."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.errors import NO_SPACE, NOT_ALLOWED, DrivescopeError, ErrorKind
from core.files import replacing

_LITTLE_SPACE: Final = 1 << 20
_PATIENCE_S: Final = 10.0
"""How long another process's writing is waited for."""
_NAP_S: Final = 0.01
_MAY_BE_FULL: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT)
"""What SQLite also says where a disk has no room for its log or its shared memory."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns what the file system or SQLite says about a library's file into a `DrivescopeError`."""
    try:
        yield
    except OSError as error:
        raise _of_file_system(path, error) from error
    except sqlite3.Error as error:
        raise _of_sqlite(path, error) from error


def _of_file_system(path: Path, error: OSError) -> DrivescopeError:
    if error.errno in NO_SPACE:
        return _full(path, str(error))
    if error.errno in NOT_ALLOWED:
        return _read_only(path, str(error))
    reason = error.strerror or type(error).__name__
    return DrivescopeError(
        ErrorKind.UNREADABLE, f"{path} could not be read or written ({reason}).", detail=str(error)
    )


def _of_sqlite(path: Path, error: sqlite3.Error) -> DrivescopeError:
    detail = f"{type(error).__name__}: {error}"
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary in _MAY_BE_FULL and _is_full(path)):
        return _full(path, detail)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return _read_only(path, detail)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        sentence = (
            f"The library in {path.parent} is being written by another Drivescope: try again in a moment."
        )
        return DrivescopeError(ErrorKind.BUSY, sentence, detail=detail)
    if primary == sqlite3.SQLITE_IOERR:
        sentence = f"{path} could not be read or written: check the disk and its free space."
        return DrivescopeError(ErrorKind.UNREADABLE, sentence, detail=detail)
    return DrivescopeError(
        ErrorKind.UNREADABLE,
        f"{path} is not a Drivescope library or is damaged: choose another folder, or delete {path.parent} "
        "and index the footage again.",
        detail=detail,
    )


def _is_full(path: Path) -> bool:
    """Whether there is too little room at `path` for SQLite to work."""
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE_SPACE
    except OSError:
        return False


def _full(path: Path, detail: str) -> DrivescopeError:
    return DrivescopeError(
        ErrorKind.DISK_FULL,
        f"The disk that holds the library {path.parent} is full: free some space and index again. "
        "What was indexed so far is kept.",
        detail=detail,
    )


def _read_only(path: Path, detail: str) -> DrivescopeError:
    return DrivescopeError(
        ErrorKind.NO_PERMISSION,
        f"The library folder {path.parent} may not be written: choose another folder or change its permissions.",
        detail=detail,
    )


def connect(path: Path, *, synchronous: str) -> tuple[sqlite3.Connection, bool]:
    """The database in the file `path`, made if it is not there, and whether it may only be read.

    Transactions are the caller's, and that its threads take turns. Raises sqlite3.Error.
    """
    try:
        return _connected_for_writing(path, synchronous), False
    except sqlite3.OperationalError as error:
        if not _may_only_be_read(path, error):
            raise
        # Nobody can write there, so nobody has to be waited for, and the log that waiting needs is not made.
        return _connected(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True), True


def _connected_for_writing(path: Path, synchronous: str) -> sqlite3.Connection:
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        db = _connected(str(path))
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {synchronous}")
            return db
        except BaseException as error:
            db.close()
            # SQLite does not wait by itself while another process turns the same file's log on or off.
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > give_up:
                raise
        time.sleep(_NAP_S)


def _connected(place: str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(place, isolation_level=None, check_same_thread=False, timeout=_PATIENCE_S, uri=uri)


def _may_only_be_read(path: Path, error: sqlite3.OperationalError) -> bool:
    """Whether it is only the right to write that is missing, and what was last written is in the file itself."""
    refused = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
    log = path.with_name(f"{path.name}-wal")
    unmerged = log.exists() and log.stat().st_size > 0
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # some errors of the module itself have none
    return code in refused and os.access(path, os.R_OK) and not unmerged


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replaces the file in one step: readers see the old contents or the new, never a part.

    `durable` waits until the disk has it. Raises OSError.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
