"""Answers about skeletons: the query's beside a clip's, corrected by hand, and exported.

The phrases that a bundle is asked are encoded once, a few at a time between the searches; a clip's motion is decoded
and measured once and kept in the library. Both happen in a stepping thread, so that no search waits for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from core import protocol
from core.engine.context import Context, Handler
from core.engine.workers import Job
from core.errors import DrivescopeError, ErrorKind
from core.search.query import positive

if TYPE_CHECKING:
    from core.explain.ego_manoeuvres import Manoeuvre
    from core.explain.skeleton_store import Corrected, SkeletonStore
    from core.explain.video_skeleton import SkeletonReader
    from core.explain.video_skeleton_records import VideoSkeleton
    from core.library.catalog import ClipRow
    from core.search.pipeline import Searcher

MOTION_HEIGHT: Final = 252


class Skeletons:
    """One connection's skeletons. The reader of a bundle is made at its first question and kept."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reader: tuple[str, SkeletonReader] | None = None
        self._store: SkeletonStore | None = None

    def handlers(self) -> dict[type, Handler]:
        """The requests that are answered here."""
        thread = self._context.host.workers.stepping
        return {
            protocol.GetSkeletons: (thread, self._get),
            protocol.CorrectSkeleton: (thread, self._correct),
            protocol.UndoCorrection: (thread, self._undo),
            protocol.ExportSkeleton: (thread, self._export),
        }

    def _get(self, job: Job, request: protocol.GetSkeletons) -> None:
        self._answer(job, request.text, request.clip_id)

    def _correct(self, job: Job, request: protocol.CorrectSkeleton) -> None:
        from core.explain.ontology import load_ontology

        searcher = self._context.open_searcher
        searcher.library.catalog.clip(request.clip_id)  # says so if it is gone
        spanned = request.start_s is not None and request.end_s is not None
        span = (request.start_s or 0.0, request.end_s or 0.0) if spanned else None
        self._open_store(searcher).correct(
            request.clip_id,
            request.slot,
            request.value,
            request.verdict,
            author=request.author,
            ontology=load_ontology(),
            span=span,
        )
        self._answer(job, request.text, request.clip_id, request.author)

    def _undo(self, job: Job, request: protocol.UndoCorrection) -> None:
        store = self._open_store(self._context.open_searcher)
        changed = store.redo(request.author) if request.redo else store.undo(request.author)
        if changed is None:
            what = "redo" if request.redo else "undo"
            raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no correction of yours to {what}.")
        self._answer(job, request.text, request.clip_id, request.author)

    def _export(self, job: Job, request: protocol.ExportSkeleton) -> None:
        from core.engine.skeleton_replies import exported

        searcher = self._context.open_searcher
        clip = searcher.library.catalog.clip(request.clip_id)
        video, said = self._skeleton(job, searcher, clip)
        self._context.post(exported(job.id, request.form, clip, video, said))

    def _answer(self, job: Job, text: str, clip_id: int, author: str = "") -> None:
        """Post what holds now."""
        from core.engine.skeleton_replies import laid_out

        searcher = self._context.open_searcher
        clip = searcher.library.catalog.clip(clip_id)
        video, said = self._skeleton(job, searcher, clip)
        store = self._open_store(searcher)
        self._context.post(laid_out(job.id, positive(text), video, said, store.undoable(author)))

    # --- one clip -------------------------------------------------------------------------------------

    def _skeleton(
        self, job: Job, searcher: Searcher, clip: ClipRow
    ) -> tuple[VideoSkeleton, tuple[Corrected, ...]]:
        """The clip's skeleton with people's corrections, and those corrections."""
        from core.explain.skeleton_store import corrected
        from core.explain.video_skeleton_evidence import evidence_of
        from core.explain.video_skeleton_questions import ONE_OF

        reader = self._questions(job, searcher)
        video = reader.read(
            evidence_of(searcher.library, searcher.bundle.spec, clip), self._motion(job, searcher, clip)
        )
        said = self._open_store(searcher).current(clip.clip_id)
        return corrected(video, said, frozenset(ONE_OF)), said

    def _questions(self, job: Job, searcher: Searcher) -> SkeletonReader:
        """The bundle's questions, encoded between the searches."""
        from core.explain.ontology import load_ontology
        from core.explain.video_skeleton import SkeletonReader
        from core.explain.video_skeleton_calibration import calibration_of
        from core.explain.video_skeleton_questions import ask

        spec = searcher.bundle.spec
        if self._reader is None or self._reader[0] != spec.fingerprint:
            ontology = load_ontology()
            calibration = calibration_of(spec)
            models = self._context.host.workers.models
            questions = ask(
                searcher.bundle,
                ontology,
                calibration.keys() if calibration else None,
                check=lambda: models.let_pass(job.check),
            )
            reader = SkeletonReader(questions, calibration, ontology=ontology.digest, bundle=spec.fingerprint)
            self._reader = (spec.fingerprint, reader)
        return self._reader[1]

    def _motion(self, job: Job, searcher: Searcher, clip: ClipRow) -> tuple[Manoeuvre, ...]:
        """What our own car did: remembered, or measured now; nothing if the file is gone."""
        store = self._open_store(searcher)
        known = store.motion(clip.clip_id)
        if known is None:
            from core.explain.ego_manoeuvres import manoeuvres
            from core.explain.ego_motion import measure, thinned
            from core.library.video import frames_of_span

            if not Path(clip.path).exists():
                return ()
            samples = frames_of_span(Path(clip.path), clip.start_s, clip.end_s, MOTION_HEIGHT)
            times, pictures = thinned(samples, clip.fps or 25.0)
            job.check()
            known = manoeuvres(measure(times, pictures))
            store.keep_motion(clip.clip_id, known)
        return known

    def _open_store(self, searcher: Searcher) -> SkeletonStore:
        """The open library's corrections."""
        from core.explain.skeleton_store import FILE, SkeletonStore

        if self._store is None or self._store.path != searcher.library.folder / FILE:
            if self._store is not None:
                self._store.close()
            self._store = SkeletonStore(searcher.library.folder)
        return self._store
