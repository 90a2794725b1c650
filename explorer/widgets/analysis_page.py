"""The Analyse page: numbers on top, the table of queries on the left, evidence, slices and comparison on the right."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from core.protocol import Evidence, SliceInfo
from explorer.analysis import Analysis
from explorer.analysis_empty import choose
from explorer.analysis_judging import Judging
from explorer.engine_client import EngineClient
from explorer.models.analysis_slices import unpacked
from explorer.models.skeleton import Skeleton
from explorer.models.thumbnails import Thumbnails
from explorer.models.why import Why
from explorer.settings import Settings
from explorer.widgets.analysis_cards import MetricCards
from explorer.widgets.analysis_compare import ComparePanel
from explorer.widgets.analysis_evidence import EvidencePanel
from explorer.widgets.analysis_metrics import MetricsPanel
from explorer.widgets.analysis_queries import QueriesPanel
from explorer.widgets.analysis_skeleton import SkeletonPanel
from explorer.widgets.analysis_slices import SlicesPanel
from explorer.widgets.analysis_tables import sure
from explorer.widgets.analysis_toolbar import AnalysisToolbar
from explorer.widgets.analysis_words import WordsPanel
from explorer.widgets.empty_state import EmptyState
from explorer.widgets.parts import rule

_SETTLE_MS: Final = 90
"""A key held down in the table asks only for the query where it stops."""


class AnalysisPage(QWidget):
    """Everything about a run.

    Signals:
        import_asked(), foreign_asked(), table_asked(), report_asked(): a file is needed.
        open_asked(query, hit): show this clip on the Explore page.
        query_chosen(text): search with this query on the Explore page.
        said(level, sentence): something for the message bar.
    """

    import_asked = Signal()
    foreign_asked = Signal()
    table_asked = Signal()
    report_asked = Signal()
    open_asked = Signal(str, object)
    query_chosen = Signal(str)
    said = Signal(str, str)

    def __init__(
        self,
        client: EngineClient,
        thumbnails: Thumbnails,
        settings: Settings,
        analysis: Analysis,
        judging: Judging,
        whys: tuple[Why, Why],
        skeletons: tuple[Skeleton, Skeleton],
    ) -> None:
        super().__init__()
        self.setObjectName("analysisPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._analysis = analysis
        self._judging = judging
        self.toolbar = AnalysisToolbar()
        self.cards = MetricCards()
        self.panel = QueriesPanel()
        self.queries, self.table = self.panel.model, self.panel.table
        self.evidence = EvidencePanel(client, thumbnails, settings, judging)
        self.words = WordsPanel(whys, thumbnails)
        self.skeleton = SkeletonPanel(skeletons)
        self.metrics = MetricsPanel()
        self.slices = SlicesPanel()
        self.compare = ComparePanel()
        self.empty = EmptyState()
        self._tabs = QTabBar()
        self._parts = QStackedWidget()
        self._whole = QStackedWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._lay_out()
        self._wire()
        self._on_run()

    # --- set up --------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._splitter.addWidget(self.panel)
        self._splitter.addWidget(self._lay_out_parts())
        for place, stretch in enumerate((2, 3)):
            self._splitter.setStretchFactor(place, stretch)
            self._splitter.setCollapsible(place, False)
        self._splitter.setHandleWidth(1)
        self._splitter.setSizes([600, 766])
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.cards)
        column.addWidget(rule())
        column.addWidget(self._splitter, 1)
        self._whole.addWidget(self.empty)
        self._whole.addWidget(content)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(rule())
        column.addWidget(self._whole, 1)

    def _lay_out_parts(self) -> QWidget:
        self._tabs.setObjectName("analysisTabs")
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(False)
        parts = (
            ("Clips", self.evidence, "The truth beside what stands first"),
            ("Words", self.words, "What each word of the query is worth to both clips"),
            ("Skeleton", self.skeleton, "What the query asks for against what each of the two clips shows"),
            ("Metrics", self.metrics, "Every number of the run, both directions, ties and moments"),
            ("Slices", self.slices, "Where the run is weak"),
            ("Compare", self.compare, "Against another run, or what reranking did"),
        )
        for title, part, tip in parts:
            self._tabs.setTabToolTip(self._tabs.addTab(title), tip)
            self._parts.addWidget(part)
        right = QWidget()
        right.setObjectName("analysisParts")
        right.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        right.setMinimumWidth(460)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._tabs)
        column.addWidget(self._parts, 1)
        return right

    def _wire(self) -> None:
        analysis, bar = self._analysis, self.toolbar
        analysis.sets_changed.connect(self._on_sets)
        analysis.runs_changed.connect(self._on_runs)
        analysis.run_changed.connect(self._on_run)
        analysis.rows_changed.connect(self._on_rows)
        analysis.slices_changed.connect(self._on_slices)
        analysis.compared_changed.connect(self._on_compared)
        analysis.elsewhere_changed.connect(self._show_comparable)
        analysis.chosen_changed.connect(self._on_chosen)
        analysis.evidence_changed.connect(self._on_evidence)
        analysis.evaluating_changed.connect(self._on_evaluating)
        self._judging.changed.connect(lambda _query: self.queries.count_judged(self._judging.counts))
        self.panel.said.connect(self.said)
        self.panel.row_chosen.connect(self._on_row_chosen)
        bar.set_chosen.connect(analysis.choose_set)
        bar.import_asked.connect(self.import_asked)
        bar.drop_set_asked.connect(self._drop_set)
        bar.evaluate_asked.connect(self._evaluate)
        bar.foreign_asked.connect(self.foreign_asked)
        bar.table_asked.connect(self.table_asked)
        bar.report_asked.connect(self.report_asked)
        bar.run_chosen.connect(analysis.open_run)
        bar.delete_run_asked.connect(self._delete_run)
        bar.judged_toggled.connect(self._on_judged_toggled)
        self.cards.slice_chosen.connect(self.show_slice)
        self.slices.slice_chosen.connect(self.show_slice)
        self.slices.metric_chosen.connect(analysis.slice_by)
        self.compare.against_chosen.connect(analysis.compare)
        self.compare.rows_chosen.connect(self.panel.look_at)
        self.evidence.open_asked.connect(self.open_asked)
        self.evidence.next_asked.connect(self.next_failure)
        self.evidence.choose_asked.connect(self.choose_case)
        self.evidence.pair_changed.connect(self.words.show_pair)
        self.evidence.pair_changed.connect(self.skeleton.show_pair)
        self.skeleton.time_chosen.connect(self.evidence.duo.seek)
        self.words.query_chosen.connect(self.query_chosen)
        self.words.time_chosen.connect(self.evidence.duo.seek)
        self.evidence.left.connect(self.table.setFocus)
        self._tabs.currentChanged.connect(self._parts.setCurrentIndex)
        self.table.row_opened.connect(lambda _place: self.play_pair())
        self.table.play_asked.connect(self.evidence.duo.toggle)
        self._settle.timeout.connect(lambda: analysis.look_at(self.panel.row))

    # --- what the person does ------------------------------------------------------------------------

    def next_failure(self, step: int) -> None:
        """The next query in the table whose truth is not first."""
        self.panel.next_failure(step)

    def choose_case(self) -> None:
        """Put the query that is looked at into the report, or take it out."""
        if self.panel.row >= 0:
            query_id = self.queries.outcome(self.panel.row).query_id
            self._analysis.choose_case(query_id, on=query_id not in self._analysis.chosen)

    def play_pair(self) -> None:
        """Both clips from the keyboard: to the front, and playing."""
        self._tabs.setCurrentIndex(0)
        self.evidence.duo.play()

    def show_slice(self, part: SliceInfo) -> None:
        """Only the queries of a slice."""
        self.panel.show_members(unpacked(part.members, "i"), f"{part.key}: {part.value}")

    def _evaluate(self, rerank: bool) -> None:
        self._analysis.evaluate(rerank=rerank, judgements=self.toolbar.judged.isChecked())

    def _delete_run(self) -> None:
        run = self._analysis.run
        if run is not None and sure(self, f"Delete the run “{run.run.name}” of {run.run.created[:10]}?"):
            self._analysis.delete_run()

    def _drop_set(self) -> None:
        if sure(self, "Remove this query set from the library? Runs on it stay."):
            self._analysis.drop_set()

    def _on_judged_toggled(self, on: bool) -> None:
        run = self._analysis.run
        if run is not None:
            self._analysis.open_run(run.run.run_id, judged=on)

    # --- what the analysis says ----------------------------------------------------------------------

    def _on_sets(self) -> None:
        self.toolbar.show_sets(self._analysis.sets, self._analysis.chosen_set)
        self._on_evaluating(on=self._analysis.evaluating)
        self.show_empty()

    def _on_evaluating(self, on: bool) -> None:
        self.toolbar.show_state(evaluating=on, can_evaluate=bool(self._analysis.chosen_set))
        self.show_empty()

    def _on_runs(self) -> None:
        run = self._analysis.run
        self.toolbar.show_runs(self._analysis.runs, run.run.run_id if run is not None else "")
        self._show_comparable()
        self.show_empty()

    def _show_comparable(self) -> None:
        analysis = self._analysis
        self.compare.show_runs(
            analysis.runs,
            analysis.run.run if analysis.run is not None else None,
            (analysis.against, analysis.against_library),
            (analysis.elsewhere, analysis.runs_elsewhere),
        )

    def _on_run(self) -> None:
        self._on_runs()
        run = self._analysis.run
        self.cards.show_metrics(run.metrics if run else (), run.first_stage if run else ())
        self.metrics.show_run(run)
        self.panel.show_stages(reranked=run is not None and run.run.reranked)
        self.toolbar.judged.setChecked(self._analysis.judged)
        lines = [f"{name}: {value}" for name, value in run.facts] if run is not None else []
        self.toolbar.runs.setToolTip("\n".join(["The evaluation that is shown below", "", *lines]))
        unmatched = (f"row {r.row}: {r.reason}" for r in run.rejected[:10]) if run is not None else ()
        self.panel.show_notes(" ".join(run.notes) if run is not None else "", unmatched)

    def _on_rows(self) -> None:
        self.evidence.clear()
        self.evidence.show_query(None)
        self.panel.show_rows(self._analysis.rows, self._judging.counts)
        self._on_chosen()

    def _on_slices(self) -> None:
        slices = self._analysis.slices
        self.cards.show_worst(slices)
        self.slices.show_slices(slices, self._analysis.metric)

    def _on_compared(self) -> None:
        analysis = self._analysis
        run = analysis.run
        self._show_comparable()
        waiting = run is not None and (bool(analysis.against) or run.run.reranked)
        self.compare.show_comparison(
            analysis.compared,
            lambda row: analysis.rows[row].text if row < len(analysis.rows) else "",
            waiting=waiting,
            why_not=analysis.why_not_compared,
        )

    def _on_chosen(self) -> None:
        self.panel.show_chosen(self._analysis.chosen)
        row = self.panel.row
        query_id = self.queries.outcome(row).query_id if row >= 0 else ""
        self.evidence.show_chosen(chosen=query_id in self._analysis.chosen)

    def _on_evidence(self, evidence: Evidence | None) -> None:
        if evidence is not None and evidence.row == self.panel.row:
            self.evidence.show_evidence(evidence)

    def _on_row_chosen(self, row: int) -> None:
        self.evidence.show_query(self.queries.outcome(row))
        self._on_chosen()
        self._settle.start()

    # --- looks ---------------------------------------------------------------------------------------

    def show_empty(self) -> None:
        """The empty state that fits, while no run is open."""
        view = choose(self._analysis, self.toolbar.evaluate.click, self.import_asked.emit)
        if view is not None:
            self.empty.show_view(view)
        self._whole.setCurrentIndex(1 if view is None else 0)

    def retint(self) -> None:
        """The theme changed."""
        self.cards.retint()
        self.empty.retint()
        self.words.retint()
        self._on_compared()

    @property
    def ready(self) -> bool:
        """Whether everything of the run is on screen."""
        analysis = self._analysis
        return not analysis.busy and (analysis.run is None or (self.evidence.ready and self.skeleton.ready))

    def sizeHint(self) -> QSize:
        return QSize(1200, 700)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._analysis.show()
        self.show_empty()
