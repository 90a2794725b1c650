"""Answers about a clip's score in words: its parts, what a changed query would do, and why it is not higher.

What takes as long as a search runs in the models thread like one. Longer work is led through that thread step by
step, each step about as long as a search, so that a query waits for one step at most.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from core import protocol
from core.engine.context import PROGRESS_SECONDS, Context, Handler
from core.engine.workers import CHECK_S, Job
from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.search.query import positive

if TYPE_CHECKING:
    from core.explain.counterfactual import ClipSides
    from core.explain.why_not import ChangeSearch, Lack, Standing
    from core.search.pipeline import Searcher

T = TypeVar("T")
MOST_CLIPS: Final = 1000


class Words:
    """One connection's explanations in words."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._models = context.host.workers.models

    def handlers(self) -> dict[type, Handler]:
        """The requests that are answered here."""
        workers = self._context.host.workers
        return {
            protocol.ExplainScore: (workers.models, self._explain_score),
            protocol.PreviewChange: (workers.models, self._preview_change),
            protocol.FindClips: (workers.pictures, self._find_clips),
            protocol.GetWordEffects: (workers.stepping, self._get_word_effects),
            protocol.GetRank: (workers.stepping, self._get_rank),
        }

    # --- as long as one search ------------------------------------------------------------------------

    def _explain_score(self, job: Job, request: protocol.ExplainScore) -> None:
        _check_query(request.text)
        from core.engine.words_replies import explain_score

        self._context.host.with_device_fallback(
            lambda: self._context.post(explain_score(self._context.ready_searcher(), request, job.id))
        )

    def _preview_change(self, job: Job, request: protocol.PreviewChange) -> None:
        _check_query(request.text)
        _check_query(request.changed)
        from core.engine.words_replies import preview_change

        def work() -> None:
            self._context.post(preview_change(self._context.ready_searcher(), request, job.id))

        self._context.host.with_device_fallback(work)

    def _find_clips(self, job: Job, request: protocol.FindClips) -> None:
        needle = request.name_contains.strip().casefold()
        found = [
            clip
            for clip in self._context.open_searcher.library.catalog.clips()
            if needle in Path(clip.path).name.casefold()
        ]
        found.sort(key=lambda clip: (Path(clip.path).name.casefold(), clip.path, clip.start_s))
        places = tuple(
            protocol.ClipPlace(clip.clip_id, clip.video_id, clip.path, clip.start_s, clip.end_s)
            for clip in found[: max(0, min(request.limit, MOST_CLIPS))]
        )
        self._context.post(protocol.ClipsFound(id=job.id, clips=places, total=len(found)))

    # --- step by step ---------------------------------------------------------------------------------

    def _get_word_effects(self, job: Job, request: protocol.GetWordEffects) -> None:
        _check_query(request.text)
        first = self._context.open_searcher

        def begin() -> Iterator[protocol.WordEffect]:
            from core.explain.counterfactual import word_effects
            from core.explain.why_not import sides_of

            searcher = self._same(first)
            searcher.refresh()
            clip = sides_of(searcher, searcher.row_of(request.clip_id))
            effects = word_effects(searcher.bundle, positive(request.text), clip)
            return (
                protocol.WordEffect(number, found.first, found.rerank) for number, found in enumerate(effects)
            )

        steps = self._step(job, begin)
        while (effect := self._step(job, lambda: next(steps, None))) is not None:
            self._post_effects(job, request.clip_id, (effect,))
        self._post_effects(job, request.clip_id, (), last=True)

    def _post_effects(
        self, job: Job, clip_id: int, effects: tuple[protocol.WordEffect, ...], *, last: bool = False
    ) -> None:
        self._context.post(protocol.WordEffects(id=job.id, clip_id=clip_id, effects=effects, last=last))

    def _get_rank(self, job: Job, request: protocol.GetRank) -> None:
        _check_query(request.text)
        first = self._context.open_searcher
        place = self._standing(job, request, first)
        answer = protocol.RankExplained(
            id=job.id,
            query=request.text,
            hit=place.hit,
            searched_clips=place.searched,
            above=place.above,
            left_out=place.left_out,
        )
        self._context.post(answer)
        missing = tuple(
            protocol.MissingWords(lack.text, lack.slot, lack.here, lack.above)
            for lack in self._lacks(job, request, place, first)
        )
        answer = msgspec.structs.replace(answer, missing=missing)
        self._context.post(answer)
        if place.hit.rank > protocol.FIRST_CLIPS:
            answer = self._with_changes(job, request, answer, first)
        self._context.post(msgspec.structs.replace(answer, last=True))

    def _standing(self, job: Job, request: protocol.GetRank, first: Searcher) -> Standing:
        def begin() -> Iterator[Standing | None]:
            from core.explain.why_not import standing
            from core.search.rerank import RERANK_CLIPS

            return standing(
                self._same(first),
                request.text,
                request.clip_id,
                filters=request.filters,
                rerank_clips=RERANK_CLIPS if request.rerank else 0,
            )

        steps = self._step(job, begin)
        while (place := self._step(job, lambda: next(steps))) is None:
            pass
        return place

    def _lacks(self, job: Job, request: protocol.GetRank, place: Standing, first: Searcher) -> Iterator[Lack]:
        def begin() -> Iterator[Lack]:
            from core.explain.why_not import lacks, sides_of

            searcher = self._same(first)
            sides: list[ClipSides] = [
                sides_of(searcher, searcher.row_of(hit.clip_id)) for hit in (place.hit, *place.above)
            ]
            reranked = place.hit.rerank_score is not None
            return lacks(searcher.bundle, positive(request.text), sides[0], sides[1:], reranked=reranked)

        steps = self._step(job, begin)
        while (lack := self._step(job, lambda: next(steps, None))) is not None:
            yield lack

    def _with_changes(
        self, job: Job, request: protocol.GetRank, answer: protocol.RankExplained, first: Searcher
    ) -> protocol.RankExplained:
        def begin() -> ChangeSearch:
            from core.explain.why_not import ChangeSearch
            from core.search.rerank import RERANK_CLIPS

            filters = None if answer.left_out else request.filters
            rerank_clips = RERANK_CLIPS if request.rerank else 0
            return ChangeSearch(self._same(first), request.text, request.clip_id, filters, rerank_clips)

        def step() -> None:
            self._same(first)
            search.step()

        from core.engine.words_replies import as_change

        search = self._step(job, begin)
        told = 0.0
        while not search.over:
            self._step(job, step)
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                self._tell_progress(job, search)
        best = search.best
        return msgspec.structs.replace(
            answer,
            changes=tuple(map(as_change, best)),
            enough=bool(best) and best[0].place <= protocol.FIRST_CLIPS,
            tried=len(search.trials),
        )

    def _tell_progress(self, job: Job, search: ChangeSearch) -> None:
        self._context.post(
            protocol.Progress(
                id=job.id,
                title="Looking for the smallest change",
                stage="changed queries",
                done=len(search.trials),
                total=search.total,
                unit="queries",
                rate=0.0,
                eta_s=-1.0,
                detail=search.trials[-1].text,
            )
        )

    def _same(self, first: Searcher) -> Searcher:
        """The searcher, ready, while it is still that of the library that was asked about; models thread only."""
        searcher = self._context.ready_searcher()
        if searcher is not first:
            raise Cancelled
        return searcher

    def _step(self, job: Job, work: Callable[[], T]) -> T:
        """Run one step in the models thread, behind the queries that wait there already."""
        job.check()
        future = self._models.submit(work)
        while True:
            try:
                found: T = future.result(timeout=CHECK_S)
            except concurrent.futures.CancelledError as error:  # the engine leaves
                raise Cancelled from error
            except TimeoutError:
                if future.done():
                    raise
                if job.is_cancelled() and future.cancel():
                    job.check()
            else:
                return found


def _check_query(text: str) -> None:
    if not text.strip():
        raise DrivescopeError(ErrorKind.BAD_INPUT, "The query is empty: type what should be explained.")
