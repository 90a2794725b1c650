"""Libraries and footage in the real window: opened, empty, growing, dropped on it, and gone."""

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from core.protocol import (
    AddFootage,
    FailureInfo,
    FootageAdded,
    GetThumbnail,
    LibraryChanged,
    OpenLibrary,
    Progress,
    Search,
)
from explorer.widgets.dialogs import FailuresDialog
from tests.explorer.fake_engine import World
from tests.explorer.steps import drop, opened, searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_videos_filter_the_search(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    videos = explorer.window.sidebar.videos
    videos.toggle(videos.index(1))
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].filters.video_ids == (2,))
    searched(qtbot, explorer)
    assert {hit.video_id for hit in explorer.window.grid.hits.ranking} == {2}
    assert explorer.window.sidebar._chosen_text.text() == "Searching in 1 video"
    explorer.window.sidebar._all.click()
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].filters.video_ids == ())


def test_the_videos_that_a_name_leaves_are_searched_in_one_step(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    side = explorer.window.sidebar
    assert not side._these.isVisible()
    side._filter.setText("city_morning")
    ids = tuple(video.video_id for video in engine.world.videos if "city_morning" in video.name)
    assert len(ids) == 2
    assert side._these.text() == "Search only these 2"
    side._these.click()
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].filters.video_ids == ids)
    assert not side._these.isVisible()  # they are searched already
    assert side._chosen_text.text() == "Searching in 2 videos"
    side._filter.setText("nothing of that name")
    asked = len(engine.asked(Search))
    side._filter.returnPressed.emit()
    searched(qtbot, explorer)
    assert len(engine.asked(Search)) == asked  # no video, no search


def test_a_library_on_its_way_is_named(qtbot, engine, make_window):
    engine.hold(OpenLibrary)
    explorer = make_window(library="/footage/alps")
    qtbot.waitUntil(lambda: bool(engine.asked(OpenLibrary)))
    side = explorer.window.sidebar
    assert (side._name.text(), side._counts.text()) == ("alps", "Being opened…")
    explorer.session._opening.cancel()
    qtbot.waitUntil(lambda: side._name.text() == "No library")


def test_empty_states_tell_what_to_do_next(qtbot, engine, make_window):
    explorer = make_window()
    qtbot.waitUntil(lambda: explorer.client.ready)
    empty = explorer.window.empty
    assert "Find the moment" in empty._headline.text()
    demo = next(found for found in empty.findChildren(QPushButton) if found.text() == "Open the demo")
    demo.click()
    opened(qtbot, explorer)
    assert empty._headline.text() == "What are you looking for?"
    chip = next(
        found for found in empty.findChildren(QPushButton) if found.text() == "rain on an empty highway"
    )
    chip.click()
    searched(qtbot, explorer)
    assert explorer.window.query_bar.text == "rain on an empty highway"
    assert explorer.window.showing_results
    explorer.window.query_bar.set_query("")
    assert not explorer.window.showing_results


def test_an_empty_library_asks_for_footage(qtbot, engine, make_window):
    engine.world.clips, engine.world.videos = 0, []
    explorer = make_window(library="/footage/empty")
    opened(qtbot, explorer)
    assert explorer.window.empty._headline.text() == "This library is empty"
    assert not engine.asked(OpenLibrary)[0].create  # a mistyped path must not become a library


def test_no_hits_says_so(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    engine.world.clips = 0
    explorer.window.query_bar.set_query("nothing like it")
    searched(qtbot, explorer)
    assert not explorer.window.showing_results
    assert explorer.window.empty._headline.text() == "No clip to rank"


def test_a_library_that_is_not_there_is_said_and_forgotten(qtbot, engine, make_window):
    explorer = make_window()
    explorer.settings.set_strings("history/libraries", ["/missing/one", "/kept"])
    qtbot.waitUntil(lambda: explorer.client.ready)
    explorer.session.open_library("/missing/one")
    message = explorer.window.banners.message
    qtbot.waitUntil(lambda: message.isVisible())
    assert message.text.text() == "There is no library in /missing/one."
    assert explorer.session.recent_libraries == ["/kept"]


def test_dropped_folders_are_indexed_with_progress_while_search_works(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    explorer.jobs._show_after_ms = 0
    engine.hold(AddFootage)
    drop(explorer, "/footage/new", "/footage/雨.mp4")
    qtbot.waitUntil(lambda: engine.asked(AddFootage) != [])
    request = engine.asked(AddFootage)[0]
    assert request.paths == ("/footage/new", "/footage/雨.mp4")
    engine.say(Progress(request.id, "Adding footage", "encoding", 30, 120, "clips", 41.5, 22, "a.mp4", 330))
    strip = explorer.window.jobs_strip
    qtbot.waitUntil(strip.isVisible)
    qtbot.waitUntil(lambda: "30 of 120 clips" in next(iter(strip._rows.values()))._numbers.text())
    numbers = next(iter(strip._rows.values()))._numbers.text()
    assert numbers == "30 of 120 clips  ·  41.5 clips/s  ·  330× real time  ·  0:22 left"
    explorer.window.query_bar.set_query("snow")
    searched(qtbot, explorer)
    failed = (FailureInfo("/footage/broken.mp4", "unreadable", "The file is cut off."),)
    engine.say(FootageAdded(request.id, 3, 90, 30, 0, 10.0, 240.0, failed))
    qtbot.waitUntil(lambda: not strip.isVisible())
    said = explorer.window.banners.message.text.text()
    assert said == "Added 30 clips in 0:10, 24× real time; 1 file could not be read."


def test_indexing_can_be_cancelled(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    explorer.jobs._show_after_ms = 0
    engine.hold(AddFootage)
    explorer.session.add_footage(("/footage/new",))
    strip = explorer.window.jobs_strip
    qtbot.waitUntil(strip.isVisible)
    next(iter(strip._rows.values()))._cancel.click()
    qtbot.waitUntil(lambda: any(asked.id in engine.cancelled for asked in engine.asked(AddFootage)))
    assert not strip.isVisible()
    assert not explorer.window.banners.message.isVisible()  # cancelling is no error


def test_footage_without_a_library_founds_one(qtbot, engine, make_window):
    explorer = make_window()
    qtbot.waitUntil(lambda: explorer.client.ready)
    drop(explorer, "/footage/night drives")
    qtbot.waitUntil(lambda: engine.asked(AddFootage) != [])
    assert engine.asked(OpenLibrary)[0].create
    assert engine.asked(OpenLibrary)[0].path.endswith("libraries/night drives")
    assert engine.asked(AddFootage)[0].paths == ("/footage/night drives",)


def test_missing_videos_are_forgotten_only_when_asked(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    engine.hold(AddFootage)
    explorer.session.add_footage(("/footage",))
    qtbot.waitUntil(lambda: engine.asked(AddFootage) != [])
    engine.say(FootageAdded(engine.asked(AddFootage)[0].id, 3, 9, 0, 0, 1, 8, (), ("gone.mp4",)))
    message = explorer.window.banners.message
    qtbot.waitUntil(lambda: "gone from the disk" in message.text.text())
    message._action.click()
    qtbot.waitUntil(lambda: len(engine.asked(AddFootage)) == 2)
    assert [request.drop_missing for request in engine.asked(AddFootage)] == [False, True]


def test_another_library_starts_afresh(qtbot, engine, make_window):
    explorer = make_window(library="/footage/one", query="rain")
    searched(qtbot, explorer)
    videos = explorer.window.sidebar.videos
    videos.toggle(videos.index(0))
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].filters.video_ids == (1,))
    searched(qtbot, explorer)
    before = len(engine.asked(Search))
    explorer.session.open_library("/footage/two")
    explorer.session.search("rain")  # asked while the other library is on its way
    assert len(engine.asked(Search)) == before
    qtbot.waitUntil(lambda: len(engine.asked(Search)) == before + 1)
    searched(qtbot, explorer)
    assert engine.asked(Search)[-1].filters.video_ids == ()
    assert explorer.session.recent_libraries == ["/footage/two", "/footage/one"]
    assert explorer.window.grid.hits.rowCount() == 60


def test_a_dropped_library_folder_is_opened(qtbot, engine, make_window, tmp_path):
    (tmp_path / "library.db").write_bytes(b"")
    explorer = make_window()
    qtbot.waitUntil(lambda: explorer.client.ready)
    drop(explorer, str(tmp_path))
    opened(qtbot, explorer)
    assert engine.asked(OpenLibrary)[0].path == str(tmp_path)
    assert engine.asked(AddFootage) == []


def test_a_growing_library_shows_its_new_counts(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    explorer.session._refresh.setInterval(0)
    engine.world.clips = 99
    engine.say(LibraryChanged(99))
    qtbot.waitUntil(lambda: "99 clips" in explorer.window.sidebar._counts.text())


def test_failures_are_listed_with_reasons(qtbot, engine, make_window):
    failures = (FailureInfo("/footage/a.mp4", "unreadable", "The file is empty."),)
    engine.world.failures = failures
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    assert explorer.window.sidebar._failures.text() == "1 file not readable"
    dialog = FailuresDialog(failures)
    qtbot.addWidget(dialog)
    assert dialog.table.item(0, 1).text() == "The file is empty."
    dialog._copy()
    assert QGuiApplication.clipboard().text() == "/footage/a.mp4\tThe file is empty."


def test_a_library_built_anew_in_its_place_takes_the_place_of_all_that_was_shown(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    explorer.session._refresh.setInterval(0)
    side = explorer.window.sidebar
    side.videos.choose((3, 4))
    searched(qtbot, explorer)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: not explorer.thumbnails.busy)
    before = engine.asked(Search)[-1]
    assert before.filters.video_ids == (3, 4)
    pictures = len(engine.asked(GetThumbnail))
    engine.world = World(clips=12, build="another")
    engine.say(LibraryChanged(12))
    qtbot.waitUntil(lambda: side.videos.rowCount() == 2)
    searched(qtbot, explorer)
    assert side.videos.chosen == ()
    after = engine.asked(Search)[-1]
    assert (after.text, after.filters.video_ids) == (before.text, ())
    assert len(explorer.session.ranked.hits) == 12
    qtbot.waitUntil(lambda: len(engine.asked(GetThumbnail)) > pictures)  # the old ones were of other clips
    qtbot.waitUntil(lambda: not explorer.thumbnails.busy)


def test_a_library_that_only_grows_keeps_what_is_shown(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    explorer.session._refresh.setInterval(0)
    explorer.window.sidebar.videos.choose((3, 4))
    searched(qtbot, explorer)
    asked, shown = len(engine.asked(Search)), explorer.session.ranked
    engine.world = World(clips=120)
    engine.say(LibraryChanged(120))
    qtbot.waitUntil(lambda: explorer.window.sidebar.videos.rowCount() == 20)
    assert explorer.window.sidebar.videos.chosen == (3, 4)
    assert len(engine.asked(Search)) == asked
    assert explorer.session.ranked is shown
