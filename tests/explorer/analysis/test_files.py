"""Query sets, foreign runs and reports: what comes in and goes out."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.protocol import (
    ChooseCase,
    Evaluate,
    ImportQueries,
    PreviewQueries,
    Progress,
    SpanMatch,
    WriteReport,
)
from explorer.widgets.analysis_import import ImportDialog
from tests.explorer.analysis.conftest import looked_at, settled

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


def test_import_shows_the_file_asks_anew_for_every_choice_and_brings_the_set(qtbot, engine, room):
    dialog = ImportDialog(room.explorer.client, "/footage/my truth.csv")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog._import.isEnabled)
    assert dialog._sample.rowCount() == 12
    engine.hold(PreviewQueries)
    dialog._ask()
    qtbot.waitUntil(lambda: len(engine.asked(PreviewQueries)) == 2)
    number = engine.asked(PreviewQueries)[-1].id
    engine.say(Progress(number, "Reading the file", "reading", 400_000, 0, "rows", 9e4, -1))
    qtbot.waitUntil(lambda: dialog._verdict.text() == "Reading… 400,000 rows")
    engine.release(PreviewQueries)
    qtbot.waitUntil(dialog._import.isEnabled)
    assert dialog._rejected.item(0, 3).text() == "the library has no video lost.mp4"
    assert "38 queries with an answer" in dialog._verdict.text()
    assert dialog._roles["video"].currentData() == "clip"
    dialog._overlap.setCurrentIndex(1)
    dialog._overlap.activated.emit(1)
    dialog._threshold.setValue(0.95)
    qtbot.waitUntil(lambda: "no row means a clip" in dialog._verdict.text())
    assert not dialog._import.isEnabled()
    assert engine.asked(PreviewQueries)[-1].match == SpanMatch("iou", 0.95)
    dialog._threshold.setValue(0.5)
    dialog._roles["video"].activated.emit(dialog._roles["video"].findData("weather"))
    qtbot.waitUntil(dialog._import.isEnabled)
    assert engine.asked(PreviewQueries)[-1].columns == {"video": "weather"}
    dialog.imported.connect(room.analysis.take_sets)
    dialog._import.click()
    qtbot.waitUntil(lambda: not dialog.isVisible())
    asked = engine.asked(ImportQueries)[0]
    assert (asked.path, asked.name, asked.match) == (
        "/footage/my truth.csv",
        "my truth",
        SpanMatch("iou", 0.5),
    )
    assert room.page.toolbar.sets.currentText().startswith("my truth")
    assert room.analysis.chosen_set == "set-3"


def test_an_import_is_not_cancelled_by_the_pause_after_the_last_figure(qtbot, engine, room):
    dialog = ImportDialog(room.explorer.client, "/footage/my truth.csv")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog._import.isEnabled)
    engine.hold(ImportQueries)
    dialog._later.setInterval(0)
    dialog._threshold.setValue(0.6)
    dialog._import.click()
    qtbot.waitUntil(lambda: len(engine.asked(ImportQueries)) == 1)
    engine.release(ImportQueries)
    qtbot.waitUntil(lambda: not dialog.isVisible())
    assert engine.asked(ImportQueries)[0].match == SpanMatch("contains", 0.6)
    assert len(engine.asked(PreviewQueries)) == 1
    assert engine.cancelled == []


def test_a_file_that_cannot_be_read_is_refused_in_its_own_words(qtbot, engine, room):
    engine.analysis.refuse = "/footage/x.csv is empty."
    dialog = ImportDialog(room.explorer.client, "/footage/x.csv")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog._verdict.text() == "/footage/x.csv is empty.")
    assert not dialog._import.isEnabled()
    assert not dialog._rejected.isVisible()


def test_files_of_foreign_runs_deleting_and_saving(qtbot, engine, room, monkeypatch, tmp_path):
    page = room.page
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: ("/runs/theirs.txt", ""))
    page.toolbar.foreign.trigger()
    settled(qtbot, room)
    assert engine.asked(Evaluate)[-1].run_file == "/runs/theirs.txt"
    assert room.analysis.run.run.kind == "foreign"
    place = tmp_path / "queries.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(place), ""))
    qtbot.keyClick(page.table, Qt.Key.Key_E)
    assert len(place.read_text().splitlines()) == 181
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    page.toolbar.delete_run.trigger()
    settled(qtbot, room)
    assert [run.run_id for run in engine.analysis.runs] == ["run-2", "run-1"]
    assert room.analysis.run.run.run_id == "run-2"
    page.toolbar.drop_set.trigger()
    qtbot.waitUntil(lambda: room.analysis.chosen_set == "set-2")


def test_the_report_says_where_it_is(qtbot, engine, room, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: ("/out/first report", ""))
    room.page.toolbar.report.click()
    message = room.explorer.window.banners.message
    qtbot.waitUntil(lambda: message.text.text() == "The report is in /out/first report.html.")
    asked = engine.asked(WriteReport)[0]
    assert (asked.run_id, asked.against, asked.judgements) == ("run-2", "", False)


def test_queries_are_chosen_for_the_report_by_a_key_and_wear_a_mark(qtbot, engine, room):
    page, row = room.page, room.page.panel.row
    looked_at(qtbot, room, row)
    query_id, text = room.analysis.rows[row].query_id, room.analysis.rows[row].text
    qtbot.keyClick(page.table, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: engine.analysis.chosen == [query_id] and page.evidence._chosen.isChecked())
    asked = engine.asked(ChooseCase)[0]
    assert (asked.run_id, asked.query_id, asked.on) == ("run-2", query_id, True)
    assert page.queries.data(page.queries.index(0, 0)) == f"★ {text}"
    page.panel.which.setCurrentText("In the report")
    page.panel.narrow()
    assert page.queries.rowCount() == 1
    room.analysis.open_run("run-2", judged=False)  # the engine remembers
    settled(qtbot, room)
    assert room.analysis.chosen == (query_id,)
    page.evidence._chosen.click()
    qtbot.waitUntil(lambda: engine.analysis.chosen == [] and page.queries.rowCount() == 0)
    assert not page.evidence._chosen.isChecked()
