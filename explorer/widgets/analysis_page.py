"""The Analyse page: numbers on top, the table of queries on the left, evidence, slices and comparison on the right."""

from __future__ import annotations

from array import array
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from core.protocol import Evidence, SliceInfo
from explorer import formats, icons
from explorer.analysis import Analysis
from explorer.analysis_empty import choose
from explorer.analysis_judging import Judging
from explorer.engine_client import EngineClient
from explorer.models.analysis_slices import unpacked
from explorer.models.analysis_table import Column, QueryTable
from explorer.models.thumbnails import Thumbnails
from explorer.models.why import Why
from explorer.settings import Settings
from explorer.widgets.analysis_cards import MetricCards
from explorer.widgets.analysis_evidence import EvidencePanel
from explorer.widgets.analysis_parts import ComparePanel, SlicesPanel
from explorer.widgets.analysis_tables import AnalysisTable, sure
from explorer.widgets.analysis_toolbar import AnalysisToolbar
from explorer.widgets.analysis_words import WordsPanel
from explorer.widgets.empty_state import EmptyState
from explorer.widgets.parts import ElidedLabel, button, label, rule

_SETTLE_MS: Final = 90
"""A key held down in the table asks only for the query where it stops."""
_TYPING_PAUSE_MS: Final = 120
_SHOWN: Final = (
    ("All queries", 0, False), ("Rank 1 is wrong", 1, False), ("Not in the first 5", 5, False),
    ("Not in the first 10", 10, False), ("Reranking hurt", 0, True),
)  # fmt: skip
_WIDTHS: Final = {Column.FIRST: 50, Column.RANK: 54, Column.CHANGE: 62, Column.GAP: 62,
                  Column.PERCENTILE: 56, Column.JUDGED: 58}  # fmt: skip


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
    ) -> None:
        super().__init__()
        self.setObjectName("analysisPage")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._analysis = analysis
        self._judging = judging
        self.toolbar = AnalysisToolbar()
        self.cards = MetricCards()
        self.queries = QueryTable(self)
        self.table = AnalysisTable("Queries of the run")
        self.evidence = EvidencePanel(client, thumbnails, settings, judging)
        self.words = WordsPanel(whys, thumbnails)
        self.slices = SlicesPanel()
        self.compare = ComparePanel()
        self.empty = EmptyState()
        self.needle = QLineEdit()
        self.which = QComboBox()
        self._count = label("", "quiet")
        self._chosen_slice = button("", "clear", role="slice", on_click=self._leave_slice)
        self._members: frozenset[int] | None = None
        self._notes = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self._tabs = QTabBar()
        self._parts = QStackedWidget()
        self._whole = QStackedWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._row = -1
        self._settle = QTimer(self)
        self._typing = QTimer(self)
        self._set_up()
        self._lay_out()
        self._wire()
        self._on_run()

    # --- set up --------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        for timer, pause in ((self._settle, _SETTLE_MS), (self._typing, _TYPING_PAUSE_MS)):
            timer.setSingleShot(True)
            timer.setInterval(pause)
        self.table.setModel(self.queries)
        self.table.stretch(Column.QUERY, {int(column): width for column, width in _WIDTHS.items()})
        column, order = self.queries.sorted_by
        self.table.horizontalHeader().setSortIndicator(column, order)
        self.table.setSortingEnabled(True)
        self.needle.setPlaceholderText("Find a query")
        self.needle.setAccessibleName("Find a query")
        self.needle.addAction(icons.icon("filter", "text_3"), QLineEdit.ActionPosition.LeadingPosition)
        self.which.setAccessibleName("Which queries")
        self.which.addItems([title for title, _, _ in _SHOWN])
        self._chosen_slice.setToolTip("Show all queries again")
        self._chosen_slice.hide()

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(16, 8, 8, 8)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.needle, 1)
        row.addWidget(self.which)
        column.addLayout(row)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._count)
        row.addWidget(self._chosen_slice)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.table, 1)
        column.addWidget(self._notes)
        left.setMinimumWidth(420)
        self._splitter.addWidget(left)
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
        analysis.evidence_changed.connect(self._on_evidence)
        analysis.evaluating_changed.connect(self._on_evaluating)
        self._judging.changed.connect(lambda _query: self.queries.count_judged(self._judging.counts))
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
        self.compare.rows_chosen.connect(self._on_rows_chosen)
        self.evidence.open_asked.connect(self.open_asked)
        self.evidence.next_asked.connect(self.next_failure)
        self.evidence.pair_changed.connect(self.words.show_pair)
        self.words.query_chosen.connect(self.query_chosen)
        self.words.time_chosen.connect(self.evidence.duo.seek)
        self.evidence.left.connect(self.table.setFocus)
        self._tabs.currentChanged.connect(self._parts.setCurrentIndex)
        self.table.row_selected.connect(self._on_row_selected)
        self.table.row_opened.connect(lambda _place: self.play_pair())
        self.table.play_asked.connect(self.evidence.duo.toggle)
        self.queries.modelReset.connect(self._keep_row)
        self._settle.timeout.connect(lambda: analysis.look_at(self._row))
        self.needle.textEdited.connect(lambda _text: self._typing.start())
        self.needle.returnPressed.connect(self.table.setFocus)
        self._typing.timeout.connect(self._narrow)
        self.which.activated.connect(lambda _place: self._narrow())

    # --- what the person does ------------------------------------------------------------------------

    def next_failure(self, step: int) -> None:
        """The next query in the table whose truth is not first (or not among the first that the filter names)."""
        beyond = max(1, _SHOWN[self.which.currentIndex()][1])
        place = self.queries.failure_from(self.table.currentIndex().row(), step, beyond)
        if place < 0:
            end = "after" if step > 0 else "before"
            self.said.emit("info", f"There is no failure {end} this query in the table.")
            return
        self.table.choose(place)

    def play_pair(self) -> None:
        """Both clips from the keyboard: to the front, and playing."""
        self._tabs.setCurrentIndex(0)
        self.evidence.duo.play()

    def show_slice(self, part: SliceInfo) -> None:
        """Only the queries of a slice."""
        self._show_members(unpacked(part.members, "i"), f"{part.key}: {part.value}")

    def _show_members(self, rows: tuple[int, ...] | array[int], title: str) -> None:
        self._members = frozenset(rows)
        self._chosen_slice.setText(title)
        self._chosen_slice.show()
        self._narrow()

    def _leave_slice(self) -> None:
        self._members = None
        self._chosen_slice.hide()
        self._narrow()

    def _on_rows_chosen(self, rows: tuple[int, ...]) -> None:
        """One query: look at it. Several: only these in the table, and look at the first."""
        if len(rows) > 1:
            self._show_members(rows, f"{formats.count(len(rows), 'query', 'queries')} of the plot")
        elif self.queries.place_of(rows[0]) < 0:
            self.needle.clear()
            self.which.setCurrentIndex(0)
            self._leave_slice()
        place = self.queries.place_of(rows[0])
        if place >= 0:
            self.table.choose(place)

    def _narrow(self) -> None:
        _, beyond, hurt = _SHOWN[self.which.currentIndex()]
        self.queries.narrow(needle=self.needle.text(), beyond=beyond, hurt=hurt, members=self._members)

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
        self.compare.show_runs(
            self._analysis.runs, run.run if run is not None else None, self._analysis.against
        )
        self.show_empty()

    def _on_run(self) -> None:
        self._on_runs()
        run = self._analysis.run
        self.cards.show_metrics(run.metrics if run else (), run.first_stage if run else ())
        reranked = run is not None and run.run.reranked
        for column in (Column.FIRST, Column.CHANGE):
            self.table.setColumnHidden(column, not reranked)
        self.toolbar.judged.setChecked(self._analysis.judged)
        self._notes.setText(" ".join(run.notes) if run is not None else "")
        lines = [f"{name}: {value}" for name, value in run.facts] if run is not None else []
        unmatched = [f"row {r.row}: {r.reason}" for r in run.rejected[:10]] if run is not None else []
        self._notes.setVisible(bool(self._notes.text()))
        self.toolbar.runs.setToolTip("\n".join(["The evaluation that is shown below", "", *lines]))
        self._notes.setToolTip("\n".join([self._notes.text(), *unmatched]))

    def _on_rows(self) -> None:
        self._members = None
        self._chosen_slice.hide()
        self._row = -1
        self.evidence.clear()
        self.evidence.show_query(None)
        self.queries.show_rows(self._analysis.rows, self._judging.counts)

    def _on_slices(self) -> None:
        slices = self._analysis.slices
        self.cards.show_worst(slices)
        self.slices.show_slices(slices, self._analysis.metric)

    def _on_compared(self) -> None:
        analysis = self._analysis
        run = analysis.run
        self.compare.show_runs(analysis.runs, run.run if run is not None else None, analysis.against)
        waiting = run is not None and (bool(analysis.against) or run.run.reranked)
        self.compare.show_comparison(
            analysis.compared,
            lambda row: analysis.rows[row].text if row < len(analysis.rows) else "",
            waiting=waiting,
            why_not=analysis.why_not_compared,
        )

    def _on_evidence(self, evidence: Evidence | None) -> None:
        if evidence is not None and evidence.row == self._row:
            self.evidence.show_evidence(evidence)

    # --- the table -----------------------------------------------------------------------------------

    def _on_row_selected(self, place: int) -> None:
        row = self.queries.row_at(place)
        if row < 0 or row == self._row:
            return
        self._row = row
        self.evidence.show_query(self.queries.outcome(row))
        self._settle.start()

    def _keep_row(self) -> None:
        """After sorting or filtering the chosen query stays chosen, or the first one that is left is."""
        shown, total = self.queries.rowCount(), self.queries.total
        queries = formats.count(total, "query", "queries")
        self._count.setText(queries if shown == total else f"{shown:,} of {queries}")
        place = self.queries.place_of(self._row) if self._row >= 0 else -1
        if place >= 0 or shown:
            self.table.choose(max(place, 0))

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
        for action in self.needle.actions():
            action.setIcon(icons.icon("filter", "text_3"))

    @property
    def ready(self) -> bool:
        """Whether everything of the run is on screen."""
        analysis = self._analysis
        return not analysis.busy and (analysis.run is None or self.evidence.ready)

    def sizeHint(self) -> QSize:
        return QSize(1200, 700)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._analysis.show()
        self.show_empty()
