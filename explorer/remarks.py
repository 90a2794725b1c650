"""What the window says about the query itself: words that the model passes over, notes, and why it was refused.

Half a word is no mistake while a person types it, and "-rain" may be the beginning of "-rain intersection". So the word
at the cursor is not named and no note comes up until the query is settled (`QueryBar.settled`); what no longer holds
goes at once.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QObject

from core.protocol import Failed, Ranked, passed_over
from explorer.session import Session
from explorer.widgets.banner import Banners
from explorer.widgets.query_bar import QueryBar
from explorer.widgets.results_header import ResultsHeader


class Remarks(QObject):
    """Binds the query's answers to the line under the header and to the banner of notes."""

    def __init__(self, session: Session, bar: QueryBar, header: ResultsHeader, banners: Banners) -> None:
        super().__init__(session)
        self._bar = bar
        self._header = header
        self._banners = banners
        self._ranked: Ranked | None = None
        self.refusal = ""  # why the query that was asked last cannot be answered
        session.ranking_changed.connect(self._on_ranking)
        session.refused.connect(self._on_refused)
        bar.edited.connect(self._name_words)
        bar.settled.connect(self._show)

    def _on_ranking(self, ranked: Ranked | None) -> None:
        self._ranked, self.refusal = ranked, ""
        self._show()

    def _on_refused(self, failure: Failed) -> None:
        self.refusal = failure.sentence
        self._show()

    def _show(self) -> None:
        self._name_words()
        notes = (self.refusal,) if self.refusal else self._ranked.notes if self._ranked else ()
        if self._bar.typing_at < 0 or not notes:
            self._banners.show_query_notes(notes)

    def _name_words(self) -> None:
        unlearned = self._ranked.unlearned if self._ranked else ()
        text, cursor = self._bar.text, self._bar.typing_at
        self._header.show_unlearned(passed_over(tuple(w for w in unlearned if _stands(w, text, cursor))))


def _stands(word: str, text: str, cursor: int) -> bool:
    """Whether a word is in the text somewhere else than right before the cursor."""
    places = re.finditer(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text, re.IGNORECASE)
    return any(place.end() != cursor for place in places)
