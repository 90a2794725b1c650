"""Judgements for the window: said, taken back, brought back. Answered beside what takes long: a person waits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core import protocol
from core.engine.context import Context, Handler
from core.engine.workers import Job

if TYPE_CHECKING:
    from core.evaluate.judgements import Judgements


class Judging:
    """Answers the requests of `core.protocol.judging`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handlers(self) -> dict[type, Handler]:
        """What this answers, and in which thread."""
        workers = self._context.host.workers
        return {
            protocol.GetJudgements: (workers.pictures, self._get_judgements),
            protocol.Judge: (workers.pictures, self._judge),
            protocol.UndoJudgement: (workers.pictures, self._undo),
        }

    @contextlib.contextmanager
    def _judgements(self) -> Iterator[Judgements]:
        """The store, open for one action: it is small, and nothing is lost if the engine dies after it."""
        from core.evaluate.judgements import Judgements

        with contextlib.closing(Judgements(self._context.open_searcher.library.folder)) as store:
            yield store

    def _get_judgements(self, job: Job, request: protocol.GetJudgements) -> None:
        from core.engine.analysis_replies import judgement_info

        with self._judgements() as store:
            held = tuple(map(judgement_info, store.current()))
        self._context.post(protocol.Judgements(id=job.id, judgements=held))

    def _judge(self, job: Job, request: protocol.Judge) -> None:
        from core.evaluate.judgements import Verdict

        self._context.open_searcher.library.catalog.clip(request.clip_id)  # refuses one that is gone
        with self._judgements() as store:
            judged = store.judge(
                request.query,
                request.clip_id,
                Verdict(request.verdict),
                author=request.author,
                tags=request.tags,
                note=request.note,
            )
            self._post_changed(job, store, (judged.query, judged.clip_id))

    def _undo(self, job: Job, request: protocol.UndoJudgement) -> None:
        with self._judgements() as store:
            changed = store.redo(request.author) if request.redo else store.undo(request.author)
            self._post_changed(job, store, changed or ("", 0))

    def _post_changed(self, job: Job, store: Judgements, changed: tuple[str, int]) -> None:
        from core.engine.analysis_replies import judgement_info

        query, clip_id = changed
        held: Sequence[protocol.JudgementInfo] = ()
        if query:
            held = [judgement_info(one) for one in store.current(query) if one.clip_id == clip_id]
        self._context.post(protocol.Judgements(id=job.id, judgements=tuple(held), changed=changed))
