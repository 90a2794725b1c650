"""The skeletons of the clip at hand: asked of the engine, corrected, undone and exported. No widget.

What belongs to another subject is dropped; a correction's answer takes the place of what was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from core.protocol import (
    CorrectSkeleton,
    ExportForm,
    ExportSkeleton,
    Failed,
    GetSkeletons,
    Hit,
    Message,
    SkeletonExported,
    Skeletons,
    SkeletonSlot,
    SkeletonValue,
    UndoCorrection,
)
from explorer.author import author
from explorer.engine_client import Request
from explorer.session import Session

SETTLE_MS: Final = 80
"""A key held down in the results asks only for the clip where it stops."""
Verdict = Literal["holds", "not", "withdrawn"]


class Skeleton(QObject):
    """Both skeletons of one query and one of its hits.

    Signals:
        changed(): `shown`, `waiting` or `problem` is another.
        exported(answer): the engine wrote the skeleton down.
        said(level, sentence): a correction or an export could not be made.
    """

    changed = Signal()
    exported = Signal(object)
    said = Signal(str, str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.shown: Skeletons | None = None
        self.waiting = False
        self.problem = ""
        self._session = session
        self._query = ""
        self._clip_id = -1
        self._request: Request | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._ask)

    def take_up(self, query: str, hit: Hit | None) -> None:
        """Ask for this query and clip; without a clip there is nothing."""
        self.drop()
        self.shown, self.problem = None, ""
        self._query, self._clip_id = query, hit.clip_id if hit is not None else -1
        self.waiting = hit is not None
        if hit is not None:
            self._settle.start()
        self.changed.emit()

    def drop(self) -> None:
        """Stop asking."""
        self._settle.stop()
        request, self._request = self._request, None
        self.waiting = False
        if request is not None:
            request.cancel()

    def slot(self, name: str) -> SkeletonSlot | None:
        """What is known of a slot."""
        slots = self.shown.slots if self.shown is not None else ()
        return next((one for one in slots if one.slot == name), None)

    def value(self, slot: str, value: str) -> SkeletonValue | None:
        """The clip's answer about one value."""
        values = self.shown.values if self.shown is not None else ()
        return next((one for one in values if (one.slot, one.value) == (slot, value)), None)

    # --- what a person does --------------------------------------------------------------------------

    def correct(self, slot: str, value: str, verdict: Verdict) -> None:
        """Say that a value holds, does not, or take that back."""
        self._change(
            lambda number: CorrectSkeleton(
                id=number,
                text=self._query,
                clip_id=self._clip_id,
                slot=slot,
                value=value,
                verdict=verdict,
                author=author(),
            )
        )

    def undo(self, *, redo: bool = False) -> None:
        """Take the last correction back, or bring it back."""
        self._change(
            lambda number: UndoCorrection(
                id=number, text=self._query, clip_id=self._clip_id, author=author(), redo=redo
            )
        )

    def export(self, form: ExportForm) -> None:
        """Have the clip's skeleton written down; answered by `exported`."""
        if self._clip_id < 0:
            return
        clip_id = self._clip_id
        request = self._session.link.client.send(
            lambda number: ExportSkeleton(id=number, clip_id=clip_id, form=form)
        )
        request.answered.connect(self._on_exported)
        request.failed.connect(lambda failure: self.said.emit("error", failure.sentence))

    def _change(self, make: Callable[[int], Message]) -> None:
        if self._clip_id < 0 or self.shown is None:
            return
        self._send(make, lambda failure: self.said.emit("error", failure.sentence))

    # --- the wire ------------------------------------------------------------------------------------

    def _ask(self) -> None:
        query, clip_id = self._query, self._clip_id
        self._send(lambda number: GetSkeletons(id=number, text=query, clip_id=clip_id), self._on_failed)

    def _send(self, make: Callable[[int], Message], failed: Callable[[Failed], None]) -> None:
        self.drop()
        self.waiting = True
        request = self._request = self._session.link.client.send(make)
        request.answered.connect(self._on_answer)
        request.failed.connect(failed)
        request.finished.connect(lambda: self._over(request))
        self.changed.emit()

    def _on_answer(self, answer: Skeletons) -> None:
        self.shown, self.problem = answer, ""

    def _on_failed(self, failure: Failed) -> None:
        self.problem = failure.sentence

    def _on_exported(self, answer: SkeletonExported) -> None:
        self.exported.emit(answer)

    def _over(self, request: Request) -> None:
        if self._request is request:
            self._request = None
            self.waiting = False
            self.changed.emit()
