"""The grid of results in the real window: stages, places, pictures, columns, and taking them elsewhere."""

import json

import msgspec
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from core.protocol import (
    ClipToSave,
    Ranked,
    SaveClips,
    Search,
    SearchLike,
)
from explorer.models.hits import HitRole
from tests.explorer.steps import leave_grid, order, point_at, searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


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
    assert "rerank 9.2 ms" in explorer.window.header._timings.toolTip()


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


def test_a_new_query_starts_at_the_top(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    bar = explorer.window.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    explorer.window.query_bar.set_query("snow")
    searched(qtbot, explorer)
    assert bar.value() == 0
    assert explorer.window.grid.current_hit().rank == 1


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


def test_in_the_order_of_time_and_back_to_the_best_first(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    grid, header = explorer.window.grid, explorer.window.header
    ranked = order(explorer)
    grid.select_row(7)
    chosen = grid.current_hit()
    explorer.commands.action("toggle_by_time").trigger()
    assert header.by_time.isChecked()
    shown = [grid.hits.hit(row) for row in range(grid.hits.rowCount())]
    assert [hit.clip_id for hit in shown] == sorted(ranked)  # the fake's clips count through its videos
    assert [(hit.video, hit.start_s) for hit in shown] == sorted((hit.video, hit.start_s) for hit in shown)
    assert {hit.clip_id: hit.rank for hit in shown} == {clip: rank for rank, clip in enumerate(ranked, 1)}
    assert grid.current_hit() == chosen
    assert grid.viewport().rect().contains(grid.visualRect(grid.currentIndex()))
    assert [hit.clip_id for hit in grid.hits.ranking] == ranked  # what is saved and copied stays the ranking

    explorer.commands.action("toggle_grouped").trigger()
    videos = [grid.hits.hit(row).video for row in range(grid.hits.rowCount())]
    assert len(videos) == 10
    assert videos == sorted(videos)
    explorer.commands.action("toggle_grouped").trigger()

    explorer.window.query_bar.set_query("snow")
    searched(qtbot, explorer)
    assert order(explorer) == sorted(order(explorer))  # it holds for the next query, too
    header.by_time.click()
    assert order(explorer) == [hit.clip_id for hit in grid.hits.ranking]
    assert [hit.rank for hit in grid.hits.ranking] == list(range(1, 61))


def test_in_the_order_of_time_the_card_under_the_pointer_does_not_move_either(qtbot, engine, make_window):
    engine.hold_reranks = True
    explorer = make_window(library="demo")
    explorer.settings.set("search/by_time", True)
    explorer.window.query_bar.set_query("rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    before = order(explorer)
    point_at(explorer, 5)
    engine.release_reranks()
    searched(qtbot, explorer)
    assert order(explorer) == before == sorted(before)  # other ranks, the same places
    assert not explorer.window.grid.hits.holding


def test_what_probably_does_not_match_is_fainter_behind_a_line(qtbot, engine, make_window):
    engine.world.likely = 5
    engine.hold_reranks = True
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None)
    grid, header = explorer.window.grid, explorer.window.header

    def faint() -> list[int]:
        rows = range(grid.hits.rowCount())
        return [grid.hits.hit(row).rank for row in rows if grid.hits.index(row).data(HitRole.UNLIKELY)]

    assert not faint()  # the first stage does not tell
    assert not header.likely.isVisible()
    engine.release_reranks()
    searched(qtbot, explorer)
    assert faint() == list(range(6, 61))
    assert grid.hits.first_unlikely == 5
    assert header.likely.text() == "past rank 5: probably no match"
    assert header.likely.isVisible()
    assert "lower than matches" in grid.hits.index(5).data(Qt.ItemDataRole.ToolTipRole)
    assert "lower than matches" not in grid.hits.index(4).data(Qt.ItemDataRole.ToolTipRole)
    leave_grid(explorer)
    gap = grid.visualRect(grid.hits.index(5)).topLeft() + QPoint(40, 0)  # above the card, between the rows
    line = grid.viewport().grab().toImage().pixelColor(gap)
    assert line != grid.viewport().grab().toImage().pixelColor(gap + QPoint(0, 3))

    explorer.settings.set("search/by_time", True)
    assert sorted(faint()) == list(range(6, 61))
    assert grid.hits.first_unlikely == -1  # no one line parts them
    explorer.settings.set("search/by_time", False)
    explorer.settings.set("search/one_per_video", True)
    assert all(rank > 5 for rank in faint())
    assert (
        grid.hits.hit(grid.hits.first_unlikely).rank > 5 >= grid.hits.hit(grid.hits.first_unlikely - 1).rank
    )


@pytest.mark.parametrize("likely", [0, 60, None])
def test_where_all_or_none_match_no_clip_is_fainter_than_another(qtbot, engine, make_window, likely):
    engine.world.likely = likely
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    grid = explorer.window.grid
    assert not any(grid.hits.index(row).data(HitRole.UNLIKELY) for row in range(60))
    assert grid.hits.first_unlikely == -1
    assert not explorer.window.header.likely.isVisible()


def test_a_line_that_is_found_later_is_drawn_into_what_is_shown(qtbot, engine, make_window, monkeypatch):
    engine.world.likely = 5
    say, late = engine.say, []

    def line_later(reply) -> None:
        if isinstance(reply, Ranked) and reply.final:
            late.append(reply)
            reply = msgspec.structs.replace(reply, likely=None, line_follows=True)
        say(reply)

    monkeypatch.setattr(engine, "say", line_later)
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None and explorer.session.ranked.final)
    grid, header = explorer.window.grid, explorer.window.header
    grid.select_row(7)
    shown = order(explorer)
    assert grid.hits.first_unlikely == -1
    assert not header.likely.isVisible()
    say(late.pop())
    searched(qtbot, explorer)
    assert (grid.hits.first_unlikely, order(explorer)) == (5, shown)
    assert grid.currentIndex().row() == 7  # what the person has chosen meanwhile
    assert header.likely.isVisible()

    explorer.session.search("fog")
    qtbot.waitUntil(lambda: len(late) == 1)
    explorer.session.search("snow")  # before its line is there
    qtbot.waitUntil(lambda: len(late) == 2)
    say(late[0])
    say(late[1])
    searched(qtbot, explorer)
    assert (explorer.session.ranked.query, explorer.session.ranked.likely) == ("snow", 5)


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
