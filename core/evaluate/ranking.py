"""One query's ranking as a run keeps it: clips best first, their scores, and which score decided which part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.evaluate.ties import IntArray

if TYPE_CHECKING:
    from core.search.stages import StageRows

ScoreArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ranking:
    """Clips best first.

    `clip_ids` (n,); `scores` (n,) never rise inside a part. The first `head` positions were ordered by the
    reranker's score, the others by the first stage's, which is another scale: scores are compared, and tied,
    only inside a part.
    """

    clip_ids: IntArray
    scores: ScoreArray
    head: int

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def starts(self) -> IntArray:
        """Positions (B,) where blocks of equal scores begin."""
        if not len(self):
            return np.empty(0, np.int64)
        change = np.ones(len(self), bool)
        change[1:] = self.scores[1:] != self.scores[:-1]
        if self.head < len(self):
            change[self.head] = True
        return np.flatnonzero(change)

    def cut(self, depth: int) -> Ranking:
        """The best `depth` clips."""
        return Ranking(self.clip_ids[:depth], self.scores[:depth], min(self.head, depth))

    @classmethod
    def of_stage(cls, found: StageRows) -> Ranking:
        """What the searcher found in one stage."""
        head = len(found.rerank_scores)
        scores = np.concatenate([found.rerank_scores, found.scores[head:]])
        return cls(found.clip_ids, scores, head or len(scores))

    def falling_scores(self) -> ScoreArray:
        """Scores (n,) that order the whole ranking: the tail is moved below the head where it is not already.

        TREC run files know one scale only.
        """
        scores = self.scores.copy()
        if 0 < self.head < len(self) and scores[self.head] >= scores[self.head - 1]:
            scores[self.head :] -= scores[self.head] - scores[self.head - 1] + np.float32(1.0)
        return scores
