"""One hit as a card: the picture first, then rank, rank change, file, span and percentile."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.protocol import THUMBNAIL_TILES, Hit
from explorer import formats, icons, theme
from explorer.models.hits import HitRole
from explorer.models.thumbnails import Thumbnails, tile_rect

GAP: Final = 12  # between cards
TEXT_HEIGHT: Final = 46
_CHIP_HEIGHT: Final = 22
_UNLIKELY: Final = 0.4  # how much of a picture is left that probably does not match, until it is pointed at
VERDICTS: Final = {
    "relevant": ("✓ relevant", "up"),
    "partly": ("~ partly", "warning"),
    "not": ("✕ not", "down"),
    "unsure": ("? unsure", "on_media"),
}
"""What a judged card wears, and the token of its colour on the dark chip."""
_ON_PICTURE: Final = QColor(255, 255, 255)
_CHIP: Final = QColor(8, 11, 13, 190)


def cell_size(width: int) -> QSize:
    """The size of a grid cell whose width is given: a 16:9 picture, two lines of text, the gap."""
    picture_width = width - GAP
    return QSize(width, round(picture_width * 9 / 16) + TEXT_HEIGHT + GAP)


class CardDelegate(QStyledItemDelegate):
    """Paints cards. The grid sets which clip the pointer is on and which tile it scrubs to."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.hovered_clip = 0
        self.hovered_tile = -1
        self.verdicts: dict[int, str] = {}  # clip id -> what people said of it for this query
        self.more: dict[int, int] = {}  # clip id -> further hits of its video that are not shown
        self.offsets: dict[int, tuple[float, float]] = {}  # clip id -> how far from its place it is painted
        self._thumbnails = thumbnails

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        hit = index.data(HitRole.HIT)
        if not isinstance(hit, Hit):
            return
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        hovered = hit.clip_id == self.hovered_clip
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        offset = self.offsets.get(hit.clip_id)
        if offset is not None:
            painter.translate(*offset)
        card = rect.adjusted(GAP // 2, GAP // 2, -GAP // 2, -GAP // 2)
        picture = QRect(card.left(), card.top(), card.width(), card.height() - TEXT_HEIGHT)
        self._paint_body(painter, card, hovered=hovered, selected=selected)
        if index.data(HitRole.UNLIKELY) and not (hovered or selected):
            painter.setOpacity(_UNLIKELY)
        self._paint_picture(painter, picture, hit, hovered=hovered)
        painter.setOpacity(1.0)
        self._paint_chips(painter, picture, hit, index)
        self._paint_text(painter, card.adjusted(10, picture.height() + 5, -10, -5), hit)
        if selected or focused:
            self._paint_ring(painter, card, strong=selected)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(option.rect.width(), option.rect.height())

    def _paint_body(self, painter: QPainter, card: QRect, *, hovered: bool, selected: bool) -> None:
        fill = "accent_soft" if selected else "hover" if hovered else "raised"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(fill))
        painter.drawRoundedRect(QRectF(card), theme.RADIUS["l"], theme.RADIUS["l"])

    def _paint_picture(self, painter: QPainter, rect: QRect, hit: Hit, *, hovered: bool) -> None:
        painter.save()
        painter.setClipPath(_top_rounded(QRectF(rect), theme.RADIUS["l"]))
        painter.fillRect(rect, theme.color("pressed"))  # until the strip is there
        strip = self._thumbnails.strip(hit.clip_id)
        tile = self.hovered_tile if hovered and self.hovered_tile >= 0 else hit.keyframe
        if strip is not None:
            painter.drawImage(rect, strip, tile_rect(strip, tile))
            if hovered and self.hovered_tile >= 0:
                self._paint_scrub(painter, rect, hit, tile)
        elif self._thumbnails.is_empty(hit.clip_id):
            side = 24
            place = QRect(rect.center().x() - side // 2, rect.center().y() - side // 2, side, side)
            painter.drawPixmap(place, icons.pixmap("film", side, "text_3", ratio=2))
        painter.restore()

    def _paint_scrub(self, painter: QPainter, rect: QRect, hit: Hit, tile: int) -> None:
        """Where in the clip the shown tile lies: a line of twelve, and its time in the file."""
        width = rect.width() / THUMBNAIL_TILES
        bar = QRectF(rect.left(), rect.bottom() - 3, rect.width(), 4)
        painter.fillRect(bar, _CHIP)
        painter.fillRect(QRectF(rect.left() + tile * width, bar.top(), width, 4), theme.color("accent"))
        time_s = hit.start_s + (tile + 0.5) * (hit.end_s - hit.start_s) / THUMBNAIL_TILES
        _chip(painter, formats.clock(time_s), rect.right() - 7, rect.bottom() - 9 - _CHIP_HEIGHT, _ON_PICTURE)

    def _paint_chips(
        self, painter: QPainter, rect: QRect, hit: Hit, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        change = int(index.data(HitRole.CHANGE) or 0)
        _chip(painter, str(hit.rank), rect.left() + 8, rect.top() + 8, _ON_PICTURE, from_left=True)
        right = rect.right() - 7
        if change:
            mark = f"▲ {change}" if change > 0 else f"▼ {-change}"
            tint = QColor(theme.DARK.up if change > 0 else theme.DARK.down)  # always on the dark chip
            right = _chip(painter, mark, right, rect.top() + 8, tint) - 4
        more = self.more.get(hit.clip_id, 0)
        if more and not (
            hit.clip_id == self.hovered_clip and self.hovered_tile >= 0
        ):  # the scrub's time is there
            _chip(painter, f"+{more}", rect.right() - 7, rect.bottom() - 7 - _CHIP_HEIGHT, _ON_PICTURE)
        verdict = VERDICTS.get(self.verdicts.get(hit.clip_id, ""))
        if verdict is not None:
            text, tint_name = verdict
            bottom = rect.bottom() - 7 - _CHIP_HEIGHT
            _chip(
                painter, text, rect.left() + 8, bottom, QColor(getattr(theme.DARK, tint_name)), from_left=True
            )
        if index.data(HitRole.HELD):
            painter.drawPixmap(right - 18, rect.top() + 10, icons.pixmap("pin", 18, "accent", ratio=2))

    def _paint_text(self, painter: QPainter, rect: QRect, hit: Hit) -> None:
        half = rect.height() // 2
        top, bottom = rect.adjusted(0, 0, 0, -half), rect.adjusted(0, half, 0, 0)
        name_font = theme.font("small", QFont.Weight.Medium)
        painter.setFont(name_font)
        painter.setPen(theme.color("text"))
        name = QFontMetrics(name_font).elidedText(
            formats.file_name(hit.video), Qt.TextElideMode.ElideMiddle, top.width()
        )
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(theme.font("small", tabular=True))
        painter.setPen(theme.color("text_2"))
        place = formats.span(hit.start_s, hit.end_s)
        painter.drawText(bottom, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, place)
        share = formats.percentile(hit.percentile)
        painter.setPen(theme.color("text_3"))
        painter.drawText(bottom, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, share)
        metrics = QFontMetrics(painter.font())
        free = bottom.width() - metrics.horizontalAdvance(place) - metrics.horizontalAdvance(share)
        if free > 48:
            self._paint_meter(painter, bottom, bottom.right() - metrics.horizontalAdvance(share) - 42, hit)

    def _paint_meter(self, painter: QPainter, row: QRect, left: int, hit: Hit) -> None:
        bar = QRectF(left, row.center().y() - 1, 34, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("pressed"))
        painter.drawRoundedRect(bar, 2, 2)
        bar.setWidth(max(4.0, bar.width() * hit.percentile / 100))
        painter.setBrush(theme.color("accent", 0.85))
        painter.drawRoundedRect(bar, 2, 2)

    def _paint_ring(self, painter: QPainter, card: QRect, *, strong: bool) -> None:
        width = 2.0 if strong else 1.0
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent"), width))
        inset = width / 2
        ring = QRectF(card).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(ring, theme.RADIUS["l"], theme.RADIUS["l"])


def paint_tile(painter: QPainter, rect: QRect, strip: QImage, tile: int, radius: float) -> None:
    """One tile of a strip, with rounded corners (the inspector's strip uses it too)."""
    painter.save()
    path = QPainterPath()
    path.addRoundedRect(QRectF(rect), radius, radius)
    painter.setClipPath(path)
    painter.drawImage(rect, strip, tile_rect(strip, tile))
    painter.restore()


def _chip(painter: QPainter, text: str, x: int, y: int, tint: QColor, *, from_left: bool = False) -> int:
    """A small dark label on a picture; `x` is its right edge unless `from_left`. Returns its left edge."""
    chip_font = theme.font("small", QFont.Weight.DemiBold, tabular=True)
    painter.setFont(chip_font)
    width = max(_CHIP_HEIGHT, QFontMetrics(chip_font).horizontalAdvance(text) + 14)
    box = QRectF(x if from_left else x - width, y, width, _CHIP_HEIGHT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_CHIP)
    painter.drawRoundedRect(box, theme.RADIUS["m"], theme.RADIUS["m"])
    painter.setPen(tint)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    return round(box.left())


def _top_rounded(rect: QRectF, radius: float) -> QPainterPath:
    """A rectangle whose two upper corners are round: the picture sits on the card's text."""
    path = QPainterPath()
    path.addRoundedRect(rect.adjusted(0, 0, 0, radius), radius, radius)
    clip = QPainterPath()
    clip.addRect(rect)
    return path.intersected(clip)
