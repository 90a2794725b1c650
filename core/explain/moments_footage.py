"""A whole video's frames from the vectors of its clips, and what the reranker makes of every short window of them.

A library caches unit frame vectors, twelve to a clip, and the clip's pooled vector. Read in order of time, with what
overlapping clips saw twice in one row, the frames are the whole video's. The temporal head wants raw vectors, whose
length a unit vector has lost: `raw_length` finds the one length with which the head gives back the pooled vectors
that ingest stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import torch

from core.errors import DrivescopeError, ErrorKind
from core.explain.moments import Footage
from core.library.clips import Span, sample_times

if TYPE_CHECKING:
    from core.library.catalog import ClipRow
    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
WINDOWS_S: Final = (8 / 3, 4.0)
"""Lengths of the windows: about as long as happenings, four and six frames of a clip of eight seconds."""
MOST_WINDOWS: Final = 4000
"""A longer video's windows begin at every second, third, ... frame."""
BATCH: Final = 64
LENGTHS: Final = tuple(float(length) for length in np.geomspace(1.0, 64.0, 25))
PROBES: Final = 8


@dataclass(frozen=True)
class VideoFrames:
    """A video's sampled frames in order of time: stretches (T,) in seconds and unit vectors (T, D)."""

    starts_s: Floats
    ends_s: Floats
    frames: Vectors


def footage_of(
    bundle: ModelBundle, store: FeatureStore, clips: list[ClipRow], check: Callable[[], None]
) -> Footage:
    """The footage of one video's clips. `check` is called between batches and may raise.

    Raises DrivescopeError(NOT_FOUND) if no clip has vectors.
    """
    rows = {int(clip_id): row for row, clip_id in enumerate(store.clip_ids.tolist())}
    known = [clip for clip in clips if clip.clip_id in rows]
    if not known:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND, "This video has no vectors in the library: index its footage again."
        )
    places = [rows[clip.clip_id] for clip in known]
    vectors = np.asarray(store.frames[places], np.float32)  # (C, F, D)
    video = in_order([Span(clip.start_s, clip.end_s) for clip in known], vectors)
    length = raw_length(bundle, vectors[:PROBES], np.asarray(store.video[places[:PROBES]], np.float32))
    windows = window_vectors(bundle, video, length, check)
    return Footage.of(video.starts_s, video.ends_s, video.frames, windows)


def in_order(spans: list[Span], vectors: Vectors) -> VideoFrames:
    """Frames (C, F, D) of clips that may overlap or leave gaps, as one sequence.

    A frame stands for the time up to the middle between it and its neighbours, but for none outside its clip.
    """
    F = vectors.shape[1]
    times = np.array([time_s for span in spans for time_s in sample_times(span, F)])
    clip_start = np.repeat([span.start_s for span in spans], F)
    clip_end = np.repeat([span.end_s for span in spans], F)
    order = np.argsort(times, kind="stable")
    order = order[np.append(True, np.diff(times[order]) > 1e-6)]  # what two clips saw at once counts once
    times, frames = times[order], vectors.reshape(-1, vectors.shape[-1])[order]
    middles = (times[1:] + times[:-1]) / 2
    starts_s = np.maximum(np.append(-np.inf, middles), clip_start[order])
    ends_s = np.minimum(np.append(middles, np.inf), clip_end[order])
    return VideoFrames(starts_s, ends_s, np.ascontiguousarray(frames))


@torch.no_grad()
def raw_length(bundle: ModelBundle, frames: Vectors, pooled: Vectors) -> float:
    """The length of raw frame vectors with which the reranker pools (C, F, D) most nearly to `pooled` (C, D)."""
    given = torch.from_numpy(frames).to(bundle.device)
    wanted = torch.from_numpy(pooled).to(bundle.device)
    near = [float((bundle.reranker.pool(given * length).video * wanted).sum()) for length in LENGTHS]
    return LENGTHS[int(np.argmax(near))]


@torch.no_grad()
def window_vectors(
    bundle: ModelBundle, video: VideoFrames, length: float, check: Callable[[], None]
) -> Vectors:
    """For each of T frames the mean over `WINDOWS_S` of the mean pooled vector of the windows that it lies in, (T, D).

    A window is read as the twelve frames of a clip of its length would be: each of its frames several times.
    """
    step_s = float(np.median(video.ends_s - video.starts_s))
    sizes = {min(len(video.frames), max(2, round(window_s / step_s))) for window_s in WINDOWS_S}
    found = [_of_size(bundle, video.frames, size, length, check) for size in sorted(sizes)]
    return np.asarray(np.mean(found, axis=0))


def _of_size(
    bundle: ModelBundle, video: Vectors, size: int, length: float, check: Callable[[], None]
) -> Vectors:
    """The same for windows of `size` frames."""
    T, F = len(video), bundle.spec.frames
    stride = max(1, -(-T // MOST_WINDOWS))
    starts = np.unique(np.append(np.arange(0, T - size + 1, min(stride, size)), T - size))
    inside = np.arange(F) * size // F  # (F,)
    sums, counts = np.zeros((T, video.shape[1]), np.float32), np.zeros((T, 1), np.float32)
    for first in range(0, len(starts), BATCH):
        check()
        some = starts[first : first + BATCH]
        frames = torch.from_numpy(video[some[:, None] + inside]).to(bundle.device)  # (B, F, D)
        pooled = bundle.reranker.pool(frames * length).video.cpu().numpy()  # (B, D)
        for start, vector in zip(some.tolist(), pooled, strict=True):
            sums[start : start + size] += vector
            counts[start : start + size] += 1
    return np.asarray(sums / counts)
