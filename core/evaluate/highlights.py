"""Highlight detection metrics: how well scores over a video's parts rise where annotators saw what was asked for.

HL-mAP and HIT@1 as the QVHighlights evaluation that LLMEPET ships computes them (Lei, Berg and Bansal, NeurIPS 2021).
Several annotators rated every part; each is a truth of their own for the average precision, and any of them
will do for the hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.evaluate.ties import BoolArray, FloatArray

FAIR: Final = 2
GOOD: Final = 3
VERY_GOOD: Final = 4
"""Ratings from which a part counts as a highlight; the field's headline is `VERY_GOOD`."""


@dataclass(frozen=True)
class HighlightQuery:
    """One query: `scores` (P,) for the parts of the video in order, and `ratings` (P, A) of them by A annotators."""

    scores: FloatArray
    ratings: FloatArray

    @classmethod
    def of(cls, scores: npt.ArrayLike, ratings: npt.ArrayLike) -> HighlightQuery:
        """Shapes plain lists; scores are cut, or filled with zeros, to the parts that were rated.

        Raises ValueError for scores that are no finite numbers, or without a part or an annotator.
        """
        rated = np.asarray(ratings, np.float64)
        values = np.asarray(scores, np.float64).reshape(-1)
        if rated.ndim != 2 or rated.size == 0 or len(values) == 0:
            raise ValueError("a query needs scores, and ratings of every part by at least one annotator")
        if not (np.isfinite(values).all() and np.isfinite(rated).all()):
            raise ValueError("scores and ratings must be finite numbers")
        fitted = np.zeros(len(rated))
        shared = min(len(rated), len(values))
        fitted[:shared] = values[:shared]
        return cls(fitted, rated)


def highlight_metrics(queries: Sequence[HighlightQuery], least: int = VERY_GOOD) -> dict[str, float]:
    """`HL-mAP` and `HIT@1` in percent; parts rated `least` or better are highlights."""
    precisions = [
        average_precision(query.ratings[:, annotator] >= least, query.scores)
        for query in queries
        for annotator in range(query.ratings.shape[1])
    ]
    hits = [bool((query.ratings[int(query.scores.argmax())] >= least).any()) for query in queries]
    return {"HL-mAP": 100.0 * float(np.mean(precisions)), "HIT@1": 100.0 * float(np.mean(hits))}


def average_precision(positive: BoolArray, scores: FloatArray) -> float:
    """Mean over the levels of recall of the best precision at that recall or above; equal scores are one step.

    0 if nothing is positive, 1 if everything is.
    """
    count = int(positive.sum())
    if count in (0, len(positive)):
        return float(count > 0)
    order = np.argsort(-scores, kind="stable")
    last_of_step = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # (S,)
    found = np.cumsum(positive[order])[last_of_step]  # (S,)
    precision = found / (last_of_step + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    rises = np.diff(np.append(0, found)) > 0
    return float(envelope[rises].mean())
