"""The Analyse page: cards, the table of queries and its keys."""

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from core.protocol import Evaluate, GetEvidence, GetQuerySets, GetSlices, MetricValue
from explorer.widgets.analysis_cards import MetricCard
from tests.explorer.analysis.conftest import looked_at, settled

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


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


def test_every_number_of_the_run_stands_in_a_table_both_directions_ties_and_moments(room):
    panel = room.page.metrics
    texts = [found.text() for found in panel.findChildren(QLabel)]
    assert {"TEXT TO VIDEO", "VIDEO TO TEXT, FIRST STAGE", "MOMENTS INSIDE THE TRUE VIDEOS"} <= set(texts)
    row = texts.index("R@1, %")
    assert texts[row : row + 6] == ["R@1, %", "44.9", "51.3", "45.3 – 57.3", "no ties", "92%"]
    moment = texts.index("R1@0.5, %")
    assert texts[moment : moment + 5] == ["R1@0.5, %", "61.5", "55.0 – 68.0", "mIoU, %", "48.1"]
    tied = MetricValue("R@1", "%", 50.0, 40.0, 60.0, 75.0, 25.0)
    panel.show_run(msgspec.structs.replace(room.analysis.run, metrics=(tied,), first_stage=()))
    assert "25.0 – 75.0" in [found.text() for found in panel.findChildren(QLabel)]


def test_sorting_filtering_and_slices_keep_the_chosen_query(qtbot, engine, room):
    page, table = room.page, room.page.table
    rows = room.analysis.rows
    assert page.panel.row == page.queries.row_at(0)
    assert rows[page.panel.row].rank == max(row.rank for row in rows)
    table.choose(5)
    chosen = page.panel.row
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert page.panel.row == chosen
    assert table.currentIndex().row() == page.queries.place_of(chosen)
    qtbot.keyClicks(page.panel.needle, "night")
    qtbot.waitUntil(
        lambda: page.panel.count.text() == f"{sum('night' in r.text for r in rows)} of 180 queries"
    )
    page.panel.needle.clear()
    page.panel.which.setCurrentIndex(1)
    page.panel.narrow()
    assert page.queries.rowCount() == sum(row.rank > 1 for row in rows)
    page.panel.which.setCurrentIndex(0)
    chip = next(b for b in page.cards.findChildren(QPushButton) if b.text().startswith("turns left"))
    chip.click()
    assert page.queries.rowCount() == sum("turns left" in row.text for row in rows)
    assert page.panel.slice.isVisible()
    page.panel.slice.click()
    assert page.queries.rowCount() == 180
    engine.received.clear()
    page.slices.metric_box.textActivated.emit("R@1")
    qtbot.waitUntil(lambda: bool(engine.asked(GetSlices)))
    assert engine.asked(GetSlices)[0].metric == "R@1"


def test_held_keys_ask_only_for_the_query_where_they_stop(qtbot, engine, room):
    looked_at(qtbot, room, room.page.panel.row)
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
