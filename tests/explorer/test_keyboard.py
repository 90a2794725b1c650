"""The command table: complete, without clashes, and silent while somebody types."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QPushButton

from explorer.commands import COMMANDS, is_plain, shown_key
from explorer.widgets.shortcut_sheet import KeyCatcher, ShortcutSheet
from tests.explorer.steps import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")
PLAIN = [key for command in COMMANDS for key in command.keys if is_plain(key)]


@pytest.fixture
def fired(monkeypatch):
    """Names of the commands that were carried out, in order."""
    return []


@pytest.fixture
def watched(qtbot, engine, make_window, fired):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    for command in COMMANDS:
        action = explorer.commands.action(command.name)
        action.triggered.disconnect()
        action.triggered.connect(lambda _checked=False, name=command.name: fired.append(name))
    return explorer


def press(qtbot, widget, key: str) -> None:
    combination = QKeySequence(key)[0]
    qtbot.keyClick(widget, combination.key(), combination.keyboardModifiers())


def test_no_two_commands_share_a_key():
    keys = [QKeySequence(key).toString() for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    assert all(keys)


def test_every_command_has_a_handler_and_every_handler_a_command(engine, make_window):
    explorer = make_window()
    assert set(explorer._handlers()) == {command.name for command in COMMANDS}


def test_plain_keys_are_those_a_person_types():
    assert {"J", "?", "Space", ",", "Shift+Left", "Return"} <= set(PLAIN)
    assert not {"Esc", "Ctrl+L", "Alt+Left"} & set(PLAIN)


def test_no_plain_key_fires_while_typing(qtbot, watched, fired):
    field = watched.window.query_bar.field
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    for key in PLAIN:
        press(qtbot, field, key)
        assert fired == [], key


def test_typed_letters_arrive_in_the_field(qtbot, watched, fired):
    field = watched.window.query_bar.field
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    field.clear()
    qtbot.keyClicks(field, "jKl e?[],.1 go")
    assert field.text() == "jKl e?[],.1 go"
    assert fired == []


def test_the_filter_field_is_a_text_field_too(qtbot, watched, fired):
    field = watched.window.sidebar._filter
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "ef?")
    assert field.text() == "ef?"
    assert fired == []


def test_every_key_fires_its_command_in_the_grid(qtbot, watched, fired):
    grid = watched.window.grid
    grid.setFocus()
    qtbot.waitUntil(grid.hasFocus)
    for command in COMMANDS:
        for key in command.keys:
            fired.clear()
            press(qtbot, grid, key)
            assert fired == [command.name], key


def test_strong_keys_fire_while_typing(qtbot, watched, fired):
    field = watched.window.query_bar.field
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    press(qtbot, field, "Ctrl+B")
    press(qtbot, field, "Esc")
    assert fired == ["toggle_sidebar", "stop"]


def test_a_focused_button_keeps_its_space(qtbot, watched, fired):
    button = watched.window.query_bar.rerank_button
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    before = button.isChecked()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert button.isChecked() != before
    assert fired == []


def test_arrows_walk_through_the_grid_and_enter_plays(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    grid = explorer.window.grid
    field = explorer.window.query_bar.field
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Down)
    qtbot.waitUntil(grid.hasFocus)
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert grid.currentIndex().row() == 1
    qtbot.keyClick(grid, Qt.Key.Key_Down)
    assert grid.currentIndex().row() == 5
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    player = explorer.window.inspector.player
    qtbot.waitUntil(player.hasFocus)
    assert player.playback.playing
    assert player.playback.hit.clip_id == grid.current_hit().clip_id


def test_keys_can_be_changed_and_are_remembered(qtbot, engine, make_window):
    explorer = make_window()
    explorer.commands.set_keys("play_pause", ("P",))
    explorer.commands.set_keys("pause", ("J",))
    assert explorer.commands.keys("slower") == ("[",)  # a key has one command
    again = make_window()
    assert again.commands.keys("play_pause") == ("P",)
    again.commands.set_keys("play_pause", ())
    assert again.commands.keys("play_pause") == ("Space",)
    again.settings.set("keys/changed", "[broken")
    assert again.commands.keys("play_pause") == ("Space",)


def test_the_sheet_names_every_command_and_its_keys(qtbot, engine, make_window):
    explorer = make_window()
    sheet = ShortcutSheet(explorer.commands)
    qtbot.addWidget(sheet)
    labels = {found.text() for found in sheet.findChildren(QLabel)}
    keys = {found.text() for found in sheet.findChildren(QPushButton)}
    for command in COMMANDS:
        assert command.label in labels
        assert shown_key(command.keys[0]) in keys


def test_a_click_on_a_key_chooses_another(qtbot, engine, make_window):
    explorer = make_window()
    sheet = ShortcutSheet(explorer.commands)
    qtbot.addWidget(sheet)
    sheet.show()

    def click(name: str) -> KeyCatcher:
        next(
            found for found in sheet.findChildren(QPushButton) if found.accessibleName().startswith(name)
        ).click()
        return next(found for found in sheet.findChildren(KeyCatcher) if not found.isHidden())

    catcher = click("Play or pause")
    qtbot.keyClick(catcher, Qt.Key.Key_Shift, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(catcher, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert explorer.commands.keys("play_pause") == ("Ctrl+P",)
    qtbot.keyClick(click("Save the results"), Qt.Key.Key_Escape)
    assert explorer.commands.keys("export") == ("E",)
    qtbot.keyClick(click("Slower"), Qt.Key.Key_K)  # taken from "pause", which is left without a key
    assert explorer.commands.keys("slower") == ("K", "[")
    assert explorer.commands.keys("pause") == ()
    assert explorer.commands.menu_text("show_models") == "Models\tCtrl+M"
    next(found for found in sheet.findChildren(QPushButton) if found.text() == "Usual keys").click()
    assert [explorer.commands.keys(command.name) for command in COMMANDS] == [row.keys for row in COMMANDS]
