"""The tab "Compare" of the Analyse page: this run against another one, also of another library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from core.protocol import Compared, RunInfo
from explorer import formats, theme
from explorer.models.analysis_slices import PairTable, metric_text
from explorer.widgets.analysis_cards import LOWER_IS_BETTER
from explorer.widgets.analysis_scatter import RankScatter
from explorer.widgets.analysis_tables import AnalysisTable
from explorer.widgets.analysis_toolbar import run_title
from explorer.widgets.parts import button, empty, label

COMPARED: Final = ("R@1", "R@5", "R@10", "MdR", "MnR", "mAP", "nDCG@10", "MRR")
_SURE: Final = 0.05


class ComparePanel(QWidget):
    """One run against another, or against its own first stage.

    Signals:
        against_chosen(run_id, library): the other run, "" for the run's first stage; its library, "" for this one.
        library_asked(path): compare with a run of another library; "" if its folder is to be chosen.
        rows_chosen(rows): queries to look at.
    """

    against_chosen = Signal(str, str)
    library_asked = Signal(str)
    rows_chosen = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.against = QComboBox()
        self.libraries = QMenu(self)
        self.elsewhere = button("Another library…")
        self._choices: list[tuple[str, str]] = []  # run and library of each entry
        self.scatter = RankScatter()
        self.pairs = PairTable(self)
        self.table = AnalysisTable("Queries that changed")
        self.which = QTabBar()
        self.summary = label("", "secondary", wrap=True)
        self._found: Compared | None = None
        self._text_of: Callable[[int], str] = str
        self._figures = QGridLayout()
        self.against.setAccessibleName("Compare with")
        self.against.activated.connect(lambda place: self.against_chosen.emit(*self._choices[place]))
        self.elsewhere.setMenu(self.libraries)
        self.elsewhere.setToolTip(
            "Compare with a run of another library: another bundle or crop, or the same footage indexed elsewhere"
        )
        self.scatter.rows_chosen.connect(self.rows_chosen)
        self.table.setModel(self.pairs)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.table.setSortingEnabled(True)
        self.table.stretch(0, {1: 64, 2: 56, 3: 72})
        self.table.row_selected.connect(self._choose)
        self.table.row_opened.connect(self._choose)
        self.which.addTab("Worse now")
        self.which.addTab("Better now")
        self.which.setObjectName("analysisTabs")
        self.which.setDrawBase(False)
        self.which.setExpanding(False)
        self.which.currentChanged.connect(lambda _place: self._show_pairs())
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(label("This run against", "secondary"))
        head.addWidget(self.against, 1)
        head.addWidget(self.elsewhere)
        self._figures.setHorizontalSpacing(10)
        self._figures.setVerticalSpacing(2)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.scatter, 1)
        figures = QVBoxLayout()
        figures.setSpacing(8)
        figures.addWidget(self.summary)
        figures.addLayout(self._figures)
        figures.addStretch(1)
        middle.addLayout(figures, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(middle, 3)
        column.addWidget(self.which)
        column.addWidget(self.table, 2)

    def offer_libraries(self, paths: Sequence[str]) -> None:
        """Fill the menu: libraries that were open lately, and any other folder."""
        self.libraries.clear()
        for path in paths:
            action = self.libraries.addAction(formats.file_name(path))
            action.setToolTip(path)
            action.triggered.connect(lambda _on=False, chosen=path: self.library_asked.emit(chosen))
        if paths:
            self.libraries.addSeparator()
        self.libraries.addAction("Choose its folder…").triggered.connect(lambda: self.library_asked.emit(""))

    def show_runs(
        self,
        runs: tuple[RunInfo, ...],
        opened: RunInfo | None,
        against: tuple[str, str],
        elsewhere: tuple[str, tuple[RunInfo, ...]] = ("", ()),
    ) -> None:
        """What the run may be compared with: other runs here, and those of another library (its folder, its runs)."""
        self.against.clear()
        self._choices = []
        self.elsewhere.setEnabled(opened is not None)
        if opened is None:
            return
        own = "its own first stage (what reranking did)" if opened.reranked else "choose another run"
        self._offer(own, "", "")
        for run in runs:
            if run.run_id != opened.run_id and not run.problem:
                self._offer(run_title(run), run.run_id, "")
        folder, others = elsewhere
        if others:
            self.against.insertSeparator(self.against.count())
            self._choices.append(("", ""))  # the line is an entry that nobody can choose
        for run in others:
            if not run.problem:
                self._offer(f"{formats.file_name(folder)}  ›  {run_title(run)}", run.run_id, folder)
        self.against.setCurrentIndex(self._choices.index(against) if against in self._choices else 0)

    def _offer(self, text: str, run_id: str, library: str) -> None:
        self.against.addItem(text)
        self._choices.append((run_id, library))

    def show_comparison(
        self, found: Compared | None, text_of: Callable[[int], str], *, waiting: bool, why_not: str = ""
    ) -> None:
        """A comparison, that it is on its way, or why there is none."""
        self._found, self._text_of = found, text_of
        self.scatter.show_comparison(found)
        empty(self._figures)
        reranking = found is not None and not found.against
        self.which.setTabText(0, "Where reranking hurt" if reranking else "Worse now")
        self.which.setTabText(1, "Where reranking helped" if reranking else "Better now")
        self._show_pairs()
        if found is None:
            rest = (
                "Comparing…"
                if waiting
                else "Nothing was reranked in this run: choose another run to compare with."
            )
            self.summary.setText(why_not or rest)
            return
        self.summary.setText(_summary(found))
        self._show_figures(found)

    def _show_pairs(self) -> None:
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.pairs.show_comparison(self._found, self._text_of, worse=self.which.currentIndex() == 0)

    def _show_figures(self, found: Compared) -> None:
        heads = ("", found.title_a, found.title_b, "change", "p")
        tips = (
            "", "The other ranking", "This run", "This run less the other, with its 95 % interval",
            "How likely so large a difference is if both were equally good: paired randomisation test",
        )  # fmt: skip
        for column, (text, tip) in enumerate(zip(heads, tips, strict=True)):
            self._put(0, column, text if len(text) <= 14 else f"{text[:13]}…", tip, "caption")
        shown = [metric for metric in found.metrics if metric.name in COMPARED]
        for line, metric in enumerate(shown, start=1):
            better = (metric.difference < 0) == (metric.name in LOWER_IS_BETTER)
            sure = metric.p_value is not None and metric.p_value < _SURE
            self._put(line, 0, metric.name, "", "secondary")
            self._put(line, 1, metric_text(metric.a, metric.unit), "", "secondary")
            self._put(line, 2, metric_text(metric.b, metric.unit), "", "strong")
            low, high = (metric_text(value, metric.unit) for value in (metric.low, metric.high))
            sign = "+" if metric.difference > 0 else ""
            change = self._put(
                line,
                3,
                f"{sign}{metric_text(metric.difference, metric.unit)}",
                f"95 % interval {low} to {high}",
                "",
            )
            if sure and metric.difference:
                change.setStyleSheet(f"color: {theme.color('up' if better else 'down').name()};")
            p = (
                "–"
                if metric.p_value is None
                else f"{metric.p_value:.3f}"
                if metric.p_value >= 0.001
                else "<0.001"
            )
            tip = "A median has no such test." if metric.p_value is None else tips[4]
            self._put(line, 4, p, tip, "strong" if sure else "secondary")

    def _put(self, line: int, column: int, text: str, tip: str, role: str) -> QLabel:
        made = label(text, role)
        made.setToolTip(tip)
        side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
        self._figures.addWidget(made, line, column, side)
        return made

    def _choose(self, place: int) -> None:
        row = self.pairs.row_at(place)
        if row >= 0:
            self.rows_chosen.emit((row,))


def _summary(found: Compared) -> str:
    both = found.wins + found.losses + found.draws
    parts = [
        f"Of {formats.count(both, 'query', 'queries')} {found.wins:,} got better, {found.losses:,} worse, "
        f"{found.draws:,} stayed."
    ]
    if (found.only_a or found.only_b) and not found.notes:
        parts.append(f"{found.only_a + found.only_b:,} are in one of the two only and take no part.")
    return " ".join((*parts, *found.notes))
