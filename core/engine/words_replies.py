"""The explanations of `core.explain` as messages. Runs in the models thread, with a searcher that is ready."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from core import protocol
from core.explain.counterfactual import FIRST_HITS, moves
from core.explain.why_not import sides_of
from core.explain.words import Anatomy, dissect, parts_percentiles
from core.library.clips import Span, sample_times
from core.search.feedback import REJECTED, RELEVANT
from core.search.rerank import RERANK_CLIPS

if TYPE_CHECKING:
    import numpy.typing as npt

    from core.explain.why_not import Trial
    from core.models.bundle import QueryVectors
    from core.search.feedback import Lesson
    from core.search.pipeline import Searcher

PARTS: Final[tuple[protocol.PartName, ...]] = (
    "video_sentence", "video_word", "sentence_frame", "frame_word",
)  # fmt: skip


def explain_score(
    searcher: Searcher, request: protocol.ExplainScore, request_id: int
) -> protocol.ScoreExplained:
    """The clip's score taken apart, from the vectors in the library."""
    bundle, store = searcher.bundle, searcher.store
    searcher.refresh()
    row = searcher.row_of(request.clip_id)
    left_out = not searcher.admitted(request.filters)[row]  # a clip that is ranked without the filters
    filters = None if left_out else request.filters
    feedback = request.feedback
    first = next(searcher.stages(request.text, RERANK_CLIPS, filters=filters, feedback=feedback))
    clip, sides = searcher.clip_of(row), sides_of(searcher, row)
    compared = first.rows[:RERANK_CLIPS]
    reranked = request.rerank and bool((compared == row).any())
    found = dissect(bundle, first.query, sides.frames, sides.video)
    cosine = float(first.query.student.cpu() @ sides.student)
    taken = _taken(searcher, first.without, row, reranked=reranked)
    times = sample_times(Span(clip.start_s, clip.end_s), bundle.spec.frames)
    weights = np.asarray(store.frame_weights[row], np.float32).tolist()
    parts: tuple[protocol.ScorePart, ...] = ()
    if reranked:
        shares = parts_percentiles(found.parts, _parts_of(searcher, first.query, compared))
        parts = tuple(
            protocol.ScorePart(name, value, value / len(PARTS), share)
            for name, value, share in zip(PARTS, found.parts.tolist(), shares, strict=True)
        )
    return protocol.ScoreExplained(
        id=request_id,
        clip_id=request.clip_id,
        query=request.text,
        stage="reranked" if reranked else "first",
        score=found.score if reranked else cosine,
        first_score=cosine,
        compared=len(compared),
        parts=parts,
        words=_words_read(first.query, found, reranked=reranked),
        marks=found.marks if reranked else 0.0,
        sentence=found.sentence if reranked else 0.0,
        video=found.video if reranked else 0.0,
        frames=tuple(
            _frame_read(time_s, weight, found, number, reranked=reranked)
            for number, (time_s, weight) in enumerate(zip(times, weights, strict=True))
        ),
        taken=taken,
        learned=_learned(searcher, request, first.lesson, row, filters, reranked=reranked),
    )


def preview_change(
    searcher: Searcher, request: protocol.PreviewChange, request_id: int
) -> protocol.ChangePreviewed:
    """The first clips' ranks, and the asked clip's, for the query and for the changed one."""
    rerank_clips = RERANK_CLIPS if request.rerank else 0
    *_, shown = searcher.search(
        request.text, k=RERANK_CLIPS, rerank_clips=rerank_clips, filters=request.filters
    )
    asked = [hit for hit in shown.hits[FIRST_HITS:] if hit.clip_id == request.clip_id]
    followed = [*shown.hits[:FIRST_HITS], *asked]
    found = moves(searcher, followed, request.changed, filters=request.filters, rerank_clips=rerank_clips)
    told = [
        protocol.RankMove(hit.clip_id, hit.video, hit.start_s, hit.end_s, hit.rank, move.new_rank)
        for hit, move in zip(followed, found, strict=True)
    ]
    own = told[FIRST_HITS] if asked else None
    return protocol.ChangePreviewed(
        id=request_id, changed=request.changed, moves=tuple(told[:FIRST_HITS]), own=own
    )


def as_change(trial: Trial) -> protocol.QueryChange:
    """A tried change as a message."""
    edits = tuple(protocol.QueryEdit(edit.old, edit.new) for edit in trial.edits)
    return protocol.QueryChange(trial.text, edits, trial.rank)


def _words_read(query: QueryVectors, found: Anatomy, *, reranked: bool) -> tuple[protocol.WordRead, ...]:
    """Every word as typed, also those that the model did not read or read only in part."""
    text = query.text
    limit = len(text)  # from here on words are beyond the model's limit
    if query.cut_words:
        typed = [match.start() for match in re.finditer(r"\S+", text)]
        limit = typed[max(0, len(typed) - len(query.cut_words))]
    told = []
    for number, word in enumerate(found.words):
        told.append(
            protocol.WordRead(
                text=text[word.start : word.end],
                start=word.start,
                end=word.end,
                cut=word.start >= limit,
                booked=float(found.by_word[number]) if reranked else 0.0,
                similarity=tuple(found.similarity[number].tolist()) if reranked else (),
                brought=tuple(found.by_word_and_frame[number].tolist()) if reranked else (),
            )
        )
    read_up_to = max((word.end for word in found.words), default=0)
    for match in re.finditer(r"\S+", text[limit:]):
        if limit + match.start() >= read_up_to:
            told.append(
                protocol.WordRead(match.group(), limit + match.start(), limit + match.end(), cut=True)
            )
    return tuple(told)


def _taken(
    searcher: Searcher, without: tuple[str, ...], row: int, *, reranked: bool
) -> tuple[protocol.WordTaken, ...]:
    """What each minus word takes off the clip's deciding score."""
    one = np.array([row])
    told = []
    for word in without:
        minus = searcher.minus((word,))
        told.append(protocol.WordTaken(word, float((minus.reranked if reranked else minus.first)(one)[0])))
    return tuple(told)


def _learned(
    searcher: Searcher,
    request: protocol.ExplainScore,
    lesson: Lesson | None,
    row: int,
    filters: protocol.Filters | None,
    *,
    reranked: bool,
) -> protocol.ScoreLearned | None:
    """What judged clips add to the clip's deciding score, and where it stands without them."""
    if lesson is None:
        return None
    one = np.array([row])
    added = float((lesson.reranked if reranked else lesson.first)(one)[0])
    rerank_clips = RERANK_CLIPS if request.rerank else 0
    *_, own = searcher.stages(request.text, RERANK_CLIPS, rerank_clips=rerank_clips, filters=filters)
    places = np.flatnonzero(own.rows == row)
    judged = lesson.groups(one)[0]
    return protocol.ScoreLearned(
        added,
        int(places[0]) + 1 if len(places) else None,
        "relevant" if judged == RELEVANT else "not" if judged == REJECTED else "",
    )


def _frame_read(
    time_s: float, student_weight: float, found: Anatomy, number: int, *, reranked: bool
) -> protocol.FrameRead:
    if not reranked:
        return protocol.FrameRead(time_s, student_weight)
    return protocol.FrameRead(
        time_s,
        student_weight,
        weight=float(found.frame_weights[number]),
        booked=float(found.by_frame[number]),
        answer=float(found.frame_answers[number]),
    )


def _parts_of(
    searcher: Searcher, query: QueryVectors, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """(K, 4) the four granularities of every clip in `rows` (K,)."""
    frames = torch.from_numpy(np.ascontiguousarray(searcher.store.frames[rows]))  # (K, F, D)
    video = torch.from_numpy(np.ascontiguousarray(searcher.store.video[rows]))  # (K, D)
    parts: npt.NDArray[np.float32] = searcher.bundle.rerank(query, frames, video).parts.numpy()
    return parts
