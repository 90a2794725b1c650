"""Sentences above the results: errors, outcomes, notes about the library. Never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer import icons
from explorer.widgets.parts import button, label, tool

_ICONS: Final = {"info": ("check", "accent"), "note": ("info", "warning"), "error": ("error", "error")}
INFO_MS: Final = 8000


class Banner(QWidget):
    """One sentence with its ways out."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon = QLabel()
        self.text = label("", wrap=True)
        self._detail = ""
        self._copy = button("Copy details", role="link", on_click=self._copy_detail)
        self._action = button("", role="link", on_click=self._act)
        self._run: Callable[[], object] | None = None
        self._away = QTimer(self)
        self._away.setSingleShot(True)
        self._away.setInterval(INFO_MS)
        self._away.timeout.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self.text, 1)
        for part in (self._action, self._copy, tool("clear", "Close", self.hide)):
            row.addWidget(part)
        self.hide()

    def say(
        self,
        level: str,
        sentence: str,
        detail: str = "",
        *,
        action: str = "",
        run: Callable[[], object] | None = None,
    ) -> None:
        """Show a sentence; one of level "info" leaves by itself."""
        name, token = _ICONS[level]
        self.setProperty("level", level)
        self.style().unpolish(self)
        self.style().polish(self)
        self._icon.setPixmap(icons.pixmap(name, 18, token, ratio=2))
        self.text.setText(sentence)
        self._detail = detail
        self._copy.setVisible(bool(detail))
        self._run = run
        self._action.setText(action)
        self._action.setVisible(run is not None)
        self._away.stop()
        if level == "info" and run is None:
            self._away.start()
        self.show()

    def _copy_detail(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.text.text()}\n{self._detail}")

    def _act(self) -> None:
        run, self._run = self._run, None
        self.hide()
        if run is not None:
            run()


class Banners(QWidget):
    """Three places, each for one kind of sentence, so that a note never hides an error."""

    def __init__(self) -> None:
        super().__init__()
        self.message = Banner()
        self.library_note = Banner()
        self.query_note = Banner()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for banner in (self.message, self.library_note, self.query_note):
            column.addWidget(banner)
        self.setSizePolicy(self.sizePolicy().horizontalPolicy(), self.sizePolicy().Policy.Maximum)
        self._dismissed: set[tuple[str, ...]] = set()

    def show_library_notes(self, path: str, notes: tuple[str, ...]) -> None:
        """What a person must know about this library; once closed it stays closed for this library."""
        if not notes:
            self.library_note.hide()
        elif (path, *notes) not in self._dismissed:
            self._dismissed.add((path, *notes))
            self.library_note.say("note", " ".join(notes))

    def show_query_notes(self, notes: tuple[str, ...]) -> None:
        """What a person must know about a query, e.g. what the model did not read of it."""
        if notes:
            self.query_note.say("note", "  ".join(notes))
        else:
            self.query_note.hide()
