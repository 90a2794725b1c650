"""X-CLIP's four granularities: a stacked bar that adds up to the score, and a legend that says what each is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from core.protocol import ScorePart
from explorer import theme
from explorer.models.why_words import PARTS, signed, top
from explorer.widgets.parts import label

_BAR = 14
_SHARE_TIP = "What this part adds to the score; the four together are the score."
_PLACE_TIP = "Of the clips that X-CLIP compared for this query, how many are at least as good in this part."


def part_color(place: int) -> str:
    """The token of a part, in the order in which they are told."""
    return f"part_{place + 1}"


class PartsBar(QWidget):
    """Shares side by side: what speaks for the clip to the right of the line, what speaks against it to the left."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The four parts of the score")

    def show_shares(self, shares: tuple[float, ...]) -> None:
        """What each part brings."""
        self.shares = shares
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, _BAR + 6)

    def segments(self) -> list[tuple[int, QRectF]]:
        """(part, rectangle) of every part that is wide enough to be seen."""
        above = sum(share for share in self.shares if share > 0)
        below = -sum(share for share in self.shares if share < 0)
        scale = self.width() / max(above + below, 1e-9)
        zero = below * scale
        right, left = zero, zero
        found = []
        for place, share in enumerate(self.shares):
            width = abs(share) * scale
            if share > 0:
                found.append((place, QRectF(right, 3, width, _BAR)))
                right += width
            elif share < 0:
                left -= width
                found.append((place, QRectF(left, 3, width, _BAR)))
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for place, rect in self.segments():
            painter.setBrush(theme.color(part_color(place), 1.0 if self.shares[place] > 0 else 0.55))
            painter.drawRoundedRect(rect.adjusted(0.5, 0, -0.5, 0), 2, 2)
        below = -sum(share for share in self.shares if share < 0)
        if below > 0:
            zero = below / max(sum(map(abs, self.shares)), 1e-9) * self.width()
            painter.fillRect(QRectF(zero - 1, 0, 2, self.height()), theme.color("text"))


class ScoreParts(QWidget):
    """The bar and its legend."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = PartsBar()
        self._rows: list[tuple[QLabel, QLabel, QLabel]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.bar)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        for line, text in enumerate(PARTS.values()):
            square, name = label(), label(text.title, "secondary")
            share, place = label("", "strong"), label("", "quiet")
            square.setFixedSize(10, 10)
            for part in (square, name):
                part.setToolTip(text.tip)
            share.setToolTip(_SHARE_TIP)
            place.setToolTip(_PLACE_TIP)
            for number in (share, place):
                number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for position, part in enumerate((square, name, share, place)):
                grid.addWidget(part, line, position)
            self._rows.append((square, share, place))
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)

    def show_parts(self, parts: tuple[ScorePart, ...], compared: int) -> None:
        """The parts of a score, and how many clips they were compared with."""
        self.bar.show_shares(tuple(part.share for part in parts))
        for (_, share, place), part in zip(self._rows, parts, strict=False):
            share.setText(signed(part.share))
            place.setText(f"top {top(part.percentile, compared)}")
        self.retint()

    def retint(self) -> None:
        """The theme changed."""
        for line, (square, _, _) in enumerate(self._rows):
            square.setStyleSheet(f"background: {theme.color(part_color(line)).name()}; border-radius: 2px;")
        self.bar.update()
