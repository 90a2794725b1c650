"""Event boundaries of a video from its frames' self-similarity, whatever is asked of it.

LLMEPET (MM 2024) correlates the diagonal of the similarity matrix with a signed kernel. Its zero padding makes both
ends of a video look like boundaries and its circular search lets the first meet the last frame, so here every
quadrant's mean counts only what is there, and ends are boundaries because they are ends. The matrix is never made:
a frame meets only its neighbours within `REACH`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
REACH: Final = 2
"""Frames on either side that are compared."""
LEAST_GAP: Final = 2
"""Frames between two boundaries."""


def novelty(frames: npt.NDArray[np.float32], reach: int = REACH) -> Floats:
    """How much a boundary lies before each of T unit frames (T, D): (T,), 0 for the first.

    Mean similarity of frames on the same side (each with itself included) less that of frames on opposite sides.
    """
    T = len(frames)
    near = np.stack([_diagonal(frames, lag) for lag in range(2 * reach)])  # (2 reach, T): x_t . x_(t+lag)
    found = np.zeros(T)
    for t in range(1, T):
        left, right = range(max(0, t - reach), t), range(t, min(T, t + reach))
        same = [near[abs(a - b), min(a, b)] for side in (left, right) for a in side for b in side]
        across = [near[b - a, a] for a in left for b in right]
        found[t] = np.mean(same) - np.mean(across)
    return found


def _diagonal(frames: npt.NDArray[np.float32], lag: int) -> Floats:
    """Similarities of frames `lag` apart, (T,), 0 where there is no other frame."""
    T = len(frames)
    found = np.zeros(T)
    if lag < T:
        found[: T - lag] = (frames[: T - lag].astype(np.float64) * frames[lag:]).sum(axis=1)
    return found


def boundaries(novel: Floats, level: float, gap: int = LEAST_GAP) -> npt.NDArray[np.int64]:
    """Frames before which an event begins, and T: strict local peaks `level` std above the mean, largest first.

    Both ends are always among them; no two are closer than `gap` frames.
    """
    T = len(novel)
    if T < 2:
        return np.array([0, T], np.int64)
    least = novel[1:].mean() + level * novel[1:].std()
    after = np.append(novel[1:], -np.inf)
    before = np.append(-np.inf, novel[:-1])
    tops = np.flatnonzero((novel > least) & (novel > before) & (novel >= after))
    kept: list[int] = [0, T]
    for top in sorted((int(t) for t in tops if t > 0), key=lambda t: (-novel[t], t)):
        if all(abs(top - other) >= gap for other in kept):
            kept.append(top)
    return np.array(sorted(kept), np.int64)
