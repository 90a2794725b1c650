"""The clip's twelve keyframes; a click goes there."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.protocol import THUMBNAIL_TILES, Hit
from explorer import formats, theme
from explorer.models.thumbnails import Thumbnails
from explorer.widgets.card_delegate import paint_tile

_COLUMNS: Final = 6
_GAP: Final = 4


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
        self._playing = -1
        self._hovered = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Keyframes")
        thumbnails.strip_ready.connect(self._on_strip)

    def show_hit(self, hit: Hit | None) -> None:
        """The keyframes of a clip."""
        self._hit, self._playing = hit, -1
        self.update()

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

    def heightForWidth(self, width: int) -> int:
        rows = THUMBNAIL_TILES // _COLUMNS
        return rows * self._tile_size(width).height() + (rows - 1) * _GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        strip = self._thumbnails.strip(self._hit.clip_id) if self._hit is not None else None
        for tile in range(THUMBNAIL_TILES):
            rect = self._rect(tile)
            if strip is None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.color("raised"))
                painter.drawRoundedRect(QRectF(rect), theme.RADIUS["s"], theme.RADIUS["s"])
                continue
            lit = tile in (self._playing, self._hovered)
            painter.setOpacity(1.0 if lit or self._playing < 0 else 0.8)
            paint_tile(painter, rect, strip, tile, theme.RADIUS["s"])
            painter.setOpacity(1.0)
            if self._hit is not None and tile == self._hit.keyframe:
                self._frame(painter, rect, "accent", 2.0)
            elif lit:
                self._frame(painter, rect, "text", 1.0)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tile = self._tile_under(event)
        if tile >= 0:
            self._choose(tile)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hovered = self._tile_under(event)
        if hovered != self._hovered:
            self._hovered = hovered
            self.setCursor(Qt.CursorShape.PointingHandCursor if hovered >= 0 else Qt.CursorShape.ArrowCursor)
            self.setToolTip(self._tip(hovered))
            self.update()

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
            self._choose(min(max(max(self._playing, 0) + step, 0), THUMBNAIL_TILES - 1))

    def _choose(self, tile: int) -> None:
        if self._hit is not None:
            self.time_chosen.emit(self._middle(self._hit, tile))

    def _tip(self, tile: int) -> str:
        hit = self._hit
        if hit is None or tile < 0:
            return ""
        best = " – answers the query best" if tile == hit.keyframe else ""
        return f"{formats.exact_clock(self._middle(hit, tile))}{best}"

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
        return next((tile for tile in range(THUMBNAIL_TILES) if self._rect(tile).contains(spot)), -1)

    def _rect(self, tile: int) -> QRect:
        size = self._tile_size(self.width())
        column, row = tile % _COLUMNS, tile // _COLUMNS
        return QRect(
            column * (size.width() + _GAP), row * (size.height() + _GAP), size.width(), size.height()
        )

    @staticmethod
    def _tile_size(width: int) -> QSize:
        tile = (width - (_COLUMNS - 1) * _GAP) // _COLUMNS
        return QSize(tile, round(tile * 9 / 16))

    @staticmethod
    def _frame(painter: QPainter, rect: QRect, token: str, width: float) -> None:
        painter.setPen(QPen(theme.color(token), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = width / 2
        ring = QRectF(rect).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(ring, theme.RADIUS["s"], theme.RADIUS["s"])
