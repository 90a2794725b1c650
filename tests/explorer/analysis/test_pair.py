"""A query's truth beside the wrong rank 1: in step, with heatmaps and words."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from core.protocol import ExplainScore, GetHeat, GetSkeletons, Search
from tests.explorer.analysis.conftest import looked_at
from tests.explorer.steps import searched

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


def test_the_skeletons_of_both_clips_stand_side_by_side_and_say_where_they_differ(qtbot, engine, room):
    looked_at(qtbot, room, room.page.panel.row)
    assert engine.asked(GetSkeletons) == []
    room.page._tabs.setCurrentIndex(2)
    evidence, panel = room.page.evidence, room.page.skeleton
    wanted = {evidence.truth.clip.hit.clip_id, evidence.rival.clip.hit.clip_id}
    qtbot.waitUntil(lambda: all(model.shown is not None for model in panel.models) and panel.ready)
    assert {request.clip_id for request in engine.asked(GetSkeletons)} == wanted
    assert {request.text for request in engine.asked(GetSkeletons)} == {evidence.query}
    asks = [match.title for match in panel.models[0].shown.matches]
    assert asks == ["car", "night"]
    assert [[cell.left[0] for cell in pair] for pair in panel.rows] == [["car", "car"], ["night", "night"]]
    assert panel.rows[0][0].left[1].startswith("matched · red? · ")  # nobody looked at its colour
    assert told(panel, "differs") == []
    panel.models[0].correct("light", "night", "not")
    qtbot.waitUntil(lambda: told(panel, "differs") == ["the two differ"])
    assert "1 of 2 matched · 1 missing" in told(panel, "secondary")
    assert "SEEN IN ONE OF THE TWO" in told(panel, "section")
    assert panel.rows[-1][0].left[0] == "not seen"
    panel.rows[-1][1].click()
    shown = next(value for value in panel.models[1].shown.values if value.value == "night")
    assert evidence.duo.position_s == shown.time_s - evidence.rival.clip.hit.start_s
    evidence.choose(1, 3)
    qtbot.waitUntil(lambda: engine.asked(GetSkeletons)[-1].clip_id == evidence.rival.clip.hit.clip_id)


def told(panel, role: str) -> list[str]:
    labels = (found for found in panel.findChildren(QLabel) if found.isVisible())
    return [found.text() for found in labels if found.property("role") == role]
