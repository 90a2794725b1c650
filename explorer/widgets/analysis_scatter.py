"""Ranks of the truth before and now, a dot for every pair of ranks that occurs, on logarithmic axes."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from core.protocol import Compared
from explorer import formats, theme
from explorer.models.analysis_slices import unpacked

_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 12, 12, 36
_REACH_PX: Final = 12.0
_LARGEST_PX: Final = 14.0
_TICKS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000)


class RankScatter(QWidget):
    """Below the diagonal this run is better. A dot's area tells how many queries it stands for.

    Signals:
        rows_chosen(rows): a dot was clicked; the run's rows that it stands for.
    """

    rows_chosen = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self._dots: dict[tuple[float, float], list[int]] = {}
        self._titles = ("", "")
        self._most = 10.0
        self._hovered: tuple[float, float] | None = None
        self.setMouseTracking(True)
        self.setAccessibleName("Ranks before and now")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 200)

    def show_comparison(self, found: Compared | None) -> None:
        """Another comparison, or none."""
        self._dots = {}
        self._hovered = None
        if found is not None:
            ranks = (unpacked(found.ranks_a, "f"), unpacked(found.ranks_b, "f"))
            for row, before, now in zip(unpacked(found.rows, "i"), *ranks, strict=True):
                self._dots.setdefault((before, now), []).append(row)
            self._titles = (found.title_a, found.title_b)
        self._most = max(10.0, max((max(dot) for dot in self._dots), default=1.0))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, 280)

    # --- places --------------------------------------------------------------------------------------

    def _plot(self) -> QRectF:
        """The square of the plot."""
        side = min(self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        return QRectF(_LEFT, _TOP, side, side)

    def _place(self, rank: float) -> float:
        """Where a rank lies, from 0 to 1."""
        return math.log(max(rank, 1.0)) / math.log(self._most)

    def _spot(self, dot: tuple[float, float]) -> QPointF:
        plot = self._plot()
        x, y = self._place(dot[0]), self._place(dot[1])
        room = plot.width() - 2 * _LARGEST_PX
        return QPointF(plot.left() + _LARGEST_PX + x * room, plot.bottom() - _LARGEST_PX - y * room)

    def _radius(self, count: int) -> float:
        return min(_LARGEST_PX, 2.6 + 1.1 * math.sqrt(count - 1))

    def dot_at(self, spot: QPointF) -> tuple[float, float] | None:
        """The dot nearest to a place of the widget, if one is in reach."""
        best, nearest = None, _REACH_PX
        for dot, rows in self._dots.items():
            away = self._spot(dot) - spot
            distance = math.hypot(away.x(), away.y()) - self._radius(len(rows))
            if distance < nearest:
                best, nearest = dot, distance
        return best

    # --- painting ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plot = self._plot()
        painter.setPen(QPen(theme.color("line"), 1))
        painter.setBrush(theme.color("surface"))
        painter.drawRoundedRect(plot, theme.RADIUS["m"], theme.RADIUS["m"])
        self._paint_axes(painter, plot)
        for dot, rows in self._dots.items():
            before, now = dot
            tint = "up" if now < before else "down" if now > before else "text_3"
            painter.setPen(QPen(theme.color("text"), 1.5) if dot == self._hovered else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(tint, 0.75))
            radius = self._radius(len(rows))
            painter.drawEllipse(self._spot(dot), radius, radius)

    def _paint_axes(self, painter: QPainter, plot: QRectF) -> None:
        painter.setFont(theme.font("caption", tabular=True))
        shown = -1e9
        for tick in _TICKS:
            if tick > self._most:
                break
            spot = self._spot((tick, tick))
            painter.setPen(QPen(theme.color("line"), 1))
            painter.drawLine(QPointF(spot.x(), plot.top()), QPointF(spot.x(), plot.bottom()))
            painter.drawLine(QPointF(plot.left(), spot.y()), QPointF(plot.right(), spot.y()))
            if spot.x() - shown < 26:
                continue
            shown = spot.x()
            painter.setPen(theme.color("text_3"))
            across = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(QRectF(spot.x() - 24, plot.bottom() + 3, 48, 14), across, f"{tick:,}")
            up = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(plot.left() - 34, spot.y() - 7, 30, 14), up, f"{tick:,}")
        painter.setPen(QPen(theme.color("line_strong"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(self._spot((1, 1)), self._spot((self._most, self._most)))
        painter.setPen(theme.color("text_2"))
        below = QRectF(plot.left(), plot.bottom() + 17, plot.width(), 16)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, f"rank: {self._titles[0] or 'before'}")
        painter.save()
        painter.translate(8, plot.center().y())
        painter.rotate(-90)
        along = QRectF(-plot.height() / 2, -8, plot.height(), 16)
        painter.drawText(along, Qt.AlignmentFlag.AlignCenter, f"rank: {self._titles[1] or 'now'}")
        painter.restore()

    # --- the pointer ---------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self.dot_at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered else Qt.CursorShape.ArrowCursor)
            self.update()
        if hovered is not None:
            queries = formats.count(len(self._dots[hovered]), "query", "queries")
            text = f"{queries}: rank {hovered[0]:g} became {hovered[1]:g}"
            QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        dot = self.dot_at(event.position())
        if dot is not None and event.button() == Qt.MouseButton.LeftButton:
            self.rows_chosen.emit(tuple(self._dots[dot]))

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()
