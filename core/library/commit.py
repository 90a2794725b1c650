"""What workers finish, put into the library in the order of files and times, whatever order it came in.

The order makes a run repeatable: killed and started again, it leaves the same bytes as a run that was never
interrupted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass
from typing import Final

import torch

from core.errors import DrivescopeError, ErrorKind
from core.library import thumbs
from core.library.catalog import FailureRow, VideoRow
from core.library.chunks import ChunkResult
from core.library.encoder import ClipVectors
from core.library.features import FeatureStore
from core.library.library import Library
from core.library.plan import Plan, Task
from core.library.timeline import printable

MOST_CLIPS: Final = 48
MOST_SECONDS: Final = 1.0


@dataclass
class _Joined:
    """The vectors of several chunks in one, as `FeatureStore.append` takes them."""

    student: torch.Tensor
    frames: torch.Tensor
    video: torch.Tensor
    frame_weights: torch.Tensor

    @classmethod
    def of(cls, parts: list[ClipVectors]) -> _Joined:
        return cls(
            torch.cat([part.student for part in parts]),  # (B, Ds)
            torch.cat([part.frames for part in parts]),  # (B, F, Dr)
            torch.cat([part.video for part in parts]),  # (B, Dr)
            torch.cat([part.frame_weights for part in parts]),  # (B, F)
        )


class Committer:
    """Takes plans and chunks in any order; `added`, `removed` and `seconds` say what it has done so far."""

    def __init__(self, library: Library, store: FeatureStore) -> None:
        self.added = 0
        self.removed = 0
        self.video_seconds = 0.0
        self._library = library
        self._store = store
        self._committed = len(store.live_ids())
        self._plans: dict[int, Plan] = {}
        self._chunks: dict[tuple[int, int], ChunkResult] = {}
        self._file = 0  # the file whose turn it is
        self._chunk = 0  # and its next chunk
        self._ready: list[ChunkResult | Plan] = []  # a Plan stands for its file's end
        self._ready_clips = 0
        self._last = time.monotonic()
        self._video_ids: dict[int, int] = {}
        self._failed: dict[int, list[ChunkResult]] = {}

    @property
    def committed(self) -> int:
        """How many clips the library can find now."""
        return self._committed

    def take(self, result: Plan | ChunkResult) -> None:
        """Takes one result, and commits if enough has come together."""
        if isinstance(result, Plan):
            self._plans[result.task.number] = result
        else:
            self._chunks[result.task.number, result.chunk] = result
        self._line_up()
        if self._ready_clips >= MOST_CLIPS or time.monotonic() - self._last >= MOST_SECONDS:
            self.flush()

    def _line_up(self) -> None:
        """Moves what is next in order to the results that are ready to be committed."""
        while (plan := self._plans.get(self._file)) is not None:
            if self._chunk < len(plan.chunks):
                result = self._chunks.pop((self._file, self._chunk), None)
                if result is None:
                    return
                self._ready.append(result)
                self._ready_clips += len(result.spans)
                self._chunk += 1
            else:
                self._ready.append(plan)
                self._file += 1
                self._chunk = 0

    def flush(self) -> None:
        """Commits what is ready. Raises DrivescopeError (DISK_FULL among others) and leaves all as it was."""
        self._last = time.monotonic()
        if not self._ready:
            return
        ready, self._ready, self._ready_clips = self._ready, [], 0
        catalog = self._library.catalog
        parts: list[ClipVectors] = []
        clip_ids: list[int] = []
        for entry in ready:
            self._make_way(self._plans[entry.task.number])
        with catalog.transaction():
            for entry in ready:
                if isinstance(entry, Plan):
                    self._end_file(entry)
                elif entry.vectors is None:
                    self._failed.setdefault(entry.task.number, []).append(entry)
                else:
                    ids = self._add(entry)
                    clip_ids += ids
                    parts.append(entry.vectors)
        if not parts:
            return
        try:
            self._store.append(_Joined.of(parts), clip_ids)
        except BaseException:
            with contextlib.suppress(DrivescopeError):  # else the next run's repair does it
                catalog.drop_clips(clip_ids)
            raise
        self.added += len(clip_ids)
        self._committed += len(clip_ids)

    def _make_way(self, plan: Plan) -> None:
        """Forgets the clips whose file now holds something else, once."""
        if plan.replaces is not None and plan.task.number not in self._video_ids:
            self.drop(plan.replaces)
            self._plans[plan.task.number] = dataclasses.replace(plan, replaces=None)

    def drop(self, video: VideoRow) -> None:
        """Forgets a video: its vectors first, so that nothing finds a clip that is not there."""
        clip_ids = [clip.clip_id for clip in self._library.catalog.clips(video.video_id)]
        self._store.forget(clip_ids)
        self._library.catalog.drop_video(video.video_id)
        for clip_id in clip_ids:
            thumbs.drop_strip(self._library.folder, clip_id)
        self.removed += len(clip_ids)
        self._committed -= len(clip_ids)

    def _add(self, result: ChunkResult) -> list[int]:
        clip_ids = self._library.catalog.add_clips(self._video_id(result.task), result.spans)
        for clip_id, strip, keyframes in zip(clip_ids, result.strips, result.keyframes, strict=True):
            thumbs.write_strip(self._library.folder, clip_id, strip)
            self._library.catalog.add_keyframes(clip_id, keyframes)
        self.video_seconds += sum(span.seconds for span in result.spans)
        return clip_ids

    def _video_id(self, task: Task) -> int:
        plan = self._plans[task.number]
        if task.number not in self._video_ids:
            if plan.video_id is not None:
                self._video_ids[task.number] = plan.video_id
            else:
                assert plan.facts is not None
                self._video_ids[task.number] = self._library.catalog.add_video(plan.facts)
        return self._video_ids[task.number]

    def _end_file(self, plan: Plan) -> None:
        """The file's last word: where it lies now, and what of it could not be read."""
        task, catalog = plan.task, self._library.catalog
        if plan.video_id is not None:
            catalog.relocate(plan.video_id, str(task.path), task.size, task.mtime_ns)
        failure = _failure(plan, self._failed.pop(task.number, []))
        path = printable(str(task.path))
        if failure is not None:
            catalog.record_failure(FailureRow(path, failure.kind.value, printable(failure.sentence)))
        elif plan.facts is not None:  # else nobody has looked into it again
            catalog.clear_failure(path)
        del self._plans[task.number]


def _failure(plan: Plan, failed: list[ChunkResult]) -> DrivescopeError | None:
    """Why the file is not in the library, or not whole."""
    if plan.failure is not None:
        return plan.failure
    if not failed:
        return DrivescopeError(ErrorKind.UNREADABLE, plan.note) if plan.note else None
    first = failed[0].failure
    assert first is not None
    if len(failed) == len(plan.chunks) and plan.video_id is None:
        return first
    spans = ", ".join(
        f"{_at(spans[0].start_s)}-{_at(spans[-1].end_s)}" for spans in (r.spans for r in failed)
    )
    name = plan.task.path.name
    return DrivescopeError(
        first.kind, f"{name} is damaged: {spans} could not be decoded, the rest was indexed."
    )


def _at(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
