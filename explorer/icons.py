"""Own SVG icons, drawn in `currentColor` and tinted when they are loaded."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, Qt, QTemporaryDir
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from explorer import theme

ICON_FOLDER: Final = theme.RESOURCES / "icons"
_SIZES: Final = (16, 20, 24, 40)
_RATIOS: Final = (1.0, 2.0)  # ordinary and high-density screens
_tinted: Final[list[QTemporaryDir]] = []


def icon(name: str, token: str = "text_2", *, checked_token: str = "accent") -> QIcon:
    """The icon `name` in the colour of `token`; a checked button shows it in `checked_token`."""
    tokens = theme.current()
    return _icon(name, getattr(tokens, token), getattr(tokens, checked_token), tokens.line_strong)


def pixmap(name: str, size: int, token: str = "text_2", *, ratio: float = 1.0) -> QPixmap:
    """One picture of `size` logical pixels at the screen's `ratio`."""
    return _pixmap(name, getattr(theme.current(), token), size, ratio)


def app_icon() -> QIcon:
    """The program's own mark, in its own colours."""
    return QIcon(str(ICON_FOLDER / "drivescope.svg"))


def tinted_file(name: str, colour: str) -> str:
    """A tinted copy on disk: style sheets take pictures only from files. Removed when the program ends."""
    if not _tinted:
        _tinted.append(QTemporaryDir())
    path = Path(_tinted[0].path()) / f"{name}-{colour[1:]}.svg"
    path.write_bytes(_source(name, colour))
    return path.as_posix()


@lru_cache(maxsize=64)
def _svg(name: str) -> str:
    return (ICON_FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def _source(name: str, colour: str) -> bytes:
    return _svg(name).replace("currentColor", colour).encode()


@lru_cache(maxsize=256)
def _icon(name: str, colour: str, checked: str, disabled: str) -> QIcon:
    made = QIcon()
    states = (
        (QIcon.Mode.Normal, QIcon.State.Off, colour),
        (QIcon.Mode.Normal, QIcon.State.On, checked),
        (QIcon.Mode.Disabled, QIcon.State.Off, disabled),
    )
    for mode, state, tint in states:
        drawing = _drawing(name, tint)  # read once for all sizes
        for size in _SIZES:
            for ratio in _RATIOS:
                made.addPixmap(_drawn(drawing, size, ratio), mode, state)
    return made


@lru_cache(maxsize=1024)
def _pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    return _drawn(_drawing(name, colour), size, ratio)


def _drawing(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name, colour)))


def _drawn(drawing: QSvgRenderer, size: int, ratio: float) -> QPixmap:
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    drawing.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return picture
