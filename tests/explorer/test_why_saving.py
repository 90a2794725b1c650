"""An explanation on its way to disk: everything that every tab and the heatmap say, on one page and in one picture."""

import re

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from core.protocol import Failed, GetHeat, GetSkeletons

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing|propagateSizeHints)")


def save(qtbot, explorer, path, monkeypatch):
    """Saves by the command and waits for the end."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    explorer.commands.action("save_explanation").trigger()
    qtbot.waitUntil(lambda: not explorer.why.saving.busy)


def said(explorer):
    return explorer.window.banners.message.text.text()


def test_the_page_has_everything_and_needs_nothing_else(qtbot, engine, at_why, tmp_path, monkeypatch):
    explorer = at_why('a <b>red</b> car & "night"', row=20)
    explorer.why.why.ask_rank()
    qtbot.waitUntil(lambda: explorer.why.why.rank is not None and explorer.why.why.rank.last)
    path = tmp_path / "why.html"
    save(qtbot, explorer, path, monkeypatch)
    assert said(explorer) == f"Saved to {path}, and as a picture beside it."
    text = path.read_text("utf-8")
    assert "<b>red</b>" not in text
    assert "&lt;b&gt;red&lt;/b&gt;" in text
    assert text.count("data:image/jpeg;base64,") == 12 + 12  # frames, and frames under their maps
    assert text.count("<figure>") == 12
    assert not re.search(r"https?://|<script|<link", text)
    titles = re.findall(r"<h2>(.*?)</h2>", text)
    assert titles == [
        "Where the model sees it", "Words", "What the score is made of", "Words by frames (cosine)", "Why not higher",
        "Skeleton", "Moments",
    ]  # fmt: skip
    assert "Rank 21" in text
    assert f"{explorer.why.why.explained.score:.4f}" in text
    assert "11 of 12 maps passed the test of faithfulness." in text
    assert text.count("Unreliable") == 1
    assert text.count("Faithful:") == 11
    assert not explorer.heat.on  # the window stays as it was


def test_the_picture_has_the_tabs_beside_the_frames(qtbot, engine, at_why, tmp_path, monkeypatch):
    explorer = at_why()
    save(qtbot, explorer, tmp_path / "why.html", monkeypatch)
    image = QImage(str(tmp_path / "why.png"))
    width = image.width() / 2  # drawn at twice the window's pixels
    assert width == 2 * 32 + 2 * (360 + 24) + 560
    pages = {page.__class__.__name__: page for page in explorer.window.inspector.pages}
    assert image.height() / 2 > pages["WhyPage"].height()
    assert pages["SkeletonPage"].maximumWidth() > 10_000  # free again for the inspector


def test_the_page_shows_the_maps_that_the_window_shows(qtbot, engine, at_why, tmp_path, monkeypatch):
    explorer = at_why()
    explorer.heat.on = True
    explorer.heat.show_against("a bus")
    qtbot.waitUntil(lambda: explorer.heat.current is not None and explorer.heat.current.complete)
    save(qtbot, explorer, tmp_path / "why.html", monkeypatch)
    assert "Heat for the query rather than “a bus”" in (tmp_path / "why.html").read_text("utf-8")
    assert engine.asked(GetHeat)[-1].against == "a bus"
    assert explorer.heat.on


def test_a_model_without_maps_says_so_on_the_page(qtbot, engine, at_why, tmp_path, monkeypatch):
    explorer = at_why()
    engine.hold(GetHeat)
    path = tmp_path / "why.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    explorer.commands.action("save_explanation").trigger()
    qtbot.waitUntil(lambda: bool(engine.asked(GetHeat)))
    assert explorer.why.saving.busy
    assert not path.exists()
    sentence = "There are no heatmaps for X: its picture tower does not show where in a frame it looks."
    engine.say(Failed(engine.asked(GetHeat)[-1].id, "bad_input", sentence))
    qtbot.waitUntil(lambda: not explorer.why.saving.busy)
    assert sentence in path.read_text("utf-8")


def test_another_clip_ends_the_saving(qtbot, engine, at_why, tmp_path, monkeypatch):
    explorer = at_why()
    engine.hold(GetSkeletons)
    path = tmp_path / "why.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(path), ""))
    explorer.commands.action("save_explanation").trigger()
    qtbot.waitUntil(lambda: "Gathering the explanation" in said(explorer))
    explorer.window.grid.select_row(7)
    qtbot.waitUntil(lambda: not explorer.why.saving.busy)
    assert said(explorer).startswith("The explanation was not saved: another clip")
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_said(qtbot, engine, at_why, tmp_path, monkeypatch):
    explorer = at_why()
    save(qtbot, explorer, tmp_path / "nowhere" / "why.html", monkeypatch)
    assert "cannot be written" in said(explorer)
