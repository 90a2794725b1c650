"""Every command in one table; shortcuts, menus' texts and the shortcut sheet come from it.

A key without Ctrl, Alt or a function key is *plain*: it is switched off while the focus is in a text field,
so that it is never fired while typing, and while the focus is on a control that needs it for itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from explorer.settings import Settings


@dataclass(frozen=True)
class Command:
    """One row: what it is called in code, its group and words for the person, its usual keys."""

    name: str
    group: str
    label: str
    keys: tuple[str, ...]


COMMANDS: Final[tuple[Command, ...]] = (
    Command("focus_query", "Search", "Go to the query", ("/", "Ctrl+L")),
    Command("history_back", "Search", "Query before", ("Alt+Left",)),
    Command("history_forward", "Search", "Query after", ("Alt+Right",)),
    Command("toggle_rerank", "Search", "Rerank on or off", ("Ctrl+R",)),
    Command("toggle_joint", "Search", "Weigh skeletons into the rerank, or not", ("Ctrl+J",)),
    Command("stop", "Search", "Stop the query, leave full screen", ("Esc",)),
    Command("open_clip", "Results", "Play the selected clip", ("Return", "Enter")),
    Command("export", "Results", "Save the results", ("E",)),
    Command("save_clips", "Results", "Save the best clips as videos", ("Shift+E",)),
    Command("copy_results", "Results", "Copy the results as CSV", ("Ctrl+Shift+C",)),
    Command("find_similar", "Results", "Clips like this one", ("Shift+S",)),
    Command("toggle_grouped", "Results", "Best clip of every video, or all", ("V",)),
    Command("toggle_by_time", "Results", "In the order of time, or the best first", ("C",)),
    Command("more_columns", "Results", "More columns", ("Ctrl++", "Ctrl+=")),
    Command("fewer_columns", "Results", "Fewer columns", ("Ctrl+-",)),
    Command("show_why", "Explanation", "Why this clip", ("W",)),
    Command("why_not", "Explanation", "Why is it not higher", ("Shift+W",)),
    Command("why_not_other", "Explanation", "Why is any other clip not higher", ("Ctrl+Shift+W",)),
    Command("show_moments", "Explanation", "Moments in the video", ("M",)),
    Command("show_skeleton", "Explanation", "Query and clip side by side", ("S",)),
    Command("save_explanation", "Explanation", "Save the explanation", ("Ctrl+Shift+E",)),
    Command("play_pause", "Player", "Play or pause", ("Space",)),
    Command("pause", "Player", "Pause", ("K",)),
    Command("slower", "Player", "Slower", ("J", "[")),
    Command("faster", "Player", "Faster", ("L", "]")),
    Command("much_slower", "Player", "Much slower", ("Shift+J",)),
    Command("much_faster", "Player", "Much faster", ("Shift+L",)),
    Command("frame_back", "Player", "One frame back", (",",)),
    Command("frame_forward", "Player", "One frame forward", (".",)),
    Command("span_start", "Player", "To the clip's start", ("Shift+Left",)),
    Command("span_end", "Player", "To the clip's end", ("Shift+Right",)),
    Command("keyframe_back", "Player", "Key image before", ("Shift+,", "<")),
    Command("keyframe_forward", "Player", "Next key image", ("Shift+.", ">")),
    Command("mark_in", "Player", "Loop from here", ("I",)),
    Command("mark_out", "Player", "Loop up to here", ("O",)),
    Command("clear_marks", "Player", "Loop the whole clip", ("Shift+I",)),
    Command("go_to_time", "Player", "Go to a time in the file", ("G",)),
    Command("toggle_heat", "Player", "Heatmap on or off", ("H",)),
    Command("next_heat", "Player", "Another method of heatmap", ("Shift+H",)),
    Command("more_heat", "Player", "Stronger heatmap", ("Alt+Up",)),
    Command("less_heat", "Player", "Fainter heatmap", ("Alt+Down",)),
    Command("full_screen", "Player", "Player in full screen", ("F",)),
    Command("judge_relevant", "Judge", "This clip is relevant", ("1",)),
    Command("judge_partly", "Judge", "This clip is partly relevant", ("2",)),
    Command("judge_not", "Judge", "This clip is not relevant", ("3",)),
    Command("judge_unsure", "Judge", "Not sure about this clip", ("0",)),
    Command("judge_note", "Judge", "Write a note", ("T",)),
    Command("undo_judgement", "Judge", "Take the last judgement back", ("U", "Ctrl+Z")),
    Command("redo_judgement", "Judge", "Judge again what was taken back", ("Ctrl+Shift+Z",)),
    Command("learn", "Judge", "Rank again by what was judged", ("A",)),
    Command("unlearn", "Judge", "Rank by the query alone", ("Shift+A",)),
    Command("next_failure", "Analyse", "Next failed query", ("N",)),
    Command("previous_failure", "Analyse", "Failed query before", ("P",)),
    Command("choose_case", "Analyse", "Query into the report, or out of it", ("R",)),
    Command("evaluate", "Analyse", "Evaluate the chosen queries", ("Ctrl+E",)),
    Command("add_folder", "Library", "Add footage", ("Ctrl+O",)),
    Command("open_library", "Library", "Open a library", ("Ctrl+Shift+O",)),
    Command("show_failures", "Library", "Files that could not be read", ("Ctrl+Shift+F",)),
    Command("show_models", "Library", "Models", ("Ctrl+M",)),
    Command("show_explore", "Window", "Explore page", ("Ctrl+1",)),
    Command("show_analyse", "Window", "Analyse page", ("Ctrl+2",)),
    Command("toggle_sidebar", "Window", "Side panel", ("Ctrl+B",)),
    Command("toggle_inspector", "Window", "Inspector", ("Ctrl+I",)),
    Command("toggle_theme", "Window", "Dark or light", ("Ctrl+T",)),
    Command("show_settings", "Window", "Settings", ("Ctrl+,",)),
    Command("show_shortcuts", "Window", "Keyboard", ("?",)),
    Command("quit", "Window", "Quit", ("Ctrl+Q",)),
)
BY_NAME: Final = {command.name: command for command in COMMANDS}

_TEXT_FIELDS: Final = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QKeySequenceEdit)
_ACTIVATION: Final = frozenset({"Space", "Return", "Enter"})
_ARROWS: Final = frozenset({"Shift+Left", "Shift+Right"})


def is_text_field(widget: QWidget | None) -> bool:
    """Whether keys typed here make text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, _TEXT_FIELDS)


def is_plain(key: str) -> bool:
    """Whether `key` is one a person types in a text: no Ctrl, Alt, Meta, no Escape, no function key."""
    parts = key.split("+")
    strong = {"Ctrl", "Alt", "Meta"} & set(parts)
    return not strong and parts[-1] != "Esc" and re.fullmatch(r"F\d+", parts[-1]) is None


def kept_by(widget: QWidget | None) -> frozenset[str]:
    """The plain keys that the focused control uses itself (buttons their Space, lists their Enter)."""
    if isinstance(widget, QAbstractButton):
        return _ACTIVATION
    if isinstance(widget, QAbstractSlider):
        return _ARROWS
    if isinstance(widget, QAbstractItemView) and widget.objectName() != "hits":
        return _ACTIVATION | _ARROWS
    return frozenset()


class Commands(QObject):
    """The table bound to a window.

    Signals:
        keys_changed(): the person gave a command other keys.
    """

    keys_changed = Signal()

    def __init__(
        self, window: QWidget, handlers: Mapping[str, Callable[[], object]], settings: Settings
    ) -> None:
        super().__init__(window)
        self._settings = settings
        self._actions: dict[str, QAction] = {}
        self._by_key: list[tuple[str, QAction]] = []
        self._window = window
        for command in COMMANDS:
            handler = handlers[command.name]
            action = QAction(command.label, window)
            action.triggered.connect(lambda _checked=False, run=handler: run())
            self._actions[command.name] = action
        self._bind_keys()
        QApplication.instance().focusChanged.connect(self._on_focus)  # type: ignore[union-attr]

    def action(self, name: str) -> QAction:
        """The action of a command, for menus and buttons."""
        return self._actions[name]

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys in force: the person's own, else the table's."""
        own = self._own_keys().get(name)
        return tuple(own) if own is not None else BY_NAME[name].keys

    def set_keys(self, name: str, keys: tuple[str, ...]) -> None:
        """Give a command other keys; no keys means the table's again. A key taken from another stays there not."""
        own = self._own_keys()
        for other in COMMANDS:
            taken = set(self.keys(other.name)) & set(keys)
            if other.name != name and taken:
                own[other.name] = [key for key in self.keys(other.name) if key not in taken]
        if keys:
            own[name] = list(keys)
        else:
            own.pop(name, None)
        self._settings.set("keys/changed", json.dumps(own))
        self._bind_keys()
        self.keys_changed.emit()

    def menu_text(self, name: str) -> str:
        """The words of a menu entry, with its key in the column for keys."""
        keys = self.keys(name)
        return f"{BY_NAME[name].label}\t{shown_key(keys[0])}" if keys else BY_NAME[name].label

    def tip(self, name: str, text: str = "") -> str:
        """A tooltip that names the key."""
        keys = self.keys(name)
        label = text or BY_NAME[name].label
        return f"{label}  ({shown_key(keys[0])})" if keys else label

    def _own_keys(self) -> dict[str, list[str]]:
        try:
            stored = json.loads(self._settings.text("keys/changed"))
        except ValueError:
            return {}
        if not isinstance(stored, dict):
            return {}
        return {name: [str(key) for key in keys] for name, keys in stored.items() if isinstance(keys, list)}

    def _bind_keys(self) -> None:
        """One hidden action a key: a plain key can then be switched off without its neighbours."""
        for _, action in self._by_key:
            self._window.removeAction(action)
            action.deleteLater()
        self._by_key = []
        for command in COMMANDS:
            for key in self.keys(command.name):
                shortcut = QAction(self._window)
                shortcut.setShortcut(QKeySequence(key))
                shortcut.setAutoRepeat(True)
                shortcut.triggered.connect(self._actions[command.name].trigger)
                self._window.addAction(shortcut)
                self._by_key.append((key, shortcut))
        self._on_focus(None, QApplication.focusWidget())

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        typing, kept = is_text_field(new), kept_by(new)
        for key, action in self._by_key:
            action.setEnabled(not (is_plain(key) and (typing or key in kept)))


def shown_key(key: str) -> str:
    """A key as this machine writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
