"""The tab "Why": a sentence first, then the words, the parts, words by frames, and why the clip is not higher."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from core.protocol import Hit, ScoreExplained
from explorer.models.thumbnails import Thumbnails
from explorer.models.why import Why
from explorer.models.why_words import learned_text, sentence, signed, taken_text
from explorer.settings import Settings
from explorer.widgets.inspector_page import InspectorPage
from explorer.widgets.parts import button, label, rule
from explorer.widgets.why_chips import WordChips
from explorer.widgets.why_matrix import WordFrameTable
from explorer.widgets.why_not import WhyNot
from explorer.widgets.why_parts import ScoreParts
from explorer.widgets.why_preview import ChangePreview
from explorer.widgets.why_report import why_report

_WORDS_TIP = "A word's number is what this clip's score loses when the word is left out of the query."
_TAKEN_TIP = (
    "What must not be there is asked of every clip: what it has more of it than a typical clip is taken off its score."
    " Of several minus words the one that the clip has most of counts."
)
_LEARNED_TIP = (
    "The query went towards the mean of the clips that you judged relevant and away from the mean of the others; this"
    " is what that does to the score of this clip, against a typical one."
)
_PARTS_TIP = (
    "X-CLIP is the model that puts the first results into their final order. It compares video, frames, sentence and"
    " words in four ways; its score is the sum of these shares."
)
_TABLE_TIP = (
    "How alike a word and a frame are to X-CLIP (cosine): the stronger the colour, the more alike. A click goes to the"
    " frame."
)
_SUM_TIP = (
    "The score is the words' own worths plus what they say only together: leaving out two words at once can cost more,"
    " or less, than leaving out each alone."
)

_ABOVE = 32
"""Pixels left above a part that is scrolled to: its heading."""


class WhyPage(InspectorPage):
    """Explains the score of one hit.

    Signals:
        clip_chosen(hit): look at another clip.
        save_asked(): save the explanation as a page.
    """

    clip_chosen = Signal(object)
    save_asked = Signal()

    def __init__(self, why: Why, thumbnails: Thumbnails, settings: Settings) -> None:
        super().__init__()
        self.why = why
        self._wanted: QWidget | None = None  # the part to scroll to as soon as it is there
        self._thumbnails = thumbnails
        self._settings = settings
        self.sentence = label("", "", wrap=True)
        self.sentence.setObjectName("whySentence")
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.taken = label("", "secondary", wrap=True)
        self.taken.setToolTip(_TAKEN_TIP)
        self.learned = label("", "secondary", wrap=True)
        self.learned.setToolTip(_LEARNED_TIP)
        self.chips = WordChips(why)
        self._sum = label("", "quiet", wrap=True)
        self._sum.setToolTip(_SUM_TIP)
        self.preview = ChangePreview(why)
        self.parts = ScoreParts()
        self.table = WordFrameTable(thumbnails)
        self.why_not = WhyNot(why)
        self._score = label("", "strong")
        self._score.setToolTip(
            "The clip's score, by which the first results are ordered: the sum of the four shares below."
        )
        self._fine = QWidget()  # what only X-CLIP can say
        self._all = QWidget()
        self._save = button("Save explanation…", "export", on_click=self.save_asked.emit)
        self._save.setToolTip(
            "Write every tab and the frames under their heatmaps as one HTML page, and as a picture beside it."
            "  (Ctrl+Shift+E)"
        )
        self._lay_out()
        why.explained_changed.connect(self._on_explained)
        why.effects_changed.connect(self._show_sentence)
        why.rank_changed.connect(self._show_sentence)
        why.failed.connect(self._on_failed)
        why.word_lit.connect(self.table.light)
        self.table.word_pointed.connect(why.light)
        self.table.time_chosen.connect(self.time_chosen)
        self.preview.apply.clicked.connect(self._apply)
        self.why_not.clip_chosen.connect(self.clip_chosen)
        self.why_not.change_tried.connect(self._try)
        self._show_all()

    # --- the subject ---------------------------------------------------------------------------------

    def show_subject(self, query: str, hit: Hit | None) -> None:
        super().show_subject(query, hit)
        self.why.take_up(query, hit)
        self._show_sentence()

    def fill(self) -> None:
        self.why.want_effects()
        self._show_all()

    def reload(self) -> None:
        self.why.again()
        super().reload()

    @property
    def ready(self) -> bool:
        return not self.why.busy

    def show_time(self, time_s: float) -> None:
        self.table.show_time(time_s)

    def retint(self) -> None:
        self.chips.retint()
        self.parts.retint()

    def report(self) -> str:
        explained, hit = self.why.explained, self.hit
        if explained is None or hit is None:
            return ""
        strip = self._thumbnails.strip(hit.clip_id)
        effects = {number: self.why.effect(number) for number in range(len(explained.words))}
        return why_report(explained, effects, strip, self.why.rank, self.why.unmet)

    def bring_rank(self) -> None:
        """Scroll to the section that says why the clip is not higher."""
        self._bring(self.why_not)

    def _try(self, text: str) -> None:
        self.why.try_change(text)
        self._bring(self.preview)

    def _bring(self, part: QWidget) -> None:
        """Scroll a part into view, its top first, once the layout has room for it."""
        self._wanted = None if self._all.isVisible() else part
        if self._wanted is None:
            QTimer.singleShot(0, self, lambda: self._scroll_to(part))

    def _scroll_to(self, part: QWidget) -> None:
        around: QWidget | None = self.parentWidget()
        while around is not None and not isinstance(around, QScrollArea):
            around = around.parentWidget()
        if isinstance(around, QScrollArea):
            around.verticalScrollBar().setValue(part.mapTo(self, QPoint(0, 0)).y() - _ABOVE)

    def _apply(self) -> None:
        if self.why.changed:
            self.query_chosen.emit(self.why.changed)

    # --- what is shown -------------------------------------------------------------------------------

    def _on_explained(self) -> None:
        if self.isVisible():
            self.why.want_effects()
        self._show_all()
        if self._wanted is not None and self.why.explained is not None:
            self._bring(self._wanted)

    def _on_failed(self, sentence_: str) -> None:
        if self.why.explained is None:
            self.sentence.setText(sentence_)

    def _show_all(self) -> None:
        explained = self.why.explained
        self._all.setVisible(explained is not None)
        reranked = explained is not None and explained.stage == "reranked"
        self._fine.setVisible(reranked)
        self._show_sentence()
        if explained is not None:
            self._score.setText(f"{explained.score:.3f}")
            self.taken.setText(taken_text(explained))
            self.taken.setVisible(bool(explained.taken))
            self.learned.setText(learned_text(explained))
            self.learned.setVisible(explained.learned is not None)
            self.parts.show_parts(explained.parts, explained.compared)
        self.table.show_explained(explained if reranked else None)

    def _show_sentence(self) -> None:
        explained, hit, why = self.why.explained, self.hit, self.why
        if hit is None or explained is None:
            self.sentence.setText(self.why.problem or "Taking the score apart…")
            return
        effects = {number: value for number in why.effects if (value := why.effect(number)) is not None}
        on = self._settings.flag("search/rerank")
        self.sentence.setText(sentence(hit, why.searched_clips, explained, effects, rerank_on=on))
        self._show_sum(explained, effects)

    def _show_sum(self, explained: ScoreExplained, effects: dict[int, float]) -> None:
        name = "X-CLIP's score" if explained.stage == "reranked" else "The student's cosine"
        if not self.why.effects_complete:
            self._sum.setText(f"{name} is {explained.score:.3f}. What each word is worth is being computed…")
            return
        alone = round(sum(effects.values()), 3)
        together = round(explained.score, 3) - alone
        self._sum.setText(
            f"{name} {explained.score:.3f} = {signed(alone)} from single words, {signed(together)} from all of them"
            " together"
        )

    # --- places --------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        inside = QVBoxLayout(self._all)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(_title("YOUR WORDS", _WORDS_TIP))
        head.addStretch(1)
        head.addWidget(label("Click a word to try without it", "caption"))
        inside.addWidget(self.learned)
        inside.addWidget(self.taken)
        inside.addLayout(head)
        inside.addWidget(self.chips)
        inside.addWidget(self._sum)
        inside.addWidget(self.preview)
        inside.addWidget(self._lay_out_fine())
        inside.addWidget(rule())
        inside.addWidget(_title("RANK", "What stands above this clip, and what would lift it."))
        inside.addWidget(self.why_not)
        inside.addWidget(rule())
        inside.addWidget(self._save, 0, Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.sentence)
        column.addWidget(self._all)
        column.addStretch(1)

    def _lay_out_fine(self) -> QWidget:
        column = QVBoxLayout(self._fine)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addWidget(rule())
        head = QHBoxLayout()
        head.addWidget(_title("WHAT THE SCORE IS MADE OF", _PARTS_TIP))
        head.addStretch(1)
        head.addWidget(self._score)
        column.addLayout(head)
        column.addWidget(self.parts)
        column.addWidget(rule())
        column.addWidget(_title("WORDS BY FRAMES", _TABLE_TIP))
        column.addWidget(self.table)
        return self._fine


def _title(text: str, tip: str) -> QWidget:
    made = label(text, "section")
    made.setToolTip(tip)
    return made
