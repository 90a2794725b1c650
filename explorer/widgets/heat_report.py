"""Heatmaps as a piece of an HTML page and as pictures: every sampled frame under its map, with its trust."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

from core.protocol import THUMBNAIL_TILES, HeatMap
from explorer import formats
from explorer.exports_html import picture
from explorer.models.heat import HeatSet, HeatView
from explorer.models.thumbnails import tile_rect
from explorer.widgets.heat_bar import METHODS, in_words
from explorer.widgets.heat_overlay import paint_heat

_HOW = (
    "The test of a map: the warmest parts of the frame are taken away first, then shown first. The first number is how"
    " much surer the model is of the words, on the whole, while the warm parts are there than while they are gone"
    " (from −1 to 1), the second what the luckiest random choice of parts reached. A map that does not beat it is"
    " hatched and no finding."
)


@dataclass(frozen=True)
class HeatPicture:
    """A frame under its map, and the two lines below it."""

    image: QImage
    title: str
    trust: str


def heat_report(found: HeatSet | None, about: str, failure: str, frames: list[HeatPicture]) -> str:
    """A fragment of HTML; `about` says what was asked for, `frames` are those of `heat_pictures`."""
    head = "<h2>Where the model sees it</h2>"
    if found is None or not frames:
        return f"{head}<p>{escape(failure)}</p>" if failure else ""
    figures = "".join(
        f"<figure>{picture(one.image, one.title)}"
        f"<figcaption>{escape(one.title)}<br>{escape(one.trust)}</figcaption></figure>"
        for one in frames
    )
    title, tip = METHODS[found.method]
    return (
        f"{head}<p>Heat for {escape(about)}, by the method {title}: {escape(tip)} {escape(trusted(found))}</p>"
        f"<div class='frames'>{figures}</div><p class='note'>{_HOW}</p>"
    )


def heat_pictures(found: HeatSet | None, strip: QImage | None, opacity: float) -> list[HeatPicture]:
    """Every frame that has a map; none without the clip's thumbnails."""
    if found is None or strip is None:
        return []
    made = []
    for number in sorted(found.maps):
        one, trust = found.maps[number], found.trust.get(number)
        view = HeatView(found.images[number], one, trust)
        tile = strip.copy(tile_rect(strip, number * THUMBNAIL_TILES // max(found.frames, 1)))
        told = in_words(trust)[1] if trust is not None else "not tested"
        title = f"Frame {number + 1} · {formats.exact_clock(one.time_s)} · cosine {one.score:.2f}"
        made.append(HeatPicture(_covered(tile, view, opacity), title, told))
    return made


def trusted(found: HeatSet) -> str:
    """How many of the maps passed their test."""
    passed = sum(one.reliable for one in found.trust.values())
    if not found.trust:
        return "No map was tested."
    return f"{passed} of {formats.count(len(found.trust), 'map')} passed the test of faithfulness."


def _covered(tile: QImage, view: HeatView, opacity: float) -> QImage:
    """A thumbnail under its map; bars above and below, or beside, stay free."""
    covered = tile.convertToFormat(QImage.Format.Format_RGB32)
    painter = QPainter(covered)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    paint_heat(painter, _place(covered.size(), view.map), view, opacity)
    painter.end()
    return covered


def _place(size: QSize, one: HeatMap) -> QRectF:
    """Where the frame lies in its thumbnail."""
    frame = QSizeF(one.width, one.height).scaled(QSizeF(size), Qt.AspectRatioMode.KeepAspectRatio)
    left, top = (size.width() - frame.width()) / 2, (size.height() - frame.height()) / 2
    return QRectF(QPointF(left, top), frame)
