"""The quiet line above the grid: what was searched, how long each stage took, what to do with the result."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.protocol import Feedback, Hit, Ranked
from explorer import formats
from explorer.widgets.parts import ElidedLabel, FittingLabel, button, label, plain_tip, set_icon

_NAME_WIDTH: Final = 160
_LEARNED_TIP: Final = (
    "The ranking went towards the clips that you judged relevant, which stand first, and away from those that you"
    " judged not relevant, which stand last. A learns again from what you judge now; Shift+A, or a click here, ranks by"
    " the query alone."
)
_STAGE_WORDS: Final = {
    "text": "text",
    "first": "first stage",
    "first_stage": "first stage",
    "rerank": "rerank",
}


class ResultsHeader(QWidget):
    """Shows a Ranked.

    Signals:
        copy_asked(form): "csv" or "json" to the clipboard.
        save_asked(): to a file.
        clips_asked(): the clips themselves, as files.
        query_asked(): back from the clips like one to the query.
        unlearn_asked(): back from what was judged to the query alone.
        grouping_toggled(on): only the best clip of every video, or all.
        time_order_toggled(on): in the order of videos and time, or the best first.
    """

    copy_asked = Signal(str)
    save_asked = Signal()
    clips_asked = Signal()
    query_asked = Signal()
    unlearn_asked = Signal()
    grouping_toggled = Signal(bool)
    time_order_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._count = label("", "strong")
        self.without = ElidedLabel("", "secondary", Qt.TextElideMode.ElideRight)
        self.without.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.likely = ElidedLabel("", "secondary", Qt.TextElideMode.ElideRight)
        self.likely.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.unlearned = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self._timings = FittingLabel("quiet")
        self._export = QToolButton()
        self._export.setText("Export")
        self._export.setProperty("role", "labelled")
        self._export.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._export.setToolTip("Copy or save the ranking, or its clips")
        set_icon(self._export, "export")
        self.back = button("Back to the query", role="link", on_click=self.query_asked.emit)
        self.back.hide()
        self.learned = button("", "clear", role="state", on_click=self.unlearn_asked.emit)
        self.learned.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the cross behind the words
        self.learned.setToolTip(plain_tip(_LEARNED_TIP))
        self.learned.hide()
        self.by_time = _switch("By time", "clock", "In the order of videos and time, not the best first  (C)")
        self.by_time.toggled.connect(self.time_order_toggled)
        self.grouped = _switch("One per video", "film", "Only the best clip of every video  (V)")
        self.grouped.toggled.connect(self.grouping_toggled)
        menu = QMenu(self._export)
        menu.addAction("Copy as CSV").triggered.connect(lambda: self.copy_asked.emit("csv"))
        menu.addAction("Copy as JSON").triggered.connect(lambda: self.copy_asked.emit("json"))
        menu.addSeparator()
        menu.addAction("Save as CSV or JSON…  (E)").triggered.connect(lambda: self.save_asked.emit())
        menu.addAction("Save clips as videos…  (Shift+E)").triggered.connect(lambda: self.clips_asked.emit())
        self._export.setMenu(menu)
        self._reading = QWidget()  # how the query was read, where there is more to it than its words
        self._lay_out()

    def _lay_out(self) -> None:
        top = QWidget()
        top.setFixedHeight(44)
        row = QHBoxLayout(top)
        row.setContentsMargins(16, 8, 16, 0)
        row.setSpacing(12)
        for part in (self._count, self.back, self.learned, self.likely):
            row.addWidget(part)
        row.addWidget(self._timings, 1)
        for switch in (self.by_time, self.grouped, self._export):
            row.addWidget(switch)
        self._reading.setFixedHeight(22)
        row = QHBoxLayout(self._reading)
        row.setContentsMargins(16, 0, 16, 4)
        row.setSpacing(12)
        row.addWidget(self.without)
        row.addWidget(self.unlearned, 1)
        self._reading.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(top)
        column.addWidget(self._reading)

    def show_ranking(
        self, ranked: Ranked, *, waiting: bool, videos: int = 0, like: Hit | None = None
    ) -> None:
        """Counts and timings; `waiting` says that the second stage is still on its way.

        `like` is the clip that the others are compared with, where that was asked for instead of a query.
        `videos` is how many are shown by their best clip, 0 where every clip is shown.
        """
        shown = len(ranked.hits)
        searched = formats.count(ranked.searched_clips, "clip")
        clips = f"{shown:,} of {searched}" if shown < ranked.searched_clips else searched
        self._count.setText(f"{formats.count(videos, 'video')}, {clips}" if videos else clips)
        self.back.setVisible(like is not None)
        if like is not None:
            name = self.fontMetrics().elidedText(
                formats.file_name(like.video), Qt.TextElideMode.ElideMiddle, _NAME_WIDTH
            )
            self._count.setText(f"Like {name} {formats.span(like.start_s, like.end_s)}")
        self.without.setText(f"without {', '.join(ranked.without)}")
        self.without.setVisible(bool(ranked.without))
        self._show_reading()
        cut = ranked.likely or 0
        self.likely.setText(f"past rank {cut:,}: probably no match")
        self.likely.setVisible(0 < cut < shown)
        self._show_timings(ranked.timings_ms, waiting=waiting)

    def show_learned(self, learned: Feedback | None, since: int) -> None:
        """What the ranking learned from, if it did, and how many clips were judged `since`."""
        self.learned.setVisible(learned is not None)
        if learned is not None:
            told = [
                *([f"{len(learned.relevant)} relevant"] if learned.relevant else []),
                *([f"{len(learned.not_relevant)} not"] if learned.not_relevant else []),
            ]
            later = f"; {since} judged since" if since else ""
            self.learned.setText(f"learned from {', '.join(told)}{later}")

    def show_unlearned(self, sentence: str) -> None:
        """Which words of the query the model passes over; "" for none."""
        self.unlearned.setText(sentence)
        self._show_reading()

    def _show_reading(self) -> None:
        self._reading.setVisible(not self.without.isHidden() or bool(self.unlearned.text()))

    def _show_timings(self, timings_ms: dict[str, float], *, waiting: bool) -> None:
        """Every stage where there is room, else all in one; the tooltip always has every stage."""
        parts = [
            f"{_STAGE_WORDS.get(stage, stage.replace('_', ' '))} {formats.milliseconds(taken)}"
            for stage, taken in timings_ms.items()
        ]
        self._timings.setToolTip(plain_tip(f"How long the query took: {', '.join(parts)}."))
        if waiting:
            self._timings.show_texts("   ".join([*parts, "reranking…"]), "reranking…")
        else:
            together = formats.milliseconds(sum(timings_ms.values()))
            self._timings.show_texts("   ".join(parts), f"in {together}")


def _switch(text: str, icon_name: str, tip: str) -> QToolButton:
    """A labelled button that stays down."""
    made = QToolButton()
    made.setText(text)
    made.setCheckable(True)
    made.setProperty("role", "labelled")
    made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    made.setToolTip(tip)
    set_icon(made, icon_name)
    return made
