"""Judgements by keys and on cards, undone and redone."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from core.protocol import Judge, OpenRun, UndoJudgement
from tests.explorer.analysis.conftest import looked_at, settled
from tests.explorer.steps import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_judging_by_keys_with_tags_note_undo_and_redo(qtbot, engine, room):
    page, bar, memory = room.page, room.page.evidence.judge_bar, engine.analysis
    looked_at(qtbot, room, page.panel.row)
    query = " ".join(room.analysis.rows[page.panel.row].text.split())
    clip = page.evidence.rival.clip.hit.clip_id

    def held():
        return memory.held().get((query, clip))

    qtbot.keyClick(page.table, Qt.Key.Key_3)
    qtbot.waitUntil(lambda: held() is not None and held().verdict == "not" and bool(room.judging.counts))
    assert bar._verdicts["not"].isChecked()
    assert page.queries.data(page.queries.index(0, 6)) == "1"
    bar._tags["wrong actor"].click()
    qtbot.waitUntil(lambda: held().tags == ("wrong actor",))
    qtbot.keyClick(page.table, Qt.Key.Key_T)
    qtbot.waitUntil(bar.note.hasFocus)
    engine.received.clear()
    qtbot.keyClicks(bar.note, "1 n u, not the bus")
    assert bar.note.text() == "1 n u, not the bus"  # keys of commands are letters here
    qtbot.keyClick(bar.note, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert engine.asked(UndoJudgement) == []  # it is the field's own undo
    bar.note.setText("not the bus")
    bar.note.setModified(True)
    qtbot.keyClick(bar.note, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: held().note == "not the bus")
    assert held().verdict == "not"
    assert held().tags == ("wrong actor",)
    qtbot.waitUntil(page.table.hasFocus)
    qtbot.keyClick(page.table, Qt.Key.Key_U)
    qtbot.waitUntil(lambda: held().note == "")
    qtbot.keyClick(page.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(page.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: held() is None and not room.judging.counts)
    assert not bar._verdicts["not"].isChecked()
    redo = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(page.table, Qt.Key.Key_Z, redo)
    qtbot.waitUntil(lambda: held() is not None and bar._verdicts["not"].isChecked())
    page.evidence.pick(0)
    qtbot.keyClick(page.table, Qt.Key.Key_1)
    truth = page.evidence.truth.clip.hit.clip_id
    qtbot.waitUntil(lambda: (query, truth) in memory.held())


def test_nothing_to_undo_is_said(qtbot, room):
    qtbot.keyClick(room.page.table, Qt.Key.Key_U)
    qtbot.waitUntil(
        lambda: "no judgement of yours to undo" in room.explorer.window.banners.message.text.text()
    )


def test_a_selected_card_is_judged_and_wears_the_verdict(qtbot, engine, make_window, monkeypatch):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    grid = explorer.window.grid
    grid.setFocus()
    grid.select_row(2)
    hit = grid.current_hit()
    qtbot.waitUntil(grid.hasFocus)
    qtbot.keyClick(grid, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: grid._cards.verdicts == {hit.clip_id: "partly"})
    asked = engine.asked(Judge)[0]
    assert (asked.query, asked.clip_id, asked.verdict) == ("rain", hit.clip_id, "partly")
    assert asked.author
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("too dark", True))
    qtbot.keyClick(grid, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: engine.asked(Judge)[-1].note == "too dark")
    assert engine.asked(Judge)[-1].verdict == "partly"
    explorer.window.query_bar.set_query("snow")
    searched(qtbot, explorer)
    qtbot.waitUntil(lambda: explorer.session.ranked.query == "snow")
    assert grid._cards.verdicts == {}
    explorer.window.query_bar.set_query("rain")
    qtbot.waitUntil(lambda: grid._cards.verdicts == {hit.clip_id: "partly"})
    engine.received.clear()
    field = explorer.window.query_bar.field
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, " 123 0 n p u t")
    assert engine.asked(Judge) == []


def test_our_judgements_measure_the_run_anew(qtbot, engine, room):
    engine.received.clear()
    room.page.toolbar.judged.click()
    settled(qtbot, room)
    assert [request.judgements for request in engine.asked(OpenRun)] == [True]
    assert room.analysis.run.metrics[0].value == pytest.approx(53.3)
