"""The player and the panels of the real window."""

import pytest
from PySide6.QtGui import QGuiApplication

from core.protocol import (
    Search,
)
from explorer.widgets.dialogs import SettingsDialog
from tests.explorer.steps import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_the_inspector_plays_the_selected_clip(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    inspector = explorer.window.inspector
    qtbot.waitUntil(lambda: inspector.ready and explorer.frames.complete)
    hit = explorer.window.grid.current_hit()
    assert hit.rank == 1  # a query that was entered shows its best clip
    assert inspector._title.text() == hit.video.rsplit("/", 1)[1]
    assert (
        inspector.play_page._path.text() == inspector._title.text()
    )  # of the demo only the name; of others all
    explorer.window.inspector.show_library(explorer.session.library)
    assert inspector.play_page._path.text() == hit.video
    playback = inspector.player.playback
    playback.pause()
    inspector.strip.time_chosen.emit(hit.start_s + 4.0)
    assert playback.position_s == pytest.approx(hit.start_s + 4.0)
    number = inspector.player._number
    assert number.text() == "13 / 24"
    number.setFixedWidth(20)
    assert number._elided() == "13"  # never half of it
    inspector.play_page._copy_span()
    assert QGuiApplication.clipboard().text() == f"{hit.start_s:.3f},{hit.end_s:.3f}"


def test_the_inspector_never_grows_out_of_its_panel(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain", size=(1000, 700))
    searched(qtbot, explorer)
    inspector = explorer.window.inspector
    qtbot.waitUntil(lambda: inspector.ready and explorer.frames.complete)
    inspector.player.playback.seek(999)
    qtbot.waitUntil(lambda: inspector.player._number.text() == "24 / 24")
    assert inspector.minimumSizeHint().width() <= inspector.width()
    for name, page in zip(inspector._names, inspector.pages, strict=True):
        inspector.show_page(name)
        qtbot.waitUntil(lambda page=page: page.width() <= inspector.width())


def test_a_clip_that_cannot_be_played_says_why(qtbot, engine, make_window, monkeypatch):
    from core.protocol import Failed, GetFrames

    explorer = make_window(library="demo", query="rain")
    engine.hold(GetFrames)
    searched(qtbot, explorer)
    qtbot.waitUntil(lambda: engine.asked(GetFrames) != [])
    engine.say(Failed(engine.asked(GetFrames)[-1].id, "not_found", "The file is no longer there."))
    surface = explorer.window.inspector.player.surface
    qtbot.waitUntil(lambda: surface._text == "The file is no longer there.")
    assert surface.image is None
    qtbot.waitUntil(lambda: explorer.window.inspector.ready)  # there is nothing more to wait for


def test_full_screen_and_back(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    qtbot.waitUntil(lambda: explorer.window.inspector.ready)
    full = explorer.commands.action("full_screen")
    full.trigger()
    assert explorer.window.player_is_full
    qtbot.waitUntil(explorer.window.inspector.player.isVisible)
    explorer.commands.action("stop").trigger()
    assert not explorer.window.player_is_full
    assert explorer.window.grid.isVisible()
    qtbot.waitUntil(explorer.window.inspector.player.isVisible)


def test_settings_are_in_force_at_once(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain", size=(1920, 900))
    searched(qtbot, explorer)
    dialog = SettingsDialog(explorer.settings)
    qtbot.addWidget(dialog)
    explorer.commands.action("fewer_columns").trigger()
    assert explorer.window.grid.columns == 3
    explorer.settings.set("search/hits", 20)
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].k == 20)
    searched(qtbot, explorer)
    assert explorer.window.grid.hits.rowCount() == 20


def test_panels_fold_away_and_are_remembered(qtbot, engine, make_window):
    explorer = make_window()
    explorer.window.query_bar.sidebar_button.click()
    explorer.window.query_bar.inspector_button.click()
    assert explorer.window.sidebar.isHidden()
    assert explorer.window.inspector.isHidden()
    again = make_window()
    assert again.window.sidebar.isHidden()
    assert again.window.inspector.isHidden()
