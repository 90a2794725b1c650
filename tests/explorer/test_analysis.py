"""The Analyse page in front of a fake engine: what a person sees, and what the engine is asked."""

from functools import partial

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QPushButton

from core.protocol import (
    CompareRuns,
    Evaluate,
    ExplainScore,
    GetEvidence,
    GetHeat,
    GetQuerySets,
    GetSlices,
    ImportQueries,
    Judge,
    OpenRun,
    PreviewQueries,
    Search,
    SpanMatch,
    UndoJudgement,
    WriteReport,
)
from explorer.widgets.analysis_cards import MetricCard
from explorer.widgets.analysis_import import ImportDialog
from tests.explorer.test_window import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


@pytest.fixture
def qtbot(qtbot):
    """A patient one: a machine that is busy with other things is no failure."""
    qtbot.waitUntil = partial(qtbot.waitUntil, timeout=20_000)
    return qtbot


@pytest.fixture
def room(qtbot, engine, make_window):
    """The Analyse page with a run of 180 queries open."""
    engine.analysis.add_run("run-1", "student", reranked=False)
    engine.analysis.add_run("run-2")
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    explorer.analysis.show()
    settled(qtbot, explorer.analysis)
    made = explorer.analysis
    made.explorer = explorer
    return made


def settled(qtbot, room) -> None:
    qtbot.waitUntil(
        lambda: room.analysis.loaded and not room.analysis.busy and not room.page._settle.isActive()
    )


def looked_at(qtbot, room, row: int) -> None:
    """Wait until the clips of a row are on the page."""
    evidence = room.page.evidence
    qtbot.waitUntil(lambda: evidence._evidence is not None and evidence._evidence.row == row)


def shown_cards(room) -> dict[str, MetricCard]:
    cards = room.page.cards.findChildren(MetricCard)
    return {
        card.layout().itemAt(0).layout().itemAt(0).widget().text(): card for card in cards if card.isVisible()
    }


def test_nothing_is_asked_before_the_page_is_shown_and_a_first_run_is_one_click_away(
    qtbot, engine, make_window
):
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    assert engine.asked(GetQuerySets) == []
    page, room = explorer.analysis.page, explorer.analysis
    qtbot.keyClick(explorer.window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert explorer.window.page == "analyse"
    qtbot.waitUntil(lambda: room.analysis.loaded)
    assert page._whole.currentIndex() == 0
    offers = [b for b in page.empty.findChildren(QPushButton) if b.text().startswith("Evaluate")]
    assert [b.text() for b in offers] == ["Evaluate “Demo queries”"]
    engine.hold(Evaluate)
    offers[0].click()
    qtbot.waitUntil(lambda: bool(engine.asked(Evaluate)))
    asked = engine.asked(Evaluate)[0]
    assert (asked.set_id, asked.rerank, asked.judgements, asked.run_file) == ("set-1", True, False, "")
    assert not page.toolbar.evaluate.isEnabled()
    engine.release(Evaluate)
    settled(qtbot, room)
    assert page._whole.currentIndex() == 1
    assert page.queries.rowCount() == 180
    assert page.toolbar.evaluate.isEnabled()
    explorer.window.query_bar._pages["explore"].click()
    assert explorer.window.page == "explore"


def test_a_cancelled_evaluation_leaves_the_page_ready(qtbot, engine, room):
    engine.hold(Evaluate)
    room.page.toolbar.evaluate.click()
    qtbot.waitUntil(lambda: bool(engine.asked(Evaluate)))
    next(iter(room.explorer.jobs._jobs.values())).request.cancel()
    qtbot.waitUntil(lambda: engine.cancelled == [engine.asked(Evaluate)[0].id])
    assert room.page.toolbar.evaluate.isEnabled()
    assert room.analysis.run.run.run_id == "run-2"


def test_the_cards_show_value_interval_and_how_much_is_unjudged(room):
    cards = shown_cards(room)
    assert {"R@1", "R@10", "MdR", "mAP"} <= set(cards)
    texts = [
        found.text() for found in cards["R@1"].findChildren(type(cards["R@1"].layout().itemAt(2).widget()))
    ]
    assert "51.3" in texts
    assert "45.3 – 57.3" in texts
    assert any(text.startswith("92%") for text in texts)
    assert "▲ 6.4" in texts  # against the first stage


def test_sorting_filtering_and_slices_keep_the_chosen_query(qtbot, engine, room):
    page, table = room.page, room.page.table
    rows = room.analysis.rows
    assert page._row == page.queries.row_at(0)
    assert rows[page._row].rank == max(row.rank for row in rows)
    table.choose(5)
    chosen = page._row
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert page._row == chosen
    assert table.currentIndex().row() == page.queries.place_of(chosen)
    qtbot.keyClicks(page.needle, "night")
    qtbot.waitUntil(lambda: page._count.text() == f"{sum('night' in r.text for r in rows)} of 180 queries")
    page.needle.clear()
    page.which.setCurrentIndex(1)
    page._narrow()
    assert page.queries.rowCount() == sum(row.rank > 1 for row in rows)
    page.which.setCurrentIndex(0)
    chip = next(b for b in page.cards.findChildren(QPushButton) if b.text().startswith("turns left"))
    chip.click()
    assert page.queries.rowCount() == sum("turns left" in row.text for row in rows)
    assert page._chosen_slice.isVisible()
    page._chosen_slice.click()
    assert page.queries.rowCount() == 180
    engine.received.clear()
    page.slices.metric_box.textActivated.emit("R@1")
    qtbot.waitUntil(lambda: bool(engine.asked(GetSlices)))
    assert engine.asked(GetSlices)[0].metric == "R@1"


def test_enter_plays_the_truth_beside_the_wrong_rank_1(qtbot, engine, room):
    page, evidence = room.page, room.page.evidence
    looked_at(qtbot, room, page._row)
    truth, rival = evidence.truth.clip, evidence.rival.clip
    assert truth.grade == 1
    assert rival.hit.rank == 1
    assert rival.grade is None
    assert evidence._query.text() == room.analysis.rows[page._row].text
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


def test_held_keys_ask_only_for_the_query_where_they_stop(qtbot, engine, room):
    looked_at(qtbot, room, room.page._row)
    engine.received.clear()
    for _ in range(12):
        qtbot.keyClick(room.page.table, Qt.Key.Key_Down)
    looked_at(qtbot, room, room.page.queries.row_at(12))
    assert [request.row for request in engine.asked(GetEvidence)] == [room.page.queries.row_at(12)]


def test_n_and_p_walk_through_the_failures(qtbot, engine, room):
    page = room.page
    page.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    page.table.choose(0)
    rows = [room.analysis.rows[page.queries.row_at(place)] for place in range(180)]
    failures = [place for place, row in enumerate(rows) if row.rank > 1 and place > 0]
    for expected in failures[:3]:
        qtbot.keyClick(page.table, Qt.Key.Key_N)
        assert page.table.currentIndex().row() == expected
    qtbot.keyClick(page.table, Qt.Key.Key_P)
    assert page.table.currentIndex().row() == failures[1]
    page.table.choose(179)
    qtbot.keyClick(page.table, Qt.Key.Key_N)
    assert "no failure after" in room.explorer.window.banners.message.text.text()
    assert room.explorer.window.banners.isVisible()


def test_judging_by_keys_with_tags_note_undo_and_redo(qtbot, engine, room):
    page, bar, memory = room.page, room.page.evidence.judge_bar, engine.analysis
    looked_at(qtbot, room, page._row)
    query = " ".join(room.analysis.rows[page._row].text.split())
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


def test_a_dot_of_the_plot_leads_to_its_queries(qtbot, engine, room):
    page, scatter = room.page, room.page.compare.scatter
    page._tabs.setCurrentIndex(3)
    qtbot.waitUntil(lambda: bool(scatter._dots))
    alone = next(
        dot
        for dot, rows in scatter._dots.items()
        if len(rows) == 1 and dot[0] != dot[1] and scatter.dot_at(scatter._spot(dot)) == dot
    )
    row = scatter._dots[alone][0]
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=scatter._spot(alone).toPoint())
    looked_at(qtbot, room, row)
    crowd = max(scatter._dots, key=lambda dot: len(scatter._dots[dot]))
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=scatter._spot(crowd).toPoint())
    assert page.queries.rowCount() == len(scatter._dots[crowd])
    assert scatter.dot_at(scatter._spot(crowd)) == crowd
    qtbot.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=QPoint(scatter.width() - 2, 2))
    hurt = [row for row in room.analysis.rows if row.rank > row.first_rank]
    assert page.compare.which.tabText(0) == "Where reranking hurt"
    assert page.compare.pairs.rowCount() == len(hurt)
    page.compare.table.row_opened.emit(0)
    looked_at(qtbot, room, page.compare.pairs.row_at(0))


def test_two_runs_side_by_side_or_the_reason_why_not(qtbot, engine, room):
    page = room.page
    engine.received.clear()
    page.compare.against.activated.emit(page.compare.against.findData("run-1"))
    qtbot.waitUntil(lambda: room.analysis.compared is not None)
    assert engine.asked(CompareRuns)[0].against == "run-1"
    assert page.compare.which.tabText(0) == "Worse now"
    assert "of 180 queries" in page.compare.summary.text().casefold()
    room.analysis.compare("run-old")
    qtbot.waitUntil(lambda: "ranked different clips" in page.compare.summary.text())
    room.analysis.open_run("run-1")
    settled(qtbot, room)
    assert page.table.isColumnHidden(1)  # one stage: no first rank, no change
    assert "choose another run" in page.compare.summary.text()


def test_our_judgements_measure_the_run_anew(qtbot, engine, room):
    engine.received.clear()
    room.page.toolbar.judged.click()
    settled(qtbot, room)
    assert [request.judgements for request in engine.asked(OpenRun)] == [True]
    assert room.analysis.run.metrics[0].value == pytest.approx(53.3)


def test_open_in_explore_searches_and_selects_the_clip(qtbot, engine, room):
    looked_at(qtbot, room, room.page._row)
    explorer, clip = room.explorer, room.page.evidence.truth.clip.hit
    room.page.evidence.truth._open.click()
    assert explorer.window.page == "explore"
    searched(qtbot, explorer)
    assert engine.asked(Search)[-1].text == room.page.evidence.query
    assert explorer.window.grid.current_hit().clip_id == clip.clip_id
    assert explorer.window.inspector.player.playback.hit.clip_id == clip.clip_id


def test_both_heatmaps_come_on_together(qtbot, engine, room):
    looked_at(qtbot, room, room.page._row)
    qtbot.keyClick(room.page.table, Qt.Key.Key_H)
    sides = room.page.evidence.sides
    qtbot.waitUntil(lambda: len({request.clip_id for request in engine.asked(GetHeat)}) == 2)
    assert all(side.heat.on for side in sides)
    assert {request.text for request in engine.asked(GetHeat)} == {room.page.evidence.query}
    qtbot.keyClick(room.page.table, Qt.Key.Key_H)
    assert not any(side.heat.on for side in sides)


def test_the_words_of_both_clips_are_taken_apart_only_when_looked_at(qtbot, engine, room):
    looked_at(qtbot, room, room.page._row)
    assert engine.asked(ExplainScore) == []
    room.page._tabs.setCurrentIndex(1)
    evidence, words = room.page.evidence, room.page.words
    wanted = {evidence.truth.clip.hit.clip_id, evidence.rival.clip.hit.clip_id}
    qtbot.waitUntil(lambda: all(side.why.explained is not None for side in words.sides))
    assert {request.clip_id for request in engine.asked(ExplainScore)} == wanted
    assert words.sides[0]._told.text().startswith("X-CLIP")
    words.sides[1].table.time_chosen.emit(evidence.rival.clip.hit.start_s + 3.0)
    assert evidence.truth.playback.position_s == evidence.truth.clip.hit.start_s + 3.0


def test_import_shows_the_file_asks_anew_for_every_choice_and_brings_the_set(qtbot, engine, room):
    dialog = ImportDialog(engine_client(room), "/footage/my truth.csv")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog._import.isEnabled)
    assert dialog._sample.rowCount() == 12
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


def test_a_file_that_cannot_be_read_is_refused_in_its_own_words(qtbot, engine, room):
    engine.analysis.refuse = "/footage/x.csv is empty."
    dialog = ImportDialog(engine_client(room), "/footage/x.csv")
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


def test_another_library_begins_anew(qtbot, engine, room):
    engine.analysis.runs = []
    room.explorer.session.open_library("/elsewhere")
    qtbot.waitUntil(lambda: room.analysis.run is None and room.analysis.loaded and not room.analysis.busy)
    assert room.page._whole.currentIndex() == 0
    assert room.page.queries.rowCount() == 0
    assert room.page.evidence.duo.hit is None


def test_the_page_follows_the_theme(room):
    before = room.page.grab().toImage()
    room.explorer.settings.set("look/theme", "light", keep=False)
    after = room.page.grab().toImage()
    assert before.pixelColor(5, 5).lightness() < 80
    assert after.pixelColor(5, 5).lightness() > 200


def engine_client(room):
    return room.explorer.client
