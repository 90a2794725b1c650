"""Word by frame: how alike each word of the query and each sampled frame are, as a heat table."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.protocol import THUMBNAIL_TILES, FrameRead, ScoreExplained, WordRead
from explorer import formats, theme
from explorer.models.thumbnails import Thumbnails, tile_rect
from explorer.models.why_words import signed

_ROW, _LEGEND, _WIDEST_WORD, _GAP = 20, 22, 110, 1


class WordFrameTable(QWidget):
    """Rows are the words that the model read, columns the frames; a click goes to the frame.

    Signals:
        time_chosen(time_s): the frame's time in the file.
        word_pointed(number): the pointer is in a word's row; -1: in none.
    """

    time_chosen = Signal(float)
    word_pointed = Signal(int)

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._clip_id = 0
        self._words: tuple[tuple[int, WordRead], ...] = ()
        self._frames: tuple[FrameRead, ...] = ()
        self._low, self._high = 0.0, 1.0
        self._current = (-1, -1)
        self._playing = -1
        self._lit = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Words by frames")
        thumbnails.strip_ready.connect(lambda clip: self.update() if clip == self._clip_id else None)

    def show_explained(self, explained: ScoreExplained | None) -> None:
        """The similarities of an explanation."""
        read = enumerate(explained.words) if explained is not None else ()
        self._words = tuple((number, word) for number, word in read if word.similarity)
        self._frames = explained.frames if explained is not None else ()
        self._clip_id = explained.clip_id if explained is not None else 0
        values = [value for _, word in self._words for value in word.similarity]
        self._low, self._high = min(values, default=0.0), max(values, default=1.0)
        self._current = (-1, -1)
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def show_time(self, time_s: float) -> None:
        """Where the player is."""
        starts = [frame.time_s for frame in self._frames]
        near = min(range(len(starts)), key=lambda place: abs(starts[place] - time_s), default=-1)
        if near != self._playing:
            self._playing = near
            self.update()

    def light(self, number: int) -> None:
        """A word is pointed at."""
        self._lit = number
        self.update()

    # --- places --------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(300, self._head() + len(self._words) * _ROW + _LEGEND)

    def resizeEvent(self, event: object) -> None:
        self.setFixedHeight(self.sizeHint().height())

    def _head(self) -> int:
        return max(14, round(self._cell_width() * 9 / 16)) + 14

    def _names_width(self) -> int:
        metrics = QFontMetrics(theme.font("small"))
        widest = max((metrics.horizontalAdvance(word.text) for _, word in self._words), default=0)
        return min(widest, _WIDEST_WORD) + 8

    def _cell_width(self) -> float:
        return (self.width() - self._names_width()) / max(1, len(self._frames))

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a cell lies; row -1 is the frame's picture."""
        width, left = self._cell_width(), self._names_width()
        x, right = round(left + column * width), round(left + (column + 1) * width)
        if row < 0:
            return QRect(x, 0, right - x - _GAP, self._head() - 14)
        return QRect(x, self._head() + row * _ROW, right - x - _GAP, _ROW - _GAP)

    def _cell_at(self, spot: QPoint) -> tuple[int, int]:
        row = (spot.y() - self._head()) // _ROW if spot.y() >= self._head() else -1
        column = int((spot.x() - self._names_width()) / self._cell_width())
        inside = spot.x() >= self._names_width() and 0 <= column < len(self._frames)
        return (row if row < len(self._words) else -1, column if inside else -1)

    # --- the person ----------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        row, column = self._cell_at(event.position().toPoint())
        hand = column >= 0
        self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)
        self.word_pointed.emit(self._words[row][0] if row >= 0 else -1)

    def leaveEvent(self, event: QEvent) -> None:
        self.word_pointed.emit(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row, column = self._cell_at(event.position().toPoint())
        if column >= 0:
            self._current = (max(0, row), column)
            self.time_chosen.emit(self._frames[column].time_s)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
        }  # fmt: skip
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._words:
            super().keyPressEvent(event)
            return
        row = min(max(self._current[0] + step[0], 0), len(self._words) - 1)
        column = min(max(self._current[1] + step[1], 0), len(self._frames) - 1)
        self._current = (row, column)
        self.word_pointed.emit(self._words[row][0])
        self.time_chosen.emit(self._frames[column].time_s)
        QToolTip.showText(
            self.mapToGlobal(self.cell_rect(row, column).bottomRight()), self.cell_text(row, column), self
        )
        self.update()

    def focusOutEvent(self, event: object) -> None:
        self._current = (-1, -1)
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.cell_text(*self._cell_at(event.pos())), self)
            return True
        return super().event(event)

    def cell_text(self, row: int, column: int) -> str:
        """One sentence about a cell, a frame's picture or a word; "" elsewhere."""
        if column < 0:
            return ""
        frame = self._frames[column]
        place = f"frame {column + 1} at {formats.exact_clock(frame.time_s)}"
        if row < 0:
            return f"{place.capitalize()}: click to go there."
        word = self._words[row][1]
        value, brought = word.similarity[column], word.brought[column]
        return f"“{word.text}” and {place}: cosine {value:.2f}; the pair adds {signed(brought)} to the score."

    # --- painting ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._words:
            self._paint_head(painter)
            for row, (number, word) in enumerate(self._words):
                self._paint_row(painter, row, number, word)
            self._paint_legend(painter)

    def _paint_head(self, painter: QPainter) -> None:
        strip = self._thumbnails.strip(self._clip_id) if self._clip_id else None
        painter.setFont(theme.font("caption", tabular=True))
        for column in range(len(self._frames)):
            rect = self.cell_rect(-1, column)
            if strip is not None:
                tile = column * THUMBNAIL_TILES // len(self._frames)
                painter.drawImage(rect, strip, tile_rect(strip, tile))
            else:
                painter.fillRect(rect, theme.color("pressed"))
            playing = column == self._playing
            painter.setPen(theme.color("text" if playing else "text_3"))
            below = QRect(rect.left() - 4, rect.bottom() + 1, rect.width() + 8, 13)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, str(column + 1))

    def _paint_row(self, painter: QPainter, row: int, number: int, word: WordRead) -> None:
        painter.setFont(theme.font("small"))
        lit = number == self._lit
        painter.setPen(theme.color("text" if lit else "text_2"))
        name = QRect(0, self._head() + row * _ROW, self._names_width() - 6, _ROW - _GAP)
        shown = QFontMetrics(painter.font()).elidedText(word.text, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        for column, value in enumerate(word.similarity):
            rect = self.cell_rect(row, column)
            painter.fillRect(rect, heat_color((value - self._low) / max(self._high - self._low, 1e-9)))
            if (row, column) == self._current:
                painter.setPen(QPen(theme.color("text"), 2))
                painter.drawRect(QRectF(rect).adjusted(1, 1, -1, -1))
        if lit:
            painter.setPen(QPen(theme.color("text", 0.8), 1))
            whole = self.cell_rect(row, 0).united(self.cell_rect(row, len(word.similarity) - 1))
            painter.drawRect(QRectF(whole).adjusted(-0.5, -0.5, 0.5, 0.5))

    def _paint_legend(self, painter: QPainter) -> None:
        top = self._head() + len(self._words) * _ROW + 7
        left, width = self._names_width(), min(120, self.width() - self._names_width() - 140)
        for x in range(width):
            painter.fillRect(QRect(left + x, top + 2, 1, 8), heat_color(x / max(1, width - 1)))
        painter.setFont(theme.font("caption", tabular=True))
        painter.setPen(theme.color("text_3"))
        text = f"cosine {self._low:.2f} to {self._high:.2f}"
        painter.drawText(QRect(left + width + 8, top - 2, 160, 16), Qt.AlignmentFlag.AlignVCenter, text)


def heat_color(part: float) -> QColor:
    """From the panel's own ground (0) to the accent (1): in both themes more contrast means more alike."""
    return theme.blend("hover", "accent", part)
