"""The second stage: X-CLIP over the first stage's best clips, from the frame vectors cached at ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle, QueryVectors

RERANK_CLIPS = 1000
"""How many first-stage clips X-CLIP sees by default: 1000 cost about as much as the text forward."""
CHUNK = 1000
"""Clips per product: larger ones spend their time on page faults in fresh memory."""


def rerank(
    bundle: ModelBundle, query: QueryVectors, store: FeatureStore, rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """X-CLIP scores (K,) float32 and best frames (K,) int64 of the clips in `rows` (K,), in that order.

    The score is the mean of the four granularities without the logit scale (methods: Ma et al., X-CLIP, 2022).
    """
    scores: list[npt.NDArray[np.float32]] = []
    best: list[npt.NDArray[np.int64]] = []
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        frames = torch.from_numpy(np.ascontiguousarray(store.frames[part]))  # (K, F, D) float16
        video = torch.from_numpy(np.ascontiguousarray(store.video[part]))  # (K, D) float16
        result = bundle.rerank(query, frames, video)
        scores.append(result.score.float().cpu().numpy())
        best.append(result.best_frame.cpu().numpy().astype(np.int64))
    if not scores:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    return np.concatenate(scores), np.concatenate(best)
