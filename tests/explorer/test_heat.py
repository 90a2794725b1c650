"""Heatmaps in the window: what is asked for and when, what is kept, and what a person then sees."""

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest

from core.protocol import GetHeat, HeatTrust, OpenLibrary
from explorer.engine_client import EngineClient
from explorer.models.heat import Heat, HeatView
from explorer.settings import Settings
from explorer.widgets.heat_bar import METHODS as METHOD_NAMES
from explorer.widgets.heat_overlay import coloured, paint_heat
from tests.explorer import fake_heat
from tests.explorer.fake_engine import CLIP_S
from tests.explorer.steps import searched
from tests.explorer.test_plain import hit

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints")
STEP_S = CLIP_S / fake_heat.FRAMES


@pytest.fixture
def client(qtbot, engine):
    made = EngineClient()
    with qtbot.waitSignal(made.connected):
        made.connect_to(engine.port, "")
    opened = made.send(lambda number: OpenLibrary(number, "demo"))
    with qtbot.waitSignal(opened.answered):
        pass
    yield made
    made.close()


@pytest.fixture
def heat(client, qapp):
    made = Heat(client, Settings(keep=False))
    made.show_subject("a red car", hit(1, clip_id=1))
    return made


def asked(engine) -> list[GetHeat]:
    return engine.asked(GetHeat)


def settled(qtbot, heat) -> None:
    qtbot.waitUntil(lambda: not heat.waiting)


def heats(image: QImage) -> list[int]:
    return [image.pixelColor(x, y).red() for y in range(fake_heat.HEIGHT) for x in range(fake_heat.WIDTH)]


def test_nothing_is_asked_before_it_is_on_and_maps_come_before_their_trust(qtbot, engine, heat):
    engine.hold(GetHeat)
    heat.show_time(3.1)
    assert heat.at(3.1) is None
    assert not heat.waiting
    heat.toggle()
    qtbot.waitUntil(lambda: len(asked(engine)) == 1)
    request = asked(engine)[0]
    assert (request.clip_id, request.text, request.phrase, request.method) == (1, "a red car", "", "")
    assert request.near_s == 3.1
    first, rest, trust, last = fake_heat.heat_parts(request, 0.0, CLIP_S)
    with qtbot.waitSignal(heat.changed):
        engine.say(first)
    assert heat.at(3.1).map.number == 4  # 3.0 s is nearer to 3.1 s than 3.67 s
    assert heat.at(3.1).trust is None
    assert heat.at(6.9).map.number == 4  # until its own is there, the only one
    engine.say(rest)
    qtbot.waitUntil(lambda: heat.at(6.9).map.number == 10)
    engine.say(trust)
    qtbot.waitUntil(lambda: heat.at(3.1).trust is not None)
    assert heat.at(3.1).trust.reliable
    assert not heat.at((fake_heat.UNRELIABLE + 0.5) * STEP_S).trust.reliable
    assert heat.waiting
    engine.say(last)
    settled(qtbot, heat)
    heat.toggle()
    assert heat.at(3.1) is None


def test_between_two_frames_the_heat_is_mixed(qtbot, engine, heat):
    heat.toggle()
    settled(qtbot, heat)
    at = (2.5 + 0.25) * STEP_S  # a quarter of the way from the third to the fourth
    before, behind = (fake_heat.heat_map(number, 0.0, CLIP_S, 1).heat for number in (2, 3))
    plain = [0.75 * one + 0.25 * other for one, other in zip(before, behind, strict=True)]
    found = heats(heat.at(at).image)
    assert max(abs(one - other) for one, other in zip(plain, found, strict=True)) <= 2
    assert heat.at(at).map.number == 2
    assert heats(heat.at(2.5 * STEP_S).image) == list(before)  # and on a frame it is that frame's own
    assert heats(heat.at(-1.0).image) == list(fake_heat.heat_map(0, 0.0, CLIP_S, 1).heat)
    assert heats(heat.at(99.0).image) == list(fake_heat.heat_map(11, 0.0, CLIP_S, 1).heat)


def test_words_other_queries_and_methods_are_asked_once_each(qtbot, engine, heat):
    heat.toggle()
    settled(qtbot, heat)
    heat.show_phrase("red car")
    settled(qtbot, heat)
    heat.show_against(" a bus ")
    assert heat.wish.against == ""  # the words go first
    heat.show_phrase(None)
    settled(qtbot, heat)
    heat.choose_method("patches")
    settled(qtbot, heat)
    assert heat.method == "patches"
    wishes = [(one.phrase, one.against, one.method) for one in asked(engine)]
    assert wishes == [("", "", ""), ("red car", "", ""), ("", "a bus", ""), ("", "a bus", "patches")]
    heat.choose_method("agreement")
    heat.show_against("")
    heat.show_phrase("red car")
    assert heat.at(1.0) is not None  # at once, from what was kept
    assert not heat.waiting
    assert len(asked(engine)) == 4
    heat.next_method()
    assert heat.wish.method == "patches"
    settled(qtbot, heat)


def test_running_over_the_words_asks_only_for_the_last_and_stops_what_is_not_wanted(qtbot, engine, heat):
    engine.hold(GetHeat)
    heat.toggle()
    qtbot.waitUntil(lambda: len(asked(engine)) == 1)
    for word in ("a", "red", "car"):
        heat.show_phrase(word)
    qtbot.waitUntil(lambda: len(asked(engine)) == 2)
    assert asked(engine)[1].phrase == "car"
    assert engine.cancelled == [asked(engine)[0].id]
    heat.show_subject("a red car", hit(2, clip_id=7))
    qtbot.waitUntil(lambda: len(asked(engine)) == 3)
    assert engine.cancelled[1:] == [asked(engine)[1].id]
    assert (asked(engine)[2].clip_id, asked(engine)[2].phrase) == (7, "car")  # the same words in another clip
    heat.show_subject("rain", hit(1, clip_id=7))
    qtbot.waitUntil(lambda: len(asked(engine)) == 4)
    assert (asked(engine)[3].text, asked(engine)[3].phrase) == ("rain", "")  # another query has other words
    heat.show_subject("rain", None)
    qtbot.waitUntil(lambda: len(engine.cancelled) == 4)
    assert not heat.waiting


def test_what_cannot_be_shown_is_said(qtbot, heat):
    heat.toggle()
    settled(qtbot, heat)
    with qtbot.waitSignal(heat.failed) as told:
        heat.show_phrase("not there")
    assert told.args == ["“not there” is not in the query."] == [heat.failure]
    heat.show_phrase(None)
    assert heat.failure == ""


def test_colour_and_cover_grow_with_the_heat():
    ramp = QImage(bytes(range(256)), 256, 1, 256, QImage.Format.Format_Grayscale8)
    full = coloured(ramp, 1.0)
    alphas = [full.pixelColor(x, 0).alpha() for x in range(256)]
    assert alphas == sorted(alphas)
    assert alphas[0] == 0
    assert 0.6 < alphas[255] / 255 < 0.8  # the frame is never gone
    assert coloured(ramp, 0.5).pixelColor(255, 0).alpha() == pytest.approx(alphas[255] / 2, abs=1)
    assert coloured(ramp, 0.0).pixelColor(255, 0).alpha() == 0


@pytest.mark.parametrize("reliable", [True, False, None])
def test_only_what_failed_its_test_is_hatched(qapp, reliable):
    frame = QImage(120, 60, QImage.Format.Format_RGB32)
    frame.fill(QColor(90, 90, 90))
    heat = QImage(b"\xff" * 32, 8, 4, 8, QImage.Format.Format_Grayscale8)
    trust = None if reliable is None else HeatTrust(0, 0.05 if reliable else 0.0, 0.02, reliable)
    view = HeatView(heat, fake_heat.heat_map(0, 0.0, 8.0, 1), trust)
    painter = QPainter(frame)
    paint_heat(painter, QRectF(0, 0, 120, 60), view, 1.0)
    painter.end()
    grey = sum(frame.pixelColor(x, y) == QColor(90, 90, 90) for x in range(120) for y in range(60)) / (
        120 * 60
    )
    assert 0.2 < grey < 0.6 if reliable is False else grey == 0


def test_the_key_lays_heat_over_the_paused_and_the_playing_picture(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    player = explorer.window.inspector.player
    explorer.window.grid.setFocus()
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: explorer.window.inspector.ready)
    plain = player.surface.grab().toImage()
    assert not player.heat_bar.isVisible()
    QTest.keyClick(explorer.window.grid, Qt.Key.Key_H)
    assert explorer.heat.on
    settled(qtbot, explorer.heat)
    assert player.heat_bar.isVisible()
    hot = player.surface.grab().toImage()
    assert hot != plain
    QTest.keyClick(explorer.window.grid, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert explorer.heat.opacity == pytest.approx(0.7)
    assert player.surface.grab().toImage() not in (hot, plain)
    player.playback.seek(player.playback.hit.start_s + 5.5 * STEP_S)
    qtbot.waitUntil(lambda: "Unreliable" in player.heat_bar._words.text())
    player.playback.seek(player.playback.hit.start_s + 8.5 * STEP_S)
    qtbot.waitUntil(lambda: "Faithful: +0.08, chance +0.02" in player.heat_bar._words.text())
    QTest.keyClick(explorer.window.grid, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    settled(qtbot, explorer.heat)
    assert player.heat_bar._method.currentText() == METHOD_NAMES["patches"][0]
    field = player.heat_bar._against
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "a bus")
    QTest.keyClick(field, Qt.Key.Key_Return)
    settled(qtbot, explorer.heat)
    assert (asked(engine)[-1].against, asked(engine)[-1].method) == ("a bus", "patches")
    field.clear()
    assert explorer.heat.against == ""
    explorer.window.grid.setFocus()
    QTest.keyClick(explorer.window.grid, Qt.Key.Key_H)
    assert not player.heat_bar.isVisible()


def test_without_a_clip_the_key_says_what_to_do(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    explorer.commands.action("toggle_heat").trigger()
    assert not explorer.heat.on
    assert "Select a clip first" in explorer.window.banners.message.text.text()


def test_maps_are_asked_again_of_a_new_engine(qtbot, engine, make_window):
    explorer = make_window(library="demo", query="rain")
    searched(qtbot, explorer)
    explorer.window.grid.select_row(0)
    qtbot.waitUntil(lambda: explorer.window.inspector.ready)
    explorer.heat.on = True
    settled(qtbot, explorer.heat)
    before = len(asked(engine))
    explorer.heat.choose_method("rollout")
    settled(qtbot, explorer.heat)
    explorer.heat.reload()
    settled(qtbot, explorer.heat)
    assert [one.method for one in asked(engine)[before:]] == ["rollout", ""]
