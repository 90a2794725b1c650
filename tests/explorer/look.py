"""Pictures of the window in every state, from the fake engine: `python -m tests.explorer.look OUT_DIR [STATE...]`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEventLoop, QMimeData, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent
from PySide6.QtWidgets import QApplication, QWidget

from core.protocol import AddFootage, FailureInfo, Progress
from explorer.app import Explorer
from explorer.arguments import Options
from explorer.places import HOME_ENVIRONMENT
from explorer.widgets.dialogs import FailuresDialog, SettingsDialog
from explorer.widgets.models_dialog import ModelsDialog
from explorer.widgets.shortcut_sheet import ShortcutSheet
from tests.explorer.conftest import NoProcess
from tests.explorer.fake_engine import FakeEngine, World
from tests.explorer.steps import point_at

SIZES = {"s": (1366, 768), "m": (1920, 1080), "l": (2560, 1440)}


def until(condition, limit_ms: int = 15000) -> None:
    clock = QElapsedTimer()
    clock.start()
    while not condition():
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        if clock.elapsed() > limit_ms:
            raise SystemExit("the window did not come to rest")


def rest(milliseconds: int = 350) -> None:
    clock = QElapsedTimer()
    clock.start()
    until(lambda: clock.elapsed() > milliseconds)


def picture(state: str, theme: str, size: str, out: Path) -> None:
    world = World(clips=0 if state == "emptylib" else 64)
    if state in ("notes", "failures"):
        world.notes = ("These clips are real footage; drive-tiny has only ever seen the demo world.",)
        world.failures = (
            FailureInfo(
                "/footage/2026-05-02/cut_off.mp4", "unreadable", "The file ends before its first frame."
            ),
            FailureInfo("/footage/2026-05-09/empty.mkv", "unreadable", "The file is empty."),
        )
    engine = FakeEngine(world)
    library = "" if state in ("nolib", "dead") else "demo"
    query = (
        "" if state in ("nolib", "noquery", "emptylib", "dead") else "a red car turning left at the crossing"
    )
    if state == "notes":
        query = "a very long query " * 12
    options = Options(library=library, query=query, theme=theme, size=SIZES[size])
    process = NoProcess(engine)
    explorer = Explorer(QApplication.instance(), options, process)
    if state == "first":
        world.slow_ms = 600000
    explorer.start()
    shown: QWidget = explorer.window
    if state == "dead":
        process.gave_up.emit(
            "The engine stopped while it was starting (exit code 3). It was restarted 3 times in a row.", "x"
        )
    elif state != "nolib":
        until(lambda: explorer.session.library is not None)
    if query:
        until(lambda: explorer.session.ranked is not None)
        if state != "first":
            until(lambda: not explorer.session.searching)
        explorer.window.grid.select_row(0)
        until(lambda: not explorer.thumbnails.busy and explorer.window.inspector.ready)
    if state == "held":
        world.slow_ms = 0
        engine.hold_reranks = True
        explorer.window.query_bar.set_query("held in place")
        until(lambda: explorer.session.ranked.query == "held in place")
        point_at(explorer, 5)
        engine.release_reranks()
        until(lambda: not explorer.session.searching and not explorer.thumbnails.busy)
    if state in ("heat", "unreliable"):
        explorer.heat.on = True
        until(lambda: not explorer.heat.waiting)
        start_s = explorer.window.inspector.player.playback.hit.start_s
        explorer.window.inspector.seek(start_s + (5.5 if state == "unreliable" else 4.5) * 8 / 12)
    if state == "hover":
        point_at(explorer, 5)
    if state == "indexing":
        engine.hold(AddFootage)
        explorer.session.add_footage(("/footage/new",))
        until(lambda: bool(engine.asked(AddFootage)))
        engine.say(
            Progress(
                engine.asked(AddFootage)[0].id,
                "Adding footage",
                "reading and encoding",
                312,
                1200,
                "clips",
                41.2,
                21.4,
                "2026-05-03/night_drive_north_004.mp4",
                329.0,
            )
        )
        until(lambda: explorer.window.jobs_strip.isVisible())
    dialogs = {
        "keys": lambda: ShortcutSheet(explorer.commands, explorer.window),
        "settings": lambda: SettingsDialog(explorer.settings, explorer.window),
        "models": lambda: ModelsDialog(explorer.client, explorer.settings, explorer.window),
        "failures": lambda: FailuresDialog(world.failures, explorer.window),
    }
    if state in dialogs:
        shown = dialogs[state]()
        shown.show()
    if state == "modelsget":
        world.slow_ms = 1000
        shown = ModelsDialog(explorer.client, explorer.settings, explorer.window)
        shown.show()
        until(lambda: len(shown.rows) > 3)
        shown.rows[2].fetch("")
    if state == "offers":
        for text in ("a red car at night", "red traffic light", "rain"):
            explorer.window.query_bar.set_query(text)
        until(lambda: not explorer.session.searching)
        field = explorer.window.query_bar.field
        field.clear()
        field.setText("r")
        field.completer().setCompletionPrefix("r")
        field.completer().complete()
        shown = field.completer().popup()
    if state == "menu":
        shown = explorer.window.query_bar.menu_button.menu()
        shown.popup(explorer.window.mapToGlobal(explorer.window.rect().center()))
    if state == "badge":
        shown = explorer.window.query_bar.badge._menu
        shown.popup(explorer.window.mapToGlobal(explorer.window.rect().center()))
    if state == "drop":
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile("/footage/new")])
        middle, copy = explorer.window.rect().center(), Qt.DropAction.CopyAction
        keys = Qt.KeyboardModifier.NoModifier
        event = QDragEnterEvent(middle, copy, data, Qt.MouseButton.LeftButton, keys)
        QCoreApplication.sendEvent(explorer.window, event)
    if state == "full":
        explorer.window.toggle_full_screen()
    explorer.window.inspector.player.playback.pause()
    rest()
    shown.grab().save(str(out / f"{state}-{theme}-{size}.png"))
    explorer.window.close()
    engine.close()


def draw(picture: Callable[[str, str, str, Path], None], usual: str) -> None:
    """What the command line asks for, STATE-THEME-SIZE each (`usual` if nothing), with settings of its own."""
    out = Path(sys.argv[1])
    settings = out / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    os.environ[HOME_ENVIRONMENT] = str(settings)
    QApplication.setStyle("Fusion")
    app = QApplication(sys.argv[:1])
    for word in sys.argv[2:] or [usual]:
        for old in settings.rglob("*.ini"):
            old.unlink()
        picture(*word.split("-"), out)
    del app


if __name__ == "__main__":
    draw(picture, "results-dark-m")
