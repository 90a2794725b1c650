"""The Analyse page with a run open, in front of a fake engine."""

import pytest


@pytest.fixture
def room(qtbot, engine, make_window):
    """The Analyse page with a run of 180 queries open."""
    engine.analysis.add_run("run-1", "student", reranked=False)
    engine.analysis.add_run("run-2")
    explorer = make_window(library="demo")
    qtbot.waitUntil(lambda: explorer.session.library is not None)
    qtbot.waitExposed(explorer.window)
    explorer.window.activateWindow()
    explorer.analysis.show()
    settled(qtbot, explorer.analysis)
    made = explorer.analysis
    made.explorer = explorer
    return made


def settled(qtbot, room) -> None:
    qtbot.waitUntil(
        lambda: room.analysis.loaded and not room.analysis.busy and not room.page._settle.isActive()
    )


def looked_at(qtbot, room, row: int) -> None:
    """Wait until the clips of a row are on the page."""
    evidence = room.page.evidence
    qtbot.waitUntil(lambda: evidence._evidence is not None and evidence._evidence.row == row)
