"""The whole video as a curve: how much each time has of the query, its events, the clip's span, the top moments."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.protocol import MomentInfo
from explorer import formats, theme
from explorer.models.moments import VideoMoments

_HEIGHT: Final = 112
_TOP: Final = 22  # the row of the moments' marks
_NUMBER_GAP: Final = 12.0
_BOTTOM: Final = 18  # the row of the times
_SIDE: Final = 6
_DRAG: Final = 4
_LEAST_RANGE: Final = 2.0
SHOWN_MOMENTS: Final = 5
_KEYS: Final = (Qt.Key.Key_Left, Qt.Key.Key_Right)


class MomentsCurve(QWidget):
    """Click to go there, drag to choose a span.

    With the keyboard: left and right go frame by frame, with Shift they choose a span.

    Signals:
        time_chosen(time_s): the player should go there.
        span_chosen(start_s, end_s): what is this span worth?
    """

    time_chosen = Signal(float)
    span_chosen = Signal(float, float)

    def __init__(self, moments: VideoMoments) -> None:
        super().__init__()
        self._moments = moments
        self._time_s = -1.0
        self._pressed_x: float | None = None
        self._dragged: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("How much of the query the video has over time")

    def show_time(self, time_s: float) -> None:
        """Where the player is."""
        if time_s != self._time_s:
            self._time_s = time_s
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, _HEIGHT)

    # --- pointer and keys ----------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._moments.found is not None:
            self._pressed_x = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._pressed_x is not None and (self._dragged or abs(x - self._pressed_x) > _DRAG):
            first, last = sorted((self._time_at(self._pressed_x), self._time_at(x)))
            self._dragged = (first, last)
            self.update()
        self.setToolTip(self._tip(x, event.position().y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, dragged = self._pressed_x, self._dragged
        self._pressed_x = self._dragged = None
        if pressed is None:
            return
        if dragged is not None and dragged[1] > dragged[0]:
            self.span_chosen.emit(*dragged)
        else:
            moment = self._mark_at(event.position().x(), event.position().y())
            self.time_chosen.emit(moment.start_s if moment is not None else self._time_at(pressed))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            other = event.modifiers() & ~(
                Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
            )
            if event.key() in _KEYS and not other:
                event.accept()  # else Shift and an arrow go to the ends of the clip
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        found = self._moments.found
        if step is None or found is None or not found.starts_s:
            super().keyPressEvent(event)
            return
        here_s = max(self._time_s, 0.0)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._extend(here_s, step)
            return
        frame = min(max(self._moments.frame_at(here_s) + step, 0), len(found.starts_s) - 1)
        self.time_chosen.emit((found.starts_s[frame] + found.ends_s[frame]) / 2)

    def _extend(self, here_s: float, step: int) -> None:
        """Move the chosen span's end by a frame; without one it begins where the player is."""
        found = self._moments.found
        assert found is not None
        frame = self._moments.frame_at(here_s)
        start_s, end_s = self._moments.span or (found.starts_s[frame], found.starts_s[frame])
        last = self._moments.frame_at(end_s - 1e-6) + step
        first = self._moments.frame_at(start_s)
        last = min(max(last, first), len(found.ends_s) - 1)
        self.span_chosen.emit(start_s, found.ends_s[last])

    # --- painting ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        found = self._moments.found
        plot = self._plot()
        self._fill(painter, plot, theme.color("raised"))
        if found is None:
            return
        for place in range(1, len(found.bounds_s), 2):  # every other event, so that neighbours part
            start_s, end_s = found.bounds_s[place - 1], found.bounds_s[place]
            self._fill(painter, self._column(start_s, end_s), theme.color("line", 0.75))
        hit = self._moments.hit
        if hit is not None:
            self._fill(painter, self._column(hit.start_s, hit.end_s), theme.color("accent", 0.16))
        self._paint_curve(painter)
        if hit is not None:
            column = self._column(hit.start_s, hit.end_s)
            painter.fillRect(
                QRectF(column.left(), plot.bottom() - 2, column.width(), 2), theme.color("accent")
            )
        self._paint_marks(painter, found.moments[:SHOWN_MOMENTS])
        span = self._dragged or self._moments.span
        if span is not None:
            self._paint_span(painter, *span)
        if 0 <= self._time_s <= found.duration_s:
            x = self._x(self._time_s)
            painter.setPen(QPen(theme.color("text"), 1.5))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        self._paint_times(painter, found.duration_s)
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(plot.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS["s"], theme.RADIUS["s"])

    def _paint_curve(self, painter: QPainter) -> None:
        found = self._moments.found
        assert found is not None
        shape = QPolygonF()
        for start_s, end_s, value in zip(found.starts_s, found.ends_s, found.curve, strict=True):
            shape.append(QPointF(self._x((start_s + end_s) / 2), self._y(value)))
        if shape.isEmpty():
            return
        zero = self._y(min(found.curve))
        area = QPolygonF(shape)
        area.append(QPointF(shape.at(shape.size() - 1).x(), zero))
        area.append(QPointF(shape.at(0).x(), zero))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent", 0.22))
        painter.drawPolygon(area)
        painter.setPen(QPen(theme.color("accent"), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(shape)

    def _paint_marks(self, painter: QPainter, moments: tuple[MomentInfo, ...]) -> None:
        """A bar over each moment's span, the best in front, and its rank where no better one's stands."""
        bars = []
        for moment in moments:
            left, right = self._x(moment.start_s), self._x(moment.end_s)
            bars.append(QRectF(left, _TOP - 6, max(right - left, 3.0), 4))
        painter.setPen(Qt.PenStyle.NoPen)
        for place, bar in reversed(list(enumerate(bars))):
            painter.setBrush(theme.color("accent" if place == 0 else "text_2", 1.0 if place == 0 else 0.7))
            painter.drawRoundedRect(bar, 2, 2)
        painter.setFont(theme.font("caption", tabular=True))
        taken: list[float] = []
        for place, bar in enumerate(bars):
            middle = bar.center().x()
            if all(abs(middle - other) >= _NUMBER_GAP for other in taken):
                taken.append(middle)
                painter.setPen(theme.color("text" if place == 0 else "text_2"))
                box = QRectF(middle - 10, 0, 20, _TOP - 7)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(place + 1))

    def _paint_span(self, painter: QPainter, start_s: float, end_s: float) -> None:
        column = self._column(start_s, end_s)
        self._fill(painter, column, theme.color("warning", 0.22))
        painter.setPen(QPen(theme.color("warning"), 1))
        for x in (column.left(), column.right()):
            painter.drawLine(QPointF(x, column.top()), QPointF(x, column.bottom()))

    def _paint_times(self, painter: QPainter, duration_s: float) -> None:
        painter.setPen(theme.color("text_3"))
        painter.setFont(theme.font("caption", tabular=True))
        box = QRectF(_SIDE, self.height() - _BOTTOM + 3, self.width() - 2 * _SIDE, _BOTTOM - 3)
        for part, flag in (
            (0.0, Qt.AlignmentFlag.AlignLeft),
            (0.5, Qt.AlignmentFlag.AlignHCenter),
            (1.0, Qt.AlignmentFlag.AlignRight),
        ):
            painter.drawText(box, flag | Qt.AlignmentFlag.AlignTop, formats.clock(part * duration_s))

    @staticmethod
    def _fill(painter: QPainter, rect: QRectF, ink: QColor) -> None:
        painter.fillRect(rect, ink)

    # --- places --------------------------------------------------------------------------------------

    def _plot(self) -> QRectF:
        return QRectF(_SIDE, _TOP, self.width() - 2 * _SIDE, self.height() - _TOP - _BOTTOM)

    def _column(self, start_s: float, end_s: float) -> QRectF:
        plot = self._plot()
        left, right = self._x(start_s), self._x(end_s)
        return QRectF(left, plot.top(), right - left, plot.height())

    def _x(self, time_s: float) -> float:
        found, plot = self._moments.found, self._plot()
        length_s = found.duration_s if found is not None else 1.0
        return plot.left() + plot.width() * min(max(time_s / max(length_s, 1e-9), 0.0), 1.0)

    def _y(self, value: float) -> float:
        found, plot = self._moments.found, self._plot()
        low, high = (min(found.curve), max(found.curve)) if found is not None and found.curve else (0.0, 1.0)
        return plot.bottom() - 4 - (plot.height() - 8) * (value - low) / max(high - low, _LEAST_RANGE)

    def _time_at(self, x: float) -> float:
        found, plot = self._moments.found, self._plot()
        part = min(max((x - plot.left()) / max(plot.width(), 1.0), 0.0), 1.0)
        return part * found.duration_s if found is not None else 0.0

    def _mark_at(self, x: float, y: float) -> MomentInfo | None:
        """The moment whose mark is under the pointer."""
        found = self._moments.found
        if found is None or y >= _TOP:
            return None
        for moment in found.moments[:SHOWN_MOMENTS]:
            middle = (self._x(moment.start_s) + self._x(moment.end_s)) / 2
            if self._x(moment.start_s) - 2 <= x <= self._x(moment.end_s) + 2 or abs(x - middle) <= 8:
                return moment
        return None

    def _tip(self, x: float, y: float) -> str:
        found = self._moments.found
        if found is None or not found.curve:
            return ""
        moment = self._mark_at(x, y)
        if moment is not None:
            return f"Moment {found.moments.index(moment) + 1}: {formats.span(moment.start_s, moment.end_s)}"
        frame = self._moments.frame_at(self._time_at(x))
        return (
            f"{formats.exact_clock(self._time_at(x))}: salience {found.curve[frame]:+.1f}, how far the query's likeness"
            f" to these seconds (cosine {found.cosines[frame]:.3f}) lies above the video's mean, in its standard"
            " deviations."
        )
