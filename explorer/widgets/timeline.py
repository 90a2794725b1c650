"""The clip's span as a line: what has arrived, where we are, the looped part, key images and the moments in it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.protocol import KeyframeInfo
from explorer import formats, theme
from explorer.models.playback import Playback

_REACH = 5  # pixels around a key image's tick that mean it


class Timeline(QWidget):
    """Click or drag to seek; a click on a key image's tick goes exactly there."""

    def __init__(self, playback: Playback) -> None:
        super().__init__()
        self.ink = "text"  # the token of what lies on the bar
        self._playback = playback
        self._keyframes: tuple[KeyframeInfo, ...] = ()
        self._moments: tuple[tuple[float, float], ...] = ()
        self._lit: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMouseTracking(True)
        self.setAccessibleName("Place in the clip")

    def sizeHint(self) -> QSize:
        return QSize(200, 20)

    def show_keyframes(self, keyframes: tuple[KeyframeInfo, ...]) -> None:
        """The clip's key images."""
        self._keyframes = keyframes
        self.update()

    def show_moments(self, spans: tuple[tuple[float, float], ...]) -> None:
        """The video's best moments for the query, in seconds of the file."""
        self._moments = spans
        self.update()

    def light(self, values: tuple[float, ...]) -> None:
        """How brightly each equal part of the clip is lit for a word, 0 to 1; nothing: none is."""
        self._lit = values
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        keyframe = self.keyframe_at(x)
        self._playback.seek(self._time_at(x) if keyframe is None else keyframe.time_s)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        time_s = self._time_at(event.position().x())
        keyframe = self.keyframe_at(event.position().x())
        self.setToolTip(formats.exact_clock(time_s) if keyframe is None else keyframe_tip(keyframe))
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
        for moment in self._moments:
            if moment[0] < playback.hit.end_s and moment[1] > playback.hit.start_s:
                left, right = (self._x(self._part(time_s)) for time_s in moment)
                painter.setBrush(theme.color("accent", 0.25))
                painter.drawRoundedRect(QRectF(left, self.height() / 2 - 6, right - left, 12), 3, 3)
        for number, value in enumerate(self._lit):
            left, right = self._x(number / len(self._lit)), self._x((number + 1) / len(self._lit))
            painter.setBrush(theme.color("warning", value**2))
            painter.drawRect(QRectF(left, self.height() / 2 + 4, right - left, 3))
        start = self._part(playback.loop_start_s)
        here = self._part(playback.position_s)
        self._bar(painter, min(start, here), here, "accent")
        if playback.marked:
            for mark_s in (playback.loop_start_s, playback.loop_end_s):
                x = self._x(self._part(mark_s))
                painter.setBrush(theme.color(self.ink))
                painter.drawRoundedRect(QRectF(x - 1, 3, 2, self.height() - 6), 1, 1)
        for keyframe in self._keyframes:
            painter.setBrush(theme.color(self.ink, 0.75))
            painter.drawPolygon(self._tick(self._x(self._part(keyframe.time_s))))
        painter.setBrush(theme.color(self.ink))
        painter.drawEllipse(QPointF(self._x(here), self.height() / 2), 5.5, 5.5)

    def keyframe_at(self, x: float) -> KeyframeInfo | None:
        """The key image whose tick is under `x`."""
        near = [one for one in self._keyframes if abs(self._x(self._part(one.time_s)) - x) <= _REACH]
        return min(near, key=lambda one: abs(self._x(self._part(one.time_s)) - x), default=None)

    def _tick(self, x: float) -> QPolygonF:
        """A small triangle under the bar that points at a key image."""
        foot = self.height() - 0.5
        return QPolygonF([QPointF(x, foot - 5), QPointF(x + 3.5, foot), QPointF(x - 3.5, foot)])

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


def keyframe_tip(keyframe: KeyframeInfo) -> str:
    """What a key image is, where it lies and how to reach the others."""
    stretch = f"{formats.exact_clock(keyframe.start_s)} to {formats.exact_clock(keyframe.end_s)}"
    place = formats.exact_clock(keyframe.time_s)
    return f"Key image at {place}: the frame that stands best for {stretch}. < and > go to the others."
