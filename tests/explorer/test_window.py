"""The real window in front of a fake engine: what a person sees and what the engine is asked."""

import json

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QPushButton

from core.protocol import (
    AddFootage,
    ClipToSave,
    FailureInfo,
    FetchModel,
    FootageAdded,
    GetModels,
    LibraryChanged,
    OpenLibrary,
    Progress,
    SaveClips,
    Search,
    SearchLike,
    SetDevice,
)
from explorer.widgets.dialogs import FailuresDialog, SettingsDialog
from explorer.widgets.models_dialog import ModelsDialog

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def searched(qtbot, explorer) -> None:
    qtbot.waitUntil(lambda: explorer.session.ranked is not None and not explorer.session.searching)


def opened(qtbot, explorer) -> None:
    qtbot.waitUntil(lambda: explorer.session.library is not None)


def order(explorer) -> list[int]:
    grid = explorer.window.grid
    return [grid.hits.hit(row).clip_id for row in range(grid.hits.rowCount())]


def point_at(explorer, row: int, part: float = 0.5) -> None:
    """Put the mouse on a card, at `part` of its width."""
    grid = explorer.window.grid
    rect = grid.visualRect(grid.hits.index(row))
    spot = QPointF(rect.left() + rect.width() * part, rect.center().y())
    move_to(explorer, spot)


def move_to(explorer, spot: QPointF) -> None:
    view = explorer.window.grid.viewport()
    none = Qt.MouseButton.NoButton
    move = QMouseEvent(
        QEvent.Type.MouseMove, spot, view.mapToGlobal(spot), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, move)


def leave_grid(explorer) -> None:
    QApplication.sendEvent(explorer.window.grid.viewport(), QEvent(QEvent.Type.Leave))


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


def test_the_first_stage_is_shown_at_once_and_the_rerank_reorders_it(qtbot, engine, make_window):
    engine.hold_reranks = True
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    first = order(explorer)
    assert explorer.window.showing_results
    assert "reranking" in explorer.window.header._timings.text()
    engine.release_reranks()
    searched(qtbot, explorer)
    second = order(explorer)
    assert first != second
    assert sorted(first) == sorted(second)
    assert [hit.rank for hit in explorer.window.grid.hits.ranking] == list(range(1, 61))
    assert "rerank 9.2 ms" in explorer.window.header._timings.text()


def test_the_card_under_the_pointer_does_not_move(qtbot, engine, make_window):
    engine.hold_reranks = True
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    grid = explorer.window.grid
    second = [hit.clip_id for hit in engine.world.ranking(engine.asked(Search)[-1], "reranked")]
    row = next(row for row, clip in enumerate(order(explorer)[:12]) if second.index(clip) != row)
    point_at(explorer, row)
    clip, place = grid.hits.hit(row).clip_id, grid.visualRect(grid.hits.index(row))
    scrolled = grid.verticalScrollBar().value()
    engine.release_reranks()
    searched(qtbot, explorer)
    assert grid.verticalScrollBar().value() == scrolled
    assert grid.visualRect(grid.hits.index(grid.hits.row_of(clip))) == place
    assert [clip_id for clip_id in order(explorer) if clip_id != clip] == [c for c in second if c != clip]
    leave_grid(explorer)
    assert order(explorer) == second


def test_the_card_under_the_pointer_stays_in_a_scrolled_grid_too(qtbot, engine, make_window):
    engine.hold_reranks = True
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    grid = explorer.window.grid
    qtbot.waitUntil(lambda: grid.verticalScrollBar().maximum() > 800)
    grid.verticalScrollBar().setValue(700)
    index = grid.indexAt(grid.viewport().rect().center())
    clip, place = grid.hits.hit(index.row()).clip_id, grid.visualRect(index)
    point_at(explorer, index.row())
    engine.release_reranks()
    searched(qtbot, explorer)
    assert grid.verticalScrollBar().value() == 700
    assert grid.visualRect(grid.hits.index(grid.hits.row_of(clip))) == place


def test_the_selected_clip_stays_selected_and_goes_on_playing(qtbot, engine, make_window):
    engine.hold_reranks = True
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    grid = explorer.window.grid
    grid.select_row(3)
    clip = grid.current_hit().clip_id
    qtbot.waitUntil(lambda: explorer.frames.complete)
    engine.release_reranks()
    searched(qtbot, explorer)
    assert grid.current_hit().clip_id == clip
    assert [row.row() for row in grid.selectedIndexes()] == [grid.hits.row_of(clip)]
    assert explorer.frames.clip_id == clip
    assert explorer.frames.complete
    assert f"rank {grid.current_hit().rank}" in explorer.window.inspector.play_page._second_rank.text()


def test_typing_on_keeps_the_chosen_clip_and_entering_shows_the_best(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    grid, bar = explorer.window.grid, explorer.window.query_bar
    grid.select_row(7)
    clip = grid.current_hit().clip_id
    qtbot.keyClicks(bar.field, " and fog")
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].text == "rain and fog")
    searched(qtbot, explorer)
    assert grid.current_hit().clip_id == clip
    assert grid.verticalScrollBar().value() == 0
    shown = []
    grid.hit_selected.connect(lambda hit: shown.append(explorer.frames.clip_id))
    bar.set_query("snow")
    searched(qtbot, explorer)
    assert grid.current_hit().rank == 1
    assert 0 not in shown  # the player is never blank between two clips


def test_hovering_scrubs_through_the_twelve_tiles(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    tiles = []
    for part in (0.05, 0.35, 0.65, 0.95):
        point_at(explorer, 2, part)
        tiles.append(explorer.window.grid._cards.hovered_tile)
    assert tiles == sorted(tiles)
    assert tiles[0] == 0
    assert tiles[-1] == 11
    assert explorer.window.grid._cards.hovered_clip == order(explorer)[2]
    leave_grid(explorer)
    assert explorer.window.grid._cards.hovered_clip == 0


@pytest.mark.parametrize(("width", "columns"), [(1366, 4), (1920, 4), (2560, 4), (900, 1)])
def test_four_columns_from_small_to_large(qtbot, engine, make_window, width, columns):
    explorer = make_window(library="demo", query="rain", size=(width, 800))
    searched(qtbot, explorer)
    grid = explorer.window.grid
    tops = [grid.visualRect(grid.hits.index(row)).top() for row in range(12)]
    assert tops.count(tops[0]) >= columns
    assert tops.count(tops[0]) <= 4
    assert grid.horizontalScrollBar().maximum() == 0


def test_typing_cancels_the_running_query_and_a_pause_runs_the_new_one(qtbot, engine, make_window):
    engine.hold_reranks = True
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    running = engine.asked(Search)[-1].id
    field = explorer.window.query_bar.field
    field.setCursorPosition(4)
    qtbot.keyClicks(field, " at night")
    qtbot.waitUntil(lambda: running in engine.cancelled)
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].text == "rain at night")
    engine.release_reranks()
    searched(qtbot, explorer)
    assert explorer.session.ranked.query == "rain at night"


def test_a_late_ranking_of_an_older_query_is_never_shown(qtbot, engine, make_window):
    engine.hold(Search)
    explorer = make_window(library="demo", query="old")
    qtbot.waitUntil(lambda: len(engine.asked(Search)) == 1)
    explorer.window.query_bar.set_query("new")
    qtbot.waitUntil(lambda: len(engine.asked(Search)) == 2)
    seen = []
    explorer.session.ranking_changed.connect(lambda ranked: seen.append(ranked.query))
    engine.release(Search)
    searched(qtbot, explorer)
    assert set(seen) == {"new"}


def test_rerank_off_asks_for_one_stage(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    explorer.window.query_bar.rerank_button.toggle()
    qtbot.waitUntil(lambda: not engine.asked(Search)[-1].rerank)
    searched(qtbot, explorer)
    assert explorer.session.ranked.final
    assert not explorer.settings.flag("search/rerank")


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


def drop(explorer, *paths: str) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    window, middle = explorer.window, QPoint(300, 300)
    copy, none, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDragEnterEvent(middle, copy, data, none, keys))
    assert window._veil is not None
    QApplication.sendEvent(window, QDropEvent(QPointF(middle), copy, data, none, keys))
    assert window._veil is None


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
    qtbot.waitUntil(lambda: engine.asked(AddFootage)[0].id in engine.cancelled)
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


def test_a_query_that_runs_says_so(qtbot, engine, make_window):
    engine.hold(Search)
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.window.empty._headline.text() == "Searching…")
    explorer.session.cancel_search()
    assert explorer.window.empty._headline.text() == "What are you looking for?"


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


def test_notes_and_cut_words_are_shown(qtbot, engine, make_window):
    engine.world.notes = ("These clips are real footage.",)
    explorer = make_window(library="demo", query=" ".join(f"word{number}" for number in range(40)))
    searched(qtbot, explorer)
    banners = explorer.window.banners
    assert banners.library_note.text.text() == "These clips are real footage."
    assert banners.query_note.text.text() == "Its last words were not used."  # the engine's sentence, once
    explorer.window.query_bar.set_query("short")
    searched(qtbot, explorer)
    assert not banners.query_note.isVisible()
    banners.library_note.hide()
    explorer.session.refresh_library()
    qtbot.waitUntil(lambda: explorer.client.pending == 0)
    assert not banners.library_note.isVisible()  # closed once, closed for good


@pytest.mark.parametrize("query", ["雨の夜 🚗", "x" * 10_000, "   ", '"<b>&', "=1+1"])
def test_any_query_is_taken(qtbot, engine, make_window, query):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    explorer.window.query_bar.set_query(query)
    if query.strip():
        searched(qtbot, explorer)
        assert engine.asked(Search)[-1].text == query
    else:
        assert engine.asked(Search) == []


def test_history_goes_back_forward_and_survives(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    bar = explorer.window.query_bar
    for query in ("rain", "snow", "night"):
        bar.set_query(query)
        searched(qtbot, explorer)
    bar.back_button.click()
    assert bar.text == "snow"
    bar.back_button.click()
    assert not bar.back_button.isEnabled()
    bar.forward_button.click()
    searched(qtbot, explorer)
    assert explorer.session.ranked.query == "snow"
    again = make_window()
    assert again.window.query_bar.history.queries == ["rain", "snow", "night"]


def test_results_are_copied_and_saved(qtbot, engine, make_window, tmp_path, monkeypatch):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    explorer.commands.action("copy_results").trigger()
    assert QGuiApplication.clipboard().text().splitlines()[0].startswith("rank,clip_id,video")
    explorer.window.header.copy_asked.emit("json")
    assert json.loads(QGuiApplication.clipboard().text())["query"] == "rain"
    place = tmp_path / "out.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(place), ""))
    explorer.commands.action("export").trigger()
    assert len(json.loads(place.read_text(encoding="utf-8"))["hits"]) == 60
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "out.csv"), ""))
    explorer.commands.action("export").trigger()
    assert "cannot be written" in explorer.window.banners.message.text.text()


def test_one_clip_per_video_and_back(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    grid, header = explorer.window.grid, explorer.window.header
    every = grid.hits.ranking
    explorer.commands.action("toggle_grouped").trigger()
    best = grid.hits.ranking
    assert len(best) == len({hit.video_id for hit in best}) == 10
    for hit in best:
        of_video = [other for other in every if other.video_id == hit.video_id]
        assert hit == of_video[0]  # its own rank and place stay
        assert grid._cards.more[hit.clip_id] == len(of_video) - 1
    assert [hit.rank for hit in best] == sorted(hit.rank for hit in best)
    assert header._count.text() == "10 videos, 60 clips"
    explorer.window.query_bar.set_query("snow")
    searched(qtbot, explorer)
    assert len(grid.hits.ranking) == 10  # it holds for the next query, too

    menu, hit = QMenu(), grid.hits.ranking[3]
    grid.menu_asked.emit(hit, menu)
    next(action for action in menu.actions() if action.text() == "Search only this video").trigger()
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].filters.video_ids == (hit.video_id,))
    searched(qtbot, explorer)
    header.grouped.click()
    assert {other.video_id for other in grid.hits.ranking} == {hit.video_id}
    assert len(grid.hits.ranking) == 6
    assert not grid._cards.more


def test_clips_like_one_and_back_to_the_query(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    grid, header, inspector = explorer.window.grid, explorer.window.header, explorer.window.inspector
    grid.select_row(4)
    like = grid.current_hit()
    qtbot.waitUntil(lambda: explorer.frames.complete)
    menu = QMenu()
    grid.menu_asked.emit(like, menu)
    next(action for action in menu.actions() if action.text() == "Find similar clips").trigger()
    searched(qtbot, explorer)
    assert engine.asked(SearchLike)[-1].clip_id == like.clip_id
    assert grid.hits.ranking[0].clip_id == grid.current_hit().clip_id == like.clip_id  # it goes on playing
    assert explorer.frames.complete
    assert header._count.text().startswith("Like ")
    assert header.back.isVisible()
    assert all(page.query == "" for page in inspector.pages)  # no sentence to explain
    side = explorer.window.sidebar
    side.videos.toggle(side.videos.index(0))
    qtbot.waitUntil(lambda: engine.asked(SearchLike)[-1].filters.video_ids == (1,))
    searched(qtbot, explorer)
    assert explorer.session.like.clip_id == like.clip_id
    header.back.click()
    searched(qtbot, explorer)
    assert explorer.session.ranked.query == "rain"
    assert not header.back.isVisible()


def test_clips_are_saved_as_videos(qtbot, engine, make_window, monkeypatch):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    ranking, message = explorer.window.grid.hits.ranking, explorer.window.banners.message
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/clips")
    monkeypatch.setattr(
        "explorer.actions.ask_count", lambda _parent, usual, most: (usual, most) == (20, 60) and 60
    )
    explorer.commands.action("save_clips").trigger()
    qtbot.waitUntil(lambda: "could not be read" in message.text.text())
    asked = engine.asked(SaveClips)[-1]
    assert asked.folder == "/clips"
    assert [(one.rank, one.clip_id) for one in asked.clips] == [(hit.rank, hit.clip_id) for hit in ranking]
    assert message.text.text().startswith(
        "Saved 54 clips in /clips, with their list, clips.csv; 6 clips could"
    )

    menu = QMenu()
    explorer.window.grid.menu_asked.emit(ranking[4], menu)
    next(action for action in menu.actions() if action.text().startswith("Save this clip")).trigger()
    qtbot.waitUntil(lambda: engine.asked(SaveClips)[-1].clips == (ClipToSave(5, ranking[4].clip_id),))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    number = len(engine.asked(SaveClips))
    explorer.window.header.clips_asked.emit()
    assert len(engine.asked(SaveClips)) == number  # no folder, nothing saved


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


def test_a_new_query_starts_at_the_top(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    bar = explorer.window.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    explorer.window.query_bar.set_query("snow")
    searched(qtbot, explorer)
    assert bar.value() == 0
    assert explorer.window.grid.current_hit().rank == 1
