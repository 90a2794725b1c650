"""Made-up driving pictures, so that a window full of them can be judged: road, sky, buildings, a car."""

import random

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPolygonF

TILE = (288, 162)
LIGHTS = (
    ("#7fb2e0", "#dfeaf2", "#6a6e72", 1.0),
    ("#e7b27c", "#f6dcb8", "#5c5550", 0.85),
    ("#0d1626", "#27324a", "#23262c", 0.35),
    ("#9aa6ad", "#c8cfd2", "#565b5f", 0.75),
)
PAINTS = ("#c8443a", "#3b6fc4", "#e6e6e2", "#e0b93a", "#3d8a57", "#40454d")


def strip_jpeg(clip: int) -> bytes:
    """Twelve tiles side by side."""
    strip = QImage(TILE[0] * 12, TILE[1], QImage.Format.Format_RGB32)
    painter = QPainter(strip)
    for tile in range(12):
        painter.save()
        painter.translate(tile * TILE[0], 0)
        painter.setClipRect(0, 0, *TILE)
        _scene(painter, *TILE, clip, (tile + 0.5) / 12)
        painter.restore()
    painter.end()
    return _jpeg(strip)


def frame_jpeg(clip: int, part: float) -> bytes:
    """One larger frame at `part` (0..1) of the clip."""
    frame = QImage(640, 360, QImage.Format.Format_RGB32)
    painter = QPainter(frame)
    _scene(painter, 640, 360, clip, part)
    painter.end()
    return _jpeg(frame)


def _jpeg(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "JPEG", 85)
    return bytes(data.data())


def _scene(painter: QPainter, width: int, height: int, clip: int, part: float) -> None:
    dice = random.Random(clip)
    sky, haze, road, light = LIGHTS[dice.randrange(len(LIGHTS))]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    horizon = height * 0.46
    gradient = QLinearGradient(0, 0, 0, horizon)
    gradient.setColorAt(0, QColor(sky))
    gradient.setColorAt(1, QColor(haze))
    painter.fillRect(QRectF(0, 0, width, horizon + 1), gradient)
    for house in range(9):
        tall = height * dice.uniform(0.08, 0.34)
        tint = QColor.fromHsv(
            dice.randrange(20, 50), dice.randrange(20, 80), int(dice.randrange(120, 220) * light)
        )
        left = width * (house / 9) + width * 0.02 * dice.random()
        painter.fillRect(QRectF(left, horizon - tall, width / 8, tall), tint)
    painter.fillRect(QRectF(0, horizon, width, height), QColor(road).darker(115))
    middle = width * 0.5
    painter.setBrush(QColor(road))
    painter.drawPolygon(
        QPolygonF([
            QPointF(middle - width * 0.03, horizon), QPointF(middle + width * 0.03, horizon),
            QPointF(width * 1.05, height), QPointF(-width * 0.05, height),
        ])
    )  # fmt: skip
    painter.setBrush(QColor(235, 235, 225, int(220 * max(light, 0.5))))
    for dash in range(6):
        near = ((dash + part * 6) % 6) / 6
        top = horizon + (height - horizon) * near**2
        half = 1 + width * 0.012 * near
        painter.drawRect(QRectF(middle - half, top, half * 2, 2 + height * 0.07 * near))
    _car(painter, width, height, horizon, dice, part, light)


def _car(
    painter: QPainter, width: int, height: int, horizon: float, dice: random.Random, part: float, light: float
) -> None:
    paint = QColor(dice.choice(PAINTS)).darker(int(100 / max(light, 0.4)))
    near = 0.25 + 0.6 * (part if dice.random() < 0.5 else 1 - part)
    side = dice.choice((-1, 1))
    size = width * 0.22 * near
    x = width / 2 + side * width * 0.3 * near
    y = horizon + (height - horizon) * near * 0.8
    painter.setBrush(QColor(0, 0, 0, 90))
    painter.drawEllipse(QRectF(x - size * 0.55, y - size * 0.06, size * 1.1, size * 0.14))
    painter.setBrush(paint)
    painter.drawRoundedRect(
        QRectF(x - size / 2, y - size * 0.36, size, size * 0.34), size * 0.06, size * 0.06
    )
    painter.drawRoundedRect(
        QRectF(x - size * 0.36, y - size * 0.6, size * 0.72, size * 0.3), size * 0.08, size * 0.08
    )
    painter.setBrush(QColor(40, 52, 62))
    painter.drawRect(QRectF(x - size * 0.3, y - size * 0.55, size * 0.6, size * 0.2))
    painter.setBrush(QColor("#ff5a4a"))
    for lamp in (-0.44, 0.3):
        painter.drawRect(QRectF(x + size * lamp, y - size * 0.26, size * 0.14, size * 0.08))
