"""Screenshots, themes, and what happens to defects."""

import logging
import subprocess
import sys

import pytest
from PySide6.QtCore import QEvent, qWarning
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from core.protocol import Search
from explorer import icons, logs, theme
from explorer.models.jpeg import decode
from explorer.screenshot import Photographer
from explorer.stylesheet import style_sheet
from tests.explorer.scenes import frame_jpeg


def lightness(image: QImage) -> float:
    small = image.scaled(32, 18)
    values = [QColor(small.pixel(x, y)).lightnessF() for x in range(32) for y in range(18)]
    return sum(values) / len(values)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_screenshot_shows_results_in_both_themes(qtbot, engine, make_window, tmp_path, scheme):
    place = tmp_path / f"{scheme}.png"
    explorer = make_window(library="demo", query="rain", theme=scheme, screenshot=str(place))
    photographer = Photographer(explorer, str(place))
    with qtbot.waitSignal(photographer.left) as left:
        photographer.start()
    assert left.args == [0]
    image = QImage(str(place))
    assert (image.width(), image.height()) == (1366, 768)
    background = QColor(image.pixel(1366 // 2, 768 - 2 if scheme == "" else 70)).lightnessF()
    assert (background < 0.3) == (scheme == "dark")
    colours = {image.pixel(x, y) for x in range(250, 1000, 7) for y in range(110, 760, 7)}
    assert len(colours) > 500  # pictures, not placeholders
    assert [path.name for path in tmp_path.glob("*.png*")] == [place.name]
    explorer.settings.set("look/theme", "dark")


def test_a_screenshot_of_a_library_that_is_not_there_fails_with_a_sentence(
    qtbot, engine, make_window, tmp_path, capsys
):
    explorer = make_window(library="/missing/one", query="rain", screenshot="x.png")
    photographer = Photographer(explorer, str(tmp_path / "x.png"))
    with qtbot.waitSignal(photographer.left) as left:
        photographer.start()
    assert left.args == [1]
    assert "There is no library in /missing/one." in capsys.readouterr().err
    assert list(tmp_path.glob("*.png")) == []


def test_a_screenshot_gives_up_after_its_limit_and_says_what_was_missing(
    qtbot, engine, make_window, tmp_path, capsys
):
    engine.hold(Search)
    explorer = make_window(library="demo", query="rain", screenshot="x.png")
    photographer = Photographer(explorer, str(tmp_path / "x.png"), limit_ms=1)
    with qtbot.waitSignal(photographer.left) as left:
        photographer.start()
    assert left.args == [1]
    assert "still missing" in capsys.readouterr().err


def test_a_screenshot_that_cannot_be_written_fails_with_a_sentence(
    qtbot, engine, make_window, tmp_path, capsys
):
    explorer = make_window(library="demo", screenshot="x.png")
    photographer = Photographer(explorer, str(tmp_path / "nowhere" / "x.png"))
    with qtbot.waitSignal(photographer.left) as left:
        photographer.start()
    assert left.args == [1]
    assert "cannot be written" in capsys.readouterr().err


def test_the_theme_changes_in_place(qtbot, engine, make_window):
    explorer = make_window(library="demo")
    dark = lightness(explorer.window.grab().toImage())
    explorer.commands.action("toggle_theme").trigger()
    light = lightness(explorer.window.grab().toImage())
    assert dark < 0.3 < 0.7 < light
    explorer.commands.action("toggle_theme").trigger()
    assert lightness(explorer.window.grab().toImage()) == pytest.approx(dark, abs=0.01)


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two colours."""

    def luminance(name: str) -> float:
        parts = []
        for value in QColor(name).getRgbF()[:3]:
            parts.append(value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4)
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tokens", theme.SCHEMES.values(), ids=theme.SCHEMES.keys())
def test_text_can_be_read_in_both_themes(tokens):
    for ground in (tokens.window, tokens.surface, tokens.raised):
        assert contrast(tokens.text, ground) >= 10
        assert contrast(tokens.text_2, ground) >= 7
        assert contrast(tokens.text_3, ground) >= 4.5
        for name in ("accent", "up", "down", "warning", "error"):
            assert contrast(getattr(tokens, name), ground) >= 4.5, name
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    assert contrast(tokens.text, tokens.accent_soft) >= 7


@pytest.mark.parametrize("tokens", theme.SCHEMES.values(), ids=theme.SCHEMES.keys())
def test_the_style_sheet_is_filled_in_whole(qapp, tokens):
    sheet = style_sheet(tokens)
    assert "@" not in sheet
    assert sheet.count("{") == sheet.count("}")


def test_every_icon_is_drawn_in_the_current_colour(qapp):
    names = sorted(path.stem for path in icons.ICON_FOLDER.glob("*.svg") if path.stem != "drivescope")
    assert len(names) > 20
    for name in names:
        text = (icons.ICON_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        assert "currentColor" in text
        image = icons.pixmap(name, 24, "accent").toImage()
        drawn = [
            image.pixelColor(x, y)
            for x in range(24)
            for y in range(24)
            if image.pixelColor(x, y).alpha() > 100
        ]
        assert drawn, name
        assert all(abs(pixel.hue() - QColor(theme.current().accent).hue()) < 8 for pixel in drawn), name


def test_every_icon_is_used():
    code = "".join(
        path.read_text(encoding="utf-8") for path in (theme.RESOURCES.parent / "explorer").rglob("*.py")
    )
    unused = [path.stem for path in icons.ICON_FOLDER.glob("*.svg") if f'"{path.stem}"' not in code]
    assert [name for name in unused if name != "drivescope"] == []


class Deep(QWidget):
    """A label inside seven others, which counts how often its looks are changed."""

    def __init__(self):
        super().__init__()
        within = self
        for _ in range(7):
            layout = QVBoxLayout(within)
            within = QFrame()
            layout.addWidget(within)
        self.label = QLabel("text", within)
        self.label.installEventFilter(self)
        self.changes = 0

    def eventFilter(self, watched, event):
        self.changes += watched is self.label and event.type() == QEvent.Type.StyleChange
        return False


def test_another_theme_polishes_each_widget_twice_however_deep_it_lies(qtbot, qapp):
    theme.apply(qapp, "dark")
    deep = Deep()
    qtbot.addWidget(deep)
    before, deep.changes = deep.grab().toImage(), 0
    theme.apply(qapp, "light")
    assert deep.changes == 2  # off with the old sheet, on with the new one
    assert deep.grab().toImage() != before
    theme.apply(qapp, "dark")
    assert deep.changes == 4
    assert deep.grab().toImage() == before
    theme.apply(qapp, "dark")
    assert deep.changes == 4


def test_text_is_drawn_with_the_fonts_that_travel_with_the_program(qapp):
    theme.load_fonts()
    assert qapp.font().family() == "Inter"


@pytest.fixture
def hooks(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    defects = logs.Defects()
    logs.install(defects)
    yield defects
    from PySide6.QtCore import qInstallMessageHandler

    qInstallMessageHandler(None)
    for handler in list(logs.log.handlers):
        logs.log.removeHandler(handler)
        handler.close()
    logs.log.propagate = True


@pytest.mark.qt_no_exception_capture
def test_a_defect_becomes_a_sentence_and_a_log_entry(qtbot, hooks):
    try:
        raise ValueError("a secret detail")
    except ValueError as error:
        with qtbot.waitSignal(hooks.defect_found) as told:
            sys.excepthook(type(error), error, error.__traceback__)
    sentence, detail = told.args
    assert "Traceback" not in sentence + detail
    assert "a secret detail" not in sentence
    text = logs.log_file().read_text(encoding="utf-8")
    assert "Traceback" in text
    assert "a secret detail" in text


@pytest.mark.no_qt_log
def test_qt_messages_go_to_the_log(hooks):
    qWarning("something about a window")
    for handler in logs.log.handlers:
        handler.flush()
    assert "something about a window" in logs.log_file().read_text(encoding="utf-8")


def test_a_home_that_cannot_be_written_keeps_no_window_shut(monkeypatch, tmp_path, qapp):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setattr(logs, "log_file", lambda: blocked / "sub" / "explorer.log")
    logs.install(logs.Defects())
    assert any(isinstance(handler, logging.StreamHandler) for handler in logs.log.handlers)
    from PySide6.QtCore import qInstallMessageHandler

    qInstallMessageHandler(None)
    logs.log.handlers.clear()
    logs.log.propagate = True


def test_pictures_are_taken_for_jpegs_and_nothing_is_guessed():
    picture = decode(frame_jpeg(1, 0.5))
    assert (picture.width(), picture.height()) == (640, 360)
    assert decode(b"").isNull()
    assert decode(b"no picture").isNull()


def test_decoding_asks_no_plugin_that_connects_signals():
    """A guess at the form asks the SVG plugin, and that can wait for ever for the GUI thread, which waits for it."""
    code = "from PySide6.QtGui import QGuiApplication; app = QGuiApplication([]); "
    code += "from explorer.models.jpeg import decode; import sys; "
    code += "assert not decode(bytes.fromhex(sys.argv[1])).isNull(); "
    code += "print([line.split('/')[-1].strip() for line in open('/proc/self/maps') if 'qsvg' in line])"
    jpeg = frame_jpeg(1, 0.5).hex()
    done = subprocess.run([sys.executable, "-c", code, jpeg], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
