"""What goes with a heatmap: its colours, how far to believe it, how strong it is, its method, the other query."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QSlider, QVBoxLayout, QWidget

from core.protocol import HeatTrust
from explorer import theme
from explorer.models.heat import Heat
from explorer.settings import Settings
from explorer.widgets.heat_overlay import hatch, paint_legend
from explorer.widgets.parts import ElidedLabel

METHODS: Final = {
    "agreement": ("Agreement", "What answers the words and what the score would lose without it, both at once."),
    "patches": ("Patches", "How well each patch of the picture answers the words."),
    "value": ("Values", "What the last block reads from each patch, compared with the words (MaskCLIP)."),
    "removal": ("Removal", "What the score would lose if a patch could not be seen."),
    "relevance": ("Relevance", "Attention of the last blocks, weighted by the gradient of the score (Chefer et al.)."),
    "rollout": ("Rollout", "Attention through all blocks: it knows no query and is here to be beaten."),
    "features": ("Feature map", "The last feature map, weighted by the gradient of the score (Grad-CAM)."),
}  # fmt: skip
"""What a method is called and, in one sentence, what it shows."""
_TRUST_TIP: Final = (
    "The test: the warmest parts of the frame are taken away first, then shown first. The first number is how much"
    " surer of the words the model is, on the whole, while the warm parts are there than while they are gone (−1 to 1,"
    " beside other words of the kind); the second what the luckiest random choice of parts reached. Words behind a"
    " minus take no part in the map."
)


class HeatBar(QWidget):
    """Visible while the heatmap is on."""

    def __init__(self, heat: Heat, settings: Settings) -> None:
        super().__init__()
        self._heat = heat
        self._settings = settings
        self._time_s = 0.0
        self._legend = Legend()
        self._words = ElidedLabel("", "secondary", Qt.TextElideMode.ElideRight)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._method = QComboBox()
        self._against = QLineEdit()
        self._set_up()
        self._lay_out()
        self._refresh()

    def show_time(self, time_s: float) -> None:
        """Where the player is: the trust shown is that of the map nearest to it."""
        self._time_s = time_s
        if self._heat.on:
            self._show_words()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_words()

    def _set_up(self) -> None:
        self._opacity.setRange(0, 100)
        self._opacity.setFixedWidth(64)
        self._opacity.setAccessibleName("Opacity of the heatmap")
        self._opacity.setToolTip("How much of the heat is laid over the picture  (Alt+Up, Alt+Down)")
        self._opacity.valueChanged.connect(lambda value: self._settings.set("heat/opacity", value))
        self._method.setAccessibleName("Method of the heatmap")
        self._method.activated.connect(lambda _place: self._heat.choose_method(self._method.currentData()))
        self._against.setPlaceholderText("rather than…")
        self._against.setAccessibleName("Other query")
        self._against.setToolTip(
            "Another query: the heat then shows what speaks for yours rather than for this one. Enter asks."
        )
        self._against.setClearButtonEnabled(True)
        self._against.editingFinished.connect(lambda: self._heat.show_against(self._against.text()))
        self._against.textChanged.connect(self._on_typed)
        self._heat.changed.connect(self._refresh)

    def _on_typed(self, text: str) -> None:
        if not text:
            self._heat.show_against("")

    def _refresh(self) -> None:
        """Everything but what is being typed."""
        self.setVisible(self._heat.on)
        self._opacity.setValue(round(100 * self._heat.opacity))
        names = self._heat.methods
        if names and names != tuple(self._method.itemData(place) for place in range(self._method.count())):
            self._method.clear()
            for place, name in enumerate(names):
                self._method.addItem(METHODS[name][0], name)
                self._method.setItemData(place, METHODS[name][1], Qt.ItemDataRole.ToolTipRole)
        self._method.setVisible(bool(names))
        place = self._method.findData(self._heat.method)
        if place >= 0:
            self._method.setCurrentIndex(place)
            self._method.setToolTip(f"{METHODS[names[place]][1]}  (Shift+H for the next method)")
        if not self._against.hasFocus():
            self._against.setText(self._heat.against)
        self._show_words()

    def _show_words(self) -> None:
        view = self._heat.at(self._time_s)
        trust = view.trust if view is not None else None
        self._legend.show_reliable(reliable=trust is None or trust.reliable)
        if self._heat.failure:
            token, words = "error", self._heat.failure
        elif view is None:
            token, words = "text_3", "Looking…" if self._heat.waiting else "Choose a clip of a query."
        elif trust is None:
            token, words = "text_3", "Testing whether to believe it…"
        else:
            token, words = in_words(trust)
        about = f"“{self._heat.phrase}”  ·  " if self._heat.phrase else ""
        style = f"color: {theme.color(token).name()};"
        if (about + words, style) != (
            self._words.text(),
            self._words.styleSheet(),
        ):  # while it plays, mostly not
            self._words.setText(about + words)
            self._words.setStyleSheet(style)
        self._words.setToolTip(f"{words}\n{_TRUST_TIP}" if trust is not None else words)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        upper = QHBoxLayout()
        upper.setSpacing(8)
        upper.addWidget(self._legend)
        upper.addWidget(self._words, 1)
        lower = QHBoxLayout()
        lower.setSpacing(8)
        lower.addWidget(self._method)
        lower.addWidget(self._against, 1)
        lower.addWidget(self._opacity)
        column.addLayout(upper)
        column.addLayout(lower)


class Legend(QWidget):
    """The colours of heat, from none to the frame's most; hatched like the map when that is not reliable."""

    def __init__(self) -> None:
        super().__init__()
        self._reliable = True
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "From no heat to the most in this frame. Hatched: the map failed its faithfulness test."
        )
        self.setAccessibleName("Colours of the heatmap")

    def show_reliable(self, *, reliable: bool) -> None:
        """Whether the map in front is to be believed."""
        if reliable != self._reliable:
            self._reliable = reliable
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(64, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        place = QRectF(self.rect())
        paint_legend(painter, place)
        if not self._reliable:
            painter.setClipRect(place)
            hatch(painter, place, theme.color("surface"))


def in_words(trust: HeatTrust) -> tuple[str, str]:
    """The token of the colour, and the verdict with its two numbers."""
    verdict, token = ("Faithful", "up") if trust.reliable else ("Unreliable", "warning")
    numbers = f"{trust.faithfulness:+.2f}, chance {trust.control:+.2f}".replace("-", "−")
    return token, f"{verdict}: {numbers}"
