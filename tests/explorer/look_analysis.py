"""Pictures of the Analyse page: `python -m tests.explorer.look_analysis OUT_DIR [STATE-THEME-SIZE...]`."""

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from explorer.app import Explorer
from explorer.arguments import Options
from explorer.widgets.analysis_import import ImportDialog
from tests.explorer.conftest import NoProcess
from tests.explorer.fake_engine import FakeEngine, World
from tests.explorer.look import SIZES, draw, rest, until

TABS = ("clips", "words", "skeleton", "metrics", "slices", "compare")


def picture(state: str, theme: str, size: str, out: Path) -> None:
    engine = FakeEngine(World(clips=60))
    if state not in ("start", "nosets"):
        engine.analysis.add_run("run-1", "student", reranked=False)
        engine.analysis.add_run("run-2")
    if state == "nosets":
        engine.analysis.sets = []
    options = Options(library="demo", query="a red car turning left", theme=theme, size=SIZES[size])
    explorer = Explorer(QApplication.instance(), options, NoProcess(engine))
    explorer.settings.set("player/autoplay", False, keep=False)
    explorer.start()
    until(lambda: explorer.session.ranked is not None and not explorer.session.searching)
    room = explorer.analysis
    shown = explorer.window
    if state == "marks":
        explorer.window.grid.select_row(0)
        for row, verdict in enumerate(("relevant", "partly", "not", "unsure")):
            explorer.window.grid.select_row(row)
            room.judge(verdict)
        until(lambda: not explorer.thumbnails.busy and explorer.window.inspector.ready)
    else:
        room.show()
        until(lambda: room.analysis.loaded and not room.analysis.busy)
    if state in TABS or state in ("judged", "heat"):
        until(lambda: room.page.evidence.query and room.page.evidence.ready)
        room.page._tabs.setCurrentIndex(TABS.index(state) if state in TABS else 0)
        until(lambda: not explorer.thumbnails.busy)
    if state == "judged":
        room.judge("not")
        until(lambda: bool(room.judging.counts))
        room.page.evidence.judge_bar._tags["wrong actor"].click()
        room.page.show_slice(room.analysis.slices.slices[0])
    if state == "heat":
        room.page.evidence.toggle_heat()
    if state == "import":
        shown = ImportDialog(explorer.client, "/footage/annotations/bddx_test.csv", explorer.window)
        shown.show()
        until(lambda: shown._sample.rowCount() > 0)
    rest(700)
    shown.grab().save(str(out / f"{state}-{theme}-{size}.png"))
    explorer.window.close()
    engine.close()


if __name__ == "__main__":
    draw(picture, "clips-dark-s")
