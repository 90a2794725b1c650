"""A small library's clips, without a library."""

from dataclasses import dataclass

import pytest

from core.evaluate.gallery import Gallery
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.search.pipeline import Searcher
from tests.core.evaluate.small_library import CSV, fill


@dataclass(frozen=True)
class FakeClip:
    clip_id: int
    video_id: int
    path: str
    start_s: float
    end_s: float
    fps: float = 25.0


def clips_of(videos, clip_s=8.0):
    """{path: seconds} to clips of eight seconds; ids count from 1."""
    clips = []
    for video_id, (path, duration_s) in enumerate(videos.items(), start=1):
        start = 0.0
        while start < duration_s:
            end = min(start + clip_s, duration_s)
            clips.append(FakeClip(len(clips) + 1, video_id, path, start, end))
            start += clip_s
    return clips


@pytest.fixture
def gallery():
    """Clips 1-3 of dash.mp4 (24 s), 4-5 of night drive.mov (12 s), 6 of a/same.mp4, 7 of b/same.mp4."""
    videos = {"/v/dash.mp4": 24, "/v/Night Drive.MOV": 12, "/v/a/same.mp4": 8, "/v/b/same.mp4": 8}
    return Gallery(clips_of(videos), failures={"/v/broken.mp4": "its header is damaged"})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle") / "random")
    return load_bundle(str(folder), device="cpu", precision="float32")


@pytest.fixture
def library(tmp_path, bundle):
    library = Library.create(tmp_path / "library", bundle.spec)
    fill(library, bundle)
    yield library
    library.close()


@pytest.fixture
def searcher(library, bundle):
    return Searcher(library, bundle)


@pytest.fixture
def queries_file(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text(CSV)
    return path
