"""Minus words in the window: what the engine understood is told, kept, exported and explained."""

import json

import msgspec
import pytest
from PySide6.QtGui import QGuiApplication

from core.protocol import ExplainScore, Search, WordTaken
from explorer import exports
from explorer.models.why_words import taken_text
from tests.explorer.fake_why import explained
from tests.explorer.steps import searched
from tests.explorer.test_why_words import hit

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")

QUERY = 'intersection at night -rain -"parked car"'


def test_the_header_says_what_is_left_out_and_the_history_keeps_the_whole_query(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    header, bar = explorer.window.header, explorer.window.query_bar
    assert engine.asked(Search)[-1].text == QUERY
    assert header.without.text() == "without rain, parked car"
    assert header.without.isVisible()
    bar.set_query("two-wheeler in a cut-in")
    searched(qtbot, explorer)
    assert not header.without.isVisible()
    bar.go_back()
    searched(qtbot, explorer)
    assert bar.text == QUERY
    assert header.without.isVisible()
    explorer.actions.copy_results("json")
    copied = json.loads(QGuiApplication.clipboard().text())
    assert (copied["query"], copied["without"]) == (QUERY, ["rain", "parked car"])
    assert "taken" in exports.as_csv(explorer.session.ranked).splitlines()[0].split(",")


def test_minus_words_alone_say_what_to_do(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    explorer.window.query_bar.set_query("-rain")
    banner = explorer.window.banners.query_note
    qtbot.waitUntil(lambda: banner.text.text().startswith("The query says only what must not be there"))
    assert "a car -rain" in banner.text.text()


def test_why_says_that_its_words_are_about_the_query_without_its_minus_words():
    told = explained(ExplainScore(1, QUERY, 1), hit())
    assert [word.text for word in told.words] == ["intersection", "at", "night"]
    assert [QUERY[word.start : word.end] for word in told.words] == ["intersection", "at", "night"]
    assert told.taken == (WordTaken("rain", 0.02), WordTaken("parked car", 0.04))
    assert taken_text(told) == (
        "−0.040 because the clip shows more of “parked car” than a typical one. All else here is about the query"
        " without its minus words."
    )
    plain = explained(ExplainScore(1, "intersection at night", 1), hit())
    assert taken_text(plain) == ""


def test_why_says_when_nothing_was_taken():
    told = explained(ExplainScore(1, QUERY, 1), hit())
    none = msgspec.structs.replace(told, taken=(WordTaken("rain", 0.0), WordTaken("fog", 0.0001)))
    assert taken_text(none) == (
        "Nothing is taken off: the clip shows no more of “rain” or “fog” than a typical one."
    )


def test_the_tab_why_shows_what_was_taken_off(qtbot, engine, at_why):
    explorer = at_why(QUERY)
    page = explorer.why.page
    assert page.taken.text().startswith("−0.040 because the clip shows more of “parked car”")
    assert page.taken.isVisible()
    assert "−0.040 because" in page.report()
    explorer.window.query_bar.set_query("intersection at night")
    qtbot.waitUntil(lambda: page.why.query == "intersection at night" and page.why.explained is not None)
    assert not page.taken.isVisible()
