"""The clip's span as a line: what has arrived, where we are, the part that is looped."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer import formats, theme
from explorer.models.playback import Playback


class Timeline(QWidget):
    """Click or drag to seek."""

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self.ink = "text"  # the token of what lies on the bar
        self._playback = playback
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMouseTracking(True)
        self.setAccessibleName("Place in the clip")

    def sizeHint(self) -> QSize:
        return QSize(200, 20)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._playback.seek(self._time_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        time_s = self._time_at(event.position().x())
        self.setToolTip(formats.exact_clock(time_s))
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._playback.seek(time_s)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        self._bar(painter, 0.0, 1.0, "pressed")
        playback, frames = self._playback, self._playback.frames
        if playback.hit is None or not frames.count:
            return
        arrived = 1.0 if frames.complete else self._part(frames.time_s(frames.count - 1))
        self._bar(painter, 0.0, arrived, "line_strong")
        start = self._part(playback.loop_start_s)
        here = self._part(playback.position_s)
        self._bar(painter, min(start, here), here, "accent")
        if playback.marked:
            for mark_s in (playback.loop_start_s, playback.loop_end_s):
                x = self._x(self._part(mark_s))
                painter.setBrush(theme.color(self.ink))
                painter.drawRoundedRect(QRectF(x - 1, 3, 2, self.height() - 6), 1, 1)
        painter.setBrush(theme.color(self.ink))
        painter.drawEllipse(QPointF(self._x(here), self.height() / 2), 5.5, 5.5)

    def _bar(self, painter: QPainter, start: float, end: float, token: str) -> None:
        painter.setBrush(theme.color(token))
        left, right = self._x(start), self._x(end)
        painter.drawRoundedRect(QRectF(left, self.height() / 2 - 2, right - left, 4), 2, 2)

    def _part(self, time_s: float) -> float:
        hit = self._playback.hit
        if hit is None or hit.end_s <= hit.start_s:
            return 0.0
        return min(max((time_s - hit.start_s) / (hit.end_s - hit.start_s), 0.0), 1.0)

    def _x(self, part: float) -> float:
        return 6 + part * (self.width() - 12)

    def _time_at(self, x: float) -> float:
        hit = self._playback.hit
        if hit is None:
            return 0.0
        part = min(max((x - 6) / max(1, self.width() - 12), 0.0), 1.0)
        return hit.start_s + part * (hit.end_s - hit.start_s)
