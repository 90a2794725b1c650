"""Where matches end in a library: found a sentence at a time, kept for one state of it, found anew for another."""

import json

import numpy as np
import pytest

from core.library.library import Library
from core.search import line as line_module
from core.search.line import FILE, Line
from core.search.pipeline import Searcher
from core.search.relevance import LEAST_CLIPS, SENTENCES, Cuts
from core.search.rerank import rerank
from tests.core.search.test_pipeline import add_clips

CLIPS = LEAST_CLIPS + 3


@pytest.fixture
def library(tmp_path, bundle):
    library = Library.create(tmp_path / "library", bundle.spec)
    add_clips(library, bundle, "/drive/night.mp4", CLIPS, seed=1)
    yield library
    library.close()


@pytest.fixture
def cuts_of(monkeypatch):
    """What the scores are made of in place of the fit; the scores that it was given."""
    given = []

    def find_cut(scores):
        given.append(scores)
        return float(scores.max())

    monkeypatch.setattr(line_module, "find_cut", find_cut)
    return given


class Mute:
    """A bundle that nobody may ask anything."""

    def encode_text(self, text):
        raise AssertionError(f"“{text}” was asked")


def test_every_sentence_is_asked_of_every_clip_in_both_stages(library, bundle, cuts_of):
    searcher = Searcher(library, bundle)
    steps = 1
    while not searcher.line.step(bundle):
        steps += 1
    assert steps == len(SENTENCES) + 1
    first, reranked = cuts_of
    store, rows = searcher.store, np.arange(CLIPS)
    for scores, again, sentence in zip(first, reranked, SENTENCES, strict=True):
        query = bundle.encode_text(sentence)
        assert scores == pytest.approx(
            [float(np.float32(v) @ query.student.numpy()) for v in store.student], abs=1e-6
        )
        assert again == pytest.approx(rerank(bundle, query, store, rows)[0], abs=1e-6)
    assert searcher.line.cuts == Cuts(float(first.max()), float(reranked.max()))
    assert searcher.line.step(Mute())  # nothing is left to do


def test_clips_that_come_while_it_is_found_belong_to_the_next_state(library, bundle, cuts_of):
    searcher = Searcher(library, bundle)
    before = searcher.line
    before.step(bundle)
    add_clips(library, bundle, "/drive/more.mp4", 5, seed=3)
    searcher.refresh()
    assert searcher.line is not before
    before.find(bundle)
    assert [scores.shape for scores in cuts_of] == [(len(SENTENCES), CLIPS)] * 2
    assert searcher.line.cuts is None
    assert Searcher(library, bundle).line.cuts is None  # what is kept is of the state before


def test_it_is_kept_with_the_library_until_its_clips_change(library, bundle, cuts_of):
    searcher = Searcher(library, bundle)
    found = searcher.line.find(bundle)
    assert Searcher(library, bundle).line.find(Mute()) == found
    *_, shown = Searcher(library, bundle).search("rain")
    assert shown.likely is not None
    _, ids = add_clips(library, bundle, "/drive/more.mp4", 5, seed=3)
    assert Searcher(library, bundle).line.cuts is None
    Searcher(library, bundle).line.find(bundle)
    with library.lock():
        library.features(bundle.spec).forget(ids[:1])
    assert Searcher(library, bundle).line.cuts is None


@pytest.mark.parametrize("changed", [{"fingerprint": "another bundle's"}, {"format": 0}, {"generation": 99}])
def test_a_cut_of_something_else_is_found_anew(library, bundle, cuts_of, changed):
    searcher = Searcher(library, bundle)
    found = searcher.line.find(bundle)
    path = searcher.store.folder / FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    again = Searcher(library, bundle)
    assert again.line.cuts is None
    assert again.line.find(bundle) == found
    assert Searcher(library, bundle).line.cuts == found


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b"[1]", b'{"format": 1}', b'{"format": 1, "first": "high"}', b"[" * 10_000],
)
def test_one_that_cannot_be_read_is_found_anew(library, bundle, cuts_of, data):
    searcher = Searcher(library, bundle)
    (searcher.store.folder / FILE).write_bytes(data)
    again = Searcher(library, bundle).line
    assert again.cuts is None
    assert again.find(bundle) == Searcher(library, bundle).line.cuts


def test_where_nothing_can_be_written_it_is_found_and_not_kept(library, bundle, cuts_of):
    searcher = Searcher(library, bundle)
    (searcher.store.folder / FILE).mkdir()  # no file takes a folder's place
    found = searcher.line.find(bundle)
    assert found.first is not None
    assert list((searcher.store.folder / FILE).parent.glob("*.partial")) == []
    assert Searcher(library, bundle).line.cuts is None


def test_a_few_clips_have_no_line_and_nobody_is_asked(library, bundle):
    store = library.features(bundle.spec)
    assert Line(store, 1, np.arange(LEAST_CLIPS - 1)).find(Mute()) == Cuts()
    assert Line(store, 1, np.arange(LEAST_CLIPS)).cuts is None
