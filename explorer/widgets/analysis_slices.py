"""The tab "Slices" of the Analyse page."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from core.protocol import Slices
from explorer.models.analysis_slices import SliceTable, metric_text
from explorer.widgets.analysis_tables import AnalysisTable, IntervalDelegate
from explorer.widgets.parts import label

METRICS: Final = ("R@1", "R@5", "R@10", "MRR", "mAP", "nDCG@10", "MdR", "MnR")


class SlicesPanel(QWidget):
    """Every slice with its metric; a click shows its queries.

    Signals:
        metric_chosen(name): slice by another metric.
        slice_chosen(info): show these queries.
    """

    metric_chosen = Signal(str)
    slice_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.model = SliceTable(self)
        self.table = AnalysisTable("Slices")
        self.metric_box = QComboBox()
        self._whole = label("", "secondary")
        self._intervals = IntervalDelegate(self.table)
        self.metric_box.addItems(METRICS)
        self.metric_box.setAccessibleName("Metric of the slices")
        self.metric_box.textActivated.connect(self.metric_chosen)
        self.table.setModel(self.model)
        self.table.setSortingEnabled(True)
        self.table.setItemDelegateForColumn(3, self._intervals)
        self.table.stretch(0, {1: 72, 2: 72, 3: 250})
        self.table.clicked.connect(lambda index: self._choose(index.row()))
        self.table.row_opened.connect(self._choose)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(label("Metric", "secondary"))
        head.addWidget(self.metric_box)
        head.addWidget(self._whole, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.table, 1)

    def show_slices(self, slices: Slices | None, metric: str) -> None:
        """The slices, or that they are on their way."""
        self.metric_box.setCurrentText(metric)
        if slices is None:
            self._whole.setText("Computing…")
            self.model.show_slices(())
            return
        value = metric_text(slices.overall.value, slices.overall.unit)
        self._whole.setText(f"All queries: {value}.  A click on a slice shows its queries.")
        highs = [part.result.high or 0.0 for part in slices.slices]
        unit = slices.overall.unit
        self._intervals.scale = (1.0, max([2.0, *highs])) if unit == "rank" else (0.0, 100.0 if unit else 1.0)
        self.model.show_slices(slices.slices)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)

    def _choose(self, place: int) -> None:
        part = self.model.slice_at(place)
        if part is not None:
            self.slice_chosen.emit(part)
