"""One table of tokens (colour, type, space, radius) and the style sheet made from it.

Widgets never name a colour or a size of their own: they read `theme.current()` when they paint and leave
the rest to the style sheet. Chrome follows the chosen scheme; colours of data (rank change) are tokens too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from explorer.stylesheet import style_sheet

Scheme = Literal["dark", "light"]
RESOURCES: Final = Path(__file__).resolve().parent.parent / "resources"

SPACE: Final = {"xs": 4, "s": 8, "m": 12, "l": 16, "xl": 24, "xxl": 32}
"""Distances in pixels; everything stands on this 4/8 grid."""
RADIUS: Final = {"s": 4, "m": 6, "l": 10}
TYPE: Final = {"caption": 11, "small": 12, "body": 13, "title": 15, "headline": 22}
"""Type sizes in pixels."""


@dataclass(frozen=True)
class Tokens:
    """The colours of one scheme, as `#rrggbb`."""

    scheme: Scheme
    window: str  # behind everything
    surface: str  # side panels and bars
    raised: str  # inputs, buttons, cards
    hover: str
    pressed: str
    line: str
    line_strong: str
    text: str
    text_2: str  # secondary text, at least 7:1 on `window`
    text_3: str  # quiet text, at least 4.5:1 on `surface`
    accent: str
    accent_hover: str
    accent_soft: str  # a tint of the accent behind selected things
    on_accent: str
    up: str  # the rerank moved the clip up
    down: str
    warning: str
    warning_soft: str
    error: str
    error_soft: str
    media: str  # behind pictures
    part_1: str  # the four parts of a score, told apart by lightness and order too
    part_2: str
    part_3: str
    part_4: str
    on_media: str = "#e9edef"  # on the black of full screen, in both schemes


DARK: Final = Tokens(
    scheme="dark",
    window="#0f1214",
    surface="#15191c",
    raised="#1d2327",
    hover="#272f34",
    pressed="#303a40",
    line="#262d32",
    line_strong="#465259",
    text="#e9edef",
    text_2="#b0bac0",
    text_3="#87939a",
    accent="#56c7b5",
    accent_hover="#74d6c6",
    accent_soft="#17332f",
    on_accent="#05211c",
    up="#74cf8a",
    down="#ee9382",
    warning="#e8bd6d",
    warning_soft="#2d2618",
    error="#f28a7e",
    error_soft="#33201e",
    media="#060809",
    part_1="#56c7b5",
    part_2="#7fa9f5",
    part_3="#e8bd6d",
    part_4="#c79bf2",
)
LIGHT: Final = Tokens(
    scheme="light",
    window="#f3f5f6",
    surface="#fbfcfc",
    raised="#ffffff",
    hover="#e9eef0",
    pressed="#dde4e7",
    line="#dfe5e8",
    line_strong="#9aa8af",
    text="#13191c",
    text_2="#435058",
    text_3="#5f6d75",
    accent="#0c7768",
    accent_hover="#0a6458",
    accent_soft="#d9efeb",
    on_accent="#ffffff",
    up="#1d7a3a",
    down="#b3402d",
    warning="#8a5a00",
    warning_soft="#fbf0d9",
    error="#b3271b",
    error_soft="#fbe5e2",
    media="#10151a",
    part_1="#0c7768",
    part_2="#3f7ad6",
    part_3="#b97b10",
    part_4="#7a4cc0",
)
SCHEMES: Final[dict[Scheme, Tokens]] = {"dark": DARK, "light": LIGHT}

_FONT_FILES: Final = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")
_state: dict[str, Tokens] = {"tokens": DARK}


def current() -> Tokens:
    """The tokens in force."""
    return _state["tokens"]


def color(name: str, alpha: float = 1.0) -> QColor:
    """A colour token as a QColor, `alpha` in 0..1."""
    value = QColor(getattr(current(), name))
    value.setAlphaF(alpha)
    return value


def blend(ground: str, ink: str, part: float) -> QColor:
    """Between two tokens: the first at 0, the second at 1."""
    low, high = color(ground), color(ink)
    part = min(max(part, 0.0), 1.0)
    pairs = ((low.red(), high.red()), (low.green(), high.green()), (low.blue(), high.blue()))
    return QColor(*(round(a + (b - a) * part) for a, b in pairs))


def font(size: str = "body", weight: QFont.Weight = QFont.Weight.Normal, *, tabular: bool = False) -> QFont:
    """A font of the type scale; `tabular` gives every digit the same width."""
    value = QFont(QApplication.font())
    value.setPixelSize(TYPE[size])
    value.setWeight(weight)
    if tabular:
        value.setFeature(QFont.Tag("tnum"), 1)
    return value


def load_fonts() -> None:
    """Register the fonts that travel with the program, so that text is drawn where none is installed."""
    family = ""
    for name in _FONT_FILES:
        number = QFontDatabase.addApplicationFont(str(RESOURCES / "fonts" / name))
        families = QFontDatabase.applicationFontFamilies(number) if number >= 0 else []
        family = family or (families[0] if families else "")
    chosen = QFont(family) if family else QFont(QApplication.font())
    chosen.setPixelSize(TYPE["body"])
    # Full hinting squeezes Inter's outlines at small sizes; vertical hinting alone keeps its rhythm.
    chosen.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    QApplication.setFont(chosen)


def apply(app: QApplication, scheme: Scheme) -> None:
    """Put the whole application into `scheme`: Qt's own colour scheme, the palette, the style sheet."""
    tokens = SCHEMES[scheme]
    _state["tokens"] = tokens
    qt_scheme = Qt.ColorScheme.Dark if scheme == "dark" else Qt.ColorScheme.Light
    app.styleHints().setColorScheme(qt_scheme)
    app.setPalette(_palette(tokens))
    sheet = style_sheet(tokens)
    if sheet != app.styleSheet():
        # From one sheet to another Qt polishes each widget again for every widget that it lies in
        # (QStyleSheetStyle::repolish), 0.3 s for this window; from none to one only once, 0.06 s.
        app.setStyleSheet("")
        app.setStyleSheet(sheet)


def _palette(tokens: Tokens) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for place, value in (
        (role.Window, tokens.surface),
        (role.Base, tokens.raised),
        (role.AlternateBase, tokens.surface),
        (role.Button, tokens.raised),
        (role.WindowText, tokens.text),
        (role.Text, tokens.text),
        (role.ButtonText, tokens.text),
        (role.PlaceholderText, tokens.text_3),
        (role.Highlight, tokens.accent),
        (role.HighlightedText, tokens.on_accent),
        (role.ToolTipBase, tokens.raised),
        (role.ToolTipText, tokens.text),
        (role.Link, tokens.accent),
        (role.Accent, tokens.accent),
    ):
        palette.setColor(place, QColor(value))
    for place in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, place, QColor(tokens.text_3))
    return palette
