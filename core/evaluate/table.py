"""The table of queries: where the truth stands in each stage, how far behind rank 1, and what stands there instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.evaluate.ranking import Ranking
from core.evaluate.runs import Run
from core.evaluate.ties import EXPECTED


@dataclass(frozen=True)
class QueryRow:
    """One query of a run.

    `first_rank` and `rank` are the expected ranks of the best relevant clip in the first and last stage (equal without
    a reranker), `change` the ranks that reranking won. `truth_clip` is that clip and `gap` the score that it lacks to
    rank 1; both are None where it was not ranked, or was ordered by another score than rank 1, `gap` is. `percentile`
    is the share (0-100) of all clips that rank no higher. `top_clip` is rank 1, relevant or not; `unjudged`
    the share (0-1) of the first ten that nobody has judged.
    """

    query_id: str
    text: str
    first_rank: float
    rank: float
    change: float
    percentile: float
    relevant: int
    unjudged: float
    top_clip: int | None
    truth_clip: int | None
    gap: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def query_table(run: Run) -> list[QueryRow]:
    """One row for each query, in the order of the run."""
    stages = list(run.stages.values())
    first = stages[0].outcomes.rank[:, EXPECTED]
    last = run.final.outcomes
    clips = int(run.facts["counts"]["clips"])
    rows = []
    for at, query in enumerate(run.queries):
        ranking = run.final.rankings[at]
        truth_at = _best_truth(ranking, run.grades[query.query_id])
        rank = float(last.rank[at, EXPECTED])
        rows.append(
            QueryRow(
                query_id=query.query_id,
                text=query.text,
                first_rank=float(first[at]),
                rank=rank,
                change=float(first[at]) - rank,
                percentile=round(100.0 * (clips - rank + 1) / clips, 2),
                relevant=int(last.relevant[at]),
                unjudged=float(last.unjudged[at, -1]),
                top_clip=int(ranking.clip_ids[0]) if len(ranking) else None,
                truth_clip=None if truth_at is None else int(ranking.clip_ids[truth_at]),
                gap=_gap(ranking, truth_at),
            )
        )
    return rows


def _best_truth(ranking: Ranking, grades: Mapping[int, int]) -> int | None:
    relevant = np.array([clip_id for clip_id, grade in grades.items() if grade > 0], np.int64)
    found = np.flatnonzero(np.isin(ranking.clip_ids, relevant))
    return int(found[0]) if len(found) else None


def _gap(ranking: Ranking, truth_at: int | None) -> float | None:
    if truth_at is None or (truth_at >= ranking.head > 0):
        return None
    return float(ranking.scores[0] - ranking.scores[truth_at])
