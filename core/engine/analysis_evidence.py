"""One query of a run with its clips: the first ten, and the relevant ones wherever they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from core import protocol
from core.errors import DrivescopeError, ErrorKind

if TYPE_CHECKING:
    from core.evaluate.ranking import Ranking
    from core.evaluate.runs import Run
    from core.library.catalog import Catalog

TOP: Final = 10
MOST_TRUTHS: Final = 5


def evidence(request_id: int, run: Run, row: int, catalog: Catalog) -> protocol.Evidence:
    """What stands first and where the truth stands; clips that were dropped since are left out."""
    query = run.queries[row]
    grades = run.grades[query.query_id]
    ranking = run.final.rankings[row]
    position = {clip_id: place for place, clip_id in enumerate(ranking.clip_ids.tolist())}
    relevant = [clip_id for clip_id, grade in grades.items() if grade > 0]
    relevant.sort(key=lambda clip_id: position.get(clip_id, len(position)))
    reader = _Reader(run, row, catalog)

    def shown(clip_ids: list[int]) -> tuple[protocol.RankedClip, ...]:
        hits = [hit for clip_id in clip_ids if (hit := reader.hit(clip_id)) is not None]
        return tuple(protocol.RankedClip(hit, _grade(grades.get(hit.clip_id))) for hit in hits)

    return protocol.Evidence(
        id=request_id,
        run_id=run.run_id,
        row=row,
        query=query.text,
        top=shown(ranking.clip_ids[:TOP].tolist()),
        truth=shown(relevant[:MOST_TRUTHS]),
    )


def _grade(grade: int | None) -> int | None:
    """A grade below 0 stands for pooled and never judged."""
    return None if grade is None or grade < 0 else grade


class _Reader:
    """Hits of one query as a run has them. A clip that was not ranked has rank 0 and score 0."""

    def __init__(self, run: Run, row: int, catalog: Catalog) -> None:
        self._catalog = catalog
        self._clips = int(run.facts["counts"]["clips"])
        stages = list(run.stages.values())
        self._first = stages[0].rankings[row]
        self._last = stages[-1].rankings[row]
        self._reranked = len(stages) > 1

    def hit(self, clip_id: int) -> protocol.Hit | None:
        """The clip as a hit, or None if it is no longer in the library."""
        try:
            clip = self._catalog.clip(clip_id)
        except DrivescopeError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return None
        first, last = _place(self._first, clip_id), _place(self._last, clip_id)
        by_reranker = self._reranked and last is not None and last < self._last.head
        rank = 0 if last is None else last + 1
        return protocol.Hit(
            rank=rank,
            clip_id=clip_id,
            video_id=clip.video_id,
            video=clip.path,
            start_s=clip.start_s,
            end_s=clip.end_s,
            score=0.0 if first is None else float(self._first.scores[first]),
            first_rank=0 if first is None else first + 1,
            percentile=round(100.0 * (self._clips - rank + 1) / self._clips, 2) if rank else 0.0,
            rerank_score=float(self._last.scores[last]) if by_reranker else None,
        )


def _place(ranking: Ranking, clip_id: int) -> int | None:
    found = np.flatnonzero(ranking.clip_ids == clip_id)
    return int(found[0]) if len(found) else None
