"""Moment retrieval metrics: predicted windows of a video against the windows a query really means.

R1@m, mIoU and mAP as the QVHighlights evaluation that LLMEPET ships computes them (Lei, Berg and Bansal, NeurIPS
2021; the interpolated average precision is ActivityNet's). Windows are (start_s, end_s) pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.evaluate.resampling import bootstrap_intervals
from core.evaluate.ties import FloatArray

THRESHOLDS: Final = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MOST_PREDICTIONS: Final = 10
TOLD_MOMENTS: Final = ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU", "mAP@0.5", "mAP@0.75", "mAP")
"""The metrics that are shown to people; runs keep all of them."""


@dataclass(frozen=True)
class MomentQuery:
    """One query's predictions and truth.

    `predicted` (P, 2) seconds, the order in which the system ranks them; `scores` (P,); `true` (T, 2) seconds, T >= 1.
    """

    predicted: FloatArray
    scores: FloatArray
    true: FloatArray

    @classmethod
    def of(cls, predicted: npt.ArrayLike, scores: npt.ArrayLike, true: npt.ArrayLike) -> MomentQuery:
        """Checks and shapes plain lists. Raises ValueError for numbers that are none or windows that end early."""
        windows = np.asarray(predicted, np.float64).reshape(-1, 2)
        values = np.asarray(scores, np.float64).reshape(-1)
        truth = np.asarray(true, np.float64).reshape(-1, 2)
        if len(windows) != len(values) or len(truth) == 0:
            raise ValueError("a query needs one score a predicted window and at least one true window")
        if not (np.isfinite(windows).all() and np.isfinite(values).all() and np.isfinite(truth).all()):
            raise ValueError("windows and scores must be finite numbers")
        if (truth[:, 1] < truth[:, 0]).any():
            raise ValueError("a true window ends before it starts")
        return cls(windows, values, truth)


def iou(windows: npt.ArrayLike, others: npt.ArrayLike) -> FloatArray:
    """Temporal intersection over union (A, B) of windows (A, 2) with (B, 2); 0 where both are empty."""
    a = np.asarray(windows, np.float64)[:, None]  # (A, 1, 2)
    b = np.asarray(others, np.float64)[None]  # (1, B, 2)
    shared = np.maximum(np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0]), 0.0)  # (A, B)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - shared
    ratio: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def best_iou(queries: Sequence[MomentQuery]) -> FloatArray:
    """IoU (Q,) of each query's first prediction with the true window it meets best; 0 without a prediction."""
    return np.array([iou(q.predicted[:1], q.true).max() if len(q.predicted) else 0.0 for q in queries])


def moments_in_videos(
    clip_ids: Sequence[int],
    clips: Mapping[int, tuple[int, float, float]],
    spans: Sequence[tuple[int, float, float]],
) -> list[MomentQuery]:
    """One query's moments, one for each video that has a true span of it.

    The windows predicted for a video are its clips in the order of the ranking `clip_ids`; `clips` gives each clip's
    (video_id, start_s, end_s), `spans` are the true ones. How far a grid of clips can meet a span is part of it.
    """
    true: dict[int, list[tuple[float, float]]] = {}
    for video_id, start_s, end_s in spans:
        true.setdefault(video_id, []).append((start_s, end_s))
    windows: dict[int, list[tuple[float, float]]] = {video_id: [] for video_id in true}
    for clip_id in clip_ids:
        video_id, start_s, end_s = clips[clip_id]
        if video_id in windows and len(windows[video_id]) < MOST_PREDICTIONS:
            windows[video_id].append((start_s, end_s))
    return [
        MomentQuery.of(windows[video_id], -np.arange(len(windows[video_id])), true[video_id])
        for video_id in true
    ]


def moment_metrics(queries: Sequence[MomentQuery]) -> dict[str, float]:
    """R1@m and mAP@m for every threshold, their mean `mAP`, and `mIoU`, all in percent."""
    overlaps = best_iou(queries)
    answer = {f"R1@{m:g}": 100.0 * float((overlaps >= m).mean()) for m in (0.3, *THRESHOLDS)}
    precisions = average_precisions(queries).mean(axis=0)  # (M,)
    answer |= {f"mAP@{m:g}": 100.0 * float(p) for m, p in zip(THRESHOLDS, precisions, strict=True)}
    return answer | {"mAP": 100.0 * float(precisions.mean()), "mIoU": 100.0 * float(overlaps.mean())}


def moment_intervals(queries: Sequence[MomentQuery]) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals over queries of everything that `moment_metrics` tells, by the same names."""
    overlaps, precisions = best_iou(queries), average_precisions(queries)  # (Q,), (Q, M)
    columns = {f"R1@{m:g}": 100.0 * (overlaps >= m) for m in (0.3, *THRESHOLDS)}
    columns |= {f"mAP@{m:g}": 100.0 * precisions[:, at] for at, m in enumerate(THRESHOLDS)}
    columns |= {"mAP": 100.0 * precisions.mean(axis=1), "mIoU": 100.0 * overlaps}
    intervals = bootstrap_intervals(np.stack(list(columns.values()), axis=1), np.zeros(len(columns), bool))
    return {name: (float(low), float(high)) for name, (low, high) in zip(columns, intervals, strict=True)}


def average_precisions(
    queries: Sequence[MomentQuery], thresholds: Sequence[float] = THRESHOLDS
) -> FloatArray:
    """Interpolated average precision (Q, M) in 0..1 of each query's first ten predictions."""
    return np.array([_average_precisions(query, np.asarray(thresholds)) for query in queries])


def _average_precisions(query: MomentQuery, thresholds: FloatArray) -> FloatArray:
    head = slice(0, MOST_PREDICTIONS)
    order = np.argsort(-query.scores[head], kind="stable")
    if len(order) == 0:
        return np.zeros(len(thresholds))
    overlaps = iou(query.predicted[head][order], query.true)  # (P, T)
    right = _greedy_matches(overlaps, thresholds)  # (M, P)
    hits = np.cumsum(right, axis=1)  # (M, P)
    precision = hits / np.arange(1, len(order) + 1)
    recall = hits / len(query.true)
    return np.array([_interpolated(p, r) for p, r in zip(precision, recall, strict=True)])


def _greedy_matches(overlaps: FloatArray, thresholds: FloatArray) -> FloatArray:
    """1 where a prediction, best first, takes the best true window that is still free (M, P), else 0."""
    right = np.zeros((len(thresholds), len(overlaps)))
    free = np.ones((len(thresholds), overlaps.shape[1]), bool)  # (M, T)
    for position, row in enumerate(overlaps):
        for level, threshold in enumerate(thresholds):
            open_overlaps = np.where(free[level], row, -1.0)
            best = int(open_overlaps.argmax())
            if open_overlaps[best] >= threshold:
                right[level, position] = 1.0
                free[level, best] = False
    return right


def _interpolated(precision: FloatArray, recall: FloatArray) -> float:
    """Area under precision made monotone from the right, over recall (the PASCAL VOC way)."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float((steps * envelope).sum())
