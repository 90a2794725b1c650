"""From a part of a video to the vectors and thumbnails of its clips: decode, resize, encode, pool.

All of it happens in the thread that calls, frame by frame; `workers.py` has one such thread per core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from core.errors import DrivescopeError, ErrorKind
from core.library import keyframes, thumbs
from core.library.clips import Keyframe, Span, sample_times
from core.library.encoder import ClipVectors, FrameEncoder
from core.library.picture import Pixels
from core.library.plan import Chunks, Plan, Task
from core.library.timeline import Timeline
from core.library.video import frames_at

if TYPE_CHECKING:
    from core.library.encoder import Prepared

BATCH_FRAMES: Final = 16


@dataclass(frozen=True)
class ChunkResult:
    """The clips of one chunk: their vectors, strips and key images, or why there are none."""

    task: Task
    chunk: int
    spans: tuple[Span, ...]
    vectors: ClipVectors | None = None
    strips: tuple[bytes, ...] = ()
    keyframes: tuple[tuple[Keyframe, ...], ...] = ()
    failure: DrivescopeError | None = None


@dataclass(frozen=True)
class Unit:
    """Chunks of one file that are decoded in one go, with the number of the first."""

    task: Task
    timeline: Timeline
    first: int
    chunks: Chunks


def units_of(plan: Plan) -> list[Unit]:
    """A unit a chunk, so that workers can share a long video; one for all where there is no seeking."""
    if plan.timeline is None:
        return []
    if plan.timeline.counted:
        return [Unit(plan.task, plan.timeline, 0, plan.chunks)]
    return [Unit(plan.task, plan.timeline, number, (chunk,)) for number, chunk in enumerate(plan.chunks)]


def make(unit: Unit, bundle: FrameEncoder, check: Callable[[], None]) -> Iterator[ChunkResult]:
    """The unit's chunks in order; if the file fails, all that are left fail with it.

    `check` is called before every frame and may raise.
    """
    done = 0
    try:
        for result in _made(unit, bundle, check):
            yield result
            done += 1
    except DrivescopeError as error:
        if error.kind is ErrorKind.INTERNAL:
            raise
        for number, spans in enumerate(unit.chunks[done:], start=unit.first + done):
            yield ChunkResult(unit.task, number, spans, failure=error)


def _made(unit: Unit, bundle: FrameEncoder, check: Callable[[], None]) -> Iterator[ChunkResult]:
    F = bundle.spec.frames
    times = [time_s for spans in unit.chunks for span in spans for time_s in sample_times(span, F)]
    samples = frames_at(unit.task.path, times, unit.timeline)
    for number, spans in enumerate(unit.chunks, start=unit.first):
        encoder = _Batches(bundle, len(spans) * F)
        tiles: list[Pixels] = []
        for _ in range(len(spans) * F):
            check()
            _, rgb = next(samples)
            encoder.add(rgb)
            tiles.append(thumbs.tile(rgb))
        vectors = bundle.pool(encoder.finish(len(spans), F))
        shown = [tiles[first : first + F] for first in range(0, len(tiles), F)]
        keys = tuple(
            tuple(keyframes.choose(frames, span, keyframes.usable_frames(pictures)))
            for frames, span, pictures in zip(vectors.frames.numpy(), spans, shown, strict=True)
        )
        yield ChunkResult(unit.task, number, spans, vectors, tuple(map(thumbs.strip, shown)), keys)


class _Batches:
    """Encodes frames as they come, in equal batches of about `BATCH_FRAMES`.

    Equal, because a short last batch costs nearly as much as a full one.
    """

    def __init__(self, bundle: FrameEncoder, frames: int) -> None:
        self._bundle = bundle
        self._size = -(-frames // max(1, round(frames / BATCH_FRAMES)))
        self._waiting: list[Prepared] = []
        self._encoded: list[tuple[Tensor, ...]] = []

    def add(self, rgb: Pixels) -> None:
        """Takes one frame, (H, W, 3) uint8."""
        self._waiting.append(self._bundle.prepare(rgb))
        if len(self._waiting) == self._size:
            self._flush()

    def finish(self, clips: int, frames: int) -> tuple[Tensor, ...]:
        """Raw frame vectors, (B, F, D) a tower."""
        self._flush()
        return tuple(
            torch.cat(parts).reshape(clips, frames, -1) for parts in zip(*self._encoded, strict=True)
        )

    def _flush(self) -> None:
        if self._waiting:
            self._encoded.append(self._bundle.encode_frames(self._waiting))
            self._waiting = []
