"""Saying how well a clip answers: four verdicts, nine failure tags, a note."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from core.protocol import JudgementInfo
from core.protocol import Verdict as VerdictWord
from explorer.analysis_judging import TAGS, WORDS
from explorer.widgets.flow import Flow
from explorer.widgets.parts import button, label

KEYS: Final = {"relevant": "1", "partly": "2", "not": "3", "unsure": "0"}
_LONGEST_NOTE: Final = 10_000


class NoteField(QLineEdit):
    """A line for a note; Escape gives the keys back to the table.

    Signals:
        left(): Escape was pressed.
    """

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class JudgeBar(QFrame):
    """What is said of the clip that is judged.

    Signals:
        judged(verdict, tags, note): something was said anew.
        note_left(): the person is done with the note.
    """

    judged = Signal(str, tuple, str)
    note_left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("judgeBar")
        self._verdict: VerdictWord | None = None
        self._subject = label("", "strong")
        self._verdicts: dict[VerdictWord, QPushButton] = {}
        self._tags: dict[str, QPushButton] = {}
        self.note = NoteField()
        self._lay_out()
        self.show_subject("", None)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._subject)
        row.addSpacing(4)
        for verdict, word in WORDS.items():
            made = button(f"{word}  {KEYS[verdict]}", role="verdict", on_click=partial(self.say, verdict))
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the table
            made.setToolTip(f"{word}  ({KEYS[verdict]})")
            self._verdicts[verdict] = made
            row.addWidget(made)
        row.addWidget(self.note, 1)
        column.addLayout(row)
        chips = QWidget()
        flow = Flow(chips, spacing=6)
        for tag in TAGS:
            chip = button(tag, role="tag", on_click=self._on_detail)
            chip.setCheckable(True)
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.setToolTip(f"Why it failed: {tag}")
            self._tags[tag] = chip
            flow.addWidget(chip)
        column.addWidget(chips)
        self.note.setPlaceholderText("Note  (T)")
        self.note.setAccessibleName("Note")
        self.note.setMaxLength(_LONGEST_NOTE)
        self.note.editingFinished.connect(self._on_note)
        self.note.returnPressed.connect(self.note_left)
        self.note.left.connect(self.note_left)

    def show_subject(self, name: str, said: JudgementInfo | None) -> None:
        """Which clip is judged (empty: none), and what was said of it."""
        self.setEnabled(bool(name))
        self._subject.setText(name or "Judge")
        self._verdict = said.verdict if said is not None else None
        for verdict, made in self._verdicts.items():
            made.setChecked(verdict == self._verdict)
        for tag, chip in self._tags.items():
            chip.setChecked(said is not None and tag in said.tags)
        if not self.note.hasFocus() or said is not None:
            self.note.setText(said.note if said is not None else "")

    def say(self, verdict: VerdictWord) -> None:
        """A verdict, with the tags and the note that stand there."""
        if self.isEnabled():
            self.judged.emit(verdict, self._chosen_tags(), self.note.text().strip())

    def _chosen_tags(self) -> tuple[str, ...]:
        return tuple(tag for tag, chip in self._tags.items() if chip.isChecked())

    def _on_detail(self) -> None:
        """A tag says that something failed: without a verdict the clip is not relevant."""
        self.say(self._verdict or "not")

    def _on_note(self) -> None:
        if self.note.isModified() and self.isEnabled():
            self.note.setModified(False)
            self.say(self._verdict or "unsure")
