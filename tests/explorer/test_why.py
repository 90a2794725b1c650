"""The tab Why: what it says, what it asks of the engine, and what a person can do there."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from core.protocol import (
    ExplainScore,
    Filters,
    FindClips,
    GetRank,
    GetWordEffects,
    Hit,
    PreviewChange,
    Search,
)
from explorer.models.hits import CLIP_MIME
from explorer.models.why_words import frames_text, lit, peak, sentence, signed, top, word_tip
from explorer.widgets.why_dialog import PickClip
from explorer.widgets.why_not import change_title, changes_text, lacks_text, place_text
from explorer.widgets.why_preview import summary
from tests.explorer.fake_why import LIMIT, explained
from tests.explorer.test_window import searched

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)")
QUERY = "a red car turning left at night"


def until(qtbot, condition) -> None:
    """Patient: the machine may have other work."""
    qtbot.waitUntil(condition, timeout=30_000)


@pytest.fixture
def at_why(qtbot, engine, make_window):
    """A window with the tab in front for the clip of rank 3, everything explained."""

    def show(query=QUERY, row=2):
        explorer = make_window(library="demo", query=query)
        searched(qtbot, explorer)
        explorer.window.grid.select_row(row)
        explorer.why.show_why()
        until(qtbot, lambda: explorer.why.why.effects_complete and explorer.why.page.ready)
        return explorer

    return show


def test_the_sentence_comes_first_and_the_shown_parts_add_up(qtbot, engine, at_why):
    explorer = at_why()
    page, why = explorer.why.page, explorer.why.why
    assert page.sentence.text().startswith("Rank 3 of 60: the video as a whole fits well")
    hit = explorer.window.grid.current_hit()
    assert why.explained.score == pytest.approx(hit.rerank_score, abs=1e-4)
    assert sum(page.parts.bar.shares) == pytest.approx(hit.rerank_score, abs=1e-4)
    numbers = page._sum.text().replace("−", "-").split()
    score, alone, together = float(numbers[2]), float(numbers[7].rstrip(",")), float(numbers[9])
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
    until(qtbot, lambda: len(engine.asked(ExplainScore)) == 1)  # the strip's bars need it
    until(qtbot, lambda: explorer.why.why.explained is not None)
    assert engine.asked(GetWordEffects) == []
    explorer.why.show_why()
    until(qtbot, lambda: explorer.why.why.effects_complete)
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
    until(qtbot, lambda: why.preview is not None)
    asked = engine.asked(PreviewChange)[-1]
    assert (asked.text, asked.changed) == (QUERY, "a car turning left at night")
    assert chip._word_font().strikeOut()
    assert len(page.preview.chart.moves) == 10
    assert explorer.session.ranked.query == QUERY  # nothing has run yet
    qtbot.mouseClick(page.preview.apply, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: engine.asked(Search)[-1].text == "a car turning left at night")
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
    until(qtbot, lambda: explorer.why.why.preview is not None)
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
    until(qtbot, lambda: explorer.heat.on)
    assert explorer.heat.phrase == "car"
    explorer.why.page.chips.chips[2].pointed.emit(-1)
    assert (explorer.heat.on, explorer.heat.phrase, strip._lit) == (False, "", ())


def test_a_heatmap_that_was_on_stays_on_when_the_pointer_leaves(qtbot, engine, at_why):
    explorer = at_why()
    explorer.heat.on = True
    explorer.why.why.light(2)
    until(qtbot, lambda: explorer.heat.phrase == "car")
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
    until(qtbot, lambda: explorer.session.ranked.stage == "first")
    searched(qtbot, explorer)
    explorer.window.grid.select_row(4)
    explorer.why.show_why()
    until(qtbot, lambda: explorer.why.why.effects_complete)
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
    until(qtbot, lambda: len(engine.asked(GetRank)) == 1)
    explorer.window.grid.select_row(5)
    number = engine.asked(GetRank)[0].id
    until(qtbot, lambda: number in engine.cancelled)
    engine.release(GetRank)
    until(qtbot, lambda: explorer.why.why.effects_complete)
    assert explorer.why.why.rank is None
    assert explorer.why.why.hit.rank == 6


def test_why_not_tells_and_its_change_can_be_tried(qtbot, engine, at_why):
    explorer = at_why(f"{QUERY} clear", row=20)
    page, why = explorer.why.page, explorer.why.why
    explorer.commands.action("why_not").trigger()
    until(qtbot, lambda: why.rank is not None and why.rank.last)
    assert page.why_not._place.text().endswith("X-CLIP ranks it 21.")
    assert [row.text for row in page.why_not._lacks.rows] == [
        row.text for row in sorted(why.rank.missing, key=lambda row: row.here - row.above)
    ]
    until(qtbot, lambda: bool(why.unmet))
    assert page.why_not._unmet.text() == "“clear” is contradicted: The clip shows rain instead."
    row = page.why_not._changes.itemAt(0).widget()
    assert row.text() == "without “turning”: rank 4"
    row.click()
    until(qtbot, lambda: why.preview is not None)
    assert why.changed == "a red car left at night clear"
    above = page.why_not._above_flow.itemAt(0).widget()
    above.click()
    assert explorer.window.grid.current_hit().rank == 1
    assert explorer.why.why.hit.rank == 1


def test_looking_for_reasons_can_be_stopped(qtbot, engine, at_why):
    explorer = at_why(row=20)
    engine.hold(GetRank)
    explorer.why.why.ask_rank()
    assert explorer.why.page.why_not._busy.isVisible()
    explorer.why.page.why_not._stop.click()
    until(qtbot, lambda: not explorer.why.page.why_not._busy.isVisible())
    assert explorer.why.page.why_not._ask.isVisible()


def test_a_card_dropped_on_the_query_is_explained(qtbot, engine, at_why):
    explorer = at_why()
    grid, bar = explorer.window.grid, explorer.window.query_bar
    data = grid.hits.mimeData([grid.hits.index(30)])
    clip = grid.hits.hit(30).clip_id
    assert bytes(data.data(CLIP_MIME).data()).decode() == str(clip)
    assert grid.hits.flags(grid.hits.index(30)) & Qt.ItemFlag.ItemIsDragEnabled
    drop(bar, data)
    until(qtbot, lambda: explorer.why.why.rank is not None and explorer.why.why.rank.last)
    assert explorer.why.why.hit.clip_id == clip
    assert explorer.window.inspector.page_name == "why"
    assert bar.text == QUERY
    page = explorer.why.page
    until(qtbot, lambda: 0 <= page.why_not.mapTo(page.parentWidget(), QPoint(0, 0)).y() < 300)


def drop(bar, data: QMimeData) -> None:
    middle, copy = QPointF(bar.rect().center()), Qt.DropAction.CopyAction
    keys, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    QApplication.sendEvent(bar, QDragEnterEvent(middle.toPoint(), copy, data, left, keys))
    QApplication.sendEvent(bar, QDropEvent(middle, copy, data, left, keys))


def test_a_drop_that_is_no_clip_does_nothing(qtbot, engine, at_why):
    explorer = at_why()
    for text in (b"", b"x7", b"-3"):
        data = QMimeData()
        data.setData(CLIP_MIME, text)
        drop(explorer.window.query_bar, data)
    assert engine.asked(GetRank) == []


def test_a_clip_that_is_not_among_the_hits_is_found_by_name(qtbot, engine, at_why):
    explorer = at_why()
    explorer.session.set_filters(Filters(video_ids=(1,)))
    until(qtbot, lambda: explorer.window.grid.hits.rowCount() == 6)
    explorer.why.choose_clip("alpine")
    dialog = explorer.window.findChild(PickClip)
    until(qtbot, lambda: bool(dialog.clips))
    assert engine.asked(FindClips)[-1].name_contains == "alpine"
    assert all("alpine" in clip.video for clip in dialog.clips)
    wanted = dialog.clips[0].clip_id
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    until(qtbot, lambda: explorer.why.why.rank is not None and explorer.why.why.rank.last)
    assert explorer.why.why.hit.clip_id == wanted
    assert explorer.window.inspector.page_name == "why"
    assert explorer.window.grid.current_hit() is None


def test_the_menus_of_cards_and_videos_lead_here(qtbot, engine, at_why):
    explorer = at_why()
    grid = explorer.window.grid
    spot = grid.visualRect(grid.hits.index(1)).center()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(
        grid.viewport(), QContextMenuEvent(reason, spot, grid.viewport().mapToGlobal(spot))
    )
    menu = grid.findChild(QMenu)
    actions = {action.text(): action for action in menu.actions()}
    actions["Why not higher?"].trigger()
    until(qtbot, lambda: explorer.why.why.rank is not None)
    assert explorer.why.why.hit.rank == 2
    menu.close()
    side = explorer.window.sidebar
    row = side._list.visualRect(side.videos.index(0)).center()
    side._list.customContextMenuRequested.emit(QPoint(row))
    menu = side.findChild(QMenu)
    (action,) = menu.actions()
    action.trigger()
    dialog = explorer.window.findChild(PickClip)
    assert dialog.field.text() == side.videos.index(0).data()
    dialog.reject()
    menu.close()


def test_without_a_query_or_clip_a_sentence_says_what_to_do(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    until(qtbot, lambda: explorer.session.library is not None)
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
    until(qtbot, lambda: bool(engine.asked(ExplainScore)))
    asked = engine.asked(ExplainScore)[-1]
    from core.protocol import Failed

    engine.say(Failed(asked.id, "not_found", "Clip 7 is no longer in the library: search again."))
    until(qtbot, lambda: "no longer in the library" in explorer.why.page.sentence.text())
    assert explorer.why.page.ready


def test_the_explanation_is_saved_as_a_page_that_needs_nothing_else(
    qtbot, engine, at_why, tmp_path, monkeypatch
):
    explorer = at_why('a <b>red</b> car & "night"', row=20)
    until(qtbot, lambda: explorer.thumbnails.strip(explorer.why.why.hit.clip_id) is not None)
    explorer.why.why.ask_rank()
    until(qtbot, lambda: explorer.why.why.rank is not None and explorer.why.why.rank.last)
    path = tmp_path / "why.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    explorer.commands.action("save_explanation").trigger()
    text = path.read_text("utf-8")
    assert "<b>red</b>" not in text
    assert "&lt;b&gt;red&lt;/b&gt;" in text
    assert text.count("data:image/jpeg;base64,") == 12
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    for part in (
        "Words by frames",
        "What the score is made of",
        "Why not higher",
        "Student&#x27;s",
        "Rank 21",
    ):
        assert part in text or part.replace("&#x27;", "'") in text
    assert f"{explorer.why.why.explained.score:.4f}" in text
    assert (tmp_path / "why.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_place_that_cannot_be_written_is_said(qtbot, engine, at_why, tmp_path):
    explorer = at_why()
    explorer.why.save(str(tmp_path / "nowhere" / "why.html"))
    assert "cannot be written" in explorer.window.banners.message.text.text()


# --- words -------------------------------------------------------------------------------------------


def hit(**changes):
    fields = {
        "rank": 3, "clip_id": 1, "video_id": 1, "video": "/a.mp4", "start_s": 0.0, "end_s": 8.0, "score": 0.3,
        "first_rank": 5, "percentile": 95.0, "rerank_score": 0.4,
    }  # fmt: skip
    return Hit(**(fields | changes))


def test_the_sentence_names_what_stands_out_and_leaves_out_what_does_not():
    told = explained(ExplainScore(1, "a car at night", 1), hit())
    text = sentence(hit(), 63, told, {0: 0.0, 1: -0.2, 2: 0.0, 3: 0.1}, rerank_on=True)
    assert text.startswith("Rank 3 of 63: the video as a whole fits well (among the 5 % that fit best)")
    assert text.endswith("“night” adds most, “car” speaks against it.")
    flat = sentence(hit(), 63, told, {0: 0.001, 1: 0.0}, rerank_on=True)
    assert "adds most" not in flat
    told = explained(ExplainScore(1, "a car at night", 1, rerank=False), hit(rerank_score=None))
    text = sentence(hit(rerank_score=None), 2500, told, {}, rerank_on=True)
    assert text.startswith("Rank 3 of 2,500 by the student alone, because the rerank did not reach this clip")


def test_small_helpers_of_words():
    assert (top(100.0, 64), top(98.4, 64), top(100.0, 1000), top(0.1, 1000)) == (
        "2 %",
        "3 %",
        "0.1 %",
        "100 %",
    )
    assert (signed(0.0531), signed(-0.31), signed(-0.0001)) == ("+0.053", "−0.310", "0.000")
    assert peak((0.1, 0.2, 0.9, 0.8, 0.1, 0.9)) == (2, 3)
    assert (frames_text((3, 3)), frames_text((2, 5))) == ("frame 4", "frames 3–6")
    assert lit((0.1, 0.11)) == ()
    assert lit((0.1, 0.3, 0.2)) == pytest.approx((0.0, 1.0, 0.5))
    assert "would stay 0.400" in word_tip("the", 0.0, 0.4, cut=False, muted=False)
    assert "0.200 lower: the word speaks for" in word_tip("night", 0.2, 0.4, cut=False, muted=False)


def test_why_not_in_words():
    from core.protocol import MissingWords, QueryChange, QueryEdit, RankExplained

    rank = RankExplained(1, "q", hit(rank=1700, first_rank=1700, rerank_score=None), 5000, (), True)
    assert place_text(rank) == (
        "The first stage ranks this clip 1,700 of 5,000, the rerank did not see it; it stays 1,700. The filter"
        " leaves the clip out: these are its ranks without the filter."
    )
    rows = [MissingWords("night", "Light", -0.3, 0.1), MissingWords("car", "", 0.1, 0.2)]
    assert lacks_text(rows) == "Beside the clips above it lacks “night” (light) most, then “car”."
    assert lacks_text([MissingWords("car", "", 0.1, 0.1)]).startswith("No single word explains it")
    change = QueryChange("q", (QueryEdit("night", "dusk"), QueryEdit("red", "")), None)
    assert change_title(change) == "“night” → “dusk” and without “red”: still far down"
    assert changes_text(RankExplained(1, "q", hit(), 60, (), False, tried=38, changes=(change,))) == (
        "None of 38 changed queries brings it into the first ten; the nearest:"
    )


def test_a_previews_summary_is_one_sentence():
    from core.protocol import RankMove

    moves = tuple(RankMove(n, "/a.mp4", 0, 8, n, n + 1 if n < 10 else None) for n in range(1, 11))
    assert summary(moves, 3) == "Of the first 10, 1 would leave them; this clip would go from rank 3 to 4."
    still = tuple(RankMove(n, "/a.mp4", 0, 8, n, n) for n in range(1, 11))
    assert summary(still, 99) == "Nothing would move."
