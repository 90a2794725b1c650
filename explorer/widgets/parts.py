"""Small things that every panel uses: labels by role, buttons with an icon, a label that elides."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QFontMetrics, QIcon, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from explorer import icons


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A label whose look is its role (see stylesheet)."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def button(
    text: str, icon_name: str = "", *, role: str = "", on_click: Callable[[], object] | None = None
) -> QPushButton:
    """A push button; `role` is "primary", "chip", "state", "link" or "row"."""
    made = QPushButton(text)
    if role:
        made.setProperty("role", role)
    if icon_name:
        set_icon(made, icon_name, {"primary": "on_accent", "state": "accent"}.get(role, "text_2"))
    if on_click is not None:
        made.clicked.connect(lambda _checked=False: on_click())
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def tool(
    icon_name: str, tip: str, on_click: Callable[[], object] | None = None, *, checkable: bool = False
) -> QToolButton:
    """A square icon button; its tooltip is also its accessible name."""
    made = QToolButton()
    set_icon(made, icon_name, "text_2")
    made.setIconSize(QSize(20, 20))
    made.setCheckable(checkable)
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    if on_click is not None:
        made.clicked.connect(lambda _checked=False: on_click())
    return made


def lead(field: QLineEdit, icon_name: str) -> None:
    """A quiet icon before a field's text."""
    set_icon(field.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition), icon_name, "text_3")


def set_icon(target: QPushButton | QToolButton | QAction, name: str, token: str = "text_2") -> None:
    """Give a button or a field's action an icon and remember which, so that a change of theme can tint it again."""
    target.setProperty("iconName", name)
    target.setProperty("iconToken", token)
    target.setIcon(icons.icon(name, token))


def retint(root: QWidget) -> None:
    """Tint every icon under `root` for the theme in force."""
    targets: list[QPushButton | QToolButton | QAction] = [
        *root.findChildren(QPushButton),
        *root.findChildren(QToolButton),
        *root.findChildren(QAction),
    ]
    for target in targets:
        name = target.property("iconName")
        if name:
            target.setIcon(icons.icon(str(name), str(target.property("iconToken"))))


def empty(layout: QLayout) -> None:
    """Take every widget and gap out of a layout; the widgets are deleted."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()  # at once; it is deleted only when the event loop gets there
            widget.deleteLater()


def rule() -> QFrame:
    """A hairline."""
    made = QFrame()
    made.setObjectName("rule")
    return made


class ElidedLabel(QLabel):
    """One line that elides in the middle (file names differ at both ends) and says all in its tooltip."""

    def __init__(
        self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
    ) -> None:
        super().__init__()
        self._mode = mode
        if role:
            self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._explain()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._explain()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setFont(self.font())
        flags = Qt.AlignmentFlag.AlignVCenter | self.alignment()
        painter.drawText(self.contentsRect(), flags, self._elided())

    def _elided(self) -> str:
        return QFontMetrics(self.font()).elidedText(self.text(), self._mode, self.contentsRect().width())

    def _explain(self) -> None:
        self.setToolTip(plain_tip(self.text()) if self._elided() != self.text() else "")


class FittingLabel(QLabel):
    """One line that says as much as it has room for: the first of its texts that fits whole, or nothing."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._texts: tuple[str, ...] = ()
        if role:
            self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_texts(self, *texts: str) -> None:
        """Several ways to say the same, the longest first."""
        self._texts = texts
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        measure, room = QFontMetrics(self.font()), self.contentsRect().width()
        self.setText(next((text for text in self._texts if measure.horizontalAdvance(text) <= room), ""))


def scroll_area(inside: QWidget) -> QScrollArea:
    """A frameless area as wide as it may be, in which `inside` moves up and down only."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area


def plain_tip(text: str) -> str:
    """A tooltip that says a text as it is: Qt would take a query like `<b>` for markup of its own."""
    return GuiQt.convertFromPlainText(text) if GuiQt.mightBeRichText(text) else text
