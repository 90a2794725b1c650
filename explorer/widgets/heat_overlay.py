"""Heat over a picture: colours that grow with it, hatched where its faithfulness test failed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPen, qRgba

from core.protocol.heat_colours import COLOURS, cover
from explorer.models.heat import HeatView

HATCH_PX: Final = 7.0
"""Distance of the hatching's lines."""


@lru_cache(maxsize=8)
def _table(percent: int) -> tuple[int, ...]:
    """256 colours with alpha, at an opacity in percent."""
    return tuple(
        qRgba(*colour, round(255 * percent / 100 * cover(heat / 255))) for heat, colour in enumerate(COLOURS)
    )


def coloured(heat: QImage, opacity: float) -> QImage:
    """A grayscale map in the colours of heat, see-through where there is none."""
    levels = QImage(
        heat.constBits(), heat.width(), heat.height(), heat.bytesPerLine(), QImage.Format.Format_Indexed8
    )
    levels.setColorTable(_table(round(100 * opacity)))
    return levels.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def paint_heat(painter: QPainter, place: QRectF, view: HeatView, opacity: float) -> None:
    """Lay a map over the picture that is painted at `place`."""
    picture = coloured(view.image, opacity)
    if view.trust is not None and not view.trust.reliable:
        picture = _hatched(picture, place.size().toSize(), painter.device().devicePixelRatioF())
    painter.drawImage(place, picture)


def _hatched(picture: QImage, size: QSize, ratio: float) -> QImage:
    """The picture at `size` (logical pixels), in stripes: what is between them is the frame's own."""
    full = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    full.setDevicePixelRatio(ratio)
    full.fill(0)
    painter = QPainter(full)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(QRectF(0, 0, size.width(), size.height()), picture)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOut)
    hatch(painter, QRectF(0, 0, size.width(), size.height()), QColor(Qt.GlobalColor.black))
    painter.end()
    return full


def hatch(painter: QPainter, place: QRectF, colour: QColor) -> None:
    """Diagonal stripes over a rectangle."""
    painter.setPen(QPen(colour, HATCH_PX / 2))
    reach = place.height()
    start = place.left() - reach
    for line in range(int((place.width() + reach) / (HATCH_PX * 1.4142)) + 2):
        x = start + line * HATCH_PX * 1.4142
        painter.drawLine(QPointF(x, place.bottom()), QPointF(x + reach, place.top()))


def paint_legend(painter: QPainter, place: QRectF) -> None:
    """The colours from no heat to the most."""
    gradient = QLinearGradient(place.left(), 0, place.right(), 0)
    for level in range(0, 256, 15):
        gradient.setColorAt(level / 255, QColor(*COLOURS[level]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(place, 3, 3)
