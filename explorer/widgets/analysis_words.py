"""The tab "Words" of the Analyse page: what each word of the query is worth to the truth, and to the clip beside it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from core.protocol import Hit
from explorer.models.thumbnails import Thumbnails
from explorer.models.why import Why
from explorer.widgets.parts import label, rule, scroll_area
from explorer.widgets.why_chips import WordChips
from explorer.widgets.why_matrix import WordFrameTable
from explorer.widgets.why_parts import ScoreParts
from explorer.widgets.why_preview import ChangePreview

_WORDS_TIP = "A word's number is what this clip's score loses when the word is left out of the query."
_PARTS_TIP = (
    "X-CLIP compares video, frames, sentence and words in four ways; its score is the sum of these shares."
)
_TABLE_TIP = "How alike a word and a frame are to X-CLIP (cosine): the stronger the colour, the more alike."


class WordsSide(QWidget):
    """One clip's score taken apart.

    Signals:
        query_chosen(text): search with the wording that was tried.
        time_chosen(time_s): a frame of the table, in seconds of the clip.
    """

    query_chosen = Signal(str)
    time_chosen = Signal(float)

    def __init__(self, why: Why, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.why = why
        self._title = label("", "strong")
        self._told = label("", "secondary", wrap=True)
        self.chips = WordChips(why)
        self.parts = ScoreParts()
        self.table = WordFrameTable(thumbnails)
        self._preview = ChangePreview(why)
        self._fine = QWidget()  # what only X-CLIP can say
        self._preview.apply.clicked.connect(lambda _on=False: self.query_chosen.emit(why.changed))
        why.explained_changed.connect(self._show)
        why.failed.connect(lambda _sentence: self._show())
        why.word_lit.connect(self.table.light)
        self.table.word_pointed.connect(why.light)
        self.table.time_chosen.connect(self._on_time)
        self._lay_out()

    def _lay_out(self) -> None:
        fine = QVBoxLayout(self._fine)
        fine.setContentsMargins(0, 0, 0, 0)
        fine.setSpacing(6)
        sections: tuple[tuple[str, str, QWidget], ...] = (
            ("WHAT THE SCORE IS MADE OF", _PARTS_TIP, self.parts),
            ("WORDS BY FRAMES", _TABLE_TIP, self.table),
        )
        for title, tip, section in sections:
            fine.addWidget(rule())
            head = label(title, "section")
            head.setToolTip(tip)
            fine.addWidget(head)
            fine.addWidget(section)
        words = label("WORDS", "section")
        words.setToolTip(_WORDS_TIP)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(6)
        for part in (self._title, self._told, words, self.chips, self._preview, self._fine):
            column.addWidget(part)
        column.addStretch(1)

    def show_clip(self, query: str, title: str, hit: Hit | None) -> None:
        """Explain a clip; what a clip lost or won is told once the engine has taken its score apart."""
        self._title.setText(title)
        self.why.take_up(query, hit)
        self.why.want_effects()
        self._show()

    def retint(self) -> None:
        """The theme changed."""
        self.chips.retint()
        self.parts.retint()

    def _show(self) -> None:
        explained = self.why.explained
        reranked = explained is not None and explained.stage == "reranked"
        self._fine.setVisible(reranked)
        if explained is None:
            waiting = "Taking the score apart…" if self.why.hit is not None else "No clip on this side."
            self._told.setText(self.why.problem or waiting)
        else:
            name = "X-CLIP" if reranked else "cosine"
            self._told.setText(f"{name} {explained.score:.3f}")
            self.parts.show_parts(explained.parts, explained.compared)
            self.why.want_effects()
        self.table.show_explained(explained if reranked else None)

    def _on_time(self, time_s: float) -> None:
        if self.why.hit is not None:
            self.time_chosen.emit(time_s - self.why.hit.start_s)


class WordsPanel(QWidget):
    """Both clips of a query. The engine is asked only while somebody looks.

    Signals:
        query_chosen(text): search with the wording that was tried.
        time_chosen(time_s): a moment of both clips, in seconds from their starts.
    """

    query_chosen = Signal(str)
    time_chosen = Signal(float)

    def __init__(self, whys: tuple[Why, Why], thumbnails: Thumbnails) -> None:
        super().__init__()
        self.sides = tuple(WordsSide(why, thumbnails) for why in whys)
        self._pair: tuple[str, tuple[tuple[str, Hit | None], ...]] = ("", (("", None), ("", None)))
        self._query = label("", "title", wrap=True)
        inside = QWidget()
        row = QHBoxLayout(inside)
        row.setContentsMargins(8, 0, 8, 8)
        row.setSpacing(16)
        for side in self.sides:
            row.addWidget(side, 1)
            side.query_chosen.connect(self.query_chosen)
            side.time_chosen.connect(self.time_chosen)
        area = scroll_area(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.setContentsMargins(12, 0, 12, 0)
        head.addWidget(self._query, 1)
        column.addLayout(head)
        column.addWidget(area, 1)

    def show_pair(self, query: str, clips: tuple[tuple[str, Hit | None], ...]) -> None:
        """A query and its two clips with their titles."""
        self._pair = (query, clips)
        if self.isVisible():
            self._fill()

    def retint(self) -> None:
        """The theme changed."""
        for side in self.sides:
            side.retint()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()

    def _fill(self) -> None:
        query, clips = self._pair
        self._query.setText(query or "Choose a query")
        for side, (title, hit) in zip(self.sides, clips, strict=True):
            side.show_clip(query, title, hit)
