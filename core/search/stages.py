"""What a stage of a search is: its ranking as arrays, before it becomes hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.protocol import Stage

if TYPE_CHECKING:
    from core.models.bundle import QueryVectors
    from core.search.feedback import Lesson

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class StageRows:
    """One stage's ranking of n clips as arrays, best first: what evaluation reads by the million.

    `rows` (n,) are rows of the feature store and `clip_ids` (n,) their clips; `scores` (n,) first-stage cosines,
    `first_ranks` (n,) their ranks from 1 in the first stage. The first m rows were ordered by `rerank_scores` (m,),
    and `best_frames` (m,) answer the query best there; m is 0 in the first stage. Where `joint_scores` (m,) are there,
    they ordered the rows instead.

    With minus words, `without`, every score is what is left when they are taken off; `taken` (n,) and `rerank_taken`
    (m,) say how much that was. Both are empty without such words. With a `lesson` every score has what judged clips
    add, and judged clips stand first or last, whatever their scores are.
    """

    stage: Stage
    query: QueryVectors
    rows: Rows
    clip_ids: Rows
    scores: Scores
    first_ranks: Rows
    rerank_scores: Scores
    best_frames: Rows
    searched: int
    timings_ms: dict[str, float]
    final: bool
    joint_scores: Scores = field(default_factory=lambda: np.empty(0, np.float32))
    text: str = ""  # the query as asked; `query` is what it asks for
    without: tuple[str, ...] = ()
    taken: Scores = field(default_factory=lambda: np.empty(0, np.float32))
    rerank_taken: Scores = field(default_factory=lambda: np.empty(0, np.float32))
    lesson: Lesson | None = None

    def percentiles(self, k: int) -> list[float]:
        """Share (0-100) of the searched clips that rank no higher, for the first k; equal scores share the best."""
        stages = (self.joint_scores, self.rerank_scores, self.scores)
        deciding = -next((scores for scores in stages if len(scores)), self.scores)
        places = np.arange(min(k, len(self.rows)))
        places[: len(deciding)] = np.searchsorted(deciding, deciding[:k], side="left")
        if self.lesson is not None:  # relevant clips stand first and others last, whatever their scores are
            places = self.lesson.places(self.rows[:k], deciding[:k])
        return [round(100.0 * (self.searched - place) / self.searched, 2) for place in places.tolist()]
