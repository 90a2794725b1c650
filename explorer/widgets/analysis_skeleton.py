"""The tab "Skeleton" of the Analyse page: what the query asks for against what the truth and its rival show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.protocol import Hit, SkeletonMatch, Skeletons, SkeletonValue
from explorer.models.skeleton import Skeleton
from explorer.models.skeleton_words import VERDICTS, answer, asked, match_tip, place, span, summary, value_tip
from explorer.widgets.parts import ElidedLabel, empty, label, rule, scroll_area
from explorer.widgets.skeleton_row import SkeletonRow

_READING: Final = "Reading the clip… the first time takes a few seconds."
_NONE: Final = "No clip on this side."
_ASKS_TIP: Final = (
    "What the query says, one thing a line. A mark means that the two clips answer it differently."
)
_ELSE_TIP: Final = (
    "What one of the two clips shows and the other does not, whether or not the query asks for it: "
    "often what the model took for an answer."
)
_DIFFERS: Final = "the two differ"
Pair = tuple[str, tuple[tuple[str, Hit | None], ...]]


class SkeletonPanel(QWidget):
    """Both clips of a query, slot by slot. The engine is asked only while somebody looks.

    Signals:
        time_chosen(time_s): a moment of both clips, in seconds from their starts.
    """

    time_chosen = Signal(float)

    def __init__(self, models: tuple[Skeleton, Skeleton]) -> None:
        super().__init__()
        self.models = models
        self._pair: Pair = ("", (("", None), ("", None)))
        self._taken: Pair | None = None  # what the models were asked about
        self._query = label("", "title", wrap=True)
        self._grid = QGridLayout()
        self._lines = 0  # of the grid: Qt's own count never falls
        self.rows: list[tuple[SkeletonRow | None, SkeletonRow | None]] = []
        """The cells of the asked things, then of what only one clip shows: (truth, rival)."""
        for model in models:
            model.changed.connect(self._show)
        self._lay_out()

    def _lay_out(self) -> None:
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        for at, stretch in enumerate((30, 35, 35)):
            self._grid.setColumnStretch(at, stretch)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(12, 0, 12, 12)
        column.addLayout(self._grid)
        column.addStretch(1)
        area = scroll_area(inside)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 10, 0, 0)
        column.setSpacing(6)
        self._query.setContentsMargins(12, 0, 12, 0)
        column.addWidget(self._query)
        column.addWidget(area, 1)

    # --- what is shown -------------------------------------------------------------------------------

    def show_pair(self, query: str, clips: tuple[tuple[str, Hit | None], ...]) -> None:
        """A query and its two clips with their titles."""
        self._pair = (query, clips)
        if self.isVisible():
            self._fill()

    def reload(self) -> None:
        """Ask once more (a new engine came up)."""
        self._taken = None
        if self.isVisible():
            self._fill()

    @property
    def ready(self) -> bool:
        """Whether both clips are read, or nobody looks."""
        return not self.isVisible() or not any(model.waiting for model in self.models)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()

    def _fill(self) -> None:
        if self._taken == self._pair:
            return
        self._taken = self._pair
        query, clips = self._pair
        self._query.setText(query or "Choose a query")
        for model, (_, hit) in zip(self.models, clips, strict=True):
            model.take_up(query, hit)
        self._show()

    def _show(self) -> None:
        empty(self._grid)
        self.rows, self._lines = [], 2
        shown = [model.shown for model in self.models]
        self._heads(shown)
        matches = _together([one.matches if one is not None else () for one in shown])
        for texts, pair in matches:
            self._line(texts, [self._match(side, match) for side, match in enumerate(pair)])
        both = [one.values for one in shown if one is not None]
        only = _only_one(both) if len(both) == len(shown) else []
        if only:
            self._section("SEEN IN ONE OF THE TWO", _ELSE_TIP)
        for title, values in only:
            self._line((title, ""), [self._value(side, value) for side, value in enumerate(values)])

    def _heads(self, shown: Sequence[Skeletons | None]) -> None:
        asks = label("THE QUERY ASKS", "section")
        asks.setToolTip(_ASKS_TIP)
        self._grid.addWidget(asks, 0, 0, Qt.AlignmentFlag.AlignBottom)
        _, clips = self._pair
        for side, (model, (title, hit)) in enumerate(zip(self.models, clips, strict=True)):
            told = _NONE if hit is None else model.problem or (_READING if model.waiting else "")
            found = shown[side]
            if found is not None:
                told = summary(found.matches)
                notes = (*found.notes, *(f"Not understood: “{part}”." for part in found.not_understood))
            else:
                notes = ()
            head, line = label(title, "strong"), ElidedLabel(told, "secondary", Qt.TextElideMode.ElideRight)
            head.setToolTip(" ".join(notes))
            self._grid.addWidget(head, 0, side + 1)
            self._grid.addWidget(line, 1, side + 1)

    def _section(self, title: str, tip: str) -> None:
        made = label(title, "section")
        made.setToolTip(tip)
        for part in (rule(), made):
            self._grid.addWidget(part, self._lines, 0, 1, 3)
            self._lines += 1

    def _line(self, texts: tuple[str, str], cells: list[SkeletonRow | None]) -> None:
        """One thing and both answers; nobody's answer is a dash."""
        at, self._lines = self._lines, self._lines + 1
        about = QWidget()
        column = QVBoxLayout(about)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addWidget(ElidedLabel(texts[0], "strong", Qt.TextElideMode.ElideRight))
        if texts[1]:
            column.addWidget(label(texts[1], "differs"))
        column.addStretch(1)
        self._grid.addWidget(about, at, 0)
        for side, cell in enumerate(cells):
            self._grid.addWidget(cell or label("–", "quiet"), at, side + 1)
        self.rows.append((cells[0], cells[1]))

    # --- cells ---------------------------------------------------------------------------------------

    def _match(self, side: int, match: SkeletonMatch | None) -> SkeletonRow | None:
        if match is None:
            return None
        sign, word, token = VERDICTS[match.verdict]
        found = match.found
        unchecked = f"{', '.join(match.unchecked)}?" if match.unchecked else ""
        row = SkeletonRow(
            (answer(match), " · ".join(part for part in (word, unchecked, place(match)) if part)),
            sign=sign,
            token=token,
            probability=found.probability if found is not None else -1.0,
        )
        row.tell(match_tip(match))
        row.setEnabled(found is not None)
        if found is not None:
            row.clicked.connect(lambda _on=False: self._go(side, found))
        return row

    def _value(self, side: int, value: SkeletonValue | None) -> SkeletonRow | None:
        if value is None:
            return None
        row = SkeletonRow(
            (value.title if value.holds else "not seen", span(value) if value.holds else ""),
            probability=value.probability,
            quiet=not value.holds,
        )
        row.tell(value_tip(value))
        row.clicked.connect(lambda _on=False: self._go(side, value))
        return row

    def _go(self, side: int, value: SkeletonValue) -> None:
        hit = self._pair[1][side][1]
        if hit is not None:
            self.time_chosen.emit(value.time_s - hit.start_s)


def _together(
    sides: Sequence[Sequence[SkeletonMatch]],
) -> list[tuple[tuple[str, str], tuple[SkeletonMatch | None, ...]]]:
    """(what is asked, whether the sides differ) and each side's answer, in the query's order.

    A side that is still being read has no answer, and then nothing differs yet.
    """
    found: dict[tuple[str, str, int], list[SkeletonMatch | None]] = {}
    for side, matches in enumerate(sides):
        for match in matches:
            key = (match.slot, match.value, match.start)
            found.setdefault(key, [None] * len(sides))[side] = match
    lines = []
    for pair in found.values():
        known = [match for match in pair if match is not None]
        differs = len({match.verdict for match in known}) > 1
        lines.append(((asked(known[0]), _DIFFERS if differs else ""), tuple(pair)))
    return lines


def _only_one(
    sides: Sequence[Sequence[SkeletonValue]],
) -> list[tuple[str, tuple[SkeletonValue | None, ...]]]:
    """What holds in one clip and not in the other: its title, and what each clip says of it."""
    known: list[Mapping[tuple[str, str], SkeletonValue]] = [
        {(value.slot, value.value): value for value in values} for values in sides
    ]
    keys = dict.fromkeys(key for values in known for key, value in values.items() if value.holds)
    pairs = (tuple(values.get(key) for values in known) for key in keys)
    return [
        (next(value.title for value in pair if value is not None), pair)
        for pair in pairs
        if not all(value is not None and value.holds for value in pair)
    ]
