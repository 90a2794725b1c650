"""The engine's state in a word, always in sight; a click tells the rest and offers what can be done."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QToolButton

from explorer import theme
from explorer.engine_link import EngineView

_WORDS: Final = {"starting": "Starting", "warm": "Ready", "busy": "Busy", "failed": "Engine failed"}
_EVERYDAY_WORDS: Final = ("Ready", "Busy")
_AROUND_TEXT: Final = 48  # the dot, the paddings, the border
_TINTS: Final = {"starting": "warning", "warm": "up", "busy": "accent", "failed": "error"}
_DEVICES: Final = {
    "auto": "The fastest device",
    "cpu": "CPU",
    "cuda": "NVIDIA GPU (CUDA)",
    "mps": "Apple GPU (MPS)",
}


class EngineBadge(QToolButton):
    """Shows an EngineView.

    Signals:
        device_chosen(device): the models should move.
        restart_asked(): a fresh engine, please.
        models_asked(): the models page, please.
    """

    device_chosen = Signal(str)
    restart_asked = Signal()
    models_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "badge")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._view = EngineView()
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.show_view(self._view)

    def show_view(self, view: EngineView) -> None:
        """Say what the engine is doing."""
        self._view = view
        word = _WORDS[view.status]
        place = " ".join(part for part in (view.device.upper(), view.precision) if part)
        self.setText(" · ".join(part for part in (word, place, view.bundle) if part))
        self._keep_width(place, view.bundle)
        self.setIcon(_dot(_TINTS[view.status]))
        lines = [f"Engine: {word.lower()}"]
        lines += [line for line in (view.detail, f"Bundle: {view.bundle}" if view.bundle else "") if line]
        self.setToolTip("\n".join(lines))
        self.setAccessibleName(". ".join(lines))

    def _keep_width(self, place: str, bundle: str) -> None:
        """As wide as its widest word: a state that changes with every query must not move the query's field."""
        texts = [" · ".join(part for part in (word, place, bundle) if part) for word in _EVERYDAY_WORDS]
        metrics = self.fontMetrics()
        self.setMinimumWidth(max(metrics.horizontalAdvance(text) for text in texts) + _AROUND_TEXT)

    def retint(self) -> None:
        """The dot for the theme in force."""
        self.show_view(self._view)

    def _fill_menu(self) -> None:
        menu, view = self._menu, self._view
        menu.clear()
        for line in self.toolTip().splitlines():
            menu.addAction(line).setEnabled(False)
        if view.devices:
            menu.addSeparator()
            menu.addAction("Run the models on").setEnabled(False)
            for device in dict.fromkeys(("auto", *view.devices)):
                action = menu.addAction(_DEVICES.get(device, device))
                action.setCheckable(True)
                action.setChecked(device == view.device)
                action.triggered.connect(lambda _checked, name=device: self.device_chosen.emit(name))
        menu.addSeparator()
        menu.addAction("Models…").triggered.connect(lambda: self.models_asked.emit())
        menu.addAction("Restart the engine").triggered.connect(lambda: self.restart_asked.emit())


def _dot(token: str) -> QIcon:
    picture = QPixmap(32, 32)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color(token, 0.25))
    painter.drawEllipse(QPointF(8, 8), 7, 7)
    painter.setBrush(theme.color(token))
    painter.drawEllipse(QPointF(8, 8), 4, 4)
    painter.end()
    return QIcon(picture)
