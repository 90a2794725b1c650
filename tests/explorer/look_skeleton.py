"""Pictures of the tab Skeleton, from the fake engine.

`python -m tests.explorer.look_skeleton OUT_DIR [STATE-THEME-SIZE...]`

States: skeleton, corrected, empty (a query without slots).
"""

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from explorer.app import Explorer
from explorer.arguments import Options
from explorer.exports_picture import panel
from tests.explorer.conftest import NoProcess
from tests.explorer.fake_engine import FakeEngine, World
from tests.explorer.look import SIZES, draw, rest, until

QUERY = "a red car turning left at night in clear weather with a cyclist but no pedestrian near road works gloriously"


def picture(state: str, theme: str, size: str, out: Path) -> None:
    engine = FakeEngine(World(clips=64))
    query = "hello" if state == "empty" else QUERY
    options = Options(library="demo", query=query, theme=theme, size=SIZES[size])
    explorer = Explorer(QApplication.instance(), options, NoProcess(engine))
    explorer.settings.set("player/autoplay", False, keep=False)
    explorer.start()
    until(lambda: explorer.session.ranked is not None and not explorer.session.searching)
    explorer.window.grid.select_row(2)
    explorer.skeleton.show_skeleton()
    until(lambda: not explorer.thumbnails.busy and explorer.window.inspector.ready)
    if state == "corrected":
        explorer.skeleton.model.correct("weather", "clear", "holds")
        until(lambda: not explorer.skeleton.model.waiting)
    rest(500)
    explorer.window.grab().save(str(out / f"{state}-{theme}-{size}.png"))
    panel(explorer.skeleton.page).save(str(out / f"{state}-{theme}-{size}-panel.png"))
    explorer.window.close()
    engine.close()


if __name__ == "__main__":
    draw(picture, "skeleton-dark-m")
