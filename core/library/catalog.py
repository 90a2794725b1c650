"""The catalogue: which videos, clips and failures a library knows. One SQLite file, `library.db`.

Write-ahead logging lets the window search while footage is being indexed. Clip numbers are given once and
never again, so a thumbnail or a vector can never be taken for another clip's. Vectors are not here: see
`features.py`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import DrivescopeError, ErrorKind
from core.library.clips import Keyframe, Span
from core.library.storage import connect, storage_errors

MIGRATIONS: Final = (
    """
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE videos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        duration_s REAL NOT NULL,
        fps REAL NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        codec TEXT NOT NULL,
        clip_seconds REAL NOT NULL,
        stride_s REAL NOT NULL
    ) STRICT;
    CREATE INDEX videos_by_content ON videos (sha256);
    CREATE TABLE clips (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        UNIQUE (video_id, start_s)
    ) STRICT;
    CREATE TABLE failures (path TEXT PRIMARY KEY, kind TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started TEXT NOT NULL,
        ended TEXT,
        outcome TEXT NOT NULL,
        added INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0
    ) STRICT;
    """,
    """
    CREATE TABLE keyframes (
        clip_id INTEGER NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
        frame INTEGER NOT NULL,
        time_s REAL NOT NULL,
        start_s REAL NOT NULL,
        end_s REAL NOT NULL,
        change REAL NOT NULL,
        PRIMARY KEY (clip_id, frame)
    ) STRICT, WITHOUT ROWID;
    """,
)
"""Version n of the catalogue is what the first n scripts make; `user_version` says how many have run."""


@dataclass(frozen=True)
class VideoFacts:
    """What is known of a video file before it is indexed. Width and height as shown, in square pixels."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    duration_s: float
    fps: float
    width: int
    height: int
    codec: str
    clip_seconds: float
    stride_s: float


@dataclass(frozen=True)
class VideoRow(VideoFacts):
    """A video of the library and how many clips of it can be found."""

    video_id: int
    clips: int


@dataclass(frozen=True)
class ClipRow:
    """A clip with what a hit shows of it: its video's path and mean frame rate."""

    clip_id: int
    video_id: int
    path: str
    start_s: float
    end_s: float
    fps: float

    def footage(self) -> Path:
        """The video's file. Raises DrivescopeError(NOT_FOUND), with the way out, if it is gone."""
        path = Path(self.path)
        if not path.exists():
            raise DrivescopeError(
                ErrorKind.NOT_FOUND,
                f"{path.name} is no longer at {path.parent}: put it back, or index the folder again to drop it.",
            )
        return path


@dataclass(frozen=True)
class FailureRow:
    """A file that could not be indexed (or not whole), and why, in one sentence."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True)
class JobRow:
    """One run of ingest. `outcome` stays "running" if the program was killed."""

    job_id: int
    started: str
    ended: str | None
    outcome: str
    added: int
    seconds: float


class Catalog:
    """The open catalogue. Its methods may be called from several threads; they take turns.

    One that may only be read (another user's, a read-only disk) is opened for reading; writing then raises.
    Raises DrivescopeError(UNREADABLE) for a file that is no catalogue, (VERSION) for one that a newer
    Drivescope made, (DISK_FULL) and (NO_PERMISSION) as the file system has it.
    """

    dropped_clip: Final = ClipRow(clip_id=-1, video_id=-1, path="", start_s=0.0, end_s=0.0, fps=0.0)
    """Stands for a clip that is in the feature files but no longer in the catalogue."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        with storage_errors(path):
            self._db, _ = connect(path, synchronous="NORMAL")
            try:
                self._db.execute("PRAGMA foreign_keys = ON")
                self._migrate()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Closes the file; the catalogue must not be used afterwards."""
        with self._turn:
            self._db.close()

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise DrivescopeError(
                ErrorKind.VERSION,
                f"The library in {self.path.parent} was made by a newer Drivescope: update this one to open it.",
            )
        for number in range(version, len(MIGRATIONS)):
            script = f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            try:
                self._db.executescript(script)
            except sqlite3.OperationalError:
                with contextlib.suppress(sqlite3.OperationalError):  # where it failed before its BEGIN
                    self._db.execute("ROLLBACK")
                # Two processes opened a new library at once, and the other one was first.
                if self._db.execute("PRAGMA user_version").fetchone()[0] <= number:
                    raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing does. Nested blocks join the outer one."""
        with self._turn, storage_errors(self.path):
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.OperationalError):  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._turn, storage_errors(self.path):
            return self._db.execute(query, values).fetchall()

    def _write(self, query: str, values: Sequence[object] = ()) -> int:
        """Runs one statement; returns the id of the row it inserted."""
        with self.transaction():
            return self._db.execute(query, values).lastrowid or 0

    # --- settings -------------------------------------------------------------------------------------

    def setting(self, key: str) -> str | None:
        """A fact about the library as a whole, or None."""
        found = self._rows("SELECT value FROM settings WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def set_setting(self, key: str, value: str) -> None:
        """Remembers a fact about the library as a whole."""
        self._write("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))

    # --- videos and clips -----------------------------------------------------------------------------

    def videos(self) -> list[VideoRow]:
        """Every video, ordered by path."""
        query = (
            "SELECT path, size, mtime_ns, sha256, duration_s, fps, width, height, codec, clip_seconds, stride_s,"
            " id, (SELECT count(*) FROM clips WHERE video_id = videos.id) FROM videos ORDER BY path"
        )
        return [VideoRow(*row) for row in self._rows(query)]  # type: ignore[arg-type]  # STRICT columns

    def clips(self, video_id: int | None = None) -> list[ClipRow]:
        """Every clip (of one video), ordered by id."""
        return self._clips(
            "" if video_id is None else "WHERE video_id = ?", () if video_id is None else (video_id,)
        )

    def clip(self, clip_id: int) -> ClipRow:
        """One clip. Raises DrivescopeError(NOT_FOUND) if it was dropped."""
        found = self._clips("WHERE clips.id = ?", (clip_id,))
        if not found:
            raise DrivescopeError(
                ErrorKind.NOT_FOUND, f"Clip {clip_id} is no longer in the library: search again."
            )
        return found[0]

    def _clips(self, where: str, values: Sequence[object]) -> list[ClipRow]:
        query = (
            "SELECT clips.id, video_id, path, start_s, end_s, fps FROM clips"
            f" JOIN videos ON videos.id = video_id {where} ORDER BY clips.id"
        )
        return [ClipRow(*row) for row in self._rows(query, values)]  # type: ignore[arg-type]  # STRICT columns

    def clip_count(self) -> int:
        """How many clips can be found."""
        return int(str(self._rows("SELECT count(*) FROM clips")[0][0]))

    def add_video(self, facts: VideoFacts) -> int:
        """Adds a video without clips; returns its id."""
        return self._write(
            "INSERT INTO videos (path, size, mtime_ns, sha256, duration_s, fps, width, height, codec,"
            " clip_seconds, stride_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            dataclasses.astuple(facts),
        )

    def add_clips(self, video_id: int, spans: Iterable[Span]) -> list[int]:
        """Adds clips of a video; returns their ids in the order of the spans."""
        insert = "INSERT INTO clips (video_id, start_s, end_s) VALUES (?, ?, ?)"
        with self.transaction():
            return [self._write(insert, (video_id, span.start_s, span.end_s)) for span in spans]

    def add_keyframes(self, clip_id: int, keyframes: Iterable[Keyframe]) -> None:
        """Adds a clip's key images."""
        with self.transaction():
            for keyframe in keyframes:
                self._write(
                    "INSERT INTO keyframes (clip_id, frame, time_s, start_s, end_s, change) VALUES (?, ?, ?, ?, ?, ?)",
                    (clip_id, *dataclasses.astuple(keyframe)),
                )

    def keyframes(self, clip_id: int) -> list[Keyframe]:
        """A clip's key images in order of time; none for clips of an earlier version (see `keyframes.of_clip`)."""
        query = "SELECT frame, time_s, start_s, end_s, change FROM keyframes WHERE clip_id = ? ORDER BY frame"
        return [Keyframe(*row) for row in self._rows(query, (clip_id,))]  # type: ignore[arg-type]  # STRICT columns

    def relocate(self, video_id: int, path: str, size: int, mtime_ns: int) -> None:
        """The same contents now lie at `path`, or were touched there: what is damaged in them still is."""
        of_video = "path = (SELECT path FROM videos WHERE id = ?)"
        with self.transaction():
            self._write(
                f"DELETE FROM failures WHERE kind != ? AND {of_video}", (ErrorKind.UNREADABLE.value, video_id)
            )
            self._write(f"UPDATE OR REPLACE failures SET path = ? WHERE {of_video}", (path, video_id))
            self._write(
                "UPDATE videos SET path = ?, size = ?, mtime_ns = ? WHERE id = ?",
                (path, size, mtime_ns, video_id),
            )

    def drop_video(self, video_id: int) -> None:
        """Forgets a video and its clips."""
        self._write("DELETE FROM videos WHERE id = ?", (video_id,))

    def drop_clips(self, clip_ids: Iterable[int]) -> None:
        """Forgets clips that came to nothing, videos that have none left, and that their files were done with."""
        with self.transaction():
            for clip_id in clip_ids:
                self._write(
                    "DELETE FROM failures WHERE path ="
                    " (SELECT path FROM videos JOIN clips ON video_id = videos.id WHERE clips.id = ?)",
                    (clip_id,),
                )
                self._write("DELETE FROM clips WHERE id = ?", (clip_id,))
            self._write(
                "DELETE FROM videos WHERE NOT EXISTS (SELECT 1 FROM clips WHERE video_id = videos.id)"
            )

    # --- failures and jobs ----------------------------------------------------------------------------

    def failures(self) -> list[FailureRow]:
        """Files that could not be indexed or not whole, ordered by path."""
        return [
            FailureRow(str(path), str(kind), str(reason))
            for path, kind, reason in self._rows("SELECT path, kind, reason FROM failures ORDER BY path")
        ]

    def record_failure(self, failure: FailureRow) -> None:
        """Remembers why a file could not be indexed; a newer reason replaces the older one."""
        self._write(
            "INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (failure.path, failure.kind, failure.reason)
        )

    def clear_failure(self, path: str) -> None:
        """Forgets a file's failure: it was indexed, or it is gone."""
        self._write("DELETE FROM failures WHERE path = ?", (path,))

    def start_job(self) -> int:
        """Notes that a run of ingest began."""
        return self._write("INSERT INTO jobs (started, outcome) VALUES (datetime('now'), 'running')")

    def end_job(self, job_id: int, outcome: str, *, added: int, seconds: float) -> None:
        """Notes how a run of ingest ended: done, cancelled or failed."""
        self._write(
            "UPDATE jobs SET ended = datetime('now'), outcome = ?, added = ?, seconds = ? WHERE id = ?",
            (outcome, added, seconds, job_id),
        )

    def jobs(self) -> list[JobRow]:
        """Every run of ingest, oldest first."""
        query = "SELECT id, started, ended, outcome, added, seconds FROM jobs ORDER BY id"
        return [JobRow(*row) for row in self._rows(query)]  # type: ignore[arg-type]  # STRICT columns
