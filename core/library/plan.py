"""What is to be done with a file: nothing, note its new place, or make (which of) its clips.

Called by the workers of ingest, so that planning a large file never holds up the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import DrivescopeError, ErrorKind
from core.library.catalog import ClipRow, VideoFacts, VideoRow
from core.library.clips import Span, cut
from core.library.timeline import Timeline, printable, unreadable
from core.library.video import VideoProbe, probe

CLIPS_A_CHUNK: Final = 6
_LARGE_PICTURE: Final = 1920 * 1080
_HASH_BLOCK: Final = 1 << 20

Chunks = tuple[tuple[Span, ...], ...]
"""Clips in order of time, in groups that are decoded, encoded and committed together."""


@dataclass(frozen=True)
class Task:
    """A file to look at. `known` is the library's entry of this path, `known_clips` what it has of it."""

    number: int  # place in the order of files
    path: Path
    size: int
    mtime_ns: int
    clip_seconds: float
    stride_s: float
    recut: bool = False  # also what the library has, but cut otherwise
    known: VideoRow | None = None
    known_clips: tuple[ClipRow, ...] = ()

    def cuts_like(self, video: VideoRow) -> bool:
        """Whether the library's entry was cut by the same lengths."""
        return (video.clip_seconds, video.stride_s) == (self.clip_seconds, self.stride_s)


@dataclass(frozen=True)
class Plan:
    """What is to be done with a file.

    `video_id` is the library's entry that goes on being this file (None: a new one); `replaces` an entry whose
    contents are no longer there. `chunks` are the clips still to be made.
    """

    task: Task
    facts: VideoFacts | None = None
    video_id: int | None = None
    replaces: VideoRow | None = None
    chunks: Chunks = ()
    failure: DrivescopeError | None = None
    note: str = ""
    timeline: Timeline | None = None


class Planner:
    """Plans one file after the other, for several threads.

    `moved` maps the contents (SHA-256) of library entries whose files are gone to these entries and their clips:
    a new file with the same contents is the old one under a new name. `check` is called often and may raise.
    """

    def __init__(
        self, moved: dict[str, tuple[VideoRow, tuple[ClipRow, ...]]], check: Callable[[], None]
    ) -> None:
        self._moved = moved
        self._check = check

    def plan(self, task: Task) -> Plan:
        """What is to be done with the file, or why nothing can be."""
        try:
            return self._plan(task)
        except DrivescopeError as error:
            if error.kind is ErrorKind.INTERNAL:
                raise
            # What cannot be read just now may be the same tomorrow; what is damaged is not what it was.
            damaged = error.kind is ErrorKind.UNREADABLE
            return Plan(task, replaces=task.known if damaged else None, failure=error)

    def _plan(self, task: Task) -> Plan:
        _require_text(task.path)
        digest, video, clips, replaces = self._entry(task)
        spans = None if video is None else unfinished(video, clips)
        if video is not None and not spans:
            return Plan(task, video_id=video.video_id)
        found = probe(task.path, self._check)
        if spans is None:
            spans = cut(found.duration_s, task.clip_seconds, task.stride_s)
        spans = [span for span in spans if found.timeline.is_live(span.start_s, span.end_s)]
        return Plan(
            task,
            _facts(task, found, digest),
            None if video is None else video.video_id,
            replaces,
            _grouped(spans, found),
            note=found.timeline.note,
            timeline=found.timeline,
        )

    def _entry(self, task: Task) -> tuple[str, VideoRow | None, tuple[ClipRow, ...], VideoRow | None]:
        """What the library has of the file.

        Gives its contents (SHA-256), the entry that is this video, that entry's clips, and the entry whose
        place the file takes.
        """
        entry, clips = task.known, task.known_clips
        if entry is not None and (entry.size, entry.mtime_ns) == (task.size, task.mtime_ns):
            digest = entry.sha256
        else:
            digest = self._digest(task.path)
        if entry is None:
            entry, clips = self._moved.pop(digest, (None, ()))  # in one step, so only one file gets it
        if entry is None:
            return digest, None, (), None
        if entry.sha256 == digest and (task.cuts_like(entry) or not task.recut):
            return digest, entry, clips, None
        return digest, None, (), entry

    def _digest(self, path: Path) -> str:
        """SHA-256 of the file's contents."""
        digest = hashlib.sha256()
        try:
            with path.open("rb", buffering=0) as file:
                while block := file.read(_HASH_BLOCK):
                    digest.update(block)
                    self._check()
        except OSError as error:
            raise unreadable(path, error) from error
        return digest.hexdigest()


def _facts(task: Task, found: VideoProbe, digest: str) -> VideoFacts:
    return VideoFacts(
        path=str(task.path),
        size=task.size,
        mtime_ns=task.mtime_ns,
        sha256=digest,
        duration_s=found.duration_s,
        fps=found.fps,
        width=found.width,
        height=found.height,
        codec=found.codec,
        clip_seconds=task.clip_seconds,
        stride_s=task.stride_s,
    )


def _grouped(spans: Sequence[Span], found: VideoProbe) -> Chunks:
    """Smaller groups of larger pictures, so that every worker has something to do to the end."""
    size = CLIPS_A_CHUNK if found.width * found.height < _LARGE_PICTURE else CLIPS_A_CHUNK // 2
    return tuple(tuple(spans[first : first + size]) for first in range(0, len(spans), size))


def _require_text(path: Path) -> None:
    """File systems allow names that are no text; the catalogue and the window do not."""
    name = printable(path.name)
    if name != path.name or printable(str(path)) != str(path):
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The name of {name} or its folder is not valid Unicode: rename it."
        )


def unfinished(video: VideoRow, clips: Sequence[ClipRow]) -> list[Span]:
    """Clips of the video that an interrupted run did not get to."""
    have = {clip.start_s for clip in clips}
    spans = cut(video.duration_s, video.clip_seconds, video.stride_s)
    return [span for span in spans if span.start_s not in have]
