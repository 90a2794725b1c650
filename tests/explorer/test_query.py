"""What a person types, and what the engine is asked for it."""

import pytest

from core.protocol import (
    Search,
)
from tests.explorer.steps import opened, searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")


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


def test_a_query_that_runs_says_so(qtbot, engine, make_window):
    engine.hold(Search)
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.window.empty._headline.text() == "Searching…")
    explorer.session.cancel_search()
    assert explorer.window.empty._headline.text() == "What are you looking for?"


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
