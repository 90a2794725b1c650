"""A picture of the real window, taken once everything that belongs into it is there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QIODevice, QObject, QSaveFile, QTimer, Signal

if TYPE_CHECKING:
    from explorer.app import Explorer

LIMIT_MS: Final = 180_000
_LOOK_MS: Final = 60
_STILL_LOOKS: Final = 4  # so often in a row everything must be there: reordered cards have come to rest


class Photographer(QObject):
    """Watches a starting window and takes its picture.

    Signals:
        left(code): 0 when the picture is on disk; 1 after one sentence on standard error.
    """

    left = Signal(int)

    def __init__(self, explorer: Explorer, path: str, *, limit_ms: int = LIMIT_MS) -> None:
        super().__init__(explorer)
        self._explorer = explorer
        self._path = path
        self._still = 0
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self._on_look)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(limit_ms)
        self._limit.timeout.connect(self._give_up)

    def start(self) -> None:
        """Begin to watch."""
        self._look.start()
        self._limit.start()

    def missing(self) -> str:
        """What is not there yet, in words; "" when the picture can be taken."""
        explorer, session = self._explorer, self._explorer.session
        if explorer.link.view.gave_up:
            return f"the engine, which cannot be started: {explorer.link.view.detail}"
        if session.library is None and session.opening_path:
            return "the library"
        if session.library is None:
            return "" if explorer.link.view.status in ("warm", "failed") else "the engine"
        if session.query and session.ranked is None:
            return "the first ranking"
        if session.searching:
            return "the final ranking"
        if explorer.thumbnails.busy:
            return "the thumbnails"
        if not explorer.window.inspector.ready:
            return "the player's first frame"
        return ""

    def _on_look(self) -> None:
        missing = self.missing()
        if self._explorer.link.view.gave_up or self._failed():
            self._leave(1, self._failed() or f"No picture was taken: {missing}")
            return
        self._still = 0 if missing else self._still + 1
        if self._still >= _STILL_LOOKS:
            self._take()

    def _failed(self) -> str:
        """An error that waiting will not mend: the library did not open, or the query failed."""
        session, message = self._explorer.session, self._explorer.window.banners.message
        told = message.isVisible() and message.property("level") == "error" and self._explorer.client.ready
        unanswered = bool(session.query) and session.ranked is None and not session.searching
        if self._explorer.remarks.refusal:
            return f"No picture was taken: {self._explorer.remarks.refusal}"
        if told and not session.opening_path and (session.library is None or unanswered):
            return f"No picture was taken: {message.text.text()}"
        return ""

    def _take(self) -> None:
        self._explorer.window.inspector.player.playback.pause()
        picture = self._explorer.window.grab()
        file = QSaveFile(self._path)
        if not (file.open(QIODevice.OpenModeFlag.WriteOnly) and picture.save(file, "PNG") and file.commit()):
            self._leave(1, f"{self._path} cannot be written: {file.errorString()}.")
            return
        self._leave(0, "")

    def _give_up(self) -> None:
        missing = self.missing() or "a window at rest"
        self._leave(
            1,
            f"No picture was taken: after {self._limit.interval() // 1000} s this was still missing: {missing}.",
        )

    def _leave(self, code: int, sentence: str) -> None:
        self._look.stop()
        self._limit.stop()
        if sentence:
            sys.stderr.write(sentence + "\n")
        self._explorer.stop()
        self.left.emit(code)
