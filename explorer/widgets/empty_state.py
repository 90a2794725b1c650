"""What the middle shows when there are no hits: where we are and what to do next."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer import icons, theme
from explorer.empty_states import EmptyView, Offer
from explorer.widgets.flow import Flow
from explorer.widgets.parts import button, empty, label


class EmptyState(QWidget):
    """An icon, a headline, a sentence, buttons, and example queries as chips.

    Signals:
        example_chosen(query): a chip was clicked.
    """

    example_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._headline = label("", "headline", wrap=True)
        self._sentence = label("", "secondary", wrap=True)
        self._buttons = QHBoxLayout()
        self._chips = QWidget()
        self._flow = Flow(self._chips, spacing=theme.SPACE["s"], centred=True)
        self._icon = ""
        self._shown: tuple[object, ...] = ()
        for part in (self._headline, self._sentence):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside = QWidget()
        inside.setMaximumWidth(640)
        column = QVBoxLayout(inside)
        column.setSpacing(theme.SPACE["m"])
        for part in (self._picture, self._headline, self._sentence):
            column.addWidget(part)
        column.addSpacing(theme.SPACE["s"])
        column.addLayout(self._buttons)
        column.addWidget(self._chips)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(24, 24, 24, 24)
        outside.addStretch(2)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(inside, 8)
        row.addStretch(1)
        outside.addLayout(row)
        outside.addStretch(3)

    def show_view(self, view: EmptyView) -> None:
        """Show where we are; the same view again changes nothing."""
        shown = (view.icon, view.headline, view.sentence, view.examples, tuple(o.text for o in view.offers))
        if shown == self._shown:
            return
        self._shown = shown
        self._icon = view.icon
        self.retint()
        self._headline.setText(view.headline)
        self._sentence.setText(view.sentence)
        self._fill_buttons(view.offers)
        chips = [
            button(text, role="chip", on_click=partial(self.example_chosen.emit, text))
            for text in view.examples
        ]
        self._flow.replace(chips)
        self._chips.setVisible(bool(chips))

    def retint(self) -> None:
        """The icon for the theme in force."""
        if self._icon:
            self._picture.setPixmap(_halo(self._icon))

    def _fill_buttons(self, offers: tuple[Offer, ...]) -> None:
        empty(self._buttons)
        self._buttons.addStretch(1)
        for place, offer in enumerate(offers):
            made = button(offer.text, offer.icon, role="primary" if place == 0 else "", on_click=offer.run)
            made.setMinimumHeight(36)
            made.setIconSize(QSize(18, 18))
            self._buttons.addWidget(made)
        self._buttons.addStretch(1)


def _halo(name: str) -> QPixmap:
    return icons.pixmap(name, 48, "accent", ratio=2)
