"""All rankings of an evaluation: of every query by the library's own search, or as a foreign run has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.evaluate.gallery import Gallery, NotFound
from core.evaluate.metrics import Outcomes, outcome
from core.evaluate.ranking import Ranking
from core.evaluate.runs import StageResult, depth_for
from core.evaluate.trec import TrecRanking
from core.evaluate.truth import QuerySet, RejectedRow

if TYPE_CHECKING:
    from core.search.pipeline import Searcher

MATRIX_CELLS: Final = 20_000_000
"""Beyond this many query-clip pairs (some 500 MB while computing) video-to-text is not computed."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Ranked:
    """Stages of a run, timings by step (Q,), and first-stage scores (Q, N) by position in sorted clip ids."""

    stages: dict[str, StageResult]
    timings: dict[str, list[float]]
    similarity: np.ndarray[Any, np.dtype[np.float32]] | None


def rank_library(
    searcher: Searcher,
    queries: QuerySet,
    gallery: Gallery,
    rerank_clips: int,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Ranked:
    """Every query against every clip.

    Raises Cancelled, and DrivescopeError(BUSY) if clips come or go meanwhile: ranks among different clips do not
    belong in one number.
    """
    clips, total = len(gallery), len(queries.queries)
    depth = depth_for(total, clips)
    clip_order = np.array(sorted(gallery.clip_ids), np.int64)  # (N,)
    similarity = np.full((total, clips), np.nan, np.float32) if total * clips <= MATRIX_CELLS else None
    rankings: dict[str, list[Ranking]] = {}
    rows: dict[str, list[Outcomes]] = {}
    timings: dict[str, list[float]] = {}
    for at, query in enumerate(queries.queries):
        if cancelled():
            raise Cancelled
        for ranked in searcher.stages(query.text, clips, rerank_clips=rerank_clips):
            ranking = Ranking.of_stage(ranked)
            if not np.array_equal(np.sort(ranking.clip_ids), clip_order):
                raise DrivescopeError(
                    ErrorKind.BUSY,
                    "The library changed while it was evaluated: wait until indexing is done and evaluate again.",
                )
            rankings.setdefault(ranked.stage, []).append(ranking.cut(depth))
            grades = queries.grades[query.query_id]
            rows.setdefault(ranked.stage, []).append(outcome(ranking.clip_ids, ranking.starts, grades, clips))
            if ranked.stage == "first" and similarity is not None:
                similarity[at, np.searchsorted(clip_order, ranking.clip_ids)] = ranking.scores
        for step, ms in ranked.timings_ms.items():
            timings.setdefault(f"{step}_ms", []).append(ms)
        progress(at + 1, total)
    stages = {stage: StageResult(tuple(rankings[stage]), Outcomes.stack(rows[stage])) for stage in rankings}
    return Ranked(stages, timings, similarity)


def rank_foreign(
    foreign: Mapping[str, TrecRanking], queries: QuerySet, gallery: Gallery
) -> tuple[Ranked, list[RejectedRow]]:
    """The foreign run's rankings of the truth's queries; documents that are no clip are left out and listed.

    A query that the run lacks has an empty ranking, which is a failure.
    """
    rankings, rows, rejected = [], [], []
    known: dict[str, int | str] = {}
    for query in queries.queries:
        topic = foreign.get(query.query_id) or foreign.get("_".join(query.query_id.split()))
        ids: dict[int, float] = {}
        lines = zip(topic.documents, topic.scores, topic.lines, strict=True) if topic else ()
        for document, score, line in lines:
            clip = known.setdefault(document, _clip_or_reason(gallery, document, known))
            if clip in ids:
                clip = "the run ranks this clip twice, under different names"
            if isinstance(clip, int):
                ids[clip] = score
            else:
                rejected.append(RejectedRow(line, query.text, document, clip))
        clip_ids = np.fromiter(ids.keys(), np.int64, len(ids))
        ranking = Ranking(clip_ids, np.fromiter(ids.values(), np.float32, len(ids)), len(ids))
        rankings.append(ranking)
        rows.append(outcome(clip_ids, ranking.starts, queries.grades[query.query_id], len(gallery)))
    return Ranked({"foreign": StageResult(tuple(rankings), Outcomes.stack(rows))}, {}, None), rejected


def _clip_or_reason(gallery: Gallery, document: str, known: Mapping[str, int | str]) -> int | str:
    """A document's clip, or why it has none; looked up once."""
    if document in known:
        return known[document]
    try:
        clip_id = gallery.clip_of_document(document)
    except NotFound as reason:
        return str(reason)
    return clip_id if clip_id in gallery.clip_ids else f"the clip {document} is not indexed"
