"""A layout that fills lines like words of a text, for chips."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class Flow(QLayout):
    """Left to right, then the next line; each line may stand in the middle."""

    def __init__(self, parent: QWidget, *, spacing: int, centred: bool = False) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = spacing
        self._centred = centred
        self.setContentsMargins(0, 0, 0, 0)

    def replace(self, widgets: Sequence[QWidget]) -> None:
        """Put these widgets in place of those that are there."""
        while self._items:
            widget = self._items.pop().widget()
            if widget is not None:
                widget.hide()  # at once; it is deleted only when the event loop gets there
                widget.deleteLater()
        for widget in widgets:
            self.addWidget(widget)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        lines = self._lines(width)
        return sum(height for _, height in lines) + self._gap * max(0, len(lines) - 1)

    def sizeHint(self) -> QSize:
        return QSize(560, self.heightForWidth(560))

    def minimumSize(self) -> QSize:
        widest = max((item.sizeHint().width() for item in self._items), default=0)
        return QSize(widest, 0)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        top = rect.top()
        for items, height in self._lines(rect.width()):
            used = sum(item.sizeHint().width() for item in items) + self._gap * (len(items) - 1)
            left = rect.left() + ((rect.width() - used) // 2 if self._centred else 0)
            for item in items:
                item.setGeometry(QRect(QPoint(left, top), item.sizeHint()))
                left += item.sizeHint().width() + self._gap
            top += height + self._gap

    def _lines(self, width: int) -> list[tuple[list[QLayoutItem], int]]:
        lines: list[tuple[list[QLayoutItem], int]] = []
        line: list[QLayoutItem] = []
        used = 0
        for item in self._items:
            needed = item.sizeHint().width()
            if line and used + self._gap + needed > width:
                lines.append((line, max(each.sizeHint().height() for each in line)))
                line, used = [], 0
            used += needed + (self._gap if line else 0)
            line.append(item)
        if line:
            lines.append((line, max(each.sizeHint().height() for each in line)))
        return lines
