"""Any clip of the library, found by its file's name: also those that are not among the results."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QStringListModel, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QListView, QWidget

from core.protocol import ClipPlace, ClipsFound, FindClips
from explorer import formats
from explorer.engine_client import EngineClient, Request
from explorer.widgets.dialogs import Sheet
from explorer.widgets.parts import button, label

TYPING_MS: Final = 200


class PickClip(Sheet):
    """Asks for a clip.

    Signals:
        picked(place): the clip that was chosen.
    """

    picked = Signal(object)

    def __init__(self, client: EngineClient, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent, "Why is that clip not higher?", 560, 460)
        self._client = client
        self._request: Request | None = None
        self.clips: tuple[ClipPlace, ...] = ()
        self.field = QLineEdit(name)
        self.field.setPlaceholderText("Part of the video's file name")
        self.field.setAccessibleName("Part of the video's file name")
        self._rows = QStringListModel(self)
        self.list = QListView()
        self.list.setObjectName("offers")
        self.list.setModel(self._rows)
        self.list.setAccessibleName("Clips of the library")
        self.list.setUniformItemSizes(True)
        self.list.activated.connect(lambda _index: self._choose())
        self._count = label("", "quiet")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self._ask)
        self.field.textChanged.connect(lambda _text: self._typing.start())
        self.field.returnPressed.connect(self._choose)
        self._take = button("Explain its rank", role="primary", on_click=self._choose)
        self._take.setEnabled(False)
        for part in (self.field, self.list, self._count):
            self.column.addWidget(part, 1 if part is self.list else 0)
        self.foot.addWidget(button("Cancel", on_click=self.reject))
        self.foot.addWidget(self._take)
        self.column.addLayout(self.foot)
        self.field.setFocus()
        self._ask()

    def _ask(self) -> None:
        if self._request is not None:
            self._request.cancel()
        needle = self.field.text()
        request = self._client.send(lambda number: FindClips(id=number, name_contains=needle))
        self._request = request
        request.answered.connect(self._on_found)
        request.failed.connect(lambda failure: self._count.setText(failure.sentence))
        request.finished.connect(lambda: self._over(request))

    def _over(self, request: Request) -> None:
        if self._request is request:
            self._request = None

    def _on_found(self, found: ClipsFound) -> None:
        self.clips = found.clips
        self._rows.setStringList(
            [
                f"{formats.file_name(clip.video)}   {formats.span(clip.start_s, clip.end_s)}"
                for clip in found.clips
            ]
        )
        self._take.setEnabled(bool(found.clips))
        if found.clips:
            self.list.setCurrentIndex(self._rows.index(0))
        shown = f"the first {len(found.clips):,} of " if len(found.clips) < found.total else ""
        self._count.setText(
            f"{shown}{formats.count(found.total, 'clip')}" if found.total else "No video has that name."
        )

    def _choose(self) -> None:
        row = self.list.currentIndex().row()
        if 0 <= row < len(self.clips):
            self.picked.emit(self.clips[row])
            self.accept()

    def done(self, result: int) -> None:
        if self._request is not None:
            self._request.cancel()
        super().done(result)
