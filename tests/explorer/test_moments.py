import pytest
from PySide6.QtCore import QPoint, Qt

from core.protocol import Failed, GetKeyframes, GetMoments, GetRank, ScoreSpan
from explorer.widgets.moments_curve import SHOWN_MOMENTS


@pytest.fixture
def opened(make_window, qtbot):
    """A window with a query's first clip in the tab Moments."""
    explorer = make_window(library="demo", query="a bus turns left")
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    qtbot.waitUntil(lambda: explorer.session.ranked is not None and not explorer.session.searching)
    explorer.window.grid.select_row(0)
    explorer.window.grid.setFocus()
    qtbot.keyClick(explorer.window.grid, Qt.Key.Key_M)
    qtbot.waitUntil(lambda: explorer.moments.moments.found is not None and not explorer.moments.moments.busy)
    return explorer


def spot(curve, time_s, y=60):
    return QPoint(round(curve._x(time_s)), y)


def test_the_key_opens_the_tab_and_asks_once_for_a_video(opened, engine, qtbot):
    assert opened.window.inspector.page_name == "moments"
    assert len(engine.asked(GetMoments)) == 1
    hit = opened.moments.page.hit
    others = [h for h in opened.session.ranked.hits if h.video_id == hit.video_id and h is not hit]
    opened.window.grid.select_row(opened.window.grid.hits.row_of(others[0].clip_id))
    qtbot.waitUntil(lambda: opened.moments.page.hit.clip_id == others[0].clip_id)
    other_video = next(h for h in opened.session.ranked.hits if h.video_id != hit.video_id)
    opened.window.grid.select_row(opened.window.grid.hits.row_of(other_video.clip_id))
    qtbot.waitUntil(lambda: len(engine.asked(GetMoments)) == 2)
    assert engine.asked(GetMoments)[1].clip_id == other_video.clip_id


def test_nothing_is_asked_while_the_tab_is_behind(make_window, engine, qtbot):
    explorer = make_window(library="demo", query="rain")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None and not explorer.session.searching)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: explorer.window.inspector.ready)
    assert not engine.asked(GetMoments)


def test_a_click_seeks_inside_the_clip_and_opens_the_clip_that_shows_another_time(opened, engine, qtbot):
    inspector, curve = opened.window.inspector, opened.moments.page.curve
    hit = opened.moments.page.hit
    qtbot.mouseClick(curve, Qt.MouseButton.LeftButton, pos=spot(curve, hit.start_s + 4))
    qtbot.waitUntil(lambda: abs(inspector.player.playback.position_s - hit.start_s - 4) < 0.5)
    assert inspector.player.playback.hit.clip_id == hit.clip_id
    elsewhere_s = (hit.start_s + 20) % 48
    qtbot.mouseClick(curve, Qt.MouseButton.LeftButton, pos=spot(curve, elsewhere_s))
    playback = inspector.player.playback
    qtbot.waitUntil(lambda: playback.hit.clip_id != hit.clip_id)
    assert playback.hit.video_id == hit.video_id
    assert playback.hit.start_s <= elsewhere_s < playback.hit.end_s
    qtbot.waitUntil(lambda: abs(playback.position_s - elsewhere_s) < 0.5)
    assert opened.window.grid.current_hit().clip_id == playback.hit.clip_id
    assert inspector.page_name == "moments"
    assert len(engine.asked(GetMoments)) == 1, "the curve is the video's: it stays"


def test_a_clip_that_is_not_among_the_results_is_opened_too(opened, engine, qtbot):
    hit = opened.moments.page.hit
    grid = opened.window.grid
    kept = tuple(h for h in opened.session.ranked.hits if h.video_id != hit.video_id or h is hit)
    grid.hits.show_ranking(kept)
    opened.moments.go_to((hit.start_s + 20) % 48)
    qtbot.waitUntil(lambda: bool(engine.asked(GetRank)))
    qtbot.waitUntil(lambda: opened.moments.page.hit.clip_id == engine.asked(GetRank)[-1].clip_id)
    assert opened.window.inspector.player.playback.hit.clip_id != hit.clip_id


def test_chips_are_the_best_moments_and_go_there(opened, qtbot):
    page, playback = opened.moments.page, opened.window.inspector.player.playback
    best = opened.moments.moments.found.moments
    assert len(page.chips) == SHOWN_MOMENTS
    assert page.chips[0].text().startswith("1 ")
    assert "standard deviations" in page.chips[0].toolTip()
    page.chips[1].click()
    qtbot.waitUntil(lambda: abs(playback.position_s - best[1].start_s) < 0.4)


def test_the_saved_explanation_has_the_moments(opened):
    page = opened.moments.page
    report = page.report()
    assert report.count("<tr>") == 1 + len(opened.moments.moments.found.moments)
    assert "<svg" in report
    page.show_subject("", None)
    assert page.report() == ""


def test_a_dragged_span_is_scored_anew_and_can_be_cleared(opened, engine, qtbot):
    page, curve = opened.moments.page, opened.moments.page.curve
    qtbot.mousePress(curve, Qt.MouseButton.LeftButton, pos=spot(curve, 10))
    qtbot.mouseMove(curve, spot(curve, 16))
    qtbot.mouseMove(curve, spot(curve, 18))
    qtbot.mouseRelease(curve, Qt.MouseButton.LeftButton, pos=spot(curve, 18))
    qtbot.waitUntil(lambda: opened.moments.moments.scored is not None)
    asked = engine.asked(ScoreSpan)[-1]
    assert (asked.start_s, asked.end_s) == pytest.approx((10, 18), abs=0.3)
    assert "84 %" in page.span.text()
    page._clear.click()
    assert not page.span.isVisible()
    assert opened.moments.moments.span is None


def test_arrows_move_in_time_and_with_shift_choose_a_span(opened, engine, qtbot):
    curve, playback = opened.moments.page.curve, opened.window.inspector.player.playback
    hit = opened.moments.page.hit
    opened.moments.go_to(hit.start_s + 2.1)
    qtbot.waitUntil(lambda: abs(curve._time_s - hit.start_s - 2) < 0.4)
    before_s = playback.position_s
    curve.setFocus()
    qtbot.keyClick(curve, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: playback.position_s > before_s)
    qtbot.keyClick(curve, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: bool(engine.asked(ScoreSpan)))
    qtbot.keyClick(curve, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: len(engine.asked(ScoreSpan)) == 2)
    first, second = engine.asked(ScoreSpan)
    assert second.start_s == first.start_s
    assert second.end_s == first.end_s + 0.5


def test_a_failure_is_a_sentence_on_the_page(make_window, engine, qtbot):
    engine.hold(GetMoments)
    explorer = make_window(library="demo", query="snow")
    qtbot.waitUntil(lambda: explorer.session.ranked is not None and not explorer.session.searching)
    explorer.window.grid.select_row(0)
    explorer.moments.show_moments()
    qtbot.waitUntil(lambda: bool(engine.asked(GetMoments)))
    assert "Looking" in explorer.moments.page._sentence.text()
    engine.say(Failed(engine.asked(GetMoments)[0].id, "not_found", "This video has no vectors."))
    qtbot.waitUntil(lambda: explorer.moments.page._sentence.text() == "This video has no vectors.")
    assert not explorer.moments.page.curve.isVisible()


def test_without_a_clip_the_key_says_what_to_do(make_window, qtbot):
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    explorer.moments.show_moments()
    assert "Select a clip" in explorer.window.banners.message.text.text()


def test_key_images_stand_under_the_player_and_are_gone_to_exactly(opened, engine, qtbot):
    player = opened.window.inspector.player
    hit = opened.moments.page.hit
    qtbot.waitUntil(lambda: len(opened.moments.keyframes.keyframes) == 3)
    assert [request.clip_id for request in engine.asked(GetKeyframes)] == [hit.clip_id]
    x = player.timeline._x(player.timeline._part(hit.start_s + 4.0))
    qtbot.mouseClick(player.timeline, Qt.MouseButton.LeftButton, pos=QPoint(round(x) + 3, 10))
    assert player.playback.position_s == hit.start_s + 4.0
    opened.moments.step_keyframe(1)
    assert player.playback.position_s == hit.start_s + 6.5
    opened.moments.step_keyframe(1)
    assert player.playback.position_s == hit.start_s + 1.0, "around the clip's end"
    opened.moments.step_keyframe(-1)
    assert player.playback.position_s == hit.start_s + 6.5
    qtbot.mouseMove(player.timeline, QPoint(round(x), 10))
    qtbot.waitUntil(lambda: "Key image" in player.timeline.toolTip())


def test_key_images_are_marked_in_the_strip_and_a_click_goes_exactly_there(opened, qtbot):
    strip, playback = opened.window.inspector.strip, opened.window.inspector.player.playback
    hit = opened.moments.page.hit
    qtbot.waitUntil(lambda: len(strip._keyframes) == 3)
    assert sorted(strip._keyframes) == [1, 6, 9], "the twelfths of the clip that 1.0, 4.0 and 6.5 s lie in"
    spot = strip._rect(strip.order.index(6)).center()
    qtbot.mouseMove(strip, spot)
    qtbot.waitUntil(lambda: "Key image" in strip.toolTip())
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=spot)
    qtbot.waitUntil(lambda: playback.position_s == pytest.approx(hit.start_s + 4.0, abs=0.01))
    qtbot.mouseMove(strip, QPoint(20, strip.height() - 8))
    qtbot.waitUntil(lambda: "Key images:" in strip.toolTip())
    other = next(h for h in opened.session.ranked.hits if h.clip_id != hit.clip_id)
    opened.window.grid.select_row(opened.window.grid.hits.row_of(other.clip_id))
    qtbot.waitUntil(
        lambda: [one.time_s for one in opened.moments.keyframes.keyframes[:1]] == [other.start_s + 1]
    )
    assert sorted(strip._keyframes) == [1, 6, 9]
    opened.window.inspector.reload()
    assert sorted(strip._keyframes) == [1, 6, 9], "the same clip keeps its marks"
