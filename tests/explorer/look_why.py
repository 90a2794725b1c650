"""Pictures of the tab Why, from the fake engine: `python -m tests.explorer.look_why OUT_DIR [STATE-THEME-SIZE...]`.

States: why, muted, whynot, first (rerank off), dialog, bottom.
"""

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication, QScrollArea

from explorer.app import Explorer
from explorer.arguments import Options
from explorer.exports_picture import panel
from explorer.widgets.why_dialog import PickClip
from tests.explorer.conftest import NoProcess
from tests.explorer.fake_engine import FakeEngine, World
from tests.explorer.look import SIZES, draw, rest, until

QUERY = "a red car turning left at the crossing at night"


def picture(state: str, theme: str, size: str, out: Path) -> None:
    engine = FakeEngine(World(clips=64))
    query = QUERY + " while a cyclist waits and two pedestrians cross slowly" if state == "muted" else QUERY
    options = Options(library="demo", query=query, theme=theme, size=SIZES[size])
    explorer = Explorer(QApplication.instance(), options, NoProcess(engine))
    explorer.settings.set("player/autoplay", False, keep=False)
    if state == "first":
        explorer.settings.set("search/rerank", False, keep=False)
    explorer.start()
    until(lambda: explorer.session.ranked is not None and not explorer.session.searching)
    window, why = explorer.window, explorer.why.why
    window.grid.select_row(14 if state in ("whynot", "bottom") else 2)
    explorer.why.show_why()
    until(lambda: not explorer.thumbnails.busy and window.inspector.ready and why.effects_complete)
    if state == "muted":
        why.mute(1)
        until(lambda: why.preview is not None)
    if state in ("whynot", "bottom"):
        why.ask_rank()
        until(lambda: why.rank is not None and why.rank.last)
    if state == "why":
        why.light(2)
    rest(600)
    if state == "bottom":
        area = explorer.why.page.parentWidget().parentWidget()
        assert isinstance(area, QScrollArea)
        area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
        rest(100)
    shown = window
    if state == "dialog":
        shown = PickClip(explorer.client, "night", window)
        shown.show()
        until(lambda: bool(shown.clips))
    name = f"{state}-{theme}-{size}"
    shown.grab().save(str(out / f"{name}.png"))
    panel(explorer.why.page).save(str(out / f"{name}-panel.png"))
    if state == "whynot":
        explorer.why.save(str(out / f"{name}-page.html"))
        until(lambda: not explorer.why.saving.busy)
    window.close()
    engine.close()


if __name__ == "__main__":
    draw(picture, "why-dark-s")
