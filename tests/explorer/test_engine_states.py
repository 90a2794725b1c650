"""What the window shows of its engine: coming up, dying, coming back, its models and its device."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from core.protocol import (
    FetchModel,
    GetModels,
    OpenLibrary,
    Search,
    SetDevice,
)
from explorer.widgets.models_dialog import ModelsDialog
from tests.explorer.steps import opened, order, searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_the_window_is_usable_before_the_engine_answers(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    assert explorer.window.isVisible()
    assert explorer.link.view.status == "starting"
    assert explorer.window.query_bar.badge.text() == "Starting"
    qtbot.keyClicks(explorer.window.query_bar.field, "a red car")
    qtbot.keyClick(explorer.window.query_bar.field, Qt.Key.Key_Return)
    searched(qtbot, explorer)  # asked before there was anybody to ask, answered all the same
    assert engine.asked(Search)[-1].text == "a red car"
    assert explorer.window.query_bar.badge.text() == "Ready · CPU bfloat16 · drive-tiny"


def test_a_lost_engine_comes_back_with_the_library_and_the_query(qtbot, engine, make_window):
    explorer = make_window(library="/footage/mine", query="rain")
    searched(qtbot, explorer)
    explorer.link._lost.setInterval(0)
    before = len(engine.asked(Search))
    engine.hang_up()
    qtbot.waitUntil(lambda: explorer.window.banners.message.isVisible())
    assert explorer.window.showing_results  # what was there can still be looked at
    qtbot.waitUntil(lambda: len(engine.asked(Search)) == before + 1)
    assert engine.asked(OpenLibrary)[-1].path == "/footage/mine"
    assert engine.asked(Search)[-1].text == "rain"
    searched(qtbot, explorer)
    assert "is back" in explorer.window.banners.message.text.text()


def test_what_the_clip_shows_is_asked_for_again_only_when_the_library_is_open_again(
    qtbot, engine, make_window
):
    explorer = make_window(library="/footage/mine", query="rain")
    searched(qtbot, explorer)
    explorer.link._lost.setInterval(0)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: explorer.window.inspector.ready and not explorer.thumbnails.busy)
    engine.hold(OpenLibrary)
    engine.hang_up()
    qtbot.waitUntil(lambda: len(engine.asked(OpenLibrary)) == 2)
    explorer.window.grid.select_row(1)  # the new engine is there, its library is not: this clip is refused
    qtbot.waitUntil(lambda: "No library" in explorer.window.inspector.player.surface._text)
    engine.release(OpenLibrary)
    searched(qtbot, explorer)
    qtbot.waitUntil(lambda: explorer.frames.complete and explorer.window.inspector.ready)
    assert explorer.window.inspector.player.surface.image is not None
    assert explorer.frames.clip_id == order(explorer)[1]


def test_an_engine_given_up_offers_a_button(qtbot, engine, make_window):
    explorer = make_window()
    qtbot.waitUntil(lambda: explorer.client.ready)
    explorer.process.gave_up.emit("The engine was killed or crashed. It was restarted 3 times in a row.", "x")
    assert explorer.window.query_bar.badge.text() == "Engine failed"
    assert "restarted 3 times" in explorer.window.empty._sentence.text()
    explorer.window.banners.message._action.click()
    qtbot.waitUntil(lambda: explorer.link.view.status == "warm")


def test_failed_models_say_why(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    engine.push_state("failed", "The weights file is damaged.")
    message = explorer.window.banners.message
    qtbot.waitUntil(lambda: message.text.text() == "The weights file is damaged.")
    engine.push_state("warm")
    qtbot.waitUntil(lambda: not message.isVisible())


def test_the_models_page_lists_downloads_and_imports(qtbot, engine, make_window, monkeypatch):
    explorer = make_window()
    qtbot.waitUntil(lambda: explorer.client.ready)
    dialog = ModelsDialog(explorer.client, explorer.settings)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: len(dialog.rows) == 6)
    assert engine.asked(FetchModel) == []
    names = [found.text() for found in dialog.rows[2].findChildren(QPushButton) if found.isVisible()]
    assert names == ["Import a file…", "Download (605 MB)"]
    assert [row._used.isVisible() for row in dialog.rows] == [True] + [False] * 5  # the default bundle
    next(found for found in dialog.rows[1].findChildren(QPushButton) if "Use" in found.text()).click()
    assert [row._used.isVisible() for row in dialog.rows] == [False, True] + [False] * 4
    explorer.session.add_footage(("/footage/new",))
    qtbot.waitUntil(lambda: engine.asked(OpenLibrary) != [])
    assert engine.asked(OpenLibrary)[0].bundle == "openai-b32"
    next(found for found in dialog.rows[2].findChildren(QPushButton) if "Download" in found.text()).click()
    qtbot.waitUntil(lambda: dialog.rows[2]._model.present)
    assert engine.asked(FetchModel)[0].name == "laion-b32"
    monkeypatch.setattr("explorer.widgets.models_dialog.choose_weights", lambda _parent: "/tmp/weights.pt")
    next(found for found in dialog.rows[3].findChildren(QPushButton) if "Import" in found.text()).click()
    qtbot.waitUntil(lambda: len(engine.asked(FetchModel)) == 2)
    assert engine.asked(FetchModel)[1].from_file == "/tmp/weights.pt"


def test_the_models_page_without_an_engine_says_so(qtbot, engine, make_window):
    explorer = make_window()
    dialog = ModelsDialog(explorer.client, explorer.settings)
    qtbot.addWidget(dialog)
    assert "not running yet" in dialog._status.text()
    assert engine.asked(GetModels) == []


def test_the_device_can_be_chosen(qtbot, engine, make_window):
    explorer = make_window()
    qtbot.waitUntil(lambda: explorer.link.view.status == "warm")
    badge = explorer.window.query_bar.badge
    badge._fill_menu()
    next(action for action in badge._menu.actions() if action.text() == "CPU").trigger()
    qtbot.waitUntil(lambda: engine.asked(SetDevice) != [])
    assert engine.asked(SetDevice)[0].device == "cpu"
