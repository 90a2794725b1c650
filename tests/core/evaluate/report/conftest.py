"""A small library of real videos with two evaluations of it and one judgement, made once for all report tests."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.evaluate.account import Request
from core.evaluate.command import evaluate_library
from core.evaluate.judgements import Judgements, Verdict
from core.library.ingest import ingest
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.search.pipeline import Searcher
from tests.core.library.conftest import make_video

HOSTILE = '<script>alert("1")</script> & a red car at night, no rain'
QUERIES = 24


@dataclass
class World:
    """A library, its bundle, and two runs: the first stage alone, and reranked."""

    library: Library
    bundle: object
    plain: str
    reranked: str
    queries_file: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    bundle = load_bundle(str(random_bundle(folder / "random")), device="cpu", precision="float32")
    footage = folder / "footage"
    footage.mkdir()
    for name in ("day", "gone"):
        make_video(footage / f"{name}.mp4", 12)
    library = Library.create(folder / "library", bundle.spec)
    ingest(library, bundle, [footage], clip_seconds=1.0, workers=1)
    lines = ["query,video,start_s,end_s,weather"]
    for n in range(QUERIES):
        text = HOSTILE if n == 0 else f"a car number {n}"
        quoted = text.replace('"', '""')
        lines.append(f'"{quoted}",{("day", "gone")[n % 2]},{n // 2},{n // 2 + 1},{("rain", "snow")[n // 12]}')
    lines.append("a dog,lost.mp4,0,1,rain")
    queries_file = folder / "truth.csv"
    queries_file.write_text("\n".join(lines))
    searcher = Searcher(library, bundle)
    answers = [
        evaluate_library(searcher, Request(queries_file, name=name), rerank_clips=count)
        for name, count in (("plain & simple", 0), ("reranked", 10))
    ]
    with contextlib.closing(Judgements(library.folder)) as store:
        store.judge(
            HOSTILE, 3, Verdict.PARTLY, author="ann", tags=["wrong actor"], note="a <b>bus</b>, not a car"
        )
    (footage / "gone.mp4").unlink()
    yield World(library, bundle, answers[0]["run"], answers[1]["run"], queries_file)
    library.close()
