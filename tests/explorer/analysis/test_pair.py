"""A query's truth beside the wrong rank 1: in step, with heatmaps and words."""

import pytest
from PySide6.QtCore import Qt

from core.protocol import ExplainScore, GetHeat, Search
from tests.explorer.analysis.conftest import looked_at
from tests.explorer.test_window import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_enter_plays_the_truth_beside_the_wrong_rank_1(qtbot, engine, room):
    page, evidence = room.page, room.page.evidence
    looked_at(qtbot, room, page.panel.row)
    truth, rival = evidence.truth.clip, evidence.rival.clip
    assert truth.grade == 1
    assert rival.hit.rank == 1
    assert rival.grade is None
    assert evidence._query.text() == room.analysis.rows[page.panel.row].text
    qtbot.waitUntil(lambda: evidence.ready)
    qtbot.waitUntil(page.table.hasFocus)
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert evidence.duo.playing
    qtbot.keyClick(page.table, Qt.Key.Key_Space)
    assert not evidence.duo.playing
    evidence.duo.seek(2.0)
    for side in (evidence.truth, evidence.rival):
        assert side.playback.position_s == side.clip.hit.start_s + 2.0
    qtbot.keyClick(page.table, Qt.Key.Key_Period)
    assert evidence.duo.position_s > 2.0  # the player's keys drive both
    evidence.choose(1, 3)
    assert evidence.rival.clip.hit.rank == 4
    assert evidence.rival.playback.hit.rank == 4


def test_both_heatmaps_come_on_together(qtbot, engine, room):
    looked_at(qtbot, room, room.page.panel.row)
    qtbot.keyClick(room.page.table, Qt.Key.Key_H)
    sides = room.page.evidence.sides
    qtbot.waitUntil(lambda: len({request.clip_id for request in engine.asked(GetHeat)}) == 2)
    assert all(side.heat.on for side in sides)
    assert {request.text for request in engine.asked(GetHeat)} == {room.page.evidence.query}
    qtbot.keyClick(room.page.table, Qt.Key.Key_H)
    assert not any(side.heat.on for side in sides)


def test_the_words_of_both_clips_are_taken_apart_only_when_looked_at(qtbot, engine, room):
    looked_at(qtbot, room, room.page.panel.row)
    assert engine.asked(ExplainScore) == []
    room.page._tabs.setCurrentIndex(1)
    evidence, words = room.page.evidence, room.page.words
    wanted = {evidence.truth.clip.hit.clip_id, evidence.rival.clip.hit.clip_id}
    qtbot.waitUntil(lambda: all(side.why.explained is not None for side in words.sides))
    assert {request.clip_id for request in engine.asked(ExplainScore)} == wanted
    assert words.sides[0]._told.text().startswith("X-CLIP")
    words.sides[1].table.time_chosen.emit(evidence.rival.clip.hit.start_s + 3.0)
    assert evidence.truth.playback.position_s == evidence.truth.clip.hit.start_s + 3.0


def test_open_in_explore_searches_and_selects_the_clip(qtbot, engine, room):
    looked_at(qtbot, room, room.page.panel.row)
    explorer, clip = room.explorer, room.page.evidence.truth.clip.hit
    room.page.evidence.truth._open.click()
    assert explorer.window.page == "explore"
    searched(qtbot, explorer)
    assert engine.asked(Search)[-1].text == room.page.evidence.query
    assert explorer.window.grid.current_hit().clip_id == clip.clip_id
    assert explorer.window.inspector.player.playback.hit.clip_id == clip.clip_id
