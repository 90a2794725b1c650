"""What a person gets of a search: the hits of a stage, with what is to be said of the query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from core.models.tokens import END, PADDING, START
from core.protocol import Hit, Ranked
from core.search.stages import StageRows

if TYPE_CHECKING:
    from core.library.catalog import ClipRow
    from core.library.features import FeatureStore
    from core.models.bundle import QueryVectors

NOTHING_LEARNED: Final = (
    "This model has learned no word of what is looked for: the order of the clips says nothing."
)
MARKERS: Final = frozenset({START, END, PADDING})
"""Positions that the model reads and a person did not write."""


def as_ranked(
    found: StageRows, k: int, clips: Sequence[ClipRow], store: FeatureStore, unlearned: tuple[str, ...]
) -> Ranked:
    """The first k of a stage as hits, without a line.

    Args:
        found: the stage.
        k: how many hits at most.
        clips: by row of the feature store.
        store: where frame weights name the keyframe of a clip that was not reranked.
        unlearned: words of the query that the model never learned.

    """
    rows, reranked = found.rows[:k], found.rerank_scores[:k].tolist()
    weights = store.frame_weights[rows[len(reranked) :]]  # (k - m, F)
    keyframes = [*found.best_frames[:k].tolist(), *weights.argmax(1).tolist()]
    percentiles = found.percentiles(k)
    taken = [*found.rerank_taken[:k].tolist(), *found.taken[len(reranked) : k].tolist()]
    learned: list[float] = []
    if found.lesson is not None:
        head = rows[: len(reranked)]
        learned = [*found.lesson.reranked(head).tolist(), *found.lesson.first(rows[len(head) :]).tolist()]
    hits = []
    for place, row in enumerate(rows.tolist()):
        clip = clips[row]
        hits.append(
            Hit(
                rank=place + 1,
                clip_id=clip.clip_id,
                video_id=clip.video_id,
                video=clip.path,
                start_s=clip.start_s,
                end_s=clip.end_s,
                score=float(found.scores[place]),
                first_rank=int(found.first_ranks[place]),
                percentile=percentiles[place],
                rerank_score=reranked[place] if place < len(reranked) else None,
                keyframe=keyframes[place],
                taken=taken[place] if taken else 0.0,
                learned=learned[place] if learned else 0.0,
            )
        )
    return Ranked(
        id=0,
        stage=found.stage,
        query=found.text,
        hits=tuple(hits),
        searched_clips=found.searched,
        timings_ms={name: round(ms, 3) for name, ms in found.timings_ms.items()},
        words=tuple(word for word in found.query.word_texts if word not in MARKERS),
        cut_words=found.query.cut_words,
        notes=_notes(found.query),
        final=found.final,
        without=found.without,
        learned=found.lesson.feedback if found.lesson else None,
        unlearned=unlearned,
    )


def _notes(query: QueryVectors) -> tuple[str, ...]:
    if query.blank:
        return (NOTHING_LEARNED,)
    if not query.cut_words:
        return ()
    first, left_out = query.cut_words[0][:40], len(query.cut_words)
    told = f"{left_out:,} words, from “{first}” on, were" if left_out > 1 else f"word, “{first}”, was"
    return (f"The query is longer than the model reads: its last {told} not used.",)
