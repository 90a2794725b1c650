"""A change of the query before it is applied: the tried wording, and how the first clips would move."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from core.protocol import RankMove
from explorer import formats, theme
from explorer.models.why import Why
from explorer.widgets.parts import button, label

_ROW, _RANK, _SLOPE = 18, 26, 64


class MovesChart(QWidget):
    """Ranks now on the left, ranks after the change on the right, a line from one to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: tuple[RankMove, ...] = ()
        self._own = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("How the first clips would move")
        self.setToolTip(
            "Left: the rank now. Right: the rank that the tried query gives the same clip. A line that rises is a"
            " clip that gains."
        )

    def show_moves(self, moves: tuple[RankMove, ...], own: int) -> None:
        """The clips to draw; `own` is the one that is explained."""
        self.moves, self._own = moves, own
        spoken = (f"{move.rank} to {move.new_rank or 'far down'}" for move in moves)
        self.setAccessibleDescription(", ".join(spoken))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, max(1, len(self.moves)) * _ROW + 4)

    def places(self) -> list[int]:
        """Each clip's row on the right: in the order of the new ranks, with those too far down last."""
        order = sorted(range(len(self.moves)), key=lambda place: (self.moves[place].new_rank or 10**9, place))
        return [order.index(place) for place in range(len(self.moves))]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = max(40, self.width() - 2 * _RANK - _SLOPE - 12)
        for row, (move, to) in enumerate(zip(self.moves, self.places(), strict=True)):
            gained = (move.rank - move.new_rank) if move.new_rank is not None else -1
            ink = "up" if gained > 0 else "down" if gained < 0 else "text_3"
            own = move.clip_id == self._own
            painter.setFont(
                theme.font("caption", QFont.Weight.DemiBold if own else QFont.Weight.Normal, tabular=True)
            )
            painter.setPen(theme.color("accent" if own else "text_2"))
            name = QFontMetrics(painter.font()).elidedText(
                formats.file_name(move.video), Qt.TextElideMode.ElideMiddle, names
            )
            align = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRect(0, row * _ROW, names, _ROW), align | Qt.AlignmentFlag.AlignLeft, name)
            left = names + 4
            right_align = align | Qt.AlignmentFlag.AlignRight
            painter.drawText(QRect(left, row * _ROW, _RANK, _ROW), right_align, str(move.rank))
            after = str(move.new_rank) if move.new_rank is not None else "–"
            end = left + _RANK + _SLOPE
            painter.setPen(theme.color(ink))
            painter.drawText(QRect(end, to * _ROW, _RANK, _ROW), align | Qt.AlignmentFlag.AlignLeft, after)
            painter.setPen(QPen(theme.color(ink), 2.0 if own else 1.2))
            middle = _ROW / 2
            painter.drawLine(
                QPointF(left + _RANK + 6, row * _ROW + middle), QPointF(end - 6, to * _ROW + middle)
            )


class ChangePreview(QWidget):
    """A field with the tried query; what it would do; buttons to apply it or to go back."""

    def __init__(self, why: Why) -> None:
        super().__init__()
        self._why = why
        self.field = QLineEdit()
        self.field.setPlaceholderText("Another wording")
        self.field.setAccessibleName("Another wording to try")
        self.field.setToolTip(
            "Change the wording here: the ranks that it would give appear before it is applied."
        )
        self.field.textEdited.connect(why.try_change)
        self.apply = button("Apply", role="primary")
        self.field.returnPressed.connect(self.apply.click)
        self.apply.setToolTip("Run the tried query.")
        self._reset = button("Back to the query", role="link", on_click=why.drop_change)
        self._text = label("", "quiet", wrap=True)
        self.chart = MovesChart()
        self._result = QWidget()
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.apply)
        foot.addWidget(self._reset)
        foot.addStretch(1)
        inside = QVBoxLayout(self._result)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(6)
        inside.addWidget(self._text)
        inside.addWidget(self.chart)
        inside.addLayout(foot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(label("Or try another wording", "caption"))
        column.addWidget(self.field)
        column.addWidget(self._result)
        why.explained_changed.connect(self.show_preview)
        why.preview_changed.connect(self.show_preview)
        self.show_preview()

    def show_preview(self) -> None:
        """What is tried and what it would do."""
        why = self._why
        wanted = why.changed or why.query
        if " ".join(self.field.text().split()) != " ".join(wanted.split()):
            self.field.setText(wanted)
            self.field.setCursorPosition(0)
        self._result.setVisible(bool(why.changed))
        preview = why.preview
        self.chart.setVisible(preview is not None)
        if preview is None:
            self._text.setText(why.problem or "Asking…")
            return
        own = why.hit.clip_id if why.hit is not None else 0
        moves = (*preview.moves, preview.own) if preview.own is not None else preview.moves
        self.chart.show_moves(moves, own)
        self._text.setText(summary(moves, own))


def summary(moves: tuple[RankMove, ...], own: int) -> str:
    """What the change would do, in one sentence."""
    stay = sum(move.new_rank == move.rank for move in moves)
    first = moves[:10]
    leave = sum(move.new_rank is None or move.new_rank > len(first) for move in first)
    told = [f"Of the first {len(first)}, {leave} would leave them"] if leave else []
    mine = next((move for move in moves if move.clip_id == own), None)
    if mine is not None:
        if mine.new_rank is None:
            told.append("this clip would fall far down")
        elif mine.new_rank == mine.rank:
            told.append(f"this clip would stay at rank {mine.rank}")
        else:
            told.append(f"this clip would go from rank {mine.rank} to {mine.new_rank}")
    if not told:
        told = ["Nothing would move" if stay == len(moves) else "The first ones would change places"]
    text = "; ".join(told)
    return text[0].upper() + text[1:] + "."
