"""The tab Why: what it says, what it asks of the engine, and what a person can do there."""

import pytest
from PySide6.QtCore import Qt

from core.protocol import (
    ExplainScore,
    GetRank,
    GetWordEffects,
    PreviewChange,
    Search,
)
from explorer.models.why_words import lit
from tests.explorer.conftest import WHY_QUERY as QUERY
from tests.explorer.fake_why import LIMIT
from tests.explorer.steps import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)")


def test_the_sentence_comes_first_and_the_shown_parts_add_up(qtbot, engine, at_why):
    explorer = at_why()
    page, why = explorer.why.page, explorer.why.why
    assert page.sentence.text().startswith("Rank 3 of 60: the video as a whole fits well")
    hit = explorer.window.grid.current_hit()
    assert why.explained.score == pytest.approx(hit.rerank_score, abs=1e-4)
    assert sum(page.parts.bar.shares) == pytest.approx(hit.rerank_score, abs=1e-4)
    numbers = page._sum.text().replace("−", "-").split()
    score, alone, together = float(numbers[2]), float(numbers[4]), float(numbers[8])
    assert alone + together == pytest.approx(score, abs=1e-9)
    assert score == pytest.approx(hit.rerank_score, abs=1e-3)
    effects = sum(chip.effect for chip in page.chips.chips)
    assert alone == pytest.approx(effects, abs=1e-3)


def test_the_bars_segments_are_as_wide_as_the_shares(qtbot, engine, at_why):
    bar = at_why().why.page.parts.bar
    bar.resize(400, 20)
    bar.show_shares((0.3, -0.1, 0.1))
    rects = dict(bar.segments())
    assert rects[0].width() == pytest.approx(240)
    assert rects[1].right() == pytest.approx(rects[0].left())  # what speaks against lies left of zero
    assert rects[2].left() == pytest.approx(rects[0].right())


def test_nothing_is_asked_about_words_while_another_tab_is_in_front(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: len(engine.asked(ExplainScore)) == 1)  # the strip's bars need it
    qtbot.waitUntil(lambda: explorer.why.why.explained is not None)
    assert engine.asked(GetWordEffects) == []
    explorer.why.show_why()
    qtbot.waitUntil(lambda: explorer.why.why.effects_complete)
    assert len(engine.asked(GetWordEffects)) == 1


def test_words_beyond_the_limit_are_struck_and_cannot_be_clicked(qtbot, engine, at_why):
    words = [f"word{number}" for number in range(LIMIT + 3)]
    chips = at_why(" ".join(words)).why.page.chips.chips
    assert [chip.text() for chip in chips] == words
    assert [chip.isEnabled() for chip in chips] == [True] * LIMIT + [False] * 3
    assert all(chip._word_font().strikeOut() == chip.word.cut for chip in chips)
    assert "not read" in chips[-1].toolTip()


def test_a_muted_word_shows_the_moves_and_apply_runs_the_query(qtbot, engine, at_why):
    explorer = at_why()
    page, why = explorer.why.page, explorer.why.why
    chip = page.chips.chips[1]
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: why.preview is not None)
    asked = engine.asked(PreviewChange)[-1]
    assert (asked.text, asked.changed) == (QUERY, "a car turning left at night")
    assert chip._word_font().strikeOut()
    assert len(page.preview.chart.moves) == 10
    assert explorer.session.ranked.query == QUERY  # nothing has run yet
    qtbot.mouseClick(page.preview.apply, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: engine.asked(Search)[-1].text == "a car turning left at night")
    assert explorer.window.query_bar.text == "a car turning left at night"


def test_the_same_word_twice_is_muted_where_it_was_clicked(qtbot, engine, at_why):
    explorer = at_why("the car passes the bus")
    why = explorer.why.why
    why.mute(0)
    assert (why.changed, why.muted) == ("car passes the bus", {0})
    why.mute(3)
    assert (why.changed, why.muted) == ("car passes bus", {0, 3})
    why.mute(0)
    assert (why.changed, why.muted) == ("the car passes bus", {3})
    why.mute(3)
    assert (why.changed, why.muted, why.preview) == ("", set(), None)
    for number in range(5):
        why.mute(number)
    assert why.changed == "bus"  # the last word stays


def test_another_wording_is_previewed_once_when_typing_rests(qtbot, engine, at_why):
    explorer = at_why()
    field = explorer.why.page.preview.field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "a blue car")
    qtbot.waitUntil(lambda: explorer.why.why.preview is not None)
    assert [request.changed for request in engine.asked(PreviewChange)] == ["a blue car"]
    explorer.why.why.drop_change()
    assert field.text() == QUERY
    assert not explorer.why.page.preview._result.isVisible()


def test_a_pointed_word_lights_frames_at_once_and_regions_when_the_pointer_rests(qtbot, engine, at_why):
    explorer = at_why()
    word = explorer.why.why.explained.words[2]
    explorer.why.page.chips.chips[2].pointed.emit(2)
    strip = explorer.window.inspector.strip
    assert strip._lit == lit(word.similarity)
    assert explorer.window.inspector.player.timeline._lit == lit(word.similarity)
    assert explorer.why.page.table._lit == 2
    assert not explorer.heat.on
    qtbot.waitUntil(lambda: explorer.heat.on)
    assert explorer.heat.phrase == "car"
    explorer.why.page.chips.chips[2].pointed.emit(-1)
    assert (explorer.heat.on, explorer.heat.phrase, strip._lit) == (False, "", ())


def test_a_heatmap_that_was_on_stays_on_when_the_pointer_leaves(qtbot, engine, at_why):
    explorer = at_why()
    explorer.heat.on = True
    explorer.why.why.light(2)
    qtbot.waitUntil(lambda: explorer.heat.phrase == "car")
    explorer.why.why.light(-1)
    assert explorer.heat.on
    assert explorer.heat.phrase == ""


def test_a_cell_goes_to_its_frame_and_says_what_it_is(qtbot, engine, at_why):
    explorer = at_why()
    table, playback = explorer.why.page.table, explorer.window.inspector.player.playback
    frames = explorer.why.why.explained.frames
    cell = table.cell_rect(2, 7).center()
    assert table._cell_at(cell) == (2, 7)
    qtbot.mouseClick(table, Qt.MouseButton.LeftButton, pos=cell)
    assert playback.position_s == pytest.approx(frames[7].time_s)
    assert table.cell_text(2, 7).startswith("“car” and frame 8 at ")
    assert table._cell_at(table.cell_rect(-1, 4).center()) == (-1, 4)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Right)
    assert playback.position_s == pytest.approx(frames[8].time_s)


def test_the_strip_puts_the_best_frames_first(qtbot, engine, at_why):
    explorer = at_why()
    strip = explorer.window.inspector.strip
    answers = [frame.answer for frame in explorer.why.why.explained.frames]
    assert strip.order == list(range(12))
    strip.best_first.click()
    assert strip.order == sorted(range(12), key=lambda tile: -answers[tile])
    chosen = []
    strip.time_chosen.connect(chosen.append)
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip._rect(0).center())
    hit = explorer.window.grid.current_hit()
    best = answers.index(max(answers))
    assert chosen == [hit.start_s + (best + 0.5) * (hit.end_s - hit.start_s) / 12]
    assert "X-CLIP's attention" in strip._tip(best)
    assert "of the student's vector" in strip._tip(best)


def test_with_the_rerank_off_the_student_explains_alone(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    explorer.window.query_bar.rerank_button.click()
    qtbot.waitUntil(lambda: explorer.session.ranked.stage == "first")
    searched(qtbot, explorer)
    explorer.window.grid.select_row(4)
    explorer.why.show_why()
    qtbot.waitUntil(lambda: explorer.why.why.effects_complete)
    page = explorer.why.page
    assert page.sentence.text().startswith("Rank 5 of 60 by the student alone, because the rerank is off")
    assert not page._fine.isVisible()
    assert engine.asked(ExplainScore)[-1].rerank is False
    strip = explorer.window.inspector.strip
    assert not strip.best_first.isEnabled()
    assert len(strip._legend()) == 1
    assert page._sum.text().startswith("The student's cosine")


def test_moving_on_drops_what_was_asked_for_the_clip_before(qtbot, engine, at_why):
    explorer = at_why()
    engine.hold(GetRank)
    explorer.why.why.ask_rank()
    qtbot.waitUntil(lambda: len(engine.asked(GetRank)) == 1)
    explorer.window.grid.select_row(5)
    number = engine.asked(GetRank)[0].id
    qtbot.waitUntil(lambda: number in engine.cancelled)
    engine.release(GetRank)
    qtbot.waitUntil(lambda: explorer.why.why.effects_complete)
    assert explorer.why.why.rank is None
    assert explorer.why.why.hit.rank == 6


def test_without_a_query_or_clip_a_sentence_says_what_to_do(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    for command, part in (("show_why", "Select a clip"), ("save_explanation", "select a clip")):
        explorer.commands.action(command).trigger()
        assert part in explorer.window.banners.message.text.text()
    explorer.why.explain_clip(3)
    assert "Type a query first" in explorer.window.banners.message.text.text()


def test_a_failed_explanation_is_said_in_the_tab(qtbot, engine, make_window):
    explorer = make_window(library="demo", query=QUERY)
    searched(qtbot, explorer)
    engine.hold(ExplainScore)
    explorer.window.grid.select_row(0)
    explorer.why.show_why()
    qtbot.waitUntil(lambda: bool(engine.asked(ExplainScore)))
    asked = engine.asked(ExplainScore)[-1]
    from core.protocol import Failed

    engine.say(Failed(asked.id, "not_found", "Clip 7 is no longer in the library: search again."))
    qtbot.waitUntil(lambda: "no longer in the library" in explorer.why.page.sentence.text())
    assert explorer.why.page.ready
