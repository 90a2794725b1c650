"""Minus words in both stages, against a slow reference that asks every clip by itself."""

import numpy as np
import pytest
import torch

from core.engine.words_replies import explain_score
from core.errors import DrivescopeError
from core.explain.command import choose_target
from core.explain.why_not import ChangeSearch, standing
from core.library.library import Library
from core.protocol import ExplainScore, Filters
from core.search import minus
from core.search.pipeline import Searcher
from core.search.query import read_query
from tests.core.search.test_pipeline import add_clips

CLIPS = 30
TEXT = 'a red car -rain brakes -"parked van"'
SOUGHT, WITHOUT = "a red car brakes", ("rain", "parked van")


@pytest.fixture(scope="module")
def library(tmp_path_factory, bundle):
    library = Library.create(tmp_path_factory.mktemp("minus") / "library", bundle.spec)
    add_clips(library, bundle, "/drive/night.mp4", 18, seed=1)
    add_clips(library, bundle, "/drive/day.mp4", CLIPS - 18, seed=2)
    yield library
    library.close()


def one_by_one(library, bundle, text):
    """First-stage and X-CLIP scores of one text, clip by clip."""
    store, query = library.features(bundle.spec), bundle.encode_text(text)
    first = [float(np.float32(vector) @ query.student.numpy()) for vector in store.student]
    parts = [(torch.from_numpy(store.frames[[r]]), torch.from_numpy(store.video[[r]])) for r in range(CLIPS)]
    return first, [float(bundle.rerank(query, *part).score[0]) for part in parts]


def reference(library, bundle):
    """By stage: each clip's score and what was taken off it, straight from the definition."""
    asked = one_by_one(library, bundle, SOUGHT)
    words = [one_by_one(library, bundle, word) for word in WITHOUT]
    told = []
    for stage in (0, 1):
        usual = [sum(word[stage]) / CLIPS for word in words]
        taken = [
            max(max(0.0, word[stage][row] - mean) for word, mean in zip(words, usual, strict=True))
            for row in range(CLIPS)
        ]
        told.append(([whole - off for whole, off in zip(asked[stage], taken, strict=True)], taken))
    return told


@pytest.mark.parametrize("rerank_clips", [7, 1000])
def test_both_stages_equal_the_reference(library, bundle, rerank_clips):
    (first_scores, first_taken), (scores, taken) = reference(library, bundle)
    first, final = Searcher(library, bundle).search(TEXT, rerank_clips=rerank_clips)
    ids = library.features(bundle.spec).clip_ids.tolist()
    order = sorted(range(CLIPS), key=lambda row: -first_scores[row])
    assert [ids.index(hit.clip_id) for hit in first.hits] == order
    head = sorted(order[:rerank_clips], key=lambda row: -scores[row])
    assert [ids.index(hit.clip_id) for hit in final.hits] == head + order[rerank_clips:]
    for hit in final.hits:
        row = ids.index(hit.clip_id)
        assert hit.score == pytest.approx(first_scores[row], abs=1e-5)
        if hit.rank <= rerank_clips:
            assert hit.rerank_score == pytest.approx(scores[row], abs=1e-5)
        assert hit.taken == pytest.approx((taken if hit.rank <= rerank_clips else first_taken)[row], abs=1e-5)
    assert any(hit.taken > 0 for hit in final.hits)
    assert any(hit.first_rank != hit.rank for hit in final.hits)
    assert (final.query, final.without) == (TEXT, WITHOUT)
    assert (first.query, first.without) == (TEXT, WITHOUT)
    assert list(final.words) == list(bundle.encode_text(SOUGHT).word_texts[1:-1])
    percentiles = [hit.percentile for hit in final.hits[:rerank_clips]]
    assert percentiles == sorted(percentiles, reverse=True)
    assert percentiles[0] == 100.0


@pytest.mark.parametrize("k", [1, 2, 5, 13])
def test_a_short_list_is_the_beginning_of_the_whole_one(library, bundle, k):
    searcher = Searcher(library, bundle)
    (whole,) = searcher.search(TEXT, k=CLIPS, rerank_clips=0)
    (short,) = searcher.search(TEXT, k=k, rerank_clips=0)
    assert short.hits == tuple(hit for hit in whole.hits[:k])


def test_filters_do_not_change_what_is_typical(library, bundle):
    searcher = Searcher(library, bundle)
    (whole,) = searcher.search(TEXT, k=CLIPS, rerank_clips=0)
    (some,) = searcher.search(TEXT, k=CLIPS, rerank_clips=0, filters=Filters(name_contains="day"))
    assert some.searched_clips == CLIPS - 18
    scores = {hit.clip_id: hit.score for hit in whole.hits}
    assert all(hit.score == scores[hit.clip_id] for hit in some.hits)
    (nothing,) = searcher.search(TEXT, filters=Filters(name_contains="no such video"))
    assert nothing.hits == ()


def test_without_minus_words_nothing_is_taken(library, bundle):
    *_, final = Searcher(library, bundle).search(SOUGHT)
    assert final.without == ()
    assert all(hit.taken == 0.0 for hit in final.hits)


def test_an_empty_library_has_no_typical_clip(tmp_path, bundle):
    library = Library.create(tmp_path / "empty", bundle.spec)
    (only,) = Searcher(library, bundle).search(TEXT)
    assert only.hits == ()
    assert only.without == WITHOUT
    library.close()


@pytest.mark.parametrize("text", ["-rain", '-"parked van" -rain'])
def test_minus_words_alone_are_refused(library, bundle, text):
    with pytest.raises(DrivescopeError, match="only what must not be there"):
        list(Searcher(library, bundle).search(text))
    with pytest.raises(DrivescopeError, match="query is empty"):
        list(Searcher(library, bundle).search('-""'))


def test_what_is_typical_is_told_by_a_part_of_a_large_library(library, bundle, monkeypatch):
    """With more clips than the sample takes, an even part of them is asked."""
    monkeypatch.setattr(minus, "TYPICAL_CLIPS", 10)
    (found,) = Searcher(library, bundle).search("a red car -rain", k=CLIPS, rerank_clips=0)
    asked, rain = (one_by_one(library, bundle, text)[0] for text in ("a red car", "rain"))
    usual = sum(rain[::3]) / 10
    ids = library.features(bundle.spec).clip_ids.tolist()
    for hit in found.hits:
        row = ids.index(hit.clip_id)
        assert hit.score == pytest.approx(asked[row] - max(0.0, rain[row] - usual), abs=1e-5)


def test_why_not_counts_ranks_below_the_listed_ones_by_the_same_rule(library, bundle, monkeypatch):
    monkeypatch.setattr("core.explain.why_not.RERANK_CLIPS", 3)
    monkeypatch.setattr("core.explain.why_not.BLOCK", 7)
    searcher = Searcher(library, bundle)
    (whole,) = searcher.search(TEXT, k=CLIPS, rerank_clips=0)
    for hit in whole.hits[5::6]:
        *_, found = standing(searcher, TEXT, hit.clip_id, rerank_clips=3)
        assert found.hit.rank == hit.rank
        assert found.hit.score == pytest.approx(hit.score, abs=1e-5)


def test_an_explanation_is_about_what_is_asked_for_and_tells_what_was_taken_off(library, bundle):
    searcher = Searcher(library, bundle)
    *_, final = searcher.search(TEXT)
    hit = max(final.hits, key=lambda hit: hit.taken)
    told = explain_score(searcher, ExplainScore(1, TEXT, hit.clip_id), 1)
    assert told.query == TEXT
    assert [TEXT[word.start : word.end] for word in told.words] == SOUGHT.split()
    assert [word.text for word in told.taken] == list(WITHOUT)
    assert max(word.taken for word in told.taken) == pytest.approx(hit.taken, abs=1e-5)
    assert told.score - hit.taken == pytest.approx(hit.rerank_score, abs=1e-5)


def test_tried_changes_leave_the_minus_words_where_they_are(library, bundle):
    search = ChangeSearch(Searcher(library, bundle), TEXT, 1, rerank_clips=0)
    search.step()
    changed = read_query(search.trials[0].text)
    assert changed.without == WITHOUT
    assert set(changed.positive.split()) < set(SOUGHT.split())
    assert choose_target(bundle, TEXT).name == SOUGHT
