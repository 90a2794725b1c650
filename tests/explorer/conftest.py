"""The window under test: offscreen, with its own settings and home, in front of a fake engine."""

import os
from functools import partial

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QSettings, QStandardPaths, QTimer

from explorer.app import Explorer
from explorer.arguments import Options
from explorer.engine_process import EngineProcess
from tests.explorer.fake_engine import FakeEngine


class NoProcess(EngineProcess):
    """Stands for the engine's process when the engine is a FakeEngine in the same event loop."""

    def __init__(self, engine: FakeEngine) -> None:
        super().__init__(("nothing",))
        self.engine = engine
        self.starts = 0

    @property
    def running(self) -> bool:
        return self.starts > 0

    def start(self) -> None:
        self.starts += 1
        self.token = self.engine.token
        QTimer.singleShot(0, self, lambda: self.listening.emit(self.engine.port))

    def restart(self) -> None:
        self.start()

    def stop(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """No test reads or writes the person's settings, history or log."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DRIVESCOPE_HOME", raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    QStandardPaths.setTestModeEnabled(True)
    yield
    QStandardPaths.setTestModeEnabled(False)


PATIENCE_MS = 120_000
"""How long is waited for what must come: a wait ends when it has come, so this only bounds a failure."""


@pytest.fixture
def qtbot(qtbot):
    """A patient one: a machine that is busy with other things is no failure."""
    for name in ("waitUntil", "waitSignal", "waitSignals", "waitExposed"):
        setattr(qtbot, name, partial(getattr(qtbot, name), timeout=PATIENCE_MS))
    return qtbot


@pytest.fixture
def engine(qapp):
    made = FakeEngine()
    yield made
    made.close()


@pytest.fixture
def make_window(qtbot, qapp, engine):
    """Starts windows in front of `engine`; each is closed when the test is over."""
    made = []

    def make(**options) -> Explorer:
        options.setdefault("size", (1366, 768))
        explorer = Explorer(qapp, Options(**options), NoProcess(engine))
        qtbot.addWidget(explorer.window)
        explorer.settings.set("player/autoplay", False, keep=False)  # nothing moves unless a test asks
        made.append(explorer)
        explorer.start()
        return explorer

    yield make
    for explorer in made:
        explorer.stop()


WHY_QUERY = "a red car turning left at night"


@pytest.fixture
def at_why(qtbot, engine, make_window):
    """A window with the tab Why in front for the clip of rank 3, everything explained."""

    def show(query=WHY_QUERY, row=2):
        explorer = make_window(library="demo", query=query)
        session = explorer.session
        qtbot.waitUntil(lambda: session.ranked is not None and not session.searching)
        explorer.window.grid.select_row(row)
        explorer.why.show_why()
        qtbot.waitUntil(lambda: explorer.why.why.effects_complete and explorer.why.page.ready)
        return explorer

    return show
