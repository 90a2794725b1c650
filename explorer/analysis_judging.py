"""What people said of clips: kept by the engine, mirrored here so that every view can show it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.protocol import GetJudgements, Judge, JudgementInfo, Judgements, LibraryInfo, Message, UndoJudgement
from core.protocol import Verdict as VerdictWord
from explorer.author import author
from explorer.engine_client import Request
from explorer.session import Session

WORDS: Final[Mapping[VerdictWord, str]] = {
    "relevant": "Relevant",
    "partly": "Partly",
    "not": "Not relevant",
    "unsure": "Unsure",
}
TAGS: Final = (
    "wrong actor", "wrong action", "wrong order", "wrong attribute", "negation ignored", "count",
    "hidden or small", "caption at fault", "duplicate",
)  # fmt: skip
"""Why a clip that ranks high is wrong, or a right one was missed; the engine knows the same words."""


class Judging(QObject):
    """Judgements of the open library by query and clip.

    Signals:
        changed(query): what holds for a query changed; "" for all of them.
        said(level, sentence, detail): something for the message bar.
    """

    changed = Signal(str)
    said = Signal(str, str, str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._library = ""
        self._held: dict[str, dict[int, JudgementInfo]] = {}
        self._author = author()
        session.library_changed.connect(self._on_library)
        session.link.came_up.connect(self._on_engine_up)

    def of(self, query: str) -> Mapping[int, JudgementInfo]:
        """What holds for a query, by clip."""
        return self._held.get(key(query), {})

    @property
    def counts(self) -> dict[str, int]:
        """How many clips are judged, by query."""
        return {query: len(held) for query, held in self._held.items() if held}

    def judge(
        self, query: str, clip_id: int, verdict: VerdictWord, *, tags: tuple[str, ...] = (), note: str = ""
    ) -> None:
        """Say how well a clip answers a query; "withdrawn" takes it back."""
        if not query.strip() or not self._session.link.client.ready:
            return
        self._send(
            lambda number: Judge(
                id=number,
                query=query,
                clip_id=clip_id,
                verdict=verdict,
                author=self._author,
                tags=tags,
                note=note,
            ),
            self._on_judged,
        )

    def undo(self) -> None:
        """Take back this person's last judgement."""
        self._turn_back(redo=False)

    def redo(self) -> None:
        """Bring back the judgement that was taken back last."""
        self._turn_back(redo=True)

    def _turn_back(self, *, redo: bool) -> None:
        if not self._session.link.client.ready or self._session.library is None:
            return

        def on_answer(reply: Judgements) -> None:
            if reply.changed is not None and not reply.changed[0]:
                nothing = "redo" if redo else "undo"
                self.said.emit("info", f"There is no judgement of yours to {nothing}.", "")
                return
            self._on_judged(reply)
            if reply.changed is not None:
                what = "Brought back" if redo else "Taken back"
                self.said.emit("info", f"{what}: a judgement for “{reply.changed[0]}”.", "")

        self._send(lambda number: UndoJudgement(id=number, author=self._author, redo=redo), on_answer)

    def _on_library(self, library: LibraryInfo | None) -> None:
        path = library.path if library is not None else ""
        if path == self._library:
            return
        self._library = path
        self._held = {}
        self.changed.emit("")
        if library is not None:
            self._send(lambda number: GetJudgements(id=number), self._on_all)

    def _on_engine_up(self) -> None:
        self._library = ""  # the library that opens now is asked again

    def _on_all(self, reply: Judgements) -> None:
        self._held = {}
        for judgement in reply.judgements:
            self._held.setdefault(judgement.query, {})[judgement.clip_id] = judgement
        self.changed.emit("")

    def _on_judged(self, reply: Judgements) -> None:
        if reply.changed is None:
            return
        query, clip_id = reply.changed
        held = self._held.setdefault(query, {})
        held.pop(clip_id, None)
        for judgement in reply.judgements:
            held[judgement.clip_id] = judgement
        self.changed.emit(query)

    def _send(self, make: Callable[[int], Message], answered: Callable[[Judgements], None]) -> Request:
        request = self._session.link.client.send(make)
        request.answered.connect(answered)
        request.failed.connect(lambda failure: self.said.emit("error", failure.sentence, failure.detail))
        return request


def key(query: str) -> str:
    """A query as judgements know it: white space does not make another one."""
    return " ".join(query.split())
