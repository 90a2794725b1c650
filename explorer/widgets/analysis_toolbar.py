"""The line on top of the Analyse page: what is evaluated and how, which run is looked at."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from core.protocol import QuerySetInfo, RunInfo
from explorer import formats
from explorer.models.analysis_slices import metric_text
from explorer.widgets.parts import button, label, tool


class AnalysisToolbar(QWidget):
    """Query set, Evaluate, run.

    Signals:
        set_chosen(set_id), import_asked(), drop_set_asked(): about query sets.
        evaluate_asked(rerank), foreign_asked(): make a run.
        run_chosen(run_id), delete_run_asked(), judged_toggled(on): about the run that is open.
        report_asked(), table_asked(): write the report, or the table as CSV.
    """

    set_chosen = Signal(str)
    import_asked = Signal()
    drop_set_asked = Signal()
    evaluate_asked = Signal(bool)
    foreign_asked = Signal()
    run_chosen = Signal(str)
    delete_run_asked = Signal()
    judged_toggled = Signal(bool)
    report_asked = Signal()
    table_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("analysisBar")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # alike over every tab
        self.sets = QComboBox()
        self.evaluate = button("Evaluate", "play", role="primary", on_click=self._evaluate)
        self.rerank = QCheckBox("Rerank")
        self.runs = QComboBox()
        self.judged = QCheckBox("Our judgements")
        self.report = button("Report…", "export", on_click=self.report_asked.emit)
        self.more = tool("more", "More")
        self._set_up()
        self._lay_out()

    def _set_up(self) -> None:
        self.sets.setAccessibleName("Query set")
        self.sets.setToolTip("The queries with known answers that Evaluate runs")
        self.sets.setMinimumWidth(180)
        self.sets.activated.connect(lambda place: self.set_chosen.emit(str(self.sets.itemData(place))))
        self.rerank.setChecked(True)
        self.rerank.setToolTip("Also rerank the first stage's best clips with X-CLIP")
        self.evaluate.setToolTip(
            "Rank every clip of the library for every query of the set, and keep the run"
        )
        self.runs.setAccessibleName("Run")
        self.runs.setToolTip("The evaluation that is shown below")
        self.runs.setMinimumWidth(220)
        self.runs.activated.connect(lambda place: self.run_chosen.emit(str(self.runs.itemData(place))))
        self.judged.setToolTip(
            "Measure the run with what people judged in this library over the file's truth"
        )
        self.judged.clicked.connect(self.judged_toggled)
        self.report.setToolTip(
            "One HTML file that opens anywhere: metrics, slices, comparison and the worst failures with evidence"
        )
        menu = QMenu(self.more)
        self.foreign = menu.addAction("Open a TREC run file as a run…")
        self.foreign.triggered.connect(lambda _on: self.foreign_asked.emit())
        self.save_table = menu.addAction("Save the table of queries…")
        self.save_table.triggered.connect(lambda _on: self.table_asked.emit())
        menu.addSeparator()
        self.delete_run = menu.addAction("Delete this run…")
        self.delete_run.triggered.connect(lambda _on: self.delete_run_asked.emit())
        self.drop_set = menu.addAction("Remove this query set…")
        self.drop_set.triggered.connect(lambda _on: self.drop_set_asked.emit())
        self.more.setMenu(menu)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.setSpacing(8)
        row.addWidget(label("QUERIES", "section"))
        row.addWidget(self.sets, 2)
        row.addWidget(button("Import…", "import", on_click=self.import_asked.emit))
        row.addWidget(self.rerank)
        row.addWidget(self.evaluate)
        row.addSpacing(16)
        row.addWidget(label("RUN", "section"))
        row.addWidget(self.runs, 3)
        row.addWidget(self.judged)
        row.addWidget(self.report)
        row.addWidget(self.more)

    def show_sets(self, sets: tuple[QuerySetInfo, ...], chosen: str) -> None:
        """The imported sets; one that cannot be read says why in its tooltip."""
        self.sets.clear()
        for entry in sets:
            text = entry.name if entry.problem else f"{entry.name}  ·  {entry.queries:,}"
            self.sets.addItem(text, entry.set_id)
            tip = entry.problem or f"{entry.kind}, {formats.count(entry.queries, 'query', 'queries')}"
            self.sets.setItemData(self.sets.count() - 1, tip, _TIP)
        self.sets.setCurrentIndex(self.sets.findData(chosen))
        self.sets.setEnabled(bool(sets))
        self.drop_set.setEnabled(bool(sets))
        self.show_state(evaluating=False, can_evaluate=bool(chosen))

    def show_runs(self, runs: tuple[RunInfo, ...], opened: str) -> None:
        """The stored runs, newest first."""
        self.runs.clear()
        for run in runs:
            self.runs.addItem(run_title(run), run.run_id)
            self.runs.setItemData(self.runs.count() - 1, run.problem or run_tip(run), _TIP)
        self.runs.setCurrentIndex(self.runs.findData(opened))
        self.runs.setEnabled(bool(runs))
        for action in (self.delete_run, self.save_table):
            action.setEnabled(bool(opened))
        for part in (self.judged, self.report):
            part.setEnabled(bool(opened))

    def show_state(self, *, evaluating: bool, can_evaluate: bool) -> None:
        """Only one evaluation at a time, and none without queries."""
        self.evaluate.setEnabled(can_evaluate and not evaluating)
        self.foreign.setEnabled(can_evaluate and not evaluating)
        self.evaluate.setText("Evaluating…" if evaluating else "Evaluate")

    def _evaluate(self) -> None:
        self.evaluate_asked.emit(self.rerank.isChecked())


_TIP = 3  # Qt.ItemDataRole.ToolTipRole, as the int that setItemData takes


def run_title(run: RunInfo) -> str:
    """`drive-tiny · reranked · 21 Nov 06:40 · R@1 51.3`."""
    if run.problem:
        return f"{run.run_id} (damaged)"
    how = "foreign" if run.kind == "foreign" else "reranked" if run.reranked else "first stage"
    parts = [run.name, how, local_time(run.created)]
    if run.headline.get("R@1") is not None:
        parts.append(f"R@1 {metric_text(run.headline['R@1'], '%')}")
    return "  ·  ".join(part for part in parts if part)


def run_tip(run: RunInfo) -> str:
    """What the title leaves out."""
    queries = formats.count(run.queries, "query", "queries")
    return f"{run.run_id}\n{queries} on {formats.count(run.clips, 'clip')}"


def local_time(stamp: str) -> str:
    """`21 Nov 06:40` in this machine's time zone; nothing for what is no time."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%d %b %H:%M")
    except ValueError:
        return ""
