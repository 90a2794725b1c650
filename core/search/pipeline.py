"""One query, two stages: text -> student vector -> exact first stage -> X-CLIP rerank of the best K.

Words behind a minus are asked on their own and taken off both stages' scores (`minus.py`); what a person judged may be
learned from (`feedback.py`).

The window's engine and the command line both search through `Searcher`, so they give the same ranking.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import DrivescopeError, ErrorKind
from core.protocol import Feedback, Filters, Ranked
from core.search.feedback import Lesson, rows_of
from core.search.index import FlatIndex
from core.search.line import Line, with_line
from core.search.minus import Minus
from core.search.query import read_query
from core.search.rerank import RERANK_CLIPS, rerank
from core.search.results import as_ranked
from core.search.stages import StageRows

if TYPE_CHECKING:
    from core.library.catalog import ClipRow
    from core.library.features import FeatureStore
    from core.library.library import Library
    from core.models.bundle import ModelBundle, QueryVectors

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
JointScore = Callable[[str, Scores, Scores, Scores, Scores], "Scores | None"]
"""Query, rerank scores (K,), student (K, Ds), video (K, Dr) and frames (K, F, Dr) to joint scores (K,), or None."""


class Searcher:
    """Searches one library with the bundle that made its vectors.

    `line` tells where matches end in the library as it was at the last look.

    Raises DrivescopeError(MISMATCH) if the library was made with another bundle, crop or sampling.
    """

    def __init__(self, library: Library, bundle: ModelBundle) -> None:
        self.library = library
        self.bundle = bundle
        self._begin()
        self.refresh()

    def _begin(self) -> None:
        """Nothing of the library is known yet."""
        self._store = self.library.features(self.bundle.spec)
        self._index = FlatIndex(self.bundle.spec.student_dim)
        self._clips: list[ClipRow] = []  # by row of the feature store
        self._live = np.empty(0, bool)  # (rows,) False where the clip was dropped
        self._generation = -1
        self._build = self.library.build

    @property
    def clips(self) -> int:
        """How many clips can be found."""
        return int(self._live.sum())

    def refresh(self) -> bool:
        """Take in what was committed since the last look, or the library that was built anew in the same place.

        Returns whether anything changed. Raises DrivescopeError as `Library.follow` and `Library.features` do.
        """
        self.library.follow()
        if self.library.build != self._build:
            self._begin()
        generation = self._store.refresh()
        if generation == self._generation:
            return False
        self._generation = generation
        if self._store.rows < self._index.rows:  # compacted: row numbers changed
            self._index = FlatIndex(self.bundle.spec.student_dim)
        self._index.add(self._store.student[self._index.rows : self._store.rows])
        by_id = {clip.clip_id: clip for clip in self.library.catalog.clips()}
        ids = self._store.clip_ids[: self._store.rows].tolist()
        gone = self.library.catalog.dropped_clip
        self._clips = [by_id.get(clip_id, gone) for clip_id in ids]
        self._live = np.fromiter((clip is not gone for clip in self._clips), bool, len(ids))
        self.line = Line(self._store, generation, np.flatnonzero(self._live))
        return True

    def search(
        self,
        text: str,
        *,
        k: int = 200,
        rerank_clips: int = RERANK_CLIPS,
        filters: Filters | None = None,
        joint: JointScore | None = None,
        feedback: Feedback | None = None,
    ) -> Iterator[Ranked]:
        """Yield the first-stage ranking, then, unless `rerank_clips` is 0, the reranked one.

        `k` is the number of hits returned; for the rest see `stages`. The last one has its line if that is known;
        `line.find` makes it known.
        """
        for found in self.stages(
            text, k, rerank_clips=rerank_clips, filters=filters, joint=joint, feedback=feedback
        ):
            yield self.ranked(found, k)

    def stages(
        self,
        text: str,
        depth: int,
        *,
        rerank_clips: int = RERANK_CLIPS,
        filters: Filters | None = None,
        joint: JointScore | None = None,
        feedback: Feedback | None = None,
    ) -> Iterator[StageRows]:
        """Yield the best `depth` clips (at least those that are reranked) of each stage as arrays.

        Reranking orders the first `rerank_clips` clips by X-CLIP and leaves the others behind them in their
        first-stage order. Ties keep the order of the stage before. `joint` may weigh something else into the order;
        where it has nothing to say about a query, X-CLIP alone decides. `feedback` are judged clips to learn from.

        Raises DrivescopeError(BAD_INPUT) for a query that is empty or says only what must not be there, and
        DrivescopeError(NOT_FOUND) if none of the judged clips is in the library.
        """
        asked = read_query(text)
        if not asked.positive.strip():
            raise DrivescopeError(ErrorKind.BAD_INPUT, "The query is empty: type what you look for.")
        self.refresh()
        started = time.perf_counter()
        query = self.bundle.encode_text(asked.positive)
        minus = self.minus(asked.without) if asked.without else None
        timings = {"text": _ms_since(started)}
        lesson = None
        if feedback is not None:
            started = time.perf_counter()
            lesson = self._lesson(query, feedback)
            timings["learning"] = _ms_since(started)
        final = rerank_clips == 0
        first = self._first(
            query, max(depth, rerank_clips), filters, timings, final=final, minus=minus, lesson=lesson
        )
        first = replace(first, text=text, without=asked.without)
        yield first
        if not first.final:
            yield self._reranked(first, rerank_clips, joint, minus)

    def similar(self, clip_id: int, *, k: int = 200, filters: Filters | None = None) -> Ranked:
        """The clips whose student vectors are nearest to that of a clip, itself first; its query is empty.

        Raises DrivescopeError(NOT_FOUND) if the clip was dropped.
        """
        import torch  # the rest of this page gets by with what the bundle gives it

        from core.models.bundle import QueryVectors

        self.refresh()
        vector = np.array(self._store.student[self.row_of(clip_id)], np.float32)  # (Ds,)
        nothing = torch.empty(0)
        query = QueryVectors("", torch.from_numpy(vector), nothing, nothing, (), ())
        return self.ranked(self._first(query, k, filters, {}, final=True), k)

    def _first(
        self,
        query: QueryVectors,
        depth: int,
        filters: Filters | None,
        timings: dict[str, float],
        *,
        final: bool,
        minus: Minus | None = None,
        lesson: Lesson | None = None,
    ) -> StageRows:
        """The first stage's best `depth` clips; `final` unless a second one follows and there are any."""
        allowed = self._allowed(filters or Filters())
        searched = self.clips if allowed is None else len(allowed)
        at = time.perf_counter()
        if lesson is None:
            rows, scores, taken = self._top(query.student.cpu().numpy(), depth, allowed, minus)
        else:
            rows, scores, taken = self._learned_top(lesson, depth, allowed, minus)
        timings = timings | {"first": _ms_since(at)}
        if (rows < 0).any():  # faiss ranks no vector that is not a number
            raise DrivescopeError(
                ErrorKind.UNREADABLE,
                f"Some vectors of the library {self.library.folder.name} are not numbers: index the footage again "
                "into a new one.",
            )
        ids = np.asarray(self._store.clip_ids)[rows]
        ranks = np.arange(1, len(rows) + 1)
        nothing = (np.empty(0, np.float32), np.empty(0, np.int64))
        final = final or len(rows) == 0
        return StageRows(
            "first",
            query,
            rows,
            ids,
            scores,
            ranks,
            *nothing,
            searched,
            timings,
            final,
            taken=taken,
            lesson=lesson,
        )

    def _learned_top(
        self, lesson: Lesson, depth: int, allowed: Rows | None, minus: Minus | None
    ) -> tuple[Rows, Scores, Scores]:
        """The same as `_top` with what judged clips add, and those clips in their places."""
        rows, scores, taken = self._top(lesson.vector, depth + len(lesson.judged), allowed, minus)
        judged = lesson.judged if allowed is None else np.intersect1d(lesson.judged, allowed)
        missing = np.setdiff1d(judged, rows)
        if len(missing):
            off = minus.first(missing) if minus else taken
            rows, taken = np.concatenate([rows, missing]), np.concatenate([taken, off])
            scores = np.concatenate([scores, lesson.scores(missing) - (off if minus else 0)])
        order = np.lexsort((-scores, lesson.groups(rows)))[:depth]
        left: Scores = scores[order] - np.float32(lesson.offset)
        return rows[order], left, taken[order] if minus else taken

    def _top(
        self, vector: Scores, depth: int, allowed: Rows | None, minus: Minus | None
    ) -> tuple[Rows, Scores, Scores]:
        """Rows, scores and what the minus words took of the best `depth` clips for a vector (Ds,), exactly.

        Minus words only take away, so once the last score of the list that has them is above everything that the
        index left out, the list is right; until then more is asked of the index.
        """
        rows, scores = self._index.top(vector, depth, allowed)
        if minus is None:
            return rows, scores, np.empty(0, np.float32)
        most = self._index.rows if allowed is None else len(allowed)
        while True:
            taken = minus.first(rows)
            left = scores - taken
            order = np.lexsort((rows, -left))[:depth]
            if len(rows) == most or left[order[-1]] > scores[-1]:
                return rows[order], left[order], taken[order]
            rows, scores = self._index.top(vector, 4 * len(rows), allowed)

    def _reranked(
        self, first: StageRows, rerank_clips: int, joint: JointScore | None, minus: Minus | None
    ) -> StageRows:
        """The first stage with its best `rerank_clips` clips in X-CLIP's order, or in the joint one."""
        started = time.perf_counter()
        head = first.rows[:rerank_clips]  # (m,)
        rerank_scores, best_frames = rerank(self.bundle, first.query, self._store, head)
        taken = minus.reranked(head) if minus else np.zeros(len(head), np.float32)
        rerank_scores = rerank_scores - taken
        if first.lesson is not None:
            rerank_scores = rerank_scores + first.lesson.reranked(head)
        timings = first.timings_ms | {"rerank": _ms_since(started)}
        joint_scores = None
        if joint is not None:
            started = time.perf_counter()
            joint_scores = joint(first.query.text, rerank_scores, *self._vectors(head))
        if joint_scores is not None:
            timings |= {"joint": _ms_since(started)}
        deciding = rerank_scores if joint_scores is None else joint_scores
        groups = np.zeros(len(head)) if first.lesson is None else first.lesson.groups(head)
        order = np.lexsort((-deciding, groups))  # (m,) ties keep their order
        new = np.concatenate([order, np.arange(len(head), len(first.rows))])  # (n,) place in the first stage
        return replace(
            first,
            stage="reranked",
            rows=first.rows[new],
            clip_ids=first.clip_ids[new],
            scores=first.scores[new],
            first_ranks=first.first_ranks[new],
            rerank_scores=rerank_scores[order],
            best_frames=best_frames[order],
            timings_ms=timings,
            final=True,
            joint_scores=np.empty(0, np.float32) if joint_scores is None else joint_scores[order],
            taken=first.taken[new] if minus else first.taken,
            rerank_taken=taken[order] if minus else first.rerank_taken,
        )

    def minus(self, without: Sequence[str]) -> Minus:
        """Minus words, ready to be asked of this library's clips."""
        return Minus(self.bundle, self._store, without, np.flatnonzero(self._live))

    def _lesson(self, query: QueryVectors, feedback: Feedback) -> Lesson:
        """What judged clips teach about a query. Raises DrivescopeError(NOT_FOUND) if none is in the library."""
        live = np.flatnonzero(self._live)
        judged = rows_of(feedback, np.asarray(self._store.clip_ids), live)
        return Lesson(self.bundle, self._store, query, *judged, live)

    def _vectors(self, rows: Rows) -> tuple[Scores, Scores, Scores]:
        """Student (K, Ds), video (K, Dr) and frame vectors (K, F, Dr) of K rows, float32."""
        parts = (self._store.student[rows], self._store.video[rows], self._store.frames[rows])
        student, video, frames = (np.asarray(part, np.float32) for part in parts)
        return student, video, frames

    def row_of(self, clip_id: int) -> int:
        """The clip's row in the feature store. Raises DrivescopeError(NOT_FOUND) if it was dropped."""
        rows = np.flatnonzero(self._store.clip_ids == clip_id)
        if len(rows) == 0 or not self._live[rows[-1]]:
            raise DrivescopeError(
                ErrorKind.NOT_FOUND, f"Clip {clip_id} is no longer in the library: search again."
            )
        return int(rows[-1])

    def clip_of(self, row: int) -> ClipRow:
        """The clip in a row of the feature store."""
        return self._clips[row]

    @property
    def store(self) -> FeatureStore:
        """The vectors that are searched."""
        return self._store

    def admitted(self, filters: Filters | None) -> npt.NDArray[np.bool_]:
        """(rows,) which rows the filters let take part; clips that were dropped never do."""
        allowed = self._allowed(filters or Filters())
        if allowed is None:
            return self._live.copy()
        mask = np.zeros(len(self._live), bool)
        mask[allowed] = True
        return mask

    def _allowed(self, filters: Filters) -> Rows | None:
        """Rows that the filters admit, or None if every row may be ranked."""
        admitted = self._live
        if filters.video_ids:
            wanted = set(filters.video_ids)
            admitted = admitted & np.fromiter(
                (c.video_id in wanted for c in self._clips), bool, len(self._clips)
            )
        if needle := filters.name_contains.strip().casefold():
            named = (needle in c.path.casefold() for c in self._clips)
            admitted = admitted & np.fromiter(named, bool, len(self._clips))
        return None if admitted.all() else np.flatnonzero(admitted).astype(np.int64)

    def ranked(self, found: StageRows, k: int) -> Ranked:
        """The first k of a stage as hits, with the line if it is known."""
        asked = (found.query, *map(self.bundle.encode_text, found.without))  # both are remembered
        unlearned = tuple(dict.fromkeys(word for part in asked for word in part.unlearned))
        ranked = as_ranked(found, k, self._clips, self._store, unlearned)
        return ranked if found.query.blank else with_line(ranked, found, self.line.cuts)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
