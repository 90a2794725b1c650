"""One line of the tab Skeleton: what was asked on the left, what the clip shows on the right, and how surely."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from explorer import theme

_HEIGHT, _PAD, _SIGN = 46, 8, 18
_BAR = 3


class SkeletonRow(QAbstractButton):
    """A row that is clicked to see its frame.

    `left` and `right` are its two sides, each with a quiet second line; without a `right` there is one side only.
    `sign` and `token` colour the verdict; `probability` (0..1, below 0 for none) is drawn as a bar under the last side.
    """

    def __init__(
        self,
        left: tuple[str, str],
        right: tuple[str, str] | None = None,
        *,
        sign: str = "",
        token: str = "text_3",
        probability: float = -1.0,
        quiet: bool = False,
    ) -> None:
        super().__init__()
        self.left, self.right = left, right
        self.sign, self.token = sign, token
        self.probability = probability
        self._quiet = quiet
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def tell(self, tip: str) -> None:
        """The row's sentence, for the pointer and for those who cannot see it."""
        self.setToolTip(tip)
        said = ", ".join(part for part in (*self.left, *(self.right or ())) if part)
        self.setAccessibleName(f"{said}. {tip}")

    def sizeHint(self) -> QSize:
        return QSize(240, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(theme.color("hover" if self.underMouse() and self.isEnabled() else "raised"))
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "line"), 1))
        painter.drawRoundedRect(box, theme.RADIUS["m"], theme.RADIUS["m"])
        first = _PAD + (_SIGN if self.sign else 0)
        middle = first + (self.width() - first - _PAD) * 0.44 if self.right is not None else first
        if self.sign:
            painter.setPen(theme.color(self.token))
            painter.setFont(theme.font("title", QFont.Weight.DemiBold))
            painter.drawText(
                QRectF(_PAD - 2, 4, _SIGN, 20),
                Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter,
                self.sign,
            )
        last = QRectF(middle, 0, self.width() - middle - _PAD, _HEIGHT)
        number = f"{self.probability:.2f}" if self.probability >= 0 else ""
        if self.right is None:
            self._side(painter, last, self.left, number=number, second=self.token)
        else:
            left = QRectF(first, 0, middle - first - _PAD, _HEIGHT)
            self._side(painter, left, self.left, second=self.token)
            self._side(painter, last, self.right, number=number)
        if self.probability >= 0:
            self._bar(painter, last)

    def _side(
        self,
        painter: QPainter,
        box: QRectF,
        texts: tuple[str, str],
        *,
        number: str = "",
        second: str = "text_3",
    ) -> None:
        """Two lines of one side, each cut to its room."""
        room = box.width()
        if number:
            painter.setFont(theme.font("caption", tabular=True))
            painter.setPen(theme.color("text_2"))
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(box.left(), 4, room, 20), align, number)
            room -= QFontMetrics(painter.font()).horizontalAdvance(number) + 6
        lines = (
            (
                texts[0],
                theme.font("body", QFont.Weight.Medium),
                "text_2" if self._quiet else "text",
                4.0,
                room,
            ),
            (texts[1], theme.font("caption"), second, 22.0, box.width()),
        )
        for text, font, token, top, width in lines:
            painter.setFont(font)
            painter.setPen(theme.color(token))
            # In the middle: "crossing from the left" ends with what tells it from its opposite.
            cut = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideMiddle, int(width))
            align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(box.left(), top, width, 18 if top > 10 else 20), align, cut)

    def _bar(self, painter: QPainter, box: QRectF) -> None:
        """How probable, as a share of the side's width."""
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(box.left(), _HEIGHT - _BAR - 3, box.width(), _BAR)
        painter.setBrush(theme.color("pressed"))
        painter.drawRoundedRect(track, 1.5, 1.5)
        track.setWidth(max(_BAR, track.width() * min(self.probability, 1.0)))
        painter.setBrush(theme.color(self.token if self.sign else "accent"))
        painter.drawRoundedRect(track, 1.5, 1.5)
