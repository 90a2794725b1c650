"""The clip's twelve keyframes; a click goes there. Below each, how much it counts: for the student and for X-CLIP.

A triangle, the same as on the player's time line, marks the ones that are key images (MMI-TVR, MM 2024).
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from core.protocol import THUMBNAIL_TILES, FrameRead, Hit, KeyframeInfo
from explorer import formats, theme
from explorer.models.thumbnails import Thumbnails
from explorer.widgets.card_delegate import paint_tile
from explorer.widgets.timeline import keyframe_tip

_COLUMNS: Final = 6
_GAP: Final = 4
_BARS: Final = 10  # below each tile: two bars
_FOOT: Final = 22
_LEGEND: Final = (("text_2", "student"), ("accent", "X-CLIP"))
_WEIGHT_FOR: Final = "weight for"
_KEY_IMAGE: Final = "key image"
_APART: Final = 8  # between the words of the legend
_MARK: Final = 4.5  # half the width of a key image's triangle
_LEGEND_TIP: Final = (
    "Bars: how much each frame counts for the student's vector of the clip and for X-CLIP's answer to this query.\n"
    "Key images: the clip is parted where its picture changes most; a triangle marks each part's most typical frame."
)
_ORDER_TIP: Final = "Put the keyframes that answer this query best first; off: in order of time"


class KeyframeStrip(QWidget):
    """Twelve tiles in two rows; the one that answers the query best is framed, the one playing is bright.

    Signals:
        time_chosen(time_s): the middle of the part of the clip that a tile stands for.
    """

    time_chosen = Signal(float)

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._hit: Hit | None = None
        self._frames: tuple[FrameRead, ...] = ()
        self._lit: tuple[float, ...] = ()
        self._keyframes: dict[int, KeyframeInfo] = {}  # by tile
        self._order = list(range(THUMBNAIL_TILES))  # which tile stands in each place
        self._playing = -1
        self._hovered = -1
        self.best_first = QToolButton(self)
        self.best_first.setText("Best first")
        self.best_first.setCheckable(True)
        self.best_first.setProperty("role", "small")
        self.best_first.setToolTip(_ORDER_TIP)
        self.best_first.toggled.connect(self._put_in_order)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Keyframes")
        thumbnails.strip_ready.connect(self._on_strip)
        self._put_in_order()

    def show_hit(self, hit: Hit | None) -> None:
        """The keyframes of a clip."""
        if hit is None or self._hit is None or hit.clip_id != self._hit.clip_id:
            self._keyframes = {}
        self._hit, self._playing = hit, -1
        self.show_frames(())

    def show_keyframes(self, keyframes: tuple[KeyframeInfo, ...]) -> None:
        """The clip's key images: the tiles that show them are marked."""
        self._keyframes = {self._tile_of(one.time_s): one for one in keyframes}
        self.update()

    def show_frames(self, frames: tuple[FrameRead, ...]) -> None:
        """How much each sampled frame counts and how well it answers the query; none while that is not known."""
        self._frames, self._lit = frames, ()
        self._put_in_order()

    def light(self, values: tuple[float, ...]) -> None:
        """Light the frames of a word, each from 0 to 1; nothing: all are as bright as ever."""
        self._lit = values
        self.update()

    @property
    def order(self) -> list[int]:
        """The tiles as they stand, from the left and then downwards."""
        return list(self._order)

    def _put_in_order(self) -> None:
        answers = [self._frame(tile).answer for tile in range(THUMBNAIL_TILES)] if self._frames else []
        known = bool(answers) and all(answer is not None for answer in answers)
        self.best_first.setEnabled(known)
        self.best_first.setToolTip(_ORDER_TIP if known else "Only X-CLIP compares single frames with a query")
        self._order = list(range(THUMBNAIL_TILES))
        if known and self.best_first.isChecked():
            self._order.sort(key=lambda tile: -(answers[tile] or 0.0))
        self.update()

    def _frame(self, tile: int) -> FrameRead:
        """The sampled frame that a tile stands for: both divide the clip evenly."""
        return self._frames[tile * len(self._frames) // THUMBNAIL_TILES]

    def _on_strip(self, clip_id: int) -> None:
        if self._hit is not None and clip_id == self._hit.clip_id:
            self.update()

    def show_time(self, time_s: float) -> None:
        """Where the player is."""
        playing = self._tile_of(time_s)
        if playing != self._playing:
            self._playing = playing
            self.update()

    @property
    def ready(self) -> bool:
        """Whether the pictures are there (or there are none)."""
        hit = self._hit
        if hit is None:
            return True
        return self._thumbnails.strip(hit.clip_id) is not None or self._thumbnails.is_empty(hit.clip_id)

    def sizeHint(self) -> QSize:
        return QSize(320, self.heightForWidth(max(self.width(), 300)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setFixedHeight(self.heightForWidth(self.width()))
        size = self.best_first.sizeHint()
        self.best_first.setGeometry(
            self.width() - size.width(), self.height() - _FOOT + 2, size.width(), _FOOT - 2
        )

    def heightForWidth(self, width: int) -> int:
        rows = THUMBNAIL_TILES // _COLUMNS
        return rows * (self._tile_size(width).height() + _BARS) + (rows - 1) * _GAP + _FOOT

    # --- painting ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        strip = self._thumbnails.strip(self._hit.clip_id) if self._hit is not None else None
        for place, tile in enumerate(self._order):
            rect = self._rect(place)
            if strip is None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("raised"))
                painter.drawRoundedRect(QRectF(rect), theme.RADIUS["s"], theme.RADIUS["s"])
                continue
            bright = tile in (self._playing, self._hovered)
            painter.setOpacity(self._opacity(tile, bright=bright))
            paint_tile(painter, rect, strip, tile, theme.RADIUS["s"])
            painter.setOpacity(1.0)
            if self._hit is not None and tile == self._hit.keyframe:
                self._frame_tile(painter, rect, "accent", 2.0)
            elif bright:
                self._frame_tile(painter, rect, "text", 1.0)
            if tile in self._keyframes:
                self._paint_mark(
                    painter, QPointF(rect.center().x() + 0.5, rect.bottom() - 0.5), over_picture=True
                )
        if self._frames:
            self._paint_weights(painter)
        self._paint_legend(painter)

    @staticmethod
    def _paint_mark(painter: QPainter, foot: QPointF, *, over_picture: bool) -> None:
        """A key image's triangle, its base's middle at `foot`; over a picture a larger dark one lies behind it."""
        painter.setPen(Qt.PenStyle.NoPen)
        if over_picture:
            painter.setBrush(theme.color("media", 0.75))
            painter.drawPolygon(_triangle(foot, _MARK + 3))
        painter.setBrush(theme.color("on_media" if over_picture else "text_2"))
        painter.drawPolygon(_triangle(foot, _MARK))

    def _opacity(self, tile: int, *, bright: bool) -> float:
        if self._lit:
            return 0.2 + 0.8 * self._lit[tile * len(self._lit) // THUMBNAIL_TILES] ** 2
        return 1.0 if bright or self._playing < 0 else 0.8

    def _paint_weights(self, painter: QPainter) -> None:
        """Two bars below each tile, each as long as its share beside the largest."""
        student = [self._frame(tile).student_weight for tile in range(THUMBNAIL_TILES)]
        fine = [self._frame(tile).weight or 0.0 for tile in range(THUMBNAIL_TILES)]
        painter.setPen(Qt.PenStyle.NoPen)
        for place, tile in enumerate(self._order):
            rect = self._rect(place)
            for line, ((token, _), weights) in enumerate(zip(self._legend(), (student, fine), strict=False)):
                part = max(0.0, weights[tile]) / max(*weights, 1e-9)
                top = rect.bottom() + 3 + line * 4
                painter.setBrush(theme.color("pressed"))
                painter.drawRoundedRect(QRectF(rect.left(), top, rect.width(), 2.5), 1, 1)
                painter.setBrush(theme.color(token))
                painter.drawRoundedRect(QRectF(rect.left(), top, rect.width() * part, 2.5), 1, 1)

    def _legend(self) -> tuple[tuple[str, str], ...]:
        """(colour token, name) of each bar: X-CLIP's only where it was asked."""
        asked = not self._frames or self._frames[0].weight is not None
        return _LEGEND if asked else _LEGEND[:1]

    def _paint_legend(self, painter: QPainter) -> None:
        """What bars and marks mean; "weight for" gives way where the strip is narrow."""
        painter.setFont(theme.font("caption"))
        signs = [*self._legend(), *((("mark", _KEY_IMAGE),) if self._keyframes else ())]
        metrics = painter.fontMetrics()
        wide = sum(14 + metrics.horizontalAdvance(name) + _APART for _, name in signs)
        lead = metrics.horizontalAdvance(_WEIGHT_FOR) + _APART
        left, top = 0, self.height() - _FOOT + 2
        if lead + wide <= self.best_first.x():
            left = self._paint_name(painter, left, top, _WEIGHT_FOR)
        for token, name in signs:
            if token == "mark":
                self._paint_mark(painter, QPointF(left + _MARK, top + 14), over_picture=False)
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color(token))
                painter.drawRoundedRect(QRectF(left, top + 8, 10, 3), 1, 1)
            left = self._paint_name(painter, left + 14, top, name)

    @staticmethod
    def _paint_name(painter: QPainter, left: int, top: int, name: str) -> int:
        """Returns where the next one may begin."""
        painter.setPen(theme.color("text_3"))
        width = painter.fontMetrics().horizontalAdvance(name)
        painter.drawText(QRect(left, top, width + 2, _FOOT - 4), Qt.AlignmentFlag.AlignVCenter, name)
        return left + width + _APART

    # --- the person ----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tile = self._tile_under(event)
        if tile >= 0:
            self._choose(tile)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self._tile_under(event)
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()
        in_foot = event.position().y() >= self.height() - _FOOT
        self.setToolTip(_LEGEND_TIP if in_foot and self._keyframes else self._tip(hovered))

    def leaveEvent(self, event: object) -> None:
        self._hovered = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -_COLUMNS,
            Qt.Key.Key_Down: _COLUMNS,
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            place = self._order.index(max(self._playing, 0)) + step
            self._choose(self._order[min(max(place, 0), THUMBNAIL_TILES - 1)])

    def _choose(self, tile: int) -> None:
        keyframe = self._keyframes.get(tile)
        if self._hit is not None:
            self.time_chosen.emit(self._middle(self._hit, tile) if keyframe is None else keyframe.time_s)

    def _tip(self, tile: int) -> str:
        hit = self._hit
        if hit is None or tile < 0:
            return ""
        best = " – answers the query best" if tile == hit.keyframe else ""
        lines = [f"{formats.exact_clock(self._middle(hit, tile))}{best}"]
        if tile in self._keyframes:
            lines.append(keyframe_tip(self._keyframes[tile]))
        if self._frames:
            frame = self._frame(tile)
            lines.append(
                f"Grey: {frame.student_weight:.1%} of the student's vector of the clip, whatever the query"
            )
            if frame.weight is not None:
                lines.append(f"Green: {frame.weight:.1%} of X-CLIP's attention to frames for this query")
        return "\n".join(lines)

    @staticmethod
    def _middle(hit: Hit, tile: int) -> float:
        return hit.start_s + (tile + 0.5) * (hit.end_s - hit.start_s) / THUMBNAIL_TILES

    def _tile_of(self, time_s: float) -> int:
        hit = self._hit
        if hit is None or hit.end_s <= hit.start_s:
            return -1
        part = (time_s - hit.start_s) / (hit.end_s - hit.start_s)
        return min(max(int(part * THUMBNAIL_TILES), 0), THUMBNAIL_TILES - 1)

    def _tile_under(self, event: QMouseEvent) -> int:
        spot = event.position().toPoint()
        places = (place for place in range(THUMBNAIL_TILES) if self._rect(place).contains(spot))
        return next((self._order[place] for place in places), -1)

    def _rect(self, place: int) -> QRect:
        size = self._tile_size(self.width())
        column, row = place % _COLUMNS, place // _COLUMNS
        return QRect(
            column * (size.width() + _GAP), row * (size.height() + _BARS + _GAP), size.width(), size.height()
        )

    @staticmethod
    def _tile_size(width: int) -> QSize:
        tile = (width - (_COLUMNS - 1) * _GAP) // _COLUMNS
        return QSize(tile, round(tile * 9 / 16))

    @staticmethod
    def _frame_tile(painter: QPainter, rect: QRect, token: str, width: float) -> None:
        painter.setPen(QPen(theme.color(token), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = width / 2
        ring = QRectF(rect).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(ring, theme.RADIUS["s"], theme.RADIUS["s"])


def _triangle(foot: QPointF, half: float) -> QPolygonF:
    """Points upwards from the middle of its base."""
    aside = QPointF(half, 0)
    return QPolygonF([foot - QPointF(0, 1.5 * half), foot + aside, foot - aside])
