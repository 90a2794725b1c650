"""Ranking again by what was judged: asked for, shown, exported, explained, and undone with one key."""

import json

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from core.protocol import ExplainScore, Feedback, JudgementInfo, ScoreLearned, Search, SearchLike
from explorer.author import author
from explorer.learning import judged_since
from explorer.models.hits import tooltip
from explorer.models.why_words import learned_text
from tests.explorer.fake_why import explained
from tests.explorer.steps import searched
from tests.explorer.test_why_words import hit

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")

QUERY = "a cyclist ahead -rain"


@pytest.fixture
def judged(qtbot, engine, make_window):
    """A window with a query of which ranks 3 and 5 were judged relevant, rank 2 not, and rank 4 partly."""
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    clips = [hit.clip_id for hit in explorer.session.ranked.hits]
    keys_to_the_grid(qtbot, explorer)
    held = explorer.analysis.judging.of
    for rank, key in ((3, "1"), (5, "1"), (2, "3"), (4, "2")):
        explorer.window.grid.select_row(rank - 1)
        qtbot.keyClick(explorer.window.grid, key)
        qtbot.waitUntil(lambda rank=rank: clips[rank - 1] in held(QUERY))
    return explorer, clips


def keys_to_the_grid(qtbot, explorer):
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    explorer.window.grid.setFocus()
    qtbot.waitUntil(explorer.window.grid.hasFocus)


def learned(qtbot, explorer, key="A"):
    keys_to_the_grid(qtbot, explorer)
    before = explorer.session.ranked
    modifier = Qt.KeyboardModifier.ShiftModifier if key == "Shift+A" else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(explorer.window.grid, Qt.Key.Key_A, modifier)
    qtbot.waitUntil(lambda: explorer.session.ranked is not before)
    searched(qtbot, explorer)
    return explorer.session.ranked


def test_the_key_ranks_again_and_the_header_says_from_what(qtbot, engine, judged):
    explorer, clips = judged
    header, grid = explorer.window.header, explorer.window.grid
    assert not header.learned.isVisible()
    ranked = learned(qtbot, explorer)
    assert engine.asked(Search)[-1].learn_from == author()
    assert ranked.learned == Feedback((clips[2], clips[4]), (clips[1],))
    assert header.learned.isVisible()
    assert header.learned.text() == "learned from 2 relevant, 1 not"
    assert not header.likely.isVisible()
    assert {grid.hits.hit(row).clip_id for row in (0, 1)} == {clips[2], clips[4]}
    assert explorer.window.banners.message.text.text().startswith("Ranked again by what you judged: ")
    ranked = learned(qtbot, explorer, "Shift+A")
    assert engine.asked(Search)[-1].learn_from == ""
    assert ranked.learned is None
    assert [hit.clip_id for hit in ranked.hits] == clips
    assert not header.learned.isVisible()


def test_a_click_on_the_chip_ranks_by_the_query_alone(qtbot, engine, judged):
    explorer, _ = judged
    learned(qtbot, explorer)
    explorer.window.header.learned.click()
    qtbot.waitUntil(lambda: explorer.session.ranked.learned is None)
    assert not explorer.session.learning


def test_it_stays_through_filters_stages_and_orders_and_ends_with_another_query(qtbot, engine, judged):
    explorer, _ = judged
    bar, header, session = explorer.window.query_bar, explorer.window.header, explorer.session
    learned(qtbot, explorer)
    video = session.ranked.hits[0].video_id
    explorer.window.sidebar.videos.choose((video,))
    qtbot.waitUntil(lambda: {hit.video_id for hit in session.ranked.hits} == {video})
    searched(qtbot, explorer)
    assert engine.asked(Search)[-1].learn_from == author()
    explorer.window.sidebar.videos.choose(())
    searched(qtbot, explorer)
    bar.rerank_button.toggle()
    qtbot.waitUntil(lambda: session.ranked.stage == "first" and session.ranked.final)
    assert session.ranked.learned is not None
    header.grouped.toggle()
    header.by_time.toggle()
    assert session.ranked.learned is not None
    assert header.learned.isVisible()
    explorer.actions.find_similar(session.ranked.hits[0])
    qtbot.waitUntil(lambda: bool(engine.asked(SearchLike)) and session.ranked.query == "")
    assert not header.learned.isVisible()
    bar.set_query(QUERY)
    searched(qtbot, explorer)
    assert engine.asked(Search)[-1].learn_from == ""
    learned(qtbot, explorer)
    bar.set_query("a bus")
    searched(qtbot, explorer)
    assert (session.learning, engine.asked(Search)[-1].learn_from) == (False, "")
    assert not header.learned.isVisible()
    assert bar.text == "a bus"


def test_what_is_judged_later_is_counted_and_learned_with_the_next_press(qtbot, engine, judged):
    explorer, clips = judged
    header, judging = explorer.window.header, explorer.analysis.judging
    learned(qtbot, explorer)
    judging.judge(QUERY, clips[7], "relevant")
    qtbot.waitUntil(lambda: header.learned.text() == "learned from 2 relevant, 1 not; 1 judged since")
    assert explorer.session.ranked.learned == Feedback((clips[2], clips[4]), (clips[1],))
    ranked = learned(qtbot, explorer)
    assert clips[7] in ranked.learned.relevant
    assert header.learned.text() == "learned from 3 relevant, 1 not"


def test_without_a_judgement_one_sentence_says_how_to_judge(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    keys_to_the_grid(qtbot, explorer)
    message = explorer.window.banners.message
    for verdict in (None, "unsure"):
        if verdict:
            explorer.analysis.judging.judge(QUERY, explorer.session.ranked.hits[0].clip_id, verdict)
            qtbot.waitUntil(lambda: explorer.analysis.judging.of(QUERY) != {})
        message.hide()
        qtbot.keyClick(explorer.window.grid, Qt.Key.Key_A)
        assert message.isVisible()
        assert message.text.text() == (
            "Nothing is judged for this query yet: select a clip and press 1 if it is relevant or 3 if it is not, then"
            " A."
        )
    assert [asked.learn_from for asked in engine.asked(Search)] == [""] * len(engine.asked(Search))
    explorer.learning.unlearn()
    assert message.text.text() == "This ranking is the query's own: it has learned from nothing."
    explorer.window.query_bar.set_query("")
    explorer.learning.learn()
    assert message.text.text().startswith("Type a query and judge some results first")
    explorer.analysis.show()
    explorer.learning.learn()
    assert message.text.text() == "Rankings learn on the Explore page (Ctrl+1)."


def test_when_nothing_is_left_to_learn_from_the_query_ranks_alone(qtbot, engine, judged):
    explorer, clips = judged
    learned(qtbot, explorer)
    engine.analysis.actions.clear()  # another window took everything back
    explorer.session.search_again()
    qtbot.waitUntil(lambda: explorer.session.ranked.learned is None)
    assert not explorer.session.learning
    searched(qtbot, explorer)
    assert [hit.clip_id for hit in explorer.session.ranked.hits] == clips


def test_exports_and_cards_say_what_was_learned(qtbot, engine, judged):
    explorer, clips = judged
    ranked = learned(qtbot, explorer)
    explorer.actions.copy_results("json")
    copied = json.loads(QGuiApplication.clipboard().text())
    assert copied["learned"] == {"relevant": [clips[2], clips[4]], "not_relevant": [clips[1]]}
    assert copied["hits"][0]["learned"] == ranked.hits[0].learned
    assert "What you judged adds +0.490" in tooltip(ranked.hits[0])
    learned(qtbot, explorer, "Shift+A")
    assert "What you judged" not in tooltip(explorer.session.ranked.hits[0])


def test_the_tab_why_says_what_judged_clips_did(qtbot, engine, judged):
    explorer, clips = judged
    page = explorer.why.page
    explorer.why.show_why()
    qtbot.waitUntil(lambda: page.why.explained is not None)
    assert not page.learned.isVisible()
    learned(qtbot, explorer)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: page.why.explained is not None and page.why.explained.learned is not None)
    assert engine.asked(ExplainScore)[-1].feedback == Feedback((clips[2], clips[4]), (clips[1],))
    assert page.learned.isVisible()
    assert page.learned.text().startswith(
        "It stands with the first because you judged it relevant. +0.123 comes from"
    )
    assert "by the query alone it has rank" in page.report()
    learned(qtbot, explorer, "Shift+A")
    qtbot.waitUntil(lambda: page.why.explained is not None and page.why.explained.learned is None)
    assert not page.learned.isVisible()


def test_the_words_for_what_was_learned():
    told = explained(ExplainScore(1, QUERY, 1), hit())
    assert learned_text(told) == ""

    def text(*values):
        return learned_text(msgspec.structs.replace(told, learned=ScoreLearned(*values)))

    assert text(-0.04, 23) == (
        "−0.040 comes from its likeness to the clips that you judged; by the query alone it has rank 23, and all else"
        " here is about the query alone."
    )
    assert text(0.0001, None).startswith(
        "Nothing comes from its likeness to the clips that you judged; by the query alone it has a rank far behind"
    )
    assert text(0.2, 4, "not").startswith(
        "It stands with the last because you judged it not relevant. +0.200 comes"
    )


def test_only_ones_own_judgements_count_as_judged_since():
    def said(clip, verdict, who=""):
        return clip, JudgementInfo(
            QUERY, clip, verdict, (), "", who or author(), "2026-01-01T00:00:00.000+00:00"
        )

    known = Feedback((1, 2), (3,))
    same = dict([said(1, "relevant"), said(2, "relevant"), said(3, "not")])
    assert judged_since(known, same) == 0
    assert judged_since(known, same | dict([said(4, "partly"), said(5, "unsure")])) == 0
    assert judged_since(known, same | dict([said(1, "not"), said(4, "relevant")])) == 2
    assert judged_since(known, same | dict([said(1, "not", "ann"), said(4, "not", "ann")])) == 0
    assert judged_since(known, {}) == 3
