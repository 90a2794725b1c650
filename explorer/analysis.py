"""What the Analyse page is doing: query sets, runs, the run that is open, its slices and its comparison.

It asks nothing of the engine before the page is shown for the first time. Runs and sets belong to the open library;
with another one everything begins anew. The widgets bind to its signals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.protocol import (
    CasesChosen,
    ChooseCase,
    Compared,
    CompareRuns,
    DeleteRun,
    DropQuerySet,
    Evaluate,
    Evaluated,
    Evidence,
    Failed,
    GetEvidence,
    GetQuerySets,
    GetRuns,
    GetSlices,
    LibraryInfo,
    Message,
    OpenRun,
    QueryOutcome,
    QuerySetInfo,
    QuerySets,
    RunInfo,
    RunOpened,
    RunRows,
    Runs,
    Slices,
    WriteReport,
)
from explorer import formats
from explorer.engine_client import Request
from explorer.jobs import Jobs
from explorer.session import Session

DEFAULT_METRIC: Final = "R@10"


class Analysis(QObject):
    """The state behind the Analyse page.

    Signals:
        sets_changed(): other query sets are there, or another is chosen.
        runs_changed(): other runs are stored.
        run_changed(): another run is open, or none; its rows are not there yet.
        rows_changed(): all rows of the open run are there.
        slices_changed(): the slices are there, or are being computed anew.
        elsewhere_changed(): another library's runs are there to compare with.
        chosen_changed(): another query is chosen for the report, or one less.
        compared_changed(): the comparison is there, or is being computed anew.
        evidence_changed(evidence): a query's clips arrived; None: they are on their way.
        evaluating_changed(on): an evaluation runs, or is over.
        report_written(paths): the report is on disk; its files, the HTML first.
        said(level, sentence, detail): something for the message bar.
    """

    sets_changed = Signal()
    runs_changed = Signal()
    run_changed = Signal()
    rows_changed = Signal()
    slices_changed = Signal()
    elsewhere_changed = Signal()
    chosen_changed = Signal()
    compared_changed = Signal()
    evidence_changed = Signal(object)
    evaluating_changed = Signal(bool)
    report_written = Signal(tuple)
    said = Signal(str, str, str)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._shown = False
        self._library = ""
        self._asked: dict[str, Request] = {}  # by purpose: a newer request takes the place of an older one
        self._forget()
        session.library_changed.connect(self._on_library)
        session.link.came_up.connect(self._on_engine_up)

    def _forget(self) -> None:
        """Another library: nothing is known of it."""
        self.sets: tuple[QuerySetInfo, ...] = ()
        self.chosen_set = ""
        self.runs: tuple[RunInfo, ...] = ()
        self.loaded = False  # sets and runs were asked for and answered
        self.run: RunOpened | None = None
        self.rows: list[QueryOutcome] = []
        self.judged = False  # the run is read with people's judgements
        self.metric = DEFAULT_METRIC
        self.slices: Slices | None = None
        self.chosen: tuple[str, ...] = ()  # ids of queries for the report
        self.elsewhere = ""  # the folder of another library, and its runs
        self.runs_elsewhere: tuple[RunInfo, ...] = ()
        self.against = ""
        self.against_library = ""  # where that run is from, "" if from here
        self.compared: Compared | None = None
        self.why_not_compared = ""

    # --- library --------------------------------------------------------------------------------------

    def show(self) -> None:
        """The page is in front: from now on its contents are wanted."""
        self._shown = True
        if not self.loaded:
            self.refresh()

    @property
    def ready(self) -> bool:
        """Whether a library is open that can be evaluated."""
        return self._session.library is not None and self._session.link.client.ready

    @property
    def evaluating(self) -> bool:
        """Whether an evaluation runs."""
        return "evaluate" in self._asked

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return bool(self._asked)

    def refresh(self) -> None:
        """Ask for query sets and runs."""
        if self.ready:
            self._ask("sets", lambda number: GetQuerySets(id=number), self._on_sets)
            self._ask("runs", lambda number: GetRuns(id=number), self._on_runs)

    def _on_library(self, library: LibraryInfo | None) -> None:
        path = library.path if library is not None else ""
        if path == self._library:
            return
        self._library = path
        for request in list(self._asked.values()):
            request.cancel()
        self._forget()
        for signal in (self.sets_changed, self.runs_changed, self.run_changed, self.rows_changed):
            signal.emit()
        self.evidence_changed.emit(None)
        if self._shown:
            self.refresh()

    def _on_engine_up(self) -> None:
        self.loaded = False  # asked for again when the library is open again
        self._library = ""

    # --- query sets -----------------------------------------------------------------------------------

    def choose_set(self, set_id: str) -> None:
        """The set that is evaluated next."""
        self.chosen_set = set_id

    def take_sets(self, reply: QuerySets) -> None:
        """The sets after an import."""
        self._on_sets(reply)

    def drop_set(self) -> None:
        """Forget the chosen set; its runs stay."""
        if self.chosen_set:
            set_id = self.chosen_set
            self._ask("sets", lambda number: DropQuerySet(id=number, set_id=set_id), self._on_sets)

    def _on_sets(self, reply: QuerySets) -> None:
        self.sets = reply.sets
        known = [entry.set_id for entry in reply.sets if not entry.problem]
        if reply.chosen:
            self.chosen_set = reply.chosen
        elif self.chosen_set not in known:
            self.chosen_set = known[0] if known else ""
        self.loaded = True
        self.sets_changed.emit()

    # --- runs -----------------------------------------------------------------------------------------

    def evaluate(self, *, rerank: bool, judgements: bool, run_file: str = "") -> None:
        """Rank every clip for every query of the chosen set, or measure a foreign run; opens the run that results."""
        if not self.chosen_set or self.evaluating:
            return
        set_id = self.chosen_set
        request = self._ask(
            "evaluate",
            lambda number: Evaluate(
                id=number, set_id=set_id, rerank=rerank, judgements=judgements, run_file=run_file
            ),
            self._on_evaluated,
        )
        self._jobs.watch("Evaluating", request)
        self.evaluating_changed.emit(True)
        request.finished.connect(lambda: self.evaluating_changed.emit(False))

    def _on_evaluated(self, reply: Evaluated) -> None:
        queries = formats.count(reply.queries, "query", "queries")
        self.said.emit("info", f"Evaluated {queries} in {formats.clock(reply.seconds)}.", "")
        self._ask("runs", lambda number: GetRuns(id=number), self._on_runs)
        self.open_run(reply.run_id)

    def write_report(self, path: str) -> None:
        """The run that is open as one HTML file, compared as the page compares it."""
        if self.run is None:
            return
        run_id, against, judged = self.run.run.run_id, self.against, self.judged
        library = self.against_library
        request = self._ask(
            "report",
            lambda number: WriteReport(
                id=number, run_id=run_id, path=path, against=against, judgements=judged, library=library
            ),
            lambda reply: self.report_written.emit(reply.paths),
        )
        self._jobs.watch("Writing the report", request)

    def delete_run(self) -> None:
        """Forget the run that is open."""
        if self.run is not None:
            run_id = self.run.run.run_id
            self._close_run()
            self._ask("runs", lambda number: DeleteRun(id=number, run_id=run_id), self._on_runs)

    def open_run(self, run_id: str, *, judged: bool | None = None) -> None:
        """Show a stored run, `judged` with people's judgements over its truth (None: as before)."""
        self.judged = self.judged if judged is None else judged
        another = self.run is None or self.run.run.run_id != run_id
        if another:
            self.against = self.against_library = ""
        rows: list[QueryOutcome] = []

        def on_reply(reply: RunOpened | RunRows) -> None:
            if isinstance(reply, RunOpened):
                self.run, self.slices, self.compared = reply, None, None
                self.chosen = reply.chosen
                return
            rows.extend(reply.rows)
            if reply.last:
                self.rows = rows
                self.run_changed.emit()
                self.rows_changed.emit()
                self.slice_by(self.metric)
                self.compare(self.against, self.against_library)

        with_judgements = self.judged
        self._ask(
            "run", lambda number: OpenRun(id=number, run_id=run_id, judgements=with_judgements), on_reply
        )

    def _close_run(self) -> None:
        self.run, self.rows, self.slices, self.compared = None, [], None, None
        self.run_changed.emit()
        self.rows_changed.emit()
        self.slices_changed.emit()
        self.compared_changed.emit()
        self.evidence_changed.emit(None)

    def _on_runs(self, reply: Runs) -> None:
        self.runs = reply.runs
        self.runs_changed.emit()
        sound = [run for run in reply.runs if not run.problem]
        if self.run is None and sound and "run" not in self._asked:
            self.open_run(sound[0].run_id)

    # --- parts of a run -------------------------------------------------------------------------------

    def slice_by(self, metric: str) -> None:
        """The slices by another metric."""
        self.metric = metric
        self.slices = None
        self.slices_changed.emit()
        if self.run is not None:
            run_id, judged = self.run.run.run_id, self.judged
            self._ask(
                "slices",
                lambda number: GetSlices(id=number, run_id=run_id, metric=metric, judgements=judged),
                self._on_slices,
            )

    def _on_slices(self, reply: Slices) -> None:
        self.slices = reply
        self.slices_changed.emit()

    def compare(self, against: str, library: str = "") -> None:
        """The open run against another one (of another library's folder), or, if empty, against its own first stage."""
        self.against, self.against_library = against, library
        self.compared, self.why_not_compared = None, ""
        self.compared_changed.emit()
        run = self.run
        if run is None or (not against and not run.run.reranked):
            return
        run_id, judged = run.run.run_id, self.judged
        request = self._ask(
            "compare",
            lambda number: CompareRuns(
                id=number, run_id=run_id, against=against, judgements=judged, library=library
            ),
            self._on_compared,
            tell=False,
        )
        request.failed.connect(self._on_not_compared)

    def _on_compared(self, reply: Compared) -> None:
        self.compared = reply
        self.compared_changed.emit()

    def _on_not_compared(self, failure: Failed) -> None:
        self.why_not_compared = failure.sentence
        self.compared_changed.emit()

    def look_elsewhere(self, library: str) -> None:
        """Ask for the runs of another library, by its folder, and compare with its newest."""
        self._ask("elsewhere", lambda number: GetRuns(id=number, library=library), self._on_elsewhere)

    def _on_elsewhere(self, reply: Runs) -> None:
        self.elsewhere, self.runs_elsewhere = reply.library, reply.runs
        self.elsewhere_changed.emit()
        sound = [run for run in reply.runs if not run.problem]
        if sound:
            self.compare(sound[0].run_id, reply.library)
        else:
            self.said.emit("info", f"The library {reply.library} has no run yet: evaluate there first.", "")

    def choose_case(self, query_id: str, *, on: bool) -> None:
        """Put a query of the open run on the list for its report, or take it off."""
        if self.run is not None:
            run_id = self.run.run.run_id
            self._ask(
                "choose",
                lambda number: ChooseCase(id=number, run_id=run_id, query_id=query_id, on=on),
                self._on_chosen,
            )

    def _on_chosen(self, reply: CasesChosen) -> None:
        if self.run is not None and self.run.run.run_id == reply.run_id:
            self.chosen = reply.chosen
            self.chosen_changed.emit()

    def look_at(self, row: int) -> None:
        """Ask for the clips of a query of the open run; a row below 0 asks for none."""
        self.evidence_changed.emit(None)
        if self.run is not None and row >= 0:
            run_id, judged = self.run.run.run_id, self.judged
            self._ask(
                "evidence",
                lambda number: GetEvidence(id=number, run_id=run_id, row=row, judgements=judged),
                self._on_evidence,
            )

    def _on_evidence(self, reply: Evidence) -> None:
        self.evidence_changed.emit(reply)

    # --- asking ---------------------------------------------------------------------------------------

    def _ask(
        self,
        purpose: str,
        make: Callable[[int], Message],
        answered: Callable[..., None],
        *,
        tell: bool = True,
    ) -> Request:
        if purpose in self._asked:
            self._asked[purpose].cancel()
        request = self._session.link.client.send(make)
        self._asked[purpose] = request
        request.answered.connect(answered)
        if tell:
            request.failed.connect(lambda failure: self.said.emit("error", failure.sentence, failure.detail))
        request.finished.connect(lambda: self._over(purpose, request))
        return request

    def _over(self, purpose: str, request: Request) -> None:
        if self._asked.get(purpose) is request:
            del self._asked[purpose]
