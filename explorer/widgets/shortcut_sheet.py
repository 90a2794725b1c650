"""Every command and its keys, made from the command table; a click on a key gives the command another."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QKeyCombination, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from explorer.commands import COMMANDS, Command, Commands, shown_key
from explorer.widgets.dialogs import Sheet
from explorer.widgets.parts import button, empty, label

_SIDES = (("Search", "Results", "Explanation", "Judge", "Analyse"), ("Player", "Library", "Window"))
_TWINS = ("Enter", "Ctrl+=")  # the same key on another part of the keyboard: not shown beside it
_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta)


class KeyCatcher(QLineEdit):
    """Takes the next key that is pressed.

    Signals:
        caught(key): one key with its modifiers, as a command names it; "" when the person thinks better of it.
    """

    caught = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setPlaceholderText("press a key")
        self.setFixedWidth(112)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _MODIFIERS:
            return
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if (
            event.text() and event.text() in '?+*_:;<>"!()'
        ):  # Shift made this character; it is not pressed with it
            modifiers &= ~Qt.KeyboardModifier.ShiftModifier
        chosen = QKeySequence(QKeyCombination(modifiers, key)).toString()
        self.caught.emit("" if key == Qt.Key.Key_Escape else chosen)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.caught.emit("")


class ShortcutSheet(Sheet):
    """The keys in force, grouped as in the table."""

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Keyboard", 880, 712)
        self._commands = commands
        self._cells: dict[str, QHBoxLayout] = {}
        text = "Single keys do nothing while you type in a text field. Click a key to choose another."
        self.column.addWidget(label(text, "secondary"))
        inside = QWidget()
        columns = QHBoxLayout(inside)
        columns.setContentsMargins(0, 0, 4, 0)
        columns.setSpacing(48)
        for groups in _SIDES:
            side = QVBoxLayout()
            side.setSpacing(16)
            for group in groups:
                side.addLayout(self._lay_out_group(group))
            side.addStretch(1)
            columns.addLayout(side, 1)
        scroll = QScrollArea()
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        self.column.addWidget(scroll, 1)
        self.foot.addWidget(button("Usual keys", on_click=self._restore))
        self.finish()
        commands.keys_changed.connect(self._refresh)

    def _lay_out_group(self, group: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(0, 1)
        grid.addWidget(label(group.upper(), "section"), 0, 0)
        for line, command in enumerate((row for row in COMMANDS if row.group == group), 1):
            grid.addWidget(label(command.label, "secondary"), line, 0)
            cell = self._cells[command.name] = QHBoxLayout()
            cell.setSpacing(4)
            grid.addLayout(cell, line, 1)
            self._fill(command)
        return grid

    def _fill(self, command: Command) -> None:
        cell, keys = self._cells[command.name], self._commands.keys(command.name)
        empty(cell)
        cell.addStretch(1)
        shown = [key for key in keys if key not in _TWINS or len(keys) == 1]
        for key in shown or [""]:
            made = button(shown_key(key) or "none", role="key", on_click=partial(self._listen, command, key))
            made.setAccessibleName(f"{command.label}: {shown_key(key) or 'no key'}")
            cell.addWidget(made)

    def _listen(self, command: Command, key: str) -> None:
        """Wait in the key's place for another one."""
        cell = self._cells[command.name]
        empty(cell)
        cell.addStretch(1)
        catcher = KeyCatcher()
        cell.addWidget(catcher)
        catcher.caught.connect(lambda new: self._change(command, key, new))
        catcher.show()
        catcher.setFocus()

    def _change(self, command: Command, old: str, new: str) -> None:
        if new:
            keys = self._commands.keys(command.name)
            changed = [new if key == old else key for key in keys] if old in keys else [*keys, new]
            self._commands.set_keys(command.name, tuple(dict.fromkeys(changed)))
        else:
            self._fill(command)

    def _restore(self) -> None:
        for command in COMMANDS:
            self._commands.set_keys(command.name, ())

    def _refresh(self) -> None:
        for command in COMMANDS:
            self._fill(command)
