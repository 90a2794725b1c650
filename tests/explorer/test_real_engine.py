"""The window in front of the real engine, with random weights and small videos: nothing is pretended here."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from explorer.app import Explorer
from explorer.arguments import Options

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """A library of three small videos, indexed by the command line in this process."""
    from core.cli import main
    from core.models.bundle_io import random_bundle
    from tests.core.library.conftest import make_video

    folder = tmp_path_factory.mktemp("real")
    footage = folder / "footage"
    footage.mkdir()
    for number, seconds in enumerate((4, 6, 4)):
        make_video(footage / f"drive {number} 夜.mp4", seconds)
    (footage / "broken.mp4").write_bytes(b"not a video")
    bundle = str(random_bundle(folder / "bundle"))
    arguments = ["index", str(footage), "--library", str(folder / "library"), "--bundle", bundle]
    with contextlib.redirect_stdout(io.StringIO()):
        assert (
            main([*arguments, "--clip-seconds", "2", "--json", "--device", "cpu"]) == 1
        )  # one file is broken
    return folder / "library"


@pytest.fixture
def explorer(qtbot, qapp, library):
    made = Explorer(qapp, Options(library=str(library), query="a red car at night", size=(1366, 768)))
    qtbot.addWidget(made.window)
    made.start()
    yield made
    made.stop()


@pytest.mark.skipif(os.name != "posix", reason="kills by a POSIX signal")
def test_search_look_play_and_survive_a_killed_engine(qtbot, explorer, library):
    session, window = explorer.session, explorer.window
    qtbot.waitUntil(lambda: session.ranked is not None and not session.searching, timeout=600_000)
    assert session.library.path == str(library)
    assert session.ranked.searched_clips == 7
    assert sorted(hit.rank for hit in window.grid.hits.ranking) == list(range(1, 8))
    assert window.sidebar._failures.text() == "1 file not readable"
    qtbot.waitUntil(lambda: not explorer.thumbnails.busy and window.inspector.ready)
    qtbot.waitUntil(lambda: explorer.frames.complete)
    hit = window.grid.current_hit()
    times = [explorer.frames.time_s(place) for place in range(explorer.frames.count)]
    assert times == sorted(times)
    assert hit.start_s - 0.05 <= times[0]
    assert times[-1] < hit.end_s
    assert window.query_bar.badge.text().startswith("Ready · CPU")

    before = [hit.clip_id for hit in window.grid.hits.ranking]
    searches = []
    session.searching_changed.connect(searches.append)
    os.kill(explorer.process.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: searches == [True, False], timeout=600_000)
    assert [hit.clip_id for hit in window.grid.hits.ranking] == before


@pytest.mark.slow
def test_the_command_makes_a_picture_without_a_display(library, tmp_path):
    place = tmp_path / "picture.png"
    environment = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    environment.pop("QT_QPA_PLATFORM", None)
    command = [sys.executable, "-m", "explorer", "open", str(library), "--query", "rain"]
    run = subprocess.run(
        [*command, "--screenshot", str(place), "--size", "1366x768"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert (QImage(str(place)).width(), QImage(str(place)).height()) == (1366, 768)
    run = subprocess.run(
        [sys.executable, "-m", "explorer", "open", str(tmp_path / "none"), "--screenshot", str(tmp_path / "x.png")],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert run.returncode == 1
    assert "No picture was taken" in run.stderr
    assert "Traceback" not in run.stderr
