"""Footage into a library: finds videos, makes what is new or changed, and commits it in the order of files.

Called by `drivescope index`, by the engine and by the demo. Workers (`workers.py`) do the work; this thread
commits what they finish, so that it can be searched at once, and reports. A commit is the catalogue first and
then the vectors; whatever a killed run left between the two is put right by `_repair` at the next one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.library.catalog import ClipRow, FailureRow, VideoRow
from core.library.clips import DEFAULT_CLIP_SECONDS, LONGEST_S, SHORTEST_CLIP_S, SHORTEST_STRIDE_S
from core.library.commit import Committer
from core.library.discover import Found, find_videos
from core.library.encoder import FrameEncoder
from core.library.features import FeatureStore
from core.library.library import Library
from core.library.plan import Task, unfinished
from core.library.progress import IngestProgress, Meter
from core.library.timeline import printable
from core.library.workers import Workers, worker_count

__all__ = ["IngestProgress", "IngestReport", "ingest"]

_WAKE_S: Final = 0.1


@dataclass(frozen=True)
class IngestReport:
    """How a run ended. `videos` and `clips` are the whole library's; `added` and `removed` count clips.

    `failed` are the files (and paths) of this run that could not be indexed, or not whole; `missing` the paths
    of videos that are gone and were kept. `video_seconds` is the footage that this run made vectors of.
    """

    videos: int
    clips: int
    added: int
    removed: int
    failed: tuple[FailureRow, ...]
    missing: tuple[str, ...]
    seconds: float
    video_seconds: float


def ingest(
    library: Library,
    bundle: FrameEncoder,
    paths: Sequence[str | Path],
    *,
    clip_seconds: float = 0.0,
    stride_s: float = 0.0,
    recut: bool = False,
    drop_missing: bool = False,
    progress: Callable[[IngestProgress], None] = lambda step: None,
    cancelled: Callable[[], bool] = lambda: False,
    workers: int | None = None,
) -> IngestReport:
    """Indexes the videos among and below `paths`, leaving out what is indexed and unchanged.

    `clip_seconds` 0 means as the library was cut before (8 s for a new one). Another length than before holds
    for new and changed files; with `recut` also for those under `paths` that were cut otherwise. With
    `drop_missing`, videos under `paths` that are gone are forgotten.

    A file that fails is listed and stops nothing. Raises Cancelled (what was committed stays), and
    DrivescopeError for what no other file could survive: BUSY, DISK_FULL, MISMATCH, NO_PERMISSION.
    """
    threads = torch.get_num_threads()
    with library.lock():
        run = _Run(library, bundle, progress, cancelled)
        clip_seconds, stride_s = _cut_of(library, clip_seconds, stride_s)
        job = library.catalog.start_job()
        outcome = "failed"
        try:
            how = _How(clip_seconds, stride_s, recut, drop_missing, workers or worker_count())
            report = run.carry_out(paths, how)
            outcome = "done"
        except Cancelled:
            outcome = "cancelled"
            raise
        finally:
            torch.set_num_threads(threads)  # the workers' 1 is also what new threads would start with
            _note_outcome(library, job, outcome, run)
    return report


def _note_outcome(library: Library, job: int, outcome: str, run: _Run) -> None:
    try:
        library.catalog.end_job(job, outcome, added=run.commit.added, seconds=run.seconds)
    except DrivescopeError:  # the disk is full: the error on its way says so, and must not be replaced
        if outcome == "done":
            raise


def _cut_of(library: Library, clip_seconds: float, stride_s: float) -> tuple[float, float]:
    """The lengths to cut by: as asked, else as the library was cut; remembered for the next time."""
    _require_between(clip_seconds, SHORTEST_CLIP_S, "The length of a clip")
    _require_between(stride_s, SHORTEST_STRIDE_S, "The stride")
    if not clip_seconds:
        clip_seconds = float(library.catalog.setting("clip_seconds") or DEFAULT_CLIP_SECONDS)
        stride_s = stride_s or float(library.catalog.setting("stride_s") or 0.0)
    with library.catalog.transaction():
        library.catalog.set_setting("clip_seconds", repr(clip_seconds))
        library.catalog.set_setting("stride_s", repr(stride_s))
    return clip_seconds, stride_s


def _require_between(seconds: float, least: float, what: str) -> None:
    """0 stands for what the library or the clip says."""
    if seconds and not least <= seconds <= LONGEST_S:
        sentence = f"{what} must be between {least:g} and {LONGEST_S:g} seconds, not {seconds:g}."
        raise DrivescopeError(ErrorKind.BAD_INPUT, sentence)


@dataclass(frozen=True)
class _How:
    """The options of one run."""

    clip_seconds: float
    stride_s: float
    recut: bool
    drop_missing: bool
    workers: int


class _Run:
    """One run of ingest, under the library's lock."""

    def __init__(
        self,
        library: Library,
        bundle: FrameEncoder,
        progress: Callable[[IngestProgress], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self._library = library
        self._bundle = bundle
        self._store = library.features(bundle.spec)
        self._progress = progress
        self._cancelled = cancelled
        self._started = time.monotonic()
        _repair(library, self._store)
        self.commit = Committer(library, self._store)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._started

    def carry_out(self, paths: Sequence[str | Path], how: _How) -> IngestReport:
        """Everything `ingest` promises, between `_repair` and the job's last entry."""
        found = find_videos(paths)
        catalog = self._library.catalog
        videos = catalog.videos()
        clips: dict[int, list[ClipRow]] = {}
        for clip in catalog.clips():
            clips.setdefault(clip.video_id, []).append(clip)
        tasks = self._tasks(found, videos, clips, how)
        moved = {v.sha256: (v, tuple(clips.get(v.video_id, ()))) for v in videos if _is_gone(v.path)}
        self._work(tasks, moved, how.workers)
        missing = self._settle_missing(found, how.drop_missing)
        _forget_failures_of_gone(self._library, found)
        known = [f for f in catalog.failures() if found.covers(f.path)]
        return IngestReport(
            videos=len(catalog.videos()),
            clips=self.commit.committed,
            added=self.commit.added,
            removed=self.commit.removed,
            failed=tuple(sorted({*known, *found.failed}, key=lambda failure: failure.path)),
            missing=missing,
            seconds=self.seconds,
            video_seconds=self.commit.video_seconds,
        )

    def _tasks(
        self,
        found: Found,
        videos: list[VideoRow],
        clips: dict[int, list[ClipRow]],
        how: _How,
    ) -> list[Task]:
        """The files that are not in the library as they are now."""
        known = {video.path: video for video in videos}
        failed = {failure.path for failure in self._library.catalog.failures()}
        tasks: list[Task] = []
        for path in found.files:
            video = known.get(str(path))
            of_video = tuple(clips.get(video.video_id, ())) if video else ()
            size, mtime_ns = _stamp(path)
            task = Task(
                number=len(tasks),
                path=path,
                size=size,
                mtime_ns=mtime_ns,
                clip_seconds=how.clip_seconds,
                stride_s=how.stride_s,
                recut=how.recut,
                known=video,
                known_clips=of_video,
            )
            if not _is_settled(task, failed):
                tasks.append(task)
        return tasks

    def _work(
        self, tasks: list[Task], moved: dict[str, tuple[VideoRow, tuple[ClipRow, ...]]], workers: int
    ) -> None:
        if self._cancelled():
            raise Cancelled
        meter = Meter(tasks)
        pool = Workers(self._bundle, tasks, moved, min(workers, max(1, 2 * len(tasks))))
        try:
            while pool.working:
                self._check(pool)
                for result in pool.take(_WAKE_S):
                    meter.count(result)
                    self.commit.take(result)
                    self._check(pool)
                self._progress(meter.read("indexing", self.commit.committed))
            self.commit.flush()
        finally:
            pool.stop()
        self._progress(meter.read("done", self.commit.committed))

    def _check(self, pool: Workers) -> None:
        if self._cancelled():
            pool.stop()
            self.commit.flush()
            raise Cancelled

    def _settle_missing(self, found: Found, drop: bool) -> tuple[str, ...]:
        """Videos that should lie under the given paths and do not; forgotten if `drop`."""
        gone = [v for v in self._library.catalog.videos() if found.covers(v.path) and _is_gone(v.path)]
        if drop:
            for video in gone:
                self.commit.drop(video)
            return ()
        return tuple(video.path for video in gone)


def _repair(library: Library, store: FeatureStore) -> None:
    """Brings catalogue and vectors to the same clips: a killed run may have left one ahead of the other."""
    indexed = set(store.live_ids().tolist())
    listed = {clip.clip_id for clip in library.catalog.clips()}
    store.forget(indexed - listed)
    library.catalog.drop_clips(listed - indexed)


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of last change; for a file that may not be looked at, what no file has."""
    try:
        stat = path.stat()
    except OSError:  # the worker that opens it finds the words
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def _is_settled(task: Task, failed: set[str]) -> bool:
    """Whether the library has the file as it is. `failed` are paths with a recorded failure."""
    video = task.known
    if video is None or (video.size, video.mtime_ns) != (task.size, task.mtime_ns):
        return False
    if task.recut and not task.cuts_like(video):
        return False
    # A failure is recorded at a file's end, so what an entry with one lacks was tried and cannot be had.
    return video.path in failed or not unfinished(video, task.known_clips)


def _is_gone(path: str) -> bool:
    """Whether the file is certainly not there; one that may not be looked at is not gone."""
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _forget_failures_of_gone(library: Library, found: Found) -> None:
    """Of files that are not there any more; elsewhere than under `found` only if no video of theirs is waited for.

    A folder that was moved or removed leaves no video of the library behind, a disk that is only away all of them.
    """
    folders = {str(Path(video.path).parent) for video in library.catalog.videos()}
    there = {printable(str(path)) for path in found.files if os.path.lexists(path)}
    for failure in library.catalog.failures():
        if found.covers(failure.path):
            gone = failure.path not in there
        else:
            gone = str(Path(failure.path).parent) not in folders and _is_gone(failure.path)
        if gone:
            library.catalog.clear_failure(failure.path)
