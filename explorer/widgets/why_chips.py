"""The query's words as chips: coloured by what each is worth, struck through where it was not read or is muted."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from core.protocol import WordRead
from explorer import theme
from explorer.models.why import Why
from explorer.models.why_words import signed, word_tip
from explorer.widgets.flow import Flow

_HEIGHT, _PAD, _GAP = 28, 9, 6
_FAINTEST = 0.10


class WordChip(QAbstractButton):
    """One word and what it is worth.

    Signals:
        pointed(number): the pointer or the keyboard's focus came to it; -1 when it left.
    """

    pointed = Signal(int)

    def __init__(self, number: int, word: WordRead) -> None:
        super().__init__()
        self.number = number
        self.word = word
        self.effect: float | None = None
        self.strength = 0.0  # -1 to 1: its worth beside the strongest word's
        self.muted = False
        self.setText(word.text)
        self.setEnabled(not word.cut)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_worth(self, effect: float | None, strength: float, score: float, *, muted: bool) -> None:
        """What the word is worth, and whether the tried query leaves it out."""
        self.effect, self.strength, self.muted = effect, strength, muted
        tip = word_tip(self.word.text, effect, score, cut=self.word.cut, muted=muted)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        word = QFontMetrics(self._word_font()).horizontalAdvance(self.text())
        number = QFontMetrics(self._number_font()).horizontalAdvance("−0.000") + _GAP
        return QSize(min(word, 220) + (0 if self.word.cut else number) + 2 * _PAD, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(self._fill())
        edge = "accent" if self.hasFocus() else "line_strong" if self.underMouse() else "line"
        painter.setPen(QPen(theme.color(edge), 1))
        painter.drawRoundedRect(box, theme.RADIUS["m"], theme.RADIUS["m"])
        quiet = self.word.cut or self.muted
        room = self.rect().adjusted(_PAD, 0, -_PAD, 0)
        painter.setFont(self._word_font())
        painter.setPen(theme.color("text_3" if quiet else "text"))
        metrics = QFontMetrics(painter.font())
        word = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, min(220, room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, word)
        if self.effect is not None and not quiet:
            painter.setFont(self._number_font())
            painter.setPen(theme.color("text_2"))
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, align, signed(self.effect))

    def _fill(self) -> QColor:
        if self.word.cut or self.muted or not self.strength:
            return theme.color("raised")
        ink = "up" if self.strength > 0 else "down"
        return theme.blend("raised", ink, _FAINTEST + 0.45 * abs(self.strength))

    def _word_font(self) -> QFont:
        made = theme.font("body", QFont.Weight.Medium)
        made.setStrikeOut(self.word.cut or self.muted)
        return made

    def _number_font(self) -> QFont:
        return theme.font("caption", tabular=True)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.pointed.emit(self.number)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.pointed.emit(-1)

    def focusInEvent(self, event: object) -> None:
        super().focusInEvent(event)  # type: ignore[arg-type]  # Qt's event, passed on as it came
        self.pointed.emit(self.number)

    def focusOutEvent(self, event: object) -> None:
        super().focusOutEvent(event)  # type: ignore[arg-type]  # likewise
        self.pointed.emit(-1)


class WordChips(QWidget):
    """All words of the query, in its order."""

    def __init__(self, why: Why) -> None:
        super().__init__()
        self._why = why
        self._flow = Flow(self, spacing=4)
        self.chips: list[WordChip] = []
        why.explained_changed.connect(self._fill)
        why.effects_changed.connect(self._show)
        why.preview_changed.connect(self._show)

    def _fill(self) -> None:
        words = self._why.explained.words if self._why.explained is not None else ()
        self.chips = [WordChip(number, word) for number, word in enumerate(words)]
        for chip in self.chips:
            chip.pointed.connect(self._why.light)
            chip.clicked.connect(lambda _on=False, number=chip.number: self._why.mute(number))
        self._flow.replace(self.chips)
        self._show()
        self.updateGeometry()

    def _show(self) -> None:
        why = self._why
        if why.explained is None:
            return
        effects = {chip.number: why.effect(chip.number) for chip in self.chips}
        strongest = max((abs(value) for value in effects.values() if value is not None), default=0.0)
        for chip in self.chips:
            effect = effects[chip.number]
            strength = effect / strongest if effect is not None and strongest > 0 else 0.0
            muted = chip.number in why.muted
            chip.show_worth(effect, strength, why.explained.score, muted=muted)

    def retint(self) -> None:
        """The theme changed."""
        for chip in self.chips:
            chip.update()
