"""Why a clip does not stand higher: what is above it, what it lacks, and the change of the query that would lift it."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from core.protocol import FIRST_CLIPS, Hit, MissingWords, QueryChange, RankExplained, SkeletonMatch
from explorer import formats, theme
from explorer.models.why import Why
from explorer.models.why_words import signed
from explorer.widgets.flow import Flow
from explorer.widgets.parts import button, empty, label

_ROW: Final = 22
_CAPTION: Final = 18
_WORTH_A_WORD: Final = 0.02
_SHOWN_LACKS: Final = 6


class LacksChart(QWidget):
    """What each word or slot is worth: to this clip, and on the average to the clips above it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[MissingWords, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What the clip lacks")
        self.setToolTip(
            "What the score loses without these words: for this clip (solid) and on the average for the clips above"
            " it (line). A bar that ends left of its line is what the clip lacks."
        )

    def show_rows(self, rows: tuple[MissingWords, ...]) -> None:
        """The words and slots, the one that is lacked most first."""
        self.rows = rows
        spoken = (f"{row.text}: here {row.here:.3f}, above {row.above:.3f}" for row in rows)
        self.setAccessibleDescription("; ".join(spoken))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, len(self.rows) * _ROW + _CAPTION)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("small", tabular=True))
        metrics = QFontMetrics(painter.font())
        names = min(130, max((metrics.horizontalAdvance(row.text) for row in self.rows), default=0)) + 10
        numbers = metrics.horizontalAdvance("−0.000") + 8
        values = [value for row in self.rows for value in (row.here, row.above, 0.0)]
        low, high = min(values, default=0.0), max(values, default=1.0)
        width = self.width() - names - numbers
        for place, row in enumerate(self.rows):
            top = place * _ROW
            centre = Qt.AlignmentFlag.AlignVCenter
            painter.setPen(theme.color("text"))
            name = metrics.elidedText(row.text, Qt.TextElideMode.ElideRight, names - 8)
            painter.drawText(QRectF(0, top, names, _ROW), centre, name)
            painter.setPen(theme.color("text_2"))
            number = QRectF(self.width() - numbers, top, numbers, _ROW)
            painter.drawText(number, centre | Qt.AlignmentFlag.AlignRight, signed(row.here))

            def x(value: float) -> float:
                return names + (value - low) / max(high - low, 1e-9) * width

            start, end = sorted((x(0.0), x(row.here)))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("up" if row.here >= 0 else "down", 0.85))
            painter.drawRoundedRect(QRectF(start, top + 7, max(end - start, 2), 8), 2, 2)
            painter.fillRect(QRectF(x(row.above) - 1, top + 3, 2, _ROW - 6), theme.color("text"))
            painter.fillRect(QRectF(x(0.0) - 0.5, top, 1, _ROW), theme.color("line_strong"))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("text_3"))
        caption = QRectF(0, len(self.rows) * _ROW, self.width(), _CAPTION)
        painter.drawText(
            caption, Qt.AlignmentFlag.AlignVCenter, "bar: this clip  ·  line: the clips above it"
        )


class WhyNot(QWidget):
    """The section "Why not higher?".

    Signals:
        clip_chosen(hit): look at a clip that stands above.
        query_chosen(text): run a change that lifts the clip.
        change_tried(text): preview it.
    """

    clip_chosen = Signal(object)
    query_chosen = Signal(str)
    change_tried = Signal(str)

    def __init__(self, why: Why) -> None:
        super().__init__()
        self._why = why
        self._ask = button("Why not higher?", "search", on_click=why.ask_rank)
        self._ask.setToolTip(
            "Look for the clips above this one, what it lacks beside them, and the smallest change of the query that"
            " would bring it into the first ten."
        )
        self._stop = button("Stop", role="link", on_click=why.stop_rank)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._doing = label("", "quiet", wrap=True)
        self._busy = QWidget()
        self._found = QWidget()
        self._place = label("", "", wrap=True)
        self._lack_text = label("", "secondary", wrap=True)
        self._lacks = LacksChart()
        self._unmet = label("", "secondary", wrap=True)
        self._unmet.setToolTip(
            "What the query says and the clip's own description does not; the tab Skeleton shows both side by side."
        )
        self._above_title = label("", "secondary")
        self._above = QWidget()
        self._above_flow = Flow(self._above, spacing=4)
        self._change_text = label("", "secondary", wrap=True)
        self._changes = QVBoxLayout()
        self._lay_out()
        why.rank_changed.connect(self.show_rank)
        self.show_rank()

    def _lay_out(self) -> None:
        busy = QVBoxLayout(self._busy)
        busy.setContentsMargins(0, 0, 0, 0)
        busy.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(self._stop)
        busy.addLayout(row)
        busy.addWidget(self._doing)
        found = QVBoxLayout(self._found)
        found.setContentsMargins(0, 0, 0, 0)
        found.setSpacing(8)
        self._changes.setSpacing(4)
        for part in (self._place, self._lack_text, self._lacks, self._unmet, self._change_text):
            found.addWidget(part)
        found.addLayout(self._changes)
        found.addWidget(self._above_title)
        found.addWidget(self._above)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._ask, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._found)
        column.addWidget(self._busy)

    def show_rank(self) -> None:
        """What is known by now."""
        why, rank = self._why, self._why.rank
        self._ask.setVisible(rank is None and not why.looking)
        self._busy.setVisible(why.looking)
        self._found.setVisible(rank is not None)
        progress = why.rank_progress
        self._bar.setRange(0, round(progress.total) if progress is not None else 0)
        self._bar.setValue(round(progress.done) if progress is not None else 0)
        self._doing.setText(f"Trying “{progress.detail}”" if progress is not None else "Ranking every clip…")
        if rank is not None:
            self._place.setText(place_text(rank))
            self._show_lacks(rank)
            self._show_unmet()
            self._show_above(rank.above)
            self._show_changes(rank)

    def _show_lacks(self, rank: RankExplained) -> None:
        rows = sorted(rank.missing, key=lambda row: row.here - row.above)[:_SHOWN_LACKS]
        self._lacks.show_rows(tuple(rows))
        self._lacks.setVisible(bool(rows))
        self._lack_text.setVisible(bool(rows))
        self._lack_text.setText(lacks_text(rows))

    def _show_unmet(self) -> None:
        unmet = self._why.unmet
        self._unmet.setVisible(bool(unmet))
        self._unmet.setText("\n".join(unmet_text(match) for match in unmet))

    def _show_above(self, above: tuple[Hit, ...]) -> None:
        self._above_title.setVisible(bool(above))
        self._above_title.setText("Above it" if len(above) < FIRST_CLIPS else f"The first {len(above)}")
        chips = []
        for hit in above:
            chip = button(str(hit.rank), role="key", on_click=partial(self.clip_chosen.emit, hit))
            chip.setToolTip(
                f"Rank {hit.rank}: {formats.file_name(hit.video)}, {formats.span(hit.start_s, hit.end_s)}. Click to"
                " look at it."
            )
            chips.append(chip)
        self._above_flow.replace(chips)
        self._above.setVisible(bool(above))

    def _show_changes(self, rank: RankExplained) -> None:
        empty(self._changes)
        self._change_text.setVisible(rank.last and rank.hit.rank > FIRST_CLIPS)
        self._change_text.setText(changes_text(rank))
        for change in rank.changes:
            row = button(
                change_title(change), role="row", on_click=partial(self.change_tried.emit, change.text)
            )
            row.setToolTip(f"“{change.text}”. Click to see how the other clips would move; Apply runs it.")
            self._changes.addWidget(row)


def place_text(rank: RankExplained) -> str:
    """Where the clip stands in both stages, in one sentence."""
    hit = rank.hit
    stage = "X-CLIP ranks it" if hit.rerank_score is not None else "the rerank did not see it; it stays"
    first = f"The first stage ranks this clip {hit.first_rank:,} of {rank.searched_clips:,}"
    left = " The filter leaves the clip out: these are its ranks without the filter." if rank.left_out else ""
    return f"{first}, {stage} {hit.rank:,}.{left}"


def lacks_text(rows: list[MissingWords]) -> str:
    """The words that are worth more to the clips above, in one sentence."""
    lacking = [row for row in rows if row.above - row.here > _WORTH_A_WORD]
    if not lacking:
        return "No single word explains it: word by word the clip is worth as much as those above."
    first = lacking[0]
    slot = f" ({first.slot.lower()})" if first.slot else ""
    others = f", then “{'”, “'.join(row.text for row in lacking[1:3])}”" if len(lacking) > 1 else ""
    return f"Beside the clips above it lacks “{first.text}”{slot} most{others}."


def unmet_text(match: SkeletonMatch) -> str:
    """What the query says, and why the clip's skeleton does not show it."""
    return f"“{match.text}” is {match.verdict}: {match.reason}"


def changes_text(rank: RankExplained) -> str:
    """What the search for a change found, in one sentence."""
    if rank.enough:
        return "The smallest change of the query that would bring it into the first ten:"
    tried = formats.count(rank.tried, "changed query", "changed queries")
    if rank.changes:
        return f"None of {tried} brings it into the first ten; the nearest:"
    return "There is no word that could be left out or exchanged."


def change_title(change: QueryChange) -> str:
    """A change in words: `“night” → “dusk”: rank 6`."""
    edits = " and ".join(
        f"“{edit.old}” → “{edit.new}”" if edit.new else f"without “{edit.old}”" for edit in change.edits
    )
    return f"{edits}: rank {change.rank}" if change.rank is not None else f"{edits}: still far down"
