"""Ranking again by what was judged: the keys, the chip that says so, and what changed by it.

A ranking learns when it is asked to, not with every judgement: cards that move while a person judges them are judged
wrongly. It stays so through filters, stages and orders, and ends with another query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject

from core.protocol import Feedback, JudgementInfo, Ranked
from explorer.author import author

if TYPE_CHECKING:
    from explorer.analysis_judging import Judging
    from explorer.session import Session
    from explorer.widgets.main_window import MainWindow

_FIRST: Final = 20
"""So many of the first clips are compared with those of before."""


class Learning(QObject):
    """Binds the judgements of the open query to its ranking."""

    def __init__(
        self, window: MainWindow, session: Session, judging: Judging, say: Callable[[str, str], None]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._judging = judging
        self._say = say
        self._before: set[int] | None = None  # the first clips, while a ranking that learned is on its way
        window.header.unlearn_asked.connect(self.unlearn)
        session.ranking_changed.connect(self._on_ranking)
        session.searching_changed.connect(self._on_searching)
        judging.changed.connect(lambda _query: self._show())

    def handlers(self) -> dict[str, Callable[[], object]]:
        """The functions of the commands that belong here."""
        return {"learn": self.learn, "unlearn": self.unlearn}

    def learn(self) -> None:
        """Rank the query again by what this person judged for it."""
        ranked = self._session.ranked
        if self._window.page != "explore":
            self._say("info", "Rankings learn on the Explore page (Ctrl+1).")
        elif ranked is None or not ranked.query:
            self._say("info", "Type a query and judge some results first: a ranking learns from them.")
        elif not any(one.verdict in ("relevant", "not") for one in self._judging.of(ranked.query).values()):
            self._say(
                "info",
                "Nothing is judged for this query yet: select a clip and press 1 if it is relevant or 3 if it is not,"
                " then A.",
            )
        else:
            before = {hit.clip_id for hit in ranked.hits[:_FIRST]}
            self._session.learn()
            self._before = before

    def unlearn(self) -> None:
        """Rank by the query alone again."""
        if self._session.learning:
            self._session.unlearn()
        else:
            self._say("info", "This ranking is the query's own: it has learned from nothing.")

    def _on_ranking(self, ranked: Ranked | None) -> None:
        self._show()
        if self._before is None or ranked is None or ranked.learned is None:
            return
        if ranked.settled:
            first = [hit.clip_id for hit in ranked.hits[:_FIRST]]
            new = sum(clip not in self._before for clip in first)
            self._before = None
            told = (
                f"{new} of the first {len(first)} clips are new there"
                if new
                else "the first clips stay the same"
            )
            self._say("info", f"Ranked again by what you judged: {told}.")

    def _on_searching(self, searching: bool) -> None:
        if not searching:
            self._before = None

    def _show(self) -> None:
        ranked = self._session.ranked
        learned = ranked.learned if ranked is not None else None
        since = judged_since(learned, self._judging.of(ranked.query)) if ranked is not None and learned else 0
        self._window.header.show_learned(learned, since)


def judged_since(learned: Feedback, held: Mapping[int, JudgementInfo]) -> int:
    """How many clips this person judged, or judged otherwise, after a ranking learned."""
    me = author()
    known = {**dict.fromkeys(learned.relevant, "relevant"), **dict.fromkeys(learned.not_relevant, "not")}
    mine = {clip: one.verdict for clip, one in held.items() if one.author == me}
    said = {clip: verdict for clip, verdict in mine.items() if verdict in ("relevant", "not")}
    theirs = held.keys() - mine.keys()  # what I said of these before is not known here
    return sum(said.get(clip) != known.get(clip) for clip in (said.keys() | known.keys()) - theirs)
