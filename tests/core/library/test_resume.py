"""A run that is killed in the middle and started again ends as if nothing had happened."""

import json
import subprocess
import sys

import pytest

from core.library.ingest import ingest
from core.library.library import Library

from .conftest import TinyEncoder, make_video
from .test_features import FILES

CLIPS = 3 + 12 + 8
KILLED = """
import os, signal, sys
from pathlib import Path
from core.library import commit, features
from core.library.ingest import ingest
from core.library.library import Library
from tests.core.library.conftest import TinyEncoder

folder, drives, place = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
commit.MOST_CLIPS = 1
encoder = TinyEncoder()
library = Library.create(folder, encoder.spec)

def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

calls = 0
def die_at_third(real):
    def call(*arguments, **options):
        global calls
        calls += 1
        if calls == 3:
            die()
        return real(*arguments, **options)
    return call

if place == "while encoding":
    encoder.pool = die_at_third(encoder.pool)
elif place == "before the vectors":
    features.FeatureStore.append = die_at_third(features.FeatureStore.append)
elif place == "between the vectors' files":
    real_write = features._write_rows
    def write(path, offset, data):
        if path.name == "video.f16" and offset:
            real_write(path, offset, data[: len(data) // 2 + 1])
            die()
        real_write(path, offset, data)
    features._write_rows = write
elif place == "before the manifest":
    features.Manifest.write = die_at_third(features.Manifest.write)
ingest(library, encoder, [drives], clip_seconds=2, workers=1)  # one: results come, and are committed, one by one
"""
PLACES = ["while encoding", "before the vectors", "between the vectors' files", "before the manifest"]


@pytest.fixture(scope="module")
def drives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drives")
    make_video(folder / "a.mp4", 6.0)
    make_video(folder / "b.mp4", 24.0, options={"g": "20", "bf": "2"})
    make_video(folder / "c.h264", 16.0, form="h264")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(drives, tmp_path_factory):
    return finished(Library.create(tmp_path_factory.mktemp("whole") / "library", TinyEncoder().spec), drives)


def finished(library, drives):
    """The library after a run to the end: vectors as bytes, and the clip of every row."""
    report = ingest(library, TinyEncoder(), [drives], clip_seconds=2, workers=2)
    assert (report.clips, report.failed) == (CLIPS, ())
    store = library.features(TinyEncoder().spec)
    clips = {clip.clip_id: (clip.path, clip.start_s, clip.end_s) for clip in library.catalog.clips()}
    rows = [clips[clip_id] for clip_id in store.clip_ids.tolist()]
    library.close()
    return {name: (store.folder / name).read_bytes() for name in FILES[:-1]}, rows


def kill(folder, drives, place) -> int:
    """Runs ingest until it kills itself at `place`; gives the committed rows."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(drives), place], check=False)
    assert done.returncode == -9
    (manifest,) = folder.glob("features/*/manifest.json")
    return json.loads(manifest.read_text())["rows"]


@pytest.mark.parametrize("place", PLACES)
def test_killed_and_started_again(drives, uninterrupted, tmp_path, place):
    folder = tmp_path / "library"
    rows = kill(folder, drives, place)
    assert rows < CLIPS
    library = Library.open(folder)
    assert library.catalog.jobs()[-1].outcome == "running"
    assert finished(library, drives) == uninterrupted


def test_what_was_committed_is_not_done_again(drives, tmp_path):
    folder = tmp_path / "library"
    rows = kill(folder, drives, "before the manifest")
    encoder = TinyEncoder()
    library = Library.open(folder)
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert 0 < rows < CLIPS
    assert report.added == CLIPS - rows
    assert sum(encoder.seen) == 12 * (CLIPS - rows)
    library.close()


def test_the_order_does_not_depend_on_who_is_faster(drives, uninterrupted, tmp_path):
    library = Library.create(tmp_path / "library", TinyEncoder().spec)
    ingest(library, TinyEncoder(), [drives], clip_seconds=2, workers=5)
    assert finished(library, drives) == uninterrupted
