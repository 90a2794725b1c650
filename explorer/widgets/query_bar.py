"""The bar on top: history, the query, the rerank switch, the engine's state."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLabel, QLineEdit, QListView, QToolButton, QWidget

from explorer import icons
from explorer.commands import Commands
from explorer.history import QueryHistory
from explorer.models.hits import dragged_clip
from explorer.settings import Settings
from explorer.widgets.engine_badge import EngineBadge
from explorer.widgets.parts import label, tool

TYPING_PAUSE_MS: Final = 280
SETTLED_MS: Final = 1200
"""So long after the last key a query that was only typed counts as meant."""
SHORTEST_LIVE_QUERY: Final = 3
PAGES: Final = {"explore": "Explore", "analyse": "Analyse"}


class QueryField(QLineEdit):
    """The query itself.

    Signals:
        left_down(): the person pressed Down, on the way to the results.
    """

    left_down = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left_down.emit()
        else:
            super().keyPressEvent(event)


def _page_button(title: str) -> QToolButton:
    made = QToolButton()
    made.setText(title)
    made.setCheckable(True)
    made.setAccessibleName(f"{title} page")
    return made


class QueryBar(QWidget):
    """Everything a query needs.

    Signals:
        edited(): the person types; whatever runs is out of date.
        submitted(text): a query to run.
        settled(): the query was entered, or nobody has typed for a while.
        rerank_toggled(on): the second stage was switched.
        page_chosen(name): another page should come to the front.
        clip_dropped(clip_id): a card was dropped on the query: why is it not higher?
    """

    edited = Signal()
    submitted = Signal(str)
    settled = Signal()
    rerank_toggled = Signal(bool)
    page_chosen = Signal(str)
    clip_dropped = Signal(int)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self._settings = settings
        self.entered = False  # the query was asked for, not only typed
        self.history = QueryHistory(settings.strings("history/queries"))
        self.sidebar_button = tool("sidebar", "Side panel")
        self.inspector_button = tool("inspector", "Inspector")
        self.back_button = tool("back", "Query before", self.go_back)
        self.forward_button = tool("forward", "Query after", self.go_forward)
        self.field = QueryField()
        self.rerank_button = tool("rerank", "", checkable=True)
        self.badge = EngineBadge()
        self.menu_button = tool("more", "Menu")
        self._brand = QWidget()
        self._pages = {name: _page_button(title) for name, title in PAGES.items()}
        self._name = label("Drivescope", "title")
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_PAUSE_MS)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLED_MS)
        self._settling.timeout.connect(self.settled)
        self._set_up_field()
        self._set_up_buttons()
        self._lay_out()
        self._show_history()

    @property
    def text(self) -> str:
        """The query as typed."""
        return self.field.text()

    @property
    def typing_at(self) -> int:
        """Where the person types, characters from the start; -1 once the query is settled."""
        return self.field.cursorPosition() if self._settling.isActive() else -1

    def set_query(self, text: str, *, remember: bool = True) -> None:
        """Put a query into the field and run it."""
        self.field.setText(text)
        self._submit(remember=remember)

    def go_back(self) -> None:
        """The query before, run again."""
        if self.history.can_go_back:
            self.set_query(self.history.back(), remember=False)

    def go_forward(self) -> None:
        """The query after, run again."""
        if self.history.can_go_forward:
            self.set_query(self.history.forward(), remember=False)

    def remember(self) -> None:
        """The query was of use: it belongs to the history."""
        self.history.remember(self.text.strip())
        self._settings.set_strings("history/queries", self.history.queries)
        self._show_history()

    def show_page(self, name: str) -> None:
        """Which page is in front; what belongs to Explore alone leaves the bar on the others."""
        for known, made in self._pages.items():
            made.setChecked(known == name)
        for part in (self.rerank_button, self.sidebar_button, self.inspector_button):
            part.setVisible(name == "explore")

    def focus_query(self) -> None:
        """Ready to type over what is there."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def explain_keys(self, commands: Commands) -> None:
        """Tooltips that name the keys in force."""
        self.sidebar_button.setToolTip(commands.tip("toggle_sidebar"))
        self.inspector_button.setToolTip(commands.tip("toggle_inspector"))
        self._pages["explore"].setToolTip(commands.tip("show_explore", "Explore: search and look at clips"))
        self._pages["analyse"].setToolTip(
            commands.tip("show_analyse", "Analyse: measure search on queries with known answers")
        )
        self.back_button.setToolTip(commands.tip("history_back"))
        self.forward_button.setToolTip(commands.tip("history_forward"))
        self.rerank_button.setToolTip(
            commands.tip(
                "toggle_rerank", "Rerank the first stage's best clips with X-CLIP: slower, more exact"
            )
        )
        self.field.setToolTip(
            commands.tip("focus_query", "Describe what the camera sees, as a picture's caption")
            + '\nA minus leaves something out:  night -rain -"parked car"'
        )

    def _set_up_field(self) -> None:
        self.field.setObjectName("queryField")
        self.field.setPlaceholderText("What should the camera see?  A red car turning left at night…")
        self.field.setAccessibleName("Query")
        self.field.addAction(icons.icon("search", "text_3"), QLineEdit.ActionPosition.LeadingPosition)
        self._clear = self.field.addAction(
            icons.icon("clear", "text_2"), QLineEdit.ActionPosition.TrailingPosition
        )
        self._clear.setToolTip("Clear the query")
        self._clear.setVisible(False)
        self._clear.triggered.connect(self._on_cleared)
        self._offers = QStringListModel(self)
        completer = QCompleter(self._offers, self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.field.setCompleter(completer)
        popup = QListView()
        popup.setObjectName("offers")
        completer.setPopup(popup)
        completer.activated.connect(lambda _text: self._submit(remember=True))
        self.field.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))
        self.field.textEdited.connect(self._on_edited)
        self.field.returnPressed.connect(lambda: self._submit(remember=True))
        self._typing.timeout.connect(lambda: self._submit(remember=False, entered=False))

    def _set_up_buttons(self) -> None:
        self.rerank_button.setText("Rerank")
        self.rerank_button.setProperty("role", "labelled")
        self.rerank_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.rerank_button.setChecked(self._settings.flag("search/rerank"))
        self.rerank_button.toggled.connect(self.rerank_toggled)
        self.menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 8, 8)
        row.setSpacing(4)
        row.addWidget(self._lay_out_brand())
        row.addSpacing(8)
        row.addWidget(self._lay_out_pages())
        row.addSpacing(4)
        row.addWidget(self.back_button)
        row.addWidget(self.forward_button)
        row.addSpacing(4)
        row.addWidget(self.field, 1)
        row.addSpacing(4)
        for part in (self.rerank_button, self.badge, self.menu_button, self.inspector_button):
            row.addWidget(part)
        self.setFixedHeight(56)

    def _lay_out_pages(self) -> QWidget:
        switch = QWidget()
        switch.setObjectName("pageSwitch")
        switch.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(switch)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        for name, made in self._pages.items():
            made.clicked.connect(lambda _on, chosen=name: self.page_chosen.emit(chosen))
            row.addWidget(made)
        self._pages["explore"].setChecked(True)
        return switch

    def _lay_out_brand(self) -> QWidget:
        mark = QLabel()
        mark.setPixmap(icons.app_icon().pixmap(QSize(24, 24), 2.0))
        row = QHBoxLayout(self._brand)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(mark)
        row.addWidget(self._name)
        row.addStretch(1)
        row.addWidget(self.sidebar_button)
        return self._brand

    def stand_over(self, sidebar_width: int) -> None:
        """Let the name stand over the side panel, so that the query begins where the results do; 0: no panel."""
        self._name.setVisible(sidebar_width > 0)
        self._brand.setFixedWidth(sidebar_width or self._brand.minimumSizeHint().width())

    def retint(self) -> None:
        """The field's own icons for the theme in force."""
        for action, name, token in zip(
            self.field.actions(), ("search", "clear"), ("text_3", "text_2"), strict=False
        ):
            action.setIcon(icons.icon(name, token))

    # --- a card dropped on the query -----------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dragged_clip(event.mimeData()):
            event.acceptProposedAction()
            self._await_drop(waits=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._await_drop(waits=False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._await_drop(waits=False)
        clip_id = dragged_clip(event.mimeData())
        if clip_id:
            event.acceptProposedAction()
            self.clip_dropped.emit(clip_id)

    def _await_drop(self, *, waits: bool) -> None:
        self.field.setProperty("drop", waits)
        self.field.style().polish(self.field)

    def _on_edited(self, text: str) -> None:
        self._settling.start()
        self.edited.emit()
        live = self._settings.flag("search/as_you_type")
        if live and (len(text.strip()) >= SHORTEST_LIVE_QUERY or not text.strip()):
            self._typing.start()
        else:
            self._typing.stop()

    def _on_cleared(self) -> None:
        self.field.clear()
        self._submit(remember=False)
        self.field.setFocus()

    def _submit(self, *, remember: bool, entered: bool = True) -> None:
        self.entered = entered
        self._typing.stop()
        if entered:
            self._settling.stop()
            self.settled.emit()
        if remember:
            self.remember()
        self._show_history()
        self.submitted.emit(self.text.strip())

    def _show_history(self) -> None:
        self.back_button.setEnabled(self.history.can_go_back)
        self.forward_button.setEnabled(self.history.can_go_forward)
        self._offers.setStringList(self.history.recent)
