"""Small changes of a query, and where a clip stands: against plain references on a library of random vectors."""

import pytest
import torch

from core.errors import DrivescopeError
from core.explain import why_not
from core.explain.why_not import ChangeSearch, lacks, sides_of, standing
from core.explain.wording import Edit, apply, deletions, is_small, overlap, substitutions
from core.explain.words import Word, words_of
from core.library.catalog import VideoFacts
from core.library.clips import Span
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.protocol import Filters
from core.search.pipeline import Searcher

CLIPS = 30
QUERY = "a red car brakes at night"


@pytest.fixture(scope="module")
def searcher(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle") / "random", words=16)
    bundle = load_bundle(str(folder), device="cpu", precision="float32")
    library = Library.create(tmp_path_factory.mktemp("library") / "l", bundle.spec)
    generator = torch.Generator().manual_seed(11)
    for number in range(2):
        facts = VideoFacts(
            path=f"/drive{number}.mp4", size=1, mtime_ns=1, sha256=str(number), duration_s=240.0, fps=25.0,
            width=64, height=36, codec="h264", clip_seconds=8.0, stride_s=0.0,
        )  # fmt: skip
        video_id = library.catalog.add_video(facts)
        ids = library.catalog.add_clips(video_id, [Span(8.0 * n, 8.0 * n + 8) for n in range(CLIPS // 2)])
        frames = torch.randn(CLIPS // 2, 12, 64, generator=generator)
        with library.lock():
            library.features(bundle.spec).append(bundle.pool((frames,)), ids)
    yield Searcher(library, bundle)
    library.close()


def last(steps):
    *_, found = steps
    return found


@pytest.mark.parametrize("rerank_clips", [0, 1000])
def test_a_clips_standing_is_its_place_in_the_ranking(searcher, rerank_clips):
    *_, ranked = searcher.search(QUERY, rerank_clips=rerank_clips)
    for hit in ranked.hits:
        found = last(standing(searcher, QUERY, hit.clip_id, rerank_clips=rerank_clips))
        assert (found.hit, found.searched, found.left_out) == (hit, CLIPS, False)
        assert found.above == ranked.hits[: min(hit.rank - 1, 10)]


def test_below_the_reranked_clips_the_rank_is_counted_block_by_block(searcher, monkeypatch):
    *_, ranked = searcher.search(QUERY, rerank_clips=0)
    monkeypatch.setattr(why_not, "RERANK_CLIPS", 5)
    monkeypatch.setattr(why_not, "BLOCK", 7)
    for hit in ranked.hits[5:]:
        steps = list(standing(searcher, QUERY, hit.clip_id, rerank_clips=5))
        assert steps[:-1] == [None] * 5  # a step a block
        found = steps[-1].hit
        assert (found.rank, found.first_rank, found.rerank_score) == (hit.rank, hit.rank, None)
        assert found.score == pytest.approx(hit.score, abs=1e-3)
        assert found.percentile == pytest.approx(hit.percentile, abs=0.01)


def test_a_clip_that_the_filter_leaves_out_is_ranked_among_all(searcher):
    *_, ranked = searcher.search(QUERY)
    hit = next(hit for hit in ranked.hits if hit.video == "/drive1.mp4")
    found = last(standing(searcher, QUERY, hit.clip_id, filters=Filters(name_contains="drive0")))
    assert found.left_out
    assert found.hit == hit
    with pytest.raises(DrivescopeError, match="no longer in the library"):
        last(standing(searcher, QUERY, 999))


@pytest.mark.parametrize("rerank_clips", [0, 1000])
def test_the_smallest_change_is_a_real_search_and_pairs_are_tried_only_where_no_single_one_helps(
    searcher, rerank_clips
):
    *_, ranked = searcher.search(QUERY, rerank_clips=rerank_clips)
    for hit in (ranked.hits[-1], ranked.hits[12]):
        search = ChangeSearch(searcher, QUERY, hit.clip_id, rerank_clips=rerank_clips)
        while not search.over:
            search.step()
        for trial in search.trials[:8] + list(search.best):
            *_, after = searcher.search(trial.text, rerank_clips=rerank_clips)
            assert {h.clip_id: h.rank for h in after.hits}[hit.clip_id] == trial.rank
        singles = [trial for trial in search.trials if len(trial.edits) == 1]
        helped = min(trial.place for trial in singles) <= 10
        assert helped == (len(singles) == len(search.trials))
        assert len(search.trials) == search.total
        best = search.best[0]
        assert best.place == min(
            trial.place for trial in search.trials if len(trial.edits) == len(best.edits)
        )


def test_what_is_lacked_is_the_score_lost_without_the_words(searcher):
    *_, ranked = searcher.search(QUERY)
    clip, others = ranked.hits[20], ranked.hits[:10]
    sides = [sides_of(searcher, searcher.row_of(hit.clip_id)) for hit in (clip, *others)]
    found = {lack.text: lack for lack in lacks(searcher.bundle, QUERY, sides[0], sides[1:], reranked=True)}
    assert set(found) == {"red car", "brakes", "night"}
    assert (found["night"].slot, found["red car"].slot) == ("Light", "Road users and objects")
    *_, without = searcher.search("a red car brakes at")
    scores = {hit.clip_id: hit.rerank_score for hit in without.hits}
    assert found["night"].here == pytest.approx(clip.rerank_score - scores[clip.clip_id], abs=1e-5)
    above = sum(hit.rerank_score - scores[hit.clip_id] for hit in others) / len(others)
    assert found["night"].above == pytest.approx(above, abs=1e-5)
    assert list(lacks(searcher.bundle, QUERY, sides[0], [], reranked=True)) == []


def replaced(text: str) -> set[tuple[str, str]]:
    return {(edit.old, edit.new) for edit in substitutions(text)}


def test_a_replacement_keeps_the_form_of_what_it_replaces():
    found = replaced("Two red cars turning left in heavy rain")
    assert {("cars", "vans"), ("red", "blue"), ("turning left", "turning right"), ("rain", "snow")} <= found
    assert not {("cars", "van"), ("turning left", "turn right")} & found
    assert ("brakes", "accelerates") in replaced("the car ahead brakes")
    assert ("left", "right") in replaced("a sign on the left")
    assert replaced("something nobody knows") == set()


def test_edits_are_put_into_the_text_where_they_stand():
    text = "a car passes a  car"
    edits = [edit for edit in substitutions(text) if edit.new == "van"]
    assert [apply(text, (edit,)) for edit in edits] == ["a van passes a car", "a car passes a van"]
    assert apply(text, edits) == "a van passes a van"
    assert apply("A car turns", (Edit(2, 5, "car", "ambulance"),)) == "An ambulance turns"
    assert apply("an ambulance", (Edit(3, 12, "ambulance", "u-turn"),)) == "a u-turn"
    assert not overlap(*edits)
    assert overlap(edits[0], edits[0])


def test_only_words_that_say_something_are_left_out():
    words = [Word(word, (n,), n * 4, n * 4 + 3) for n, word in enumerate(("the", "car", "and"))]
    assert deletions(words, "the car and") == [Edit(4, 7, "car", "")]
    assert deletions(words[1:2], "car") == []
    assert is_small("On")
    assert not is_small("bus,")


@pytest.mark.parametrize(
    ("text", "pieces", "words"),
    [
        ("the café, closed", ("the", "caf", "�", "�", ",", "closed"), ["the", "café,", "closed"]),
        ("Don't stop", ("dont", "stop"), ["don't", "stop"]),  # a tokenizer that drops marks
        ("red - car", ("red", "car"), ["red", "car"]),
        ("a a a", ("a", "a", "a"), ["a", "a", "a"]),
        ("!!", ("!", "!"), ["!!"]),
    ],
)
def test_pieces_find_their_words_whatever_the_tokenizer_does(searcher, text, pieces, words):
    query = searcher.bundle.encode_text("x")
    query = type(query)(text, query.student, query.sentence, query.words, pieces, ())
    found = words_of(query)
    assert [word.text for word in found] == words
    assert [position for word in found for position in word.positions] == list(range(len(pieces)))
    assert [text[word.start : word.end].lower() for word in found] == words
