"""The tab Skeleton: both sides of every slot, the evidence one click away, corrections with undo, and export."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QToolButton

from core.protocol import CorrectSkeleton, ExportSkeleton, GetSkeletons, Search, UndoCorrection
from explorer.models.skeleton_words import VERDICTS, answer, asked, match_tip, place, summary, value_tip
from explorer.widgets.skeleton_menu import add_menu
from tests.explorer.steps import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)")
QUERY = "a red car turning left at night in clear weather with a cyclist but no pedestrian near road works"


@pytest.fixture
def at_skeleton(qtbot, engine, make_window):
    """A window with the tab in front for the clip of rank 3."""

    def show(query=QUERY, row=2):
        explorer = make_window(library="demo", query=query)
        searched(qtbot, explorer)
        explorer.window.grid.select_row(row)
        explorer.skeleton.show_skeleton()
        qtbot.waitUntil(lambda: explorer.skeleton.model.shown is not None and explorer.skeleton.page.ready)
        return explorer

    return show


def rows(explorer):
    return {row.left[0]: row for row in reversed(explorer.skeleton.page.rows)}  # the matches come first


def test_every_asserted_slot_has_its_verdict_and_denied_ones_the_other_way_round(engine, at_skeleton):
    explorer = at_skeleton()
    shown = explorer.skeleton.model.shown
    verdicts = {match.value: match.verdict for match in shown.matches}
    assert verdicts == {
        "car": "matched", "turn_left": "matched", "night": "matched", "clear": "contradicted", "cyclist": "weak",
        "pedestrian": "matched", "road_works": "unchecked",
    }  # fmt: skip
    assert explorer.skeleton.page.summary.text() == "4 of 7 matched · 1 weak · 1 contradicted · 1 not checked"
    found = rows(explorer)
    assert found["clear weather"].right[0] == "rain"
    assert found["car"].left[1] == "matched · red?"  # nobody looked at the colour
    assert found["not: pedestrian"].right == ("not seen", "")
    assert not found["road works"].isEnabled()
    assert "Nobody looked whether it is red" in found["car"].toolTip()
    assert all(row.toolTip() for row in explorer.skeleton.page.rows)


def test_a_click_shows_the_evidence(qtbot, engine, at_skeleton):
    explorer = at_skeleton()
    found = explorer.skeleton.model.value("ego", "turn_left")
    with qtbot.waitSignal(explorer.skeleton.page.time_chosen) as chosen:
        qtbot.mouseClick(rows(explorer)["turning left"], Qt.MouseButton.LeftButton)
    assert chosen.args == [found.time_s]
    row = rows(explorer)["night"]
    row.setFocus()
    with qtbot.waitSignal(explorer.skeleton.page.time_chosen):  # and by keyboard
        qtbot.keyClick(row, Qt.Key.Key_Space)


def test_a_correction_is_sent_shown_undone_and_redone(qtbot, engine, at_skeleton):
    explorer = at_skeleton()
    model, page = explorer.skeleton.model, explorer.skeleton.page
    assert not page.undo.isEnabled()
    model.correct("weather", "clear", "holds")
    qtbot.waitUntil(lambda: model.shown.corrections == 1 and page.ready)
    (sent,) = engine.asked(CorrectSkeleton)
    assert (sent.slot, sent.value, sent.verdict) == ("weather", "clear", "holds")
    assert sent.author
    assert rows(explorer)["clear weather"].right[0] == "clear weather"
    clear = model.value("weather", "clear")
    assert clear.source == "person"
    assert sent.author in value_tip(clear)
    assert not model.value("weather", "rain").holds
    page.undo.click()
    qtbot.waitUntil(lambda: model.shown.corrections == 0 and page.ready)
    assert rows(explorer)["clear weather"].right[0] == "rain"
    page.redo.click()
    qtbot.waitUntil(lambda: model.shown.corrections == 1 and page.ready)
    assert [request.redo for request in engine.asked(UndoCorrection)] == [False, True]


def test_a_refused_correction_is_told_and_changes_nothing(qtbot, engine, at_skeleton):
    explorer = at_skeleton()
    model = explorer.skeleton.model
    with qtbot.waitSignal(explorer.skeleton.page.said) as said:
        model.correct("weather", "fog", "holds")
    assert said.args == ["error", "The disk is full: free some space."]
    qtbot.waitUntil(lambda: explorer.skeleton.page.ready)
    assert model.value("weather", "rain").holds


def test_the_menus_offer_what_makes_sense(qtbot, engine, at_skeleton):
    explorer = at_skeleton()
    model = explorer.skeleton.model
    more = {
        button.toolTip(): button.menu()
        for button in explorer.skeleton.page.findChildren(QToolButton)
        if button.menu() is not None
    }
    menu = more["Correct “rain” in this clip"]
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts == ["The clip does not show: rain", "It is something else"]
    other = menu.actions()[-1].menu()
    assert [action.text() for action in other.actions()] == ["clear weather", "fog"]
    other.actions()[0].trigger()
    qtbot.waitUntil(lambda: model.shown.corrections == 1)
    adding = QMenu(explorer.window)
    add_menu(adding, model)
    slots = {action.text(): action.menu() for action in adding.actions()}
    assert [action.text() for action in slots["Own car"].actions()] == ["turning right", "coming to a stop"]


@pytest.mark.parametrize("form", ["json", "openlabel"])
def test_export_writes_what_the_engine_says(qtbot, engine, at_skeleton, tmp_path, monkeypatch, form):
    explorer = at_skeleton()
    place_ = tmp_path / "skeleton.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(place_), ""))
    explorer.skeleton.model.export(form)
    qtbot.waitUntil(place_.exists)
    assert json.loads(place_.read_text())["form"] == form
    assert engine.asked(ExportSkeleton)[0].form == form


def test_nothing_is_asked_while_another_tab_is_in_front(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(
        lambda: explorer.window.inspector.ready
    )  # all that a chosen clip asks for by itself is there
    assert not engine.asked(GetSkeletons)


def test_the_key_brings_the_tab_to_the_front(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    explorer.window.grid.select_row(0)
    explorer.commands.action("show_skeleton").trigger()
    assert explorer.window.inspector.page_name == "skeleton"
    assert explorer.commands.keys("show_skeleton") == ("S",)


def test_a_query_without_slots_is_told_and_what_was_seen_stays(engine, at_skeleton):
    explorer = at_skeleton(query="hello gloriously uncalibrated")
    page = explorer.skeleton.page
    assert page.summary.text().startswith("Nothing in the query")
    assert "“gloriously”" in page._notes.text()
    assert "not calibrated" in page._notes.text()
    assert "city street" in rows(explorer)


def test_words_for_every_verdict(engine, at_skeleton):
    shown = at_skeleton().skeleton.model.shown
    assert set(VERDICTS) == {"matched", "weak", "missing", "contradicted", "unchecked"}
    assert summary(()).startswith("Nothing")
    by_value = {match.value: match for match in shown.matches}
    assert asked(by_value["pedestrian"]) == "not: pedestrian"
    assert answer(by_value["road_works"]) == "not looked for"
    assert place(by_value["cyclist"]) == ""
    assert place(by_value["turn_left"]).endswith("· motion")
    assert "rain instead" in match_tip(by_value["clear"])


def test_the_saved_explanation_holds_the_skeletons(engine, at_skeleton):
    text = at_skeleton().skeleton.page.report()
    assert "4 of 7 matched" in text
    assert "red traffic light" in text


def test_the_joint_score_is_a_switch_and_asks_again(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    assert [request.joint for request in engine.asked(Search)] == [False]
    explorer.commands.action("toggle_joint").trigger()
    qtbot.waitUntil(lambda: [request.joint for request in engine.asked(Search)] == [False, True])
    assert explorer.settings.flag("search/joint")
    explorer.settings.set("search/rerank", False)
    explorer.session.search_again()
    qtbot.waitUntil(lambda: len(engine.asked(Search)) == 3)
    assert not engine.asked(Search)[-1].joint  # without a rerank there is nothing to weigh it into
