"""The tables of the Analyse page: all of them look alike and work by keyboard."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMessageBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.protocol import MetricValue
from explorer import theme
from explorer.models.analysis_slices import SliceRole, metric_text

_ROW: Final = 28


class AnalysisTable(QTableView):
    """Rows of one height, one of them current; Enter and a double click open it.

    Signals:
        row_selected(place): another line is current.
        row_opened(place): Enter, or a double click.
        play_asked(): Space.
    """

    row_selected = Signal(int)
    row_opened = Signal(int)
    play_asked = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setMinimumSectionSize(44)
        header.setStretchLastSection(False)
        self.doubleClicked.connect(lambda index: self.row_opened.emit(index.row()))

    def stretch(self, column: int, widths: dict[int, int]) -> None:
        """One column takes the room that the others leave."""
        header = self.horizontalHeader()
        for section, width in widths.items():
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(section, width)
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)

    def choose(self, place: int) -> None:
        """Make a line current and show it."""
        index = self.model().index(place, 0)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and current.row() != previous.row():
            self.row_selected.emit(current.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.row_opened.emit(self.currentIndex().row())
        elif event.key() == Qt.Key.Key_Space:
            self.play_asked.emit()
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Letters are commands here, not the start of a search."""


class IntervalDelegate(QStyledItemDelegate):
    """A metric's interval as a bar on a common scale, its value as a tick."""

    def __init__(self, parent: AnalysisTable) -> None:
        super().__init__(parent)
        self.scale = (0.0, 100.0)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        result = index.data(SliceRole.RESULT)
        if not isinstance(result, MetricValue) or result.value is None:
            return
        low, high = result.low or 0.0, result.high or 0.0
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        text = f"{metric_text(low, result.unit)} – {metric_text(high, result.unit)}"
        room = option.rect.adjusted(8, 0, -96, 0)
        painter.setBrush(theme.color("pressed"))
        painter.drawRoundedRect(QRectF(room.left(), room.center().y() - 1, room.width(), 3), 1.5, 1.5)
        left, right = (room.left() + self._part(v) * room.width() for v in (low, high))
        painter.setBrush(theme.color("accent", 0.55))
        painter.drawRoundedRect(QRectF(left, room.center().y() - 3, max(2.0, right - left), 7), 3, 3)
        at = room.left() + self._part(result.value) * room.width()
        painter.setBrush(theme.color("text"))
        painter.drawRoundedRect(QRectF(at - 1.5, room.center().y() - 6, 3, 13), 1.5, 1.5)
        painter.setPen(theme.color("text_3"))
        painter.setFont(theme.font("caption", tabular=True))
        painter.drawText(
            option.rect.adjusted(0, 0, -8, 0),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            text,
        )
        painter.restore()

    def _part(self, value: float) -> float:
        low, high = self.scale
        return min(max((value - low) / max(high - low, 1e-9), 0.0), 1.0)


def sure(parent: QWidget, question: str) -> bool:
    """Whether the person really means it."""
    answer = QMessageBox.question(parent, "Drivescope", question)
    return answer == QMessageBox.StandardButton.Yes
