"""Evaluation for the window: query sets, runs, what became of each query.

An evaluation runs in the indexing thread, because it and an ingest exclude each other, and asks for every query's
ranking in the models thread, so that a person's search waits for one query of it at most. What only reads runs has
a thread of its own; judgements and evidence, which a person waits for, are answered beside it.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from core import paths, protocol
from core.engine.context import PROGRESS_SECONDS, Context, Handler
from core.engine.workers import Job
from core.errors import DrivescopeError, ErrorKind

if TYPE_CHECKING:
    from core.evaluate.matching import Preview
    from core.evaluate.runs import Run
    from core.evaluate.truth import Role
    from core.library.library import Library
    from core.search.pipeline import Searcher
    from core.search.stages import StageRows

T = TypeVar("T")
ROWS_A_MESSAGE: Final = 4000
LISTED_ROWS: Final = 1000
_RUNS_KEPT: Final = 2


class Analysis:
    """Answers the requests of `core.protocol.evaluating`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turn = threading.Lock()
        self._kept: dict[tuple[Path, str, bool], Run] = {}  # the newest last

    def handlers(self) -> dict[type, Handler]:
        """What this answers, and in which thread."""
        workers = self._context.host.workers
        return {
            protocol.PreviewQueries: (workers.analysing, self._preview),
            protocol.ImportQueries: (workers.analysing, self._import),
            protocol.GetQuerySets: (workers.analysing, self._get_query_sets),
            protocol.DropQuerySet: (workers.analysing, self._drop_query_set),
            protocol.Evaluate: (workers.indexing, self._evaluate),
            protocol.GetRuns: (workers.analysing, self._get_runs),
            protocol.DeleteRun: (workers.analysing, self._delete_run),
            protocol.OpenRun: (workers.analysing, self._open_run),
            protocol.ChooseCase: (workers.pictures, self._choose_case),
            protocol.GetSlices: (workers.analysing, self._get_slices),
            protocol.CompareRuns: (workers.analysing, self._compare),
            protocol.GetEvidence: (workers.pictures, self._get_evidence),
            protocol.WriteReport: (workers.explaining, self._write_report),
        }

    @property
    def _library(self) -> Library:
        return self._context.open_searcher.library

    # --- query sets -----------------------------------------------------------------------------------

    def _preview(self, job: Job, request: protocol.PreviewQueries) -> None:
        from core.engine.analysis_replies import preview_reply

        self._context.post(preview_reply(job.id, self._read(job, request)))

    def _import(self, job: Job, request: protocol.ImportQueries) -> None:
        from core.evaluate.query_sets import import_query_set

        entry = import_query_set(
            self._library.folder,
            self._read(job, request),
            companion=_path(request.companion),
            columns=_columns(request.columns),
            name=request.name,
        )
        self._post_query_sets(job, entry.set_id)

    def _read(self, job: Job, request: protocol.PreviewQueries | protocol.ImportQueries) -> Preview:
        from core.evaluate.command import gallery_of
        from core.evaluate.matching import preview
        from core.evaluate.truth import SpanRule

        _check_threshold(request.match.threshold)
        rule = SpanRule(request.match.overlap, request.match.threshold)
        return preview(
            Path(request.path).expanduser(),
            gallery_of(self._turns()),
            rule,
            companion=_path(request.companion),
            columns=_columns(request.columns),
            step=self._step(job),
        )

    def _step(self, job: Job) -> Callable[[str, int], None]:
        """Posts how many rows were read, at most five times a second, and lets a person stop it."""
        told = started = time.monotonic()

        def step(stage: str, rows: int) -> None:
            nonlocal told
            job.check()
            now = time.monotonic()
            if now - told >= PROGRESS_SECONDS:
                told = now
                rate = rows / (now - started)
                self._context.post(
                    protocol.Progress(job.id, "Reading the file", stage, rows, 0, "rows", rate, -1.0)
                )

        return step

    def _get_query_sets(self, job: Job, request: protocol.GetQuerySets) -> None:
        from core.evaluate.query_sets import list_query_sets

        folder = self._library.folder
        if folder == paths.library_folder(paths.DEMO_NAME) and not list_query_sets(folder):
            self._bring_demo_sets()
        self._post_query_sets(job)

    def _bring_demo_sets(self) -> None:
        """The demo's own truth, so that a first evaluation needs no file."""
        from core.evaluate import demo_truth
        from core.evaluate.command import gallery_of
        from core.evaluate.matching import preview
        from core.evaluate.query_sets import import_query_set

        gallery = gallery_of(self._turns())
        shipped = paths.resources() / "demo"
        rows = {
            "Demo captions": demo_truth.caption_rows(shipped, 3),
            "Demo queries": demo_truth.query_rows(shipped),
        }
        with tempfile.TemporaryDirectory() as folder:
            for name, found in rows.items():
                file = Path(folder) / f"{name.replace(' ', '-').casefold()}.csv"
                demo_truth.write_rows(file, found)
                import_query_set(self._library.folder, preview(file, gallery), name=name)

    def _drop_query_set(self, job: Job, request: protocol.DropQuerySet) -> None:
        from core.evaluate.query_sets import drop_query_set

        drop_query_set(self._library.folder, request.set_id)
        self._post_query_sets(job)

    def _post_query_sets(self, job: Job, chosen: str = "") -> None:
        from core.engine.analysis_replies import query_set_info
        from core.evaluate.query_sets import list_query_sets

        sets = tuple(map(query_set_info, list_query_sets(self._library.folder)))
        self._context.post(protocol.QuerySets(id=job.id, sets=sets, chosen=chosen))

    # --- runs -----------------------------------------------------------------------------------------

    def _evaluate(self, job: Job, request: protocol.Evaluate) -> None:
        from core.evaluate.account import Request
        from core.evaluate.command import evaluate_foreign, evaluate_library
        from core.evaluate.query_sets import open_query_set
        from core.search.rerank import RERANK_CLIPS

        entry = open_query_set(self._library.folder, request.set_id)
        if entry.problem:
            raise DrivescopeError(ErrorKind.UNREADABLE, entry.problem)
        asked = Request(
            entry.file,
            companion=entry.companion,
            rule=entry.rule,
            columns=entry.columns or None,
            name=request.name,
            judgements=request.judgements,
        )
        turns = self._turns()
        started = time.perf_counter()
        if request.run_file:
            told = evaluate_foreign(turns, asked, Path(request.run_file).expanduser())
        else:
            told = evaluate_library(
                turns,
                asked,
                rerank_clips=RERANK_CLIPS if request.rerank else 0,
                progress=self._progress(job, "Evaluating", ("ranking", "measuring")),
                cancelled=job.is_cancelled,
            )
        seconds = time.perf_counter() - started
        self._context.post(protocol.Evaluated(job.id, told["run"], told["queries"], seconds))

    def _turns(self) -> Searcher:
        return cast("Searcher", _Turns(self._context))  # it has all of a searcher that evaluation asks for

    def _progress(self, job: Job, title: str, stages: tuple[str, str]) -> Callable[[int, int], None]:
        """A callback that posts at most five times a second; the second stage is what follows the last query."""
        started = last = time.monotonic()

        def report(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < PROGRESS_SECONDS and done < total:
                return
            last = now
            rate = done / max(now - started, 1e-6)
            left_s = (total - done) / rate if rate > 0 else -1.0
            stage = stages[done >= total]
            progress = protocol.Progress(job.id, title, stage, done, total, "queries", rate, left_s)
            self._context.post(progress)

        return report

    def _get_runs(self, job: Job, request: protocol.GetRuns) -> None:
        self._post_runs(job, request.library)

    def _delete_run(self, job: Job, request: protocol.DeleteRun) -> None:
        from core.evaluate.runs import delete_run

        delete_run(self._library.folder, request.run_id)
        with self._turn:
            self._kept = {key: run for key, run in self._kept.items() if key[1] != request.run_id}
        self._post_runs(job)

    def _post_runs(self, job: Job, library: str = "") -> None:
        from core.engine.analysis_replies import run_info
        from core.evaluate.runs import list_runs

        runs = tuple(run_info(facts) for facts in list_runs(self._folder(library)))
        self._context.post(protocol.Runs(id=job.id, runs=runs, library=library))

    def _folder(self, library: str) -> Path:
        """The folder of the open library, or of another one. Raises DrivescopeError(NOT_FOUND) if there is none."""
        from core.library.library import CATALOG

        folder = paths.library_folder(library).absolute() if library else self._library.folder
        if not (folder / CATALOG).is_file():
            raise DrivescopeError(ErrorKind.NOT_FOUND, f"There is no library in {folder}: choose its folder.")
        return folder

    def _run(self, run_id: str, *, judgements: bool = False, fresh: bool = False, library: str = "") -> Run:
        """A stored run, read once while it is worked with; `fresh` takes in what was judged since."""
        from core.evaluate.judgements import Judgements
        from core.evaluate.rejudge import rejudged
        from core.evaluate.runs import open_run

        folder = self._folder(library)
        key, plain = (folder, run_id, judgements), (folder, run_id, False)
        with self._turn:
            run = None if fresh else self._kept.get(key)
            if run is None:
                run = self._kept.get(plain) or open_run(folder, run_id)
                self._keep(plain, run)
                if judgements:
                    with contextlib.closing(Judgements(folder)) as store:
                        run = rejudged(run, store.current())
            self._keep(key, run)
            return run

    def _keep(self, key: tuple[Path, str, bool], run: Run) -> None:
        self._kept.pop(key, None)
        self._kept[key] = run
        ids = list(dict.fromkeys((folder, run_id) for folder, run_id, _ in reversed(self._kept)))
        self._kept = {k: kept for k, kept in self._kept.items() if k[:2] in ids[:_RUNS_KEPT]}

    def _open_run(self, job: Job, request: protocol.OpenRun) -> None:
        from core.engine.analysis_replies import outcomes, run_opened
        from core.evaluate.chosen import chosen

        run = self._run(request.run_id, judgements=request.judgements, fresh=True)
        notes: tuple[str, ...] = ()
        try:
            cases = chosen(self._library.folder, request.run_id)
        except DrivescopeError as error:  # the run itself is whole
            cases, notes = (), (error.sentence,)
        job.check()
        self._context.post(run_opened(job.id, run, LISTED_ROWS, cases, notes))
        rows = outcomes(run)
        for first in range(0, max(len(rows), 1), ROWS_A_MESSAGE):
            job.check()
            part = rows[first : first + ROWS_A_MESSAGE]
            last = first + ROWS_A_MESSAGE >= len(rows)
            self._context.post(protocol.RunRows(id=job.id, first=first, rows=part, last=last))

    def _choose_case(self, job: Job, request: protocol.ChooseCase) -> None:
        from core.evaluate.chosen import choose

        now = choose(self._library.folder, request.run_id, request.query_id, on=request.on)
        self._context.post(protocol.CasesChosen(id=job.id, run_id=request.run_id, chosen=now))

    def _get_slices(self, job: Job, request: protocol.GetSlices) -> None:
        from core.engine.analysis_replies import slices_reply

        run = self._run(request.run_id, judgements=request.judgements)
        self._context.post(slices_reply(job.id, run, request.metric))

    def _compare(self, job: Job, request: protocol.CompareRuns) -> None:
        from core.engine.analysis_replies import compared
        from core.evaluate.across import BASELINE_FIRST, told, two_libraries
        from core.evaluate.compare import compare_runs, reranking_hurt

        run = self._run(request.run_id, judgements=request.judgements)
        if not request.against:
            self._context.post(compared(job.id, run, run, reranking_hurt(run), ()))
            return
        other = self._run(request.against, judgements=request.judgements, library=request.library)
        libraries = two_libraries(self._folder(request.library), self._library.folder)
        job.check()
        comparison = compare_runs(other, run, clips=libraries.clips if libraries else None)
        notes = told(comparison.left_out, libraries, BASELINE_FIRST)
        self._context.post(compared(job.id, run, other, comparison, notes, request.library))

    def _get_evidence(self, job: Job, request: protocol.GetEvidence) -> None:
        from core.engine.analysis_evidence import evidence

        run = self._run(request.run_id, judgements=request.judgements)
        if not 0 <= request.row < len(run.queries):
            raise DrivescopeError(ErrorKind.BAD_INPUT, "The run has no such query: open it again.")
        self._context.post(evidence(job.id, run, request.row, self._library.catalog))

    def _write_report(self, job: Job, request: protocol.WriteReport) -> None:
        """In the explaining thread, because it draws heatmaps; before each case it lets the queries pass."""
        from core.evaluate.report.write import write_report

        searcher = self._context.open_searcher
        models = self._context.host.workers.models

        def cancelled() -> bool:
            models.let_pass(job.check)
            return job.is_cancelled()

        library = searcher.library.reopen()
        try:
            written = write_report(
                library,
                searcher.bundle,
                request.run_id,
                Path(request.path).expanduser(),
                against=request.against,
                other_library=self._folder(request.library),
                use_judgements=request.judgements,
                progress=self._progress(job, "Writing the report", ("looking at failures", "writing")),
                cancelled=cancelled,
            )
        finally:
            library.close()
        self._context.post(protocol.ReportWritten(id=job.id, paths=tuple(map(str, written))))


class _Turns:
    """The open library's searcher, each of whose queries takes its turn in the models thread.

    Raises DrivescopeError(BUSY) once another library is open: one run never ranks the clips of two.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._searcher = context.open_searcher
        self.library = self._searcher.library
        self.bundle = self._searcher.bundle

    def refresh(self) -> bool:
        return self._take(lambda searcher: searcher.refresh())

    def stages(self, text: str, depth: int, *, rerank_clips: int) -> list[StageRows]:
        return self._take(lambda searcher: list(searcher.stages(text, depth, rerank_clips=rerank_clips)))

    def _take(self, work: Callable[[Searcher], T]) -> T:
        host = self._context.host

        def run() -> T:
            if self._context.searcher is not self._searcher:
                raise DrivescopeError(
                    ErrorKind.BUSY, "Another library was opened, so the evaluation was stopped."
                )
            return host.with_device_fallback(lambda: work(self._context.ready_searcher()))

        result: T = host.workers.models.submit(run).result()
        return result


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _columns(chosen: dict[str, str]) -> Mapping[Role, str] | None:
    """A person's choice of columns; a role that there is not is refused when the file is read."""
    return cast("Mapping[Role, str]", chosen) if chosen else None


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, "The share of overlap must be above 0 and at most 1, e.g. 0.5."
        )
