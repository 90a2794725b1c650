"""One window's conversation with the engine: every request, what it does, what it answers.

`receive` is called in the asyncio loop and returns at once; the work runs in `Workers`; answers leave through
`post`, from any thread. A request that fails answers `Failed` with one sentence, one that is stopped `Cancelled`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING

import msgspec

from core import protocol
from core.engine.analysis import Analysis
from core.engine.context import Context, Handler, Post, Step
from core.engine.explaining import Explaining
from core.engine.host import Host
from core.engine.judging import Judging
from core.engine.moments import Moments
from core.engine.saving import Saving
from core.engine.skeletons import Skeletons
from core.engine.words import Words
from core.engine.workers import Job
from core.errors import Cancelled, DrivescopeError, ErrorKind, of_os_error

if TYPE_CHECKING:
    from core.library.ingest import IngestProgress
    from core.search.pipeline import Searcher
    from core.search.stages import StageRows

log = logging.getLogger(__name__)


class Session:
    """Answers one connection. `leave` asks the whole engine to stop."""

    def __init__(self, host: Host, post: Post, leave: Callable[[], None]) -> None:
        self._host = host
        self._post = post
        self._leave = leave
        self._context = Context(host, post)
        self._jobs: dict[int, Job] = {}
        workers = host.workers
        self._handlers: dict[type, Handler] = {
            protocol.OpenLibrary: (workers.models, self._open_library),
            protocol.GetLibrary: (workers.models, self._get_library),
            protocol.Search: (workers.models, self._search),
            protocol.SearchLike: (workers.models, self._search_like),
            protocol.SetDevice: (workers.models, self._set_device),
            protocol.GetModels: (workers.pictures, self._get_models),
            protocol.FetchModel: (workers.indexing, self._fetch_model),
            protocol.AddFootage: (workers.indexing, self._add_footage),
            protocol.GetThumbnail: (workers.pictures, self._get_thumbnail),
            protocol.GetFrames: (workers.pictures, self._get_frames),
            **Analysis(self._context).handlers(),
            **Judging(self._context).handlers(),
            **Explaining(self._context).handlers(),
            **Moments(self._context).handlers(),
            **Saving(self._context).handlers(),
            **Words(self._context).handlers(),
            **Skeletons(self._context).handlers(),
        }
        host.listeners.add(post)
        post(host.state)

    def receive(self, request: protocol.Request) -> None:
        """Begin the request and return. Called in the loop's thread."""
        if isinstance(request, protocol.Cancel):
            if job := self._jobs.get(request.target):
                job.cancel()
        elif isinstance(request, protocol.Shutdown):
            self._leave()
        elif isinstance(request, protocol.Hello):
            self._post(_failed(0, ErrorKind.BAD_INPUT, "Hello may be said only once."))
        else:
            executor, handler = self._handlers[type(request)]
            job = self._jobs[request.id] = Job(request.id)
            executor.submit(self._run, executor, handler, job, request)

    def look_again(self) -> None:
        """Tell the window if another process changed the open library or built it anew. Called now and then."""
        try:
            self._context.look_again()
        except (
            Exception
        ):  # as it is closed, or its disk is gone: a later look may succeed, and the session goes on
            log.warning("could not look at the open library", exc_info=True)

    def close(self) -> None:
        """The connection is gone: stop its work. What an ingest has committed stays, and the next one goes on there."""
        self._host.listeners.discard(self._post)
        for job in self._jobs.values():
            job.cancel()

    def _run(self, executor: Executor, step: Step, job: Job, request: protocol.Request) -> None:
        """Carry out one request in a worker thread; every way it can end becomes one answer."""
        rest: Step | None = None
        try:
            job.check()
            rest = step(job, request)
        except Cancelled:
            self._post(protocol.Cancelled(id=job.id))
        except DrivescopeError as error:
            self._post(_failed(job.id, error.kind, error.sentence, error.detail))
        except OSError as error:
            told = of_os_error(error)
            self._post(_failed(job.id, told.kind, told.sentence, told.detail))
        except Exception as error:  # the wall: a defect of ours must reach the window as a sentence
            log.exception("request %s failed", type(request).__name__)
            sentence = "Something went wrong inside the engine; its log has the details."
            self._post(_failed(job.id, ErrorKind.INTERNAL, sentence, f"{type(error).__name__}: {error}"))
        finally:
            if rest is None:
                self._jobs.pop(job.id, None)
            else:
                executor.submit(self._run, executor, rest, job, request)

    # --- libraries ------------------------------------------------------------------------------------

    def _open_library(self, job: Job, request: protocol.OpenLibrary) -> None:
        from core.engine import libraries
        from core.search.pipeline import Searcher

        with_progress = self._context.progress(job, "Building the demo library")
        library = libraries.open_library(request, self._host.bundle, with_progress, job.is_cancelled)
        made_with = library.made_with
        bundle = self._host.bundle(made_with.reference, made_with.crop)
        if self._context.searcher is not None:
            self._context.searcher.library.close()
        self._context.tell_of(library)
        self._context.searcher = Searcher(library, bundle)
        self._post(protocol.LibraryOpened(id=job.id, library=libraries.describe(library, bundle)))

    def _get_library(self, job: Job, request: protocol.GetLibrary) -> None:
        from core.engine import libraries

        searcher = self._context.ready_searcher()
        self._context.tell_of(searcher.library)
        searcher.refresh()
        self._post(
            protocol.LibraryOpened(id=job.id, library=libraries.describe(searcher.library, searcher.bundle))
        )

    # --- queries --------------------------------------------------------------------------------------

    def _search(self, job: Job, request: protocol.Search) -> Step | None:
        _check_count(request.k)
        _ = self._context.open_searcher  # raises before the next line brings torch in for nothing
        from core.search.rerank import RERANK_CLIPS

        rerank_clips = RERANK_CLIPS if request.rerank else 0
        feedback = self._judged(request.text, request.learn_from) if request.learn_from else None

        def work() -> Step | None:
            searcher = self._context.ready_searcher()
            stages = searcher.stages(
                request.text,
                request.k,
                rerank_clips=rerank_clips,
                filters=request.filters,
                joint=self._context.joint_scorer() if request.joint and rerank_clips else None,
                feedback=feedback,
            )
            for found in stages:
                job.check()
                ranked = msgspec.structs.replace(searcher.ranked(found, request.k), id=job.id)
                self._post(ranked)
            return self._find_line(searcher, found, ranked) if ranked.line_follows else None

        return self._host.with_device_fallback(work)

    def _judged(self, query: str, author: str) -> protocol.Feedback:
        from core.evaluate.judgements import feedback_of

        return feedback_of(self._context.open_searcher.library.folder, query, author)

    def _find_line(self, searcher: Searcher, found: StageRows, ranked: protocol.Ranked) -> Step:
        """What finds the line of a ranking that is shown already, a sentence at a time, and shows it again."""
        from core.search.line import with_line

        line, made_with = searcher.line, searcher.library.made_with

        def step(job: Job, request: protocol.Search) -> Step | None:
            if not self._host.with_device_fallback(
                lambda: line.step(self._host.bundle(made_with.reference, made_with.crop))
            ):
                return step
            self._post(with_line(ranked, found, line.cuts))
            return None

        return step

    def _search_like(self, job: Job, request: protocol.SearchLike) -> None:
        _check_count(request.k)
        searcher = self._context.open_searcher
        ranked = searcher.similar(request.clip_id, k=request.k, filters=request.filters)
        self._post(msgspec.structs.replace(ranked, id=job.id))

    # --- footage --------------------------------------------------------------------------------------

    def _add_footage(self, job: Job, request: protocol.AddFootage) -> None:
        from core.library.ingest import ingest

        searcher = self._context.open_searcher
        library = searcher.library.reopen()  # a connection of its own: SQLite objects stay in their thread
        report_progress = self._context.progress(job, "Adding footage")
        seen = searcher.clips

        def progress(step: IngestProgress) -> None:
            nonlocal seen
            report_progress(step)
            if step.committed != seen:
                seen = step.committed
                self._post(protocol.LibraryChanged(clips=seen))

        self._host.busy(+1, "Footage is being indexed.")
        try:
            report = ingest(
                library,
                searcher.bundle,
                request.paths,
                clip_seconds=request.clip_seconds,
                stride_s=request.stride_s,
                drop_missing=request.drop_missing,
                progress=progress,
                cancelled=job.is_cancelled,
            )
            library.selftest(searcher.bundle.spec)
        finally:
            library.close()
            self._host.busy(-1)
            self._post(protocol.LibraryChanged(clips=seen))
        job.check()
        self._post(
            protocol.FootageAdded(
                id=job.id,
                videos=report.videos,
                clips=report.clips,
                added=report.added,
                removed=report.removed,
                seconds=report.seconds,
                video_seconds=report.video_seconds,
                failed=tuple(protocol.FailureInfo(f.path, f.kind, f.reason) for f in report.failed),
                missing=tuple(report.missing),
            )
        )

    def _get_thumbnail(self, job: Job, request: protocol.GetThumbnail) -> None:
        strip = self._context.open_searcher.library.thumbnail(request.clip_id)
        self._post(protocol.Thumbnail(id=job.id, clip_id=request.clip_id, jpeg=strip))

    def _get_frames(self, job: Job, request: protocol.GetFrames) -> None:
        from core.engine.playback import clip_frames

        library = self._context.open_searcher.library.reopen()
        try:
            for chunk in clip_frames(library, request.clip_id, max(72, min(request.max_height, 2160))):
                job.check()
                self._post(msgspec.structs.replace(chunk, id=job.id))
        finally:
            library.close()

    # --- models ---------------------------------------------------------------------------------------

    def _set_device(self, job: Job, request: protocol.SetDevice) -> None:
        self._host.set_device(request.device)
        if self._context.searcher is not None:
            self._context.ready_searcher()
        else:
            self._host.bundle()
        self._post(protocol.Done(id=job.id))

    def _get_models(self, job: Job, request: protocol.GetModels) -> None:
        self._post(self._host.models(job.id))

    def _fetch_model(self, job: Job, request: protocol.FetchModel) -> None:
        from core.models.registry import fetch_model

        def progress(done: float, total: float, rate: float) -> None:
            self._post(
                protocol.Progress(
                    id=job.id,
                    title=f"Fetching {request.name}",
                    stage="download" if not request.from_file else "import",
                    done=done / 1e6,
                    total=total / 1e6,
                    unit="MB",
                    rate=rate / 1e6,
                    eta_s=(total - done) / rate if rate > 0 else -1.0,
                )
            )

        fetch_model(
            request.name, progress=progress, cancelled=job.is_cancelled, from_file=request.from_file or None
        )
        self._post(self._host.models(job.id))


def _check_count(k: int) -> None:
    if not 1 <= k <= 100_000:
        raise DrivescopeError(ErrorKind.BAD_INPUT, "The number of hits must be between 1 and 100000.")


def _failed(request_id: int, kind: ErrorKind, sentence: str, detail: str = "") -> protocol.Failed:
    return protocol.Failed(id=request_id, kind=kind, sentence=sentence, detail=detail)
