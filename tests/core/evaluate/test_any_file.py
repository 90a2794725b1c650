"""Whatever bytes a file holds, reading it ends in rows or in one plain sentence."""

import contextlib
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DrivescopeError
from core.evaluate.datasets import read_truth
from core.evaluate.gallery import Gallery, NotFound
from core.evaluate.matching import match
from core.evaluate.trec import read_qrels, read_run, read_topics
from tests.core.evaluate.conftest import clips_of

WORDS = [
    "query",
    "video",
    "start_s",
    "end_frame",
    "relevance",
    "dash.mp4",
    "dash",
    "a red car",
    "Q0",
    "<top>",
    "é",
]
NUMBERS = ["12", "-3.5", "1:02", "nan", "0", "1", "", " "]
MARKS = ['"', "\n", "#t=0,8", "dash.mp4#t=0,8", "{", "[", "/", "\\", "://", "http://[x", "#t=1,"]
CELLS = st.sampled_from([*WORDS, *NUMBERS, *MARKS])
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=8)
GALLERY = Gallery(clips_of({"/v/dash.mp4": 24}))


def read_all(content):
    """Reads the same bytes as every kind of file; a refusal must name the file."""
    refusals = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        readings = [lambda read=read: read(path) for read in (read_topics, read_qrels, read_run)]
        for companion in (None, path):
            readings.append(
                lambda other=companion: match(
                    read_truth(path, companion=other, known_video=GALLERY.knows), GALLERY
                )
            )
        for reading in readings:
            try:
                reading()
            except DrivescopeError as error:
                refusals.append(error.sentence)
    assert all(str(path) in sentence for sentence in refusals)


@settings(max_examples=300, deadline=None)
@given(TABLES, st.sampled_from([",", "\t", " ", ";"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_tables_of_odd_cells(table, delimiter, ending):
    read_all(ending.join(delimiter.join(row) for row in table).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content):
    read_all(content)


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["sentences", "videos", "video_id", "caption", "split"]), x), max_leaves=12))  # fmt: skip
def test_any_json(value):
    for sentences, videos in ((value, value), ([value], value), (value, [value]), ([], value)):
        read_all(json.dumps({"sentences": sentences, "videos": videos}).encode())
    read_all(json.dumps(value).encode())


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_any_name(name):
    for text in (name, f"http://[{name}", f"{name}#t=0,8"):
        with contextlib.suppress(NotFound):
            assert GALLERY.clip_of_document(text) in GALLERY.clip_ids
