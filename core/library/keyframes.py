"""Key images of a clip: the picture that stands best for each stretch between two notable changes.

MMI-TVR (MM 2024) takes key-images at "notable disparities" and leaves threshold and number open. Here a change is
1 - cos of neighbouring frame vectors, a notable one a peak above mean + 1 std at least two seconds from a larger
one; within a stretch the frame nearest to the stretch's mean stands for it. Black, blank and blurred frames stand
for nothing. Called by ingest, which has vectors and pictures in hand; for libraries of earlier versions by
`of_clip`, which has both on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from core.library.clips import Keyframe, Span, sample_times
from core.library.picture import Pixels
from core.library.thumbs import tiles_of_strip

if TYPE_CHECKING:
    from core.library.catalog import ClipRow
    from core.library.features import FeatureStore
    from core.library.library import Library

Floats = npt.NDArray[np.float32]
MOST: Final = 8
"""Key images of one clip at most."""
LEAST_GAP_S: Final = 2.0
STILL: Final = 0.01
"""Below this change two frames show the same, whatever the clip's own mean is."""
CENTRAL_TEMPERATURE: Final = 0.07
DARKEST: Final = 12.0
"""Mean grey level (0..255) below which a frame is black."""
BLANKEST: Final = 6.0
"""Standard deviation of grey levels below which a frame is blank: black, fog on the lens, a test picture."""
BLURRED: Final = 0.25
"""A frame with less than this share of the clip's median sharpness is blurred."""


def choose(frames: Floats, span: Span, usable: npt.NDArray[np.bool_]) -> list[Keyframe]:
    """The clip's key images in order of time, at least one and at most `MOST`.

    Args:
        frames: (F, D) unit vectors of the sampled frames.
        span: the clip.
        usable: (F,) False for frames that must not stand for anything; if none may, all may.
    """
    F = len(frames)
    times = np.asarray(sample_times(span, F))
    part_s = span.seconds / F
    usable = usable if usable.any() else np.ones(F, bool)
    change = np.concatenate([[0.0], 1.0 - (frames[1:] * frames[:-1]).sum(axis=1)])  # (F,)
    starts = [0, *peaks(change, times)]
    found = []
    for first, end in zip(starts, [*starts[1:], F], strict=True):
        inside = np.flatnonzero(usable[first:end])
        if len(inside) == 0:
            continue
        alpha = centrality(frames[first:end])
        best = first + int(inside[alpha[inside].argmax()])
        stretch = (float(times[first] - part_s / 2), float(times[end - 1] + part_s / 2))
        found.append(Keyframe(best, float(times[best]), *stretch, change=float(change[first])))
    return found


def peaks(change: npt.NDArray[np.float64], times: npt.NDArray[np.float64]) -> list[int]:
    """Frames (ascending) with a notable change to the frame before them, the largest `MOST` - 1."""
    if len(change) < 2:
        return []
    least = max(float(change[1:].mean() + change[1:].std()), STILL)
    padded = np.concatenate([change, [0.0]])
    tops = [t for t in range(1, len(change)) if change[t] >= padded[t + 1] and change[t] > padded[t - 1]]
    kept: list[int] = []
    for top in sorted((t for t in tops if change[t] > least), key=lambda t: (-change[t], t)):
        if all(abs(times[top] - times[other]) >= LEAST_GAP_S for other in kept):
            kept.append(top)
    return sorted(kept[: MOST - 1])


def centrality(frames: Floats) -> Floats:
    """How well each frame (n, D) stands for all of them, sum 1: softmax of its cosine with their mean."""
    mean = frames.mean(axis=0)
    logits = frames @ mean / max(float(np.linalg.norm(mean)), 1e-9) / CENTRAL_TEMPERATURE
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum(), np.float32)


def usable_frames(tiles: Sequence[Pixels]) -> npt.NDArray[np.bool_]:
    """Which of a clip's pictures, (h, w, 3) uint8 each, can stand for others: not black, not blank, not blurred.

    Sharpness is the variance of the Laplacian, compared within the clip: a clip in fog is no blurred clip.
    """
    greys = [cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY) for tile in tiles]
    lit = np.array([grey.mean() >= DARKEST and grey.std() >= BLANKEST for grey in greys], bool)
    sharpness = np.array([cv2.Laplacian(grey, cv2.CV_32F).var() for grey in greys])
    usual = float(np.median(sharpness[lit])) if lit.any() else 0.0
    return np.asarray(lit & (sharpness >= BLURRED * usual), bool)


def of_clip(library: Library, store: FeatureStore, clip: ClipRow) -> list[Keyframe]:
    """The clip's key images from the catalogue; in a library of an earlier version from its vectors and strip."""
    stored = library.catalog.keyframes(clip.clip_id)
    rows = np.flatnonzero(store.clip_ids == clip.clip_id)
    if stored or len(rows) == 0:
        return stored
    frames = np.asarray(store.frames[rows[-1]], np.float32)  # (F, D)
    tiles = tiles_of_strip(library.thumbnail(clip.clip_id))
    usable = usable_frames(tiles) if len(tiles) == len(frames) else np.ones(len(frames), bool)
    return choose(frames, Span(clip.start_s, clip.end_s), usable)
