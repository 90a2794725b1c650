"""An explanation as one picture: a heading, the frames under their maps, and the tabs side by side as they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QWidget

from explorer import theme
from explorer.widgets.heat_report import HeatPicture

PANEL_WIDTH: Final = 360
_SHEET_WIDTH, _GAP, _MARGIN, _ACROSS = 560, 24, 32, 2
_HEAD, _CAPTION, _LINE = 76, 40, 16
_WIDEST = 16_777_215  # Qt's QWIDGETSIZE_MAX, which Python does not know
RATIO: Final = 2.0
"""Pixels of the picture for one of the window's."""


def poster(
    title: str, subtitle: str, frames: Sequence[HeatPicture], columns: Sequence[Sequence[QWidget]]
) -> QImage:
    """The whole picture, in the window's colours.

    Args:
        title: in large letters.
        subtitle: below it.
        frames: under their maps, laid out in a column of their own.
        columns: tabs below each other, column by column; they may be hidden.

    """
    panels = [[panel(widget, PANEL_WIDTH) for widget in column] for column in columns]
    heights = [sum(round(one.deviceIndependentSize().height()) for one in column) for column in panels]
    rows = -(-len(frames) // _ACROSS)
    tile = _tile(frames)
    sheet_height = rows * (tile.height() + _CAPTION)
    width = 2 * _MARGIN + len(panels) * (PANEL_WIDTH + _GAP) + (_SHEET_WIDTH if frames else -_GAP)
    height = _HEAD + _MARGIN + max([sheet_height, *heights], default=0)
    image = QImage(QSize(width, height) * RATIO, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(RATIO)
    image.fill(theme.color("surface"))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    _paint_head(painter, title, subtitle, width - 2 * _MARGIN)
    left = _MARGIN
    for column in panels:
        top = _HEAD
        for one in column:
            painter.drawImage(QPoint(left, top), one)
            top += round(one.deviceIndependentSize().height())
        left += PANEL_WIDTH + _GAP
    _paint_frames(painter, frames, QPoint(left, _HEAD + 14), tile)
    painter.end()
    return image


def panel(widget: QWidget, width: int = 0) -> QImage:
    """All of a tab, also what is scrolled away, on the panel's own ground; a hidden one is laid out at `width`."""
    layout = widget.layout()
    hidden = bool(width) and layout is not None and not widget.isVisible()
    if hidden and layout is not None:
        widget.ensurePolished()
        widget.setFixedWidth(width)  # the area around it would make it as wide as itself
        layout.activate()
        widget.resize(width, layout.totalHeightForWidth(width))
    grabbed = widget.grab()
    if hidden:
        widget.setMinimumWidth(0)
        widget.setMaximumWidth(_WIDEST)
    image = QImage(grabbed.size(), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(grabbed.devicePixelRatio())
    image.fill(theme.color("surface"))
    painter = QPainter(image)
    painter.drawPixmap(0, 0, grabbed)
    painter.end()
    return image


def _tile(frames: Sequence[HeatPicture]) -> QSize:
    """The size of one frame in the sheet."""
    width = (_SHEET_WIDTH - (_ACROSS - 1) * 16) // _ACROSS
    if not frames:
        return QSize(width, 0)
    size = frames[0].image.size()
    return QSize(width, round(width * size.height() / max(size.width(), 1)))


def _paint_head(painter: QPainter, title: str, subtitle: str, width: int) -> None:
    painter.setPen(theme.color("text"))
    painter.setFont(theme.font("title", QFont.Weight.DemiBold))
    metrics = QFontMetrics(painter.font())
    shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, width)
    painter.drawText(QRectF(_MARGIN, 22, width, 28), Qt.AlignmentFlag.AlignVCenter, shown)
    painter.setPen(theme.color("text_2"))
    painter.setFont(theme.font("body"))
    painter.drawText(QRectF(_MARGIN, 48, width, 22), Qt.AlignmentFlag.AlignVCenter, subtitle)


def _paint_frames(painter: QPainter, frames: Sequence[HeatPicture], origin: QPoint, tile: QSize) -> None:
    painter.setFont(theme.font("caption", tabular=True))
    painter.setPen(theme.color("text_2"))
    for place, frame in enumerate(frames):
        row, column = divmod(place, _ACROSS)
        left = origin.x() + column * (tile.width() + 16)
        top = origin.y() + row * (tile.height() + _CAPTION)
        painter.drawImage(QRectF(left, top, tile.width(), tile.height()), frame.image)
        below = QRectF(left, top + tile.height() + 2, tile.width(), _LINE)
        for line, text in enumerate((frame.title, frame.trust)):
            painter.drawText(below.translated(0, line * _LINE), Qt.AlignmentFlag.AlignVCenter, text)
