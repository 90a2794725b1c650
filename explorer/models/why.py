"""Why the clip at hand was found: its score taken apart, what each word is worth, what a change would do.

The engine computes; this keeps what is asked and told apart for one subject, a query and one of its hits. What belongs
to another subject is dropped, and nothing is asked twice for the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.protocol import (
    ChangePreviewed,
    ExplainScore,
    Failed,
    GetRank,
    GetSkeletons,
    GetWordEffects,
    Hit,
    Message,
    PreviewChange,
    Progress,
    RankExplained,
    ScoreExplained,
    SkeletonMatch,
    Skeletons,
    WordEffect,
    WordEffects,
)
from explorer.engine_client import Request
from explorer.session import Session

SETTLE_MS: Final = 80
"""A key held down in the results asks only for the clip where it stops."""
TYPING_MS: Final = 300


class Why(QObject):
    """The explanation of one hit.

    Signals:
        explained_changed(): `explained` is another, or none.
        effects_changed(): `effects` grew, or is empty again.
        preview_changed(): `changed` or `preview` is another.
        rank_changed(): `rank`, `rank_progress` or `looking` is another.
        word_lit(number): the word that is pointed at; -1: none.
        failed(sentence): the engine could not say.
    """

    explained_changed = Signal()
    effects_changed = Signal()
    preview_changed = Signal()
    rank_changed = Signal()
    word_lit = Signal(int)
    failed = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.query = ""
        self.hit: Hit | None = None
        self.explained: ScoreExplained | None = None
        self.effects: dict[int, WordEffect] = {}
        self.effects_complete = False
        self.changed = ""  # the query that is being tried; "" while it is the query itself
        self.muted: set[int] = set()  # words that the tried query leaves out
        self.preview: ChangePreviewed | None = None
        self.rank: RankExplained | None = None
        self.rank_progress: Progress | None = None
        self.unmet: tuple[SkeletonMatch, ...] = ()  # what the query says and the clip does not show
        self.problem = ""
        self._session = session
        self._requests: dict[str, Request] = {}
        self._lit = -1
        self._settle = self._timer(SETTLE_MS, self._explain)
        self._typing = self._timer(TYPING_MS, self._preview)

    def _timer(self, interval_ms: int, run: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(run)
        return timer

    # --- the subject ---------------------------------------------------------------------------------

    def take_up(self, query: str, hit: Hit | None) -> None:
        """Explain this hit; a new rank of the same clip in the same stage keeps what is known."""
        same = query == self.query and _key(hit) == _key(self.hit)
        self.query, self.hit = query, hit
        if not same:
            self._forget()
            if hit is not None and query:
                self._settle.start()

    def again(self) -> None:
        """Ask for everything once more."""
        hit, self.hit = self.hit, None
        self.take_up(self.query, hit)

    @property
    def reranked(self) -> bool:
        """Whether X-CLIP decided the clip's rank."""
        return self.hit is not None and self.hit.rerank_score is not None

    @property
    def searched_clips(self) -> int:
        """Among how many clips the rank is; 0 while that is not known."""
        if self.rank is not None:
            return self.rank.searched_clips
        ranked = self._session.ranked
        return ranked.searched_clips if ranked is not None and ranked.query == self.query else 0

    @property
    def busy(self) -> bool:
        """Whether an explanation is on its way."""
        return self._settle.isActive() or bool({"explain", "effects"} & set(self._requests))

    def _forget(self) -> None:
        for name in list(self._requests):
            self._stop(name)
        for timer in (self._settle, self._typing):
            timer.stop()
        self.explained, self.effects, self.effects_complete = None, {}, False
        self.changed, self.muted, self.preview = "", set(), None
        self.rank, self.rank_progress, self.unmet, self.problem = None, None, (), ""
        self.light(-1)
        self.explained_changed.emit()
        self.preview_changed.emit()
        self.rank_changed.emit()

    # --- the score and its words ---------------------------------------------------------------------

    def _explain(self) -> None:
        hit, query, filters = self.hit, self.query, self._session.filters
        if hit is None:
            return
        rerank, ranked = self.reranked, self._session.ranked
        feedback = ranked.learned if ranked is not None and ranked.query == query else None
        request = self._ask(
            "explain",
            lambda number: ExplainScore(
                id=number,
                text=query,
                clip_id=hit.clip_id,
                rerank=rerank,
                filters=filters,
                feedback=feedback,
            ),
        )
        request.answered.connect(self._on_explained)

    def _on_explained(self, reply: ScoreExplained) -> None:
        self.explained = reply
        self.explained_changed.emit()

    def want_effects(self) -> None:
        """Somebody looks: ask what each word is worth, unless that is known or on its way."""
        hit, query = self.hit, self.query
        known = self.effects_complete or "effects" in self._requests
        if hit is None or self.explained is None or known:
            return
        self.effects = {}
        request = self._ask(
            "effects", lambda number: GetWordEffects(id=number, text=query, clip_id=hit.clip_id)
        )
        request.answered.connect(self._on_effects)

    def _on_effects(self, reply: WordEffects) -> None:
        self.effects |= {effect.number: effect for effect in reply.effects}
        self.effects_complete = reply.last
        self.effects_changed.emit()

    def effect(self, number: int) -> float | None:
        """What a word is worth in the stage that decided the rank; None while it is not known."""
        found = self.effects.get(number)
        if found is None or self.explained is None:
            return None
        return found.rerank if self.explained.stage == "reranked" else found.first

    def light(self, number: int) -> None:
        """The pointer is on this word; -1: on none."""
        if number != self._lit:
            self._lit = number
            self.word_lit.emit(number)

    # --- a change, before it is applied --------------------------------------------------------------

    def mute(self, number: int) -> None:
        """Leave a word out of the tried query, or take it back in. The last one stays: nothing asks for nothing."""
        if self.explained is None:
            return
        gone = self.muted ^ {number}
        kept = [word.text for place, word in enumerate(self.explained.words) if place not in gone]
        if kept:
            self._try(" ".join(kept), gone, wait_ms=0)

    def try_change(self, text: str) -> None:
        """Preview this query instead; the query itself ends the preview."""
        self._try(" ".join(text.split()), self._left_out(text), wait_ms=TYPING_MS)

    def drop_change(self) -> None:
        """End the preview."""
        self.try_change(self.query)

    def _left_out(self, text: str) -> set[int]:
        """The words that a text leaves out, if it is the query but for those; else none."""
        left, gone = text.split(), set()
        for number, word in enumerate(self.explained.words if self.explained is not None else ()):
            if left and left[0] == word.text:
                left.pop(0)
            else:
                gone.add(number)
        return set() if left else gone

    def _try(self, text: str, muted: set[int], *, wait_ms: int) -> None:
        changed = "" if text == " ".join(self.query.split()) else text
        if changed == self.changed and muted == self.muted:
            return
        self.changed, self.muted, self.preview = changed, muted, None
        self._stop("preview")
        self._typing.stop()
        if changed:
            self._typing.start(wait_ms)
        self.preview_changed.emit()

    def _preview(self) -> None:
        if not self.changed:
            return
        query, changed, filters = self.query, self.changed, self._session.filters
        clip = self.hit.clip_id if self.hit is not None else 0
        rerank = self._session.reranks
        request = self._ask(
            "preview",
            lambda number: PreviewChange(
                id=number, text=query, changed=changed, clip_id=clip, rerank=rerank, filters=filters
            ),
        )
        request.answered.connect(self._on_preview)

    def _on_preview(self, reply: ChangePreviewed) -> None:
        if reply.changed == self.changed:
            self.preview = reply
            self.preview_changed.emit()

    # --- why not higher ------------------------------------------------------------------------------

    @property
    def looking(self) -> bool:
        """Whether the reasons of the rank are being looked for."""
        return "rank" in self._requests

    def ask_rank(self) -> None:
        """Look for what stands above the clip, what it lacks and what would lift it."""
        hit, query = self.hit, self.query
        if hit is None or self.looking:
            return
        self.rank, self.rank_progress = None, None
        self._ask_skeleton(query, hit.clip_id)
        request = ask_rank(self._session, query, hit.clip_id)
        self._follow("rank", request)
        request.answered.connect(self._on_rank)
        request.progressed.connect(self._on_progress)
        request.finished.connect(self.rank_changed)
        self.rank_changed.emit()

    def _ask_skeleton(self, query: str, clip_id: int) -> None:
        """What of the query's skeleton the clip's does not show; without it the words alone are told."""
        client = self._session.link.client
        request = client.send(lambda number: GetSkeletons(id=number, text=query, clip_id=clip_id))
        self._follow("skeleton", request, told=False)
        request.answered.connect(self._on_skeleton)

    def _on_skeleton(self, reply: Skeletons) -> None:
        self.unmet = tuple(match for match in reply.matches if match.verdict in ("missing", "contradicted"))
        self.rank_changed.emit()

    def stop_rank(self) -> None:
        """Stop looking; what is known stays."""
        self._stop("rank")
        self._stop("skeleton")
        self.rank_progress = None
        self.rank_changed.emit()

    def _on_rank(self, reply: RankExplained) -> None:
        self.rank = reply
        self.rank_changed.emit()

    def _on_progress(self, progress: Progress) -> None:
        self.rank_progress = progress
        self.rank_changed.emit()

    # --- requests ------------------------------------------------------------------------------------

    def _ask(self, name: str, make: Callable[[int], Message]) -> Request:
        request = self._session.link.client.send(make)
        self._follow(name, request)
        return request

    def _follow(self, name: str, request: Request, *, told: bool = True) -> None:
        self._stop(name)
        self._requests[name] = request
        if told:
            request.failed.connect(self._on_failed)
        request.finished.connect(lambda: self._over(name, request))

    def _stop(self, name: str) -> None:
        request = self._requests.pop(name, None)
        if request is not None:
            request.blockSignals(True)  # what it still says is about another subject
            request.cancel()

    def _over(self, name: str, request: Request) -> None:
        if self._requests.get(name) is request:
            del self._requests[name]

    def _on_failed(self, failure: Failed) -> None:
        self.problem = failure.sentence
        self.failed.emit(failure.sentence)


def ask_rank(session: Session, query: str, clip_id: int) -> Request:
    """Ask why any clip stands where it does for a query, with the filters and stages in force."""
    rerank, filters = session.reranks, session.filters
    return session.link.client.send(
        lambda number: GetRank(id=number, text=query, clip_id=clip_id, rerank=rerank, filters=filters)
    )


def _key(hit: Hit | None) -> tuple[int, bool, float]:
    return (hit.clip_id, hit.rerank_score is not None, hit.learned) if hit is not None else (-1, False, 0.0)
