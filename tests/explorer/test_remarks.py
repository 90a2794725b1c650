"""What the window says about the query itself, and that half a word is no mistake while a person types it."""

import pytest
from PySide6.QtCore import Qt

from core.protocol import Search
from explorer.widgets import query_bar
from tests.explorer.fake_engine import World
from tests.explorer.steps import opened, searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")

NEVER_MS = 10**6


@pytest.fixture
def typing(qtbot, monkeypatch, make_window):
    """A window whose query settles only when it is entered, and a way to type into it."""
    monkeypatch.setattr(query_bar, "SETTLED_MS", NEVER_MS)
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    explorer.window.query_bar.focus_query()

    def keys(text, asked=None):
        qtbot.keyClicks(explorer.window.query_bar.field, text)
        if asked is not None:
            qtbot.waitUntil(lambda: explorer.session.ranked and explorer.session.ranked.query == asked)
            searched(qtbot, explorer)

    return explorer, keys


def enter(qtbot, explorer):
    qtbot.keyClick(explorer.window.query_bar.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not explorer.session.searching)


def test_words_that_the_model_never_learned_are_named_near_the_query(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="a Submarine at night -zebra")
    searched(qtbot, explorer)
    header, bar = explorer.window.header, explorer.window.query_bar
    qtbot.waitUntil(header.unlearned.isVisible)
    assert header.unlearned.text() == (
        "“Submarine” and “zebra” are words that this model has not learned; they are passed over."
    )
    assert header.without.text() == "without zebra"
    bar.set_query("a car at night")
    searched(qtbot, explorer)
    assert not header.unlearned.isVisible()
    bar.go_back()
    searched(qtbot, explorer)
    assert header.unlearned.isVisible()


def test_the_word_at_the_cursor_is_named_only_once_it_is_finished(qtbot, engine, typing):
    explorer, keys = typing
    told = explorer.window.header.unlearned
    keys("a subma", asked="a subma")
    assert explorer.session.ranked.unlearned == ("subma",)
    assert told.text() == ""
    assert not told.isVisible()
    keys("rine ", asked="a submarine")
    assert told.text().startswith("“submarine” is a word")
    keys("zeb")
    assert told.text().startswith("“submarine” is a word")  # it does not flicker while the next one is typed
    qtbot.waitUntil(lambda: explorer.session.ranked.query == "a submarine zeb")
    assert told.text().startswith("“submarine” is a word")
    enter(qtbot, explorer)
    assert told.text().startswith("“submarine” and “zeb” are words")
    keys("ra")
    assert told.text().startswith("“submarine” is a word")  # "zeb" is no word of the query any more


def test_a_word_that_was_left_alone_is_named_without_being_entered(qtbot, engine, monkeypatch, make_window):
    monkeypatch.setattr(query_bar, "SETTLED_MS", 1)
    explorer = make_window(library="demo")
    opened(qtbot, explorer)
    qtbot.keyClicks(explorer.window.query_bar.field, "a zebra")
    qtbot.waitUntil(lambda: explorer.window.header.unlearned.text().startswith("“zebra” is a word"))
    assert not explorer.window.query_bar.entered


def test_a_query_may_begin_with_its_minus_word(qtbot, engine, typing):
    explorer, keys = typing
    note, message = explorer.window.banners.query_note, explorer.window.banners.message
    keys("-rain")
    qtbot.waitUntil(lambda: explorer.remarks.refusal != "")
    assert not note.isVisible()
    assert not message.isVisible()
    keys(" intersection", asked="-rain intersection")
    assert explorer.remarks.refusal == ""
    assert not note.isVisible()
    assert explorer.window.header.without.text() == "without rain"


def test_minus_words_alone_are_refused_until_the_query_is_a_valid_one(qtbot, engine, typing):
    explorer, keys = typing
    note = explorer.window.banners.query_note
    keys("-rain")
    qtbot.waitUntil(lambda: explorer.remarks.refusal != "")
    enter(qtbot, explorer)
    qtbot.waitUntil(note.isVisible)
    assert note.text.text().startswith("The query says only what must not be there")
    keys(" -fog")
    qtbot.waitUntil(
        lambda: engine.asked(Search)[-1].text == "-rain -fog" and "-fog" in explorer.remarks.refusal
    )
    assert note.isVisible()
    keys(" car", asked="-rain -fog car")
    assert not note.isVisible()


def test_a_note_waits_until_the_query_is_settled(qtbot, engine, typing):
    explorer, keys = typing
    note = explorer.window.banners.query_note
    long = "a " * 40
    keys(long, asked=long.strip())
    assert explorer.session.ranked.notes
    assert not note.isVisible()
    enter(qtbot, explorer)
    qtbot.waitUntil(note.isVisible)
    assert note.text.text() == "Its last words were not used."


def test_the_header_says_every_stage_where_there_is_room_and_never_half_of_it(qtbot, engine, make_window):
    engine.world = World(clips=300, likely=18)
    explorer = make_window(library="demo", query="rain", size=(1366, 768))
    searched(qtbot, explorer)
    timings = explorer.window.header._timings
    every = "text 6.3 ms   first stage 0.4 ms   rerank 9.2 ms"
    assert timings.text() == "in 16 ms"
    assert timings.toolTip() == f"How long the query took: {every.replace('   ', ', ')}."
    explorer.window.resize(2200, 900)
    qtbot.waitUntil(lambda: timings.text() == every)
