"""The two-stage search against a slow reference that scores every clip by itself."""

import shutil

import numpy as np
import pytest
import torch

from core.errors import DrivescopeError
from core.library.catalog import VideoFacts
from core.library.clips import Span
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.protocol import Filters
from core.search.line import NOTHING_LIKELY
from core.search.pipeline import Searcher
from core.search.relevance import Cuts

CLIPS = 40


def add_clips(library, bundle, path, count, seed):
    """A video with `count` clips of random frame vectors, as ingest would store them."""
    facts = VideoFacts(
        path=path, size=1, mtime_ns=1, sha256=path, duration_s=8.0 * count, fps=25.0,
        width=64, height=36, codec="h264", clip_seconds=8.0, stride_s=0.0,
    )  # fmt: skip
    video_id = library.catalog.add_video(facts)
    ids = library.catalog.add_clips(video_id, [Span(8.0 * n, 8.0 * n + 8) for n in range(count)])
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randn(count, bundle.spec.frames, bundle.spec.student_dim, generator=generator)
    with library.lock():
        library.features(bundle.spec).append(bundle.pool((frames,)), ids)
    return video_id, ids


@pytest.fixture
def library(tmp_path, bundle):
    library = Library.create(tmp_path / "library", bundle.spec)
    add_clips(library, bundle, "/drive/night.mp4", 25, seed=1)
    add_clips(library, bundle, "/drive/day.mp4", CLIPS - 25, seed=2)
    yield library
    library.close()


def reference(library, bundle, text, rerank_clips):
    """(first-stage order, final order) of clip ids, one clip at a time."""
    store = library.features(bundle.spec)
    query = bundle.encode_text(text)
    first = [float(np.float32(v) @ query.student.numpy()) for v in store.student]
    first_order = sorted(range(len(first)), key=lambda row: -first[row])
    head = first_order[:rerank_clips]
    score = {}
    for row in head:
        one = bundle.rerank(
            query, torch.from_numpy(store.frames[[row]]), torch.from_numpy(store.video[[row]])
        )
        score[row] = float(one.score[0])
    final = sorted(head, key=lambda row: -score[row]) + first_order[rerank_clips:]
    ids = store.clip_ids
    return [int(ids[r]) for r in first_order], [int(ids[r]) for r in final]


@pytest.mark.parametrize("rerank_clips", [10, CLIPS, 1000])
def test_both_stages_equal_the_reference(library, bundle, rerank_clips):
    searcher = Searcher(library, bundle)
    first, final = searcher.search("a red car brakes", rerank_clips=rerank_clips)
    first_order, final_order = reference(library, bundle, "a red car brakes", rerank_clips)
    assert [hit.clip_id for hit in first.hits] == first_order
    assert [hit.clip_id for hit in final.hits] == final_order
    assert (first.stage, first.final, final.stage, final.final) == ("first", False, "reranked", True)
    assert [hit.rank for hit in final.hits] == list(range(1, CLIPS + 1))
    place = {clip_id: rank for rank, clip_id in enumerate(first_order, 1)}
    assert all(hit.first_rank == place[hit.clip_id] for hit in final.hits)
    assert [hit.rerank_score is not None for hit in final.hits] == [n < rerank_clips for n in range(CLIPS)]
    scores = {hit.clip_id: hit.score for hit in first.hits}
    assert all(hit.score == scores[hit.clip_id] for hit in final.hits)
    assert set(final.timings_ms) == {"text", "first", "rerank"}


def test_without_rerank_the_first_stage_is_final(library, bundle):
    (only,) = Searcher(library, bundle).search("rain", rerank_clips=0, k=5)
    assert only.final
    assert len(only.hits) == 5
    assert all(hit.rerank_score is None for hit in only.hits)


def test_percentile_is_the_share_of_clips_that_rank_no_higher(library, bundle):
    *_, final = Searcher(library, bundle).search("rain")
    assert final.hits[0].percentile == 100.0
    assert final.hits[10].percentile == pytest.approx(100 * 30 / 40)
    assert final.hits[-1].percentile == pytest.approx(100 / 40)


def test_filters_limit_what_is_searched(library, bundle):
    searcher = Searcher(library, bundle)
    *_, by_name = searcher.search("rain", filters=Filters(name_contains="NIGHT"))
    assert by_name.searched_clips == 25
    assert {hit.video for hit in by_name.hits} == {"/drive/night.mp4"}
    day = next(clip.video_id for clip in library.catalog.clips() if clip.path == "/drive/day.mp4")
    *_, by_video = searcher.search("rain", filters=Filters(video_ids=(day,)))
    assert by_video.searched_clips == 15
    (nothing,) = searcher.search("rain", filters=Filters(name_contains="no such video"))
    assert nothing.hits == ()
    assert nothing.final


def test_new_clips_are_found_and_dropped_ones_are_not(library, bundle):
    searcher = Searcher(library, bundle)
    _, ids = add_clips(library, bundle, "/drive/new.mp4", 5, seed=3)
    *_, grown = searcher.search("rain")
    assert grown.searched_clips == CLIPS + 5
    assert set(ids) <= {hit.clip_id for hit in grown.hits}
    with library.lock():
        library.catalog.drop_clips(ids)
        library.features(bundle.spec).forget(ids)
    *_, shrunk = searcher.search("rain")
    assert shrunk.searched_clips == CLIPS
    assert not set(ids) & {hit.clip_id for hit in shrunk.hits}


def rebuilt(library, bundle, *videos):
    """Another library in the same place, made by somebody else while the first one is open."""
    shutil.rmtree(library.folder)
    other = Library.create(library.folder, bundle.spec)
    for seed, (path, count) in enumerate(videos, 20):
        add_clips(other, bundle, path, count, seed)
    other.close()


def test_a_library_that_was_built_anew_in_its_place_is_searched(library, bundle):
    searcher = Searcher(library, bundle)
    rebuilt(library, bundle, ("/drive/dawn.mp4", 30), ("/drive/dusk.mp4", 10))  # as many clips and commits
    first, final = searcher.search("rain", rerank_clips=10)
    again = Library.open(library.folder)
    first_order, final_order = reference(again, bundle, "rain", 10)
    assert [hit.clip_id for hit in first.hits] == first_order
    assert [hit.clip_id for hit in final.hits] == final_order
    assert {hit.video for hit in final.hits} == {"/drive/dawn.mp4", "/drive/dusk.mp4"}
    assert library.catalog.clip_count() == CLIPS  # whoever else holds the library sees the new one too
    assert not searcher.refresh()
    again.close()


def test_a_library_that_was_built_anew_with_another_bundle_wants_it(library, bundle, tmp_path):
    searcher = Searcher(library, bundle)
    folder = random_bundle(tmp_path / "other", seed=9, name="other")
    other = load_bundle(str(folder), device="cpu", precision="float32")
    rebuilt(library, other, ("/drive/dawn.mp4", 3))
    with pytest.raises(DrivescopeError, match="was indexed with other"):
        searcher.refresh()
    searcher.bundle = other
    *_, final = searcher.search("rain")
    assert final.searched_clips == 3


def test_a_library_that_was_deleted_says_so(library, bundle):
    searcher = Searcher(library, bundle)
    shutil.rmtree(library.folder)
    with pytest.raises(DrivescopeError, match="There is no library in"):
        list(searcher.search("rain"))


def test_an_empty_library_has_no_hits_and_no_error(tmp_path, bundle):
    library = Library.create(tmp_path / "empty", bundle.spec)
    (only,) = Searcher(library, bundle).search("rain")
    assert (only.hits, only.searched_clips, only.final) == ((), 0, True)
    library.close()


def test_clips_like_one_are_those_with_the_nearest_vectors(library, bundle):
    searcher = Searcher(library, bundle)
    store = library.features(bundle.spec)
    vectors = np.array(store.student, np.float32)
    wanted = vectors[7]
    cosines = [sum(float(a) * float(b) for a, b in zip(vector, wanted, strict=True)) for vector in vectors]
    order = sorted(range(len(cosines)), key=lambda row: -cosines[row])
    clip_id = int(store.clip_ids[7])
    ranked = searcher.similar(clip_id, k=10)
    assert [hit.clip_id for hit in ranked.hits] == [int(store.clip_ids[row]) for row in order[:10]]
    assert (ranked.query, ranked.stage, ranked.final) == ("", "first", True)
    assert ranked.hits[0].clip_id == clip_id
    assert ranked.hits[0].score == pytest.approx(1.0, abs=2e-3)
    others = searcher.similar(clip_id, filters=Filters(name_contains="day"))
    assert {hit.video for hit in others.hits} == {"/drive/day.mp4"}
    with pytest.raises(DrivescopeError, match="no longer in the library"):
        searcher.similar(999)


def test_vectors_that_are_not_numbers_are_never_ranked(library, bundle):
    path = library.feature_folder(library.feature_id) / "student.f16"
    vectors = np.fromfile(path, np.float16)
    vectors[-bundle.spec.student_dim :] = np.nan  # of the last clip
    vectors.tofile(path)
    with pytest.raises(DrivescopeError, match="are not numbers: index the footage again"):
        list(Searcher(library, bundle).search("rain"))


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_query_is_one_sentence(library, bundle, text):
    with pytest.raises(DrivescopeError, match="The query is empty"):
        next(Searcher(library, bundle).search(text))


def test_a_query_of_ten_thousand_characters_names_what_was_not_used(library, bundle):
    text = " ".join(["car"] * 2500)
    *_, ranked = Searcher(library, bundle).search(text)
    assert len(ranked.words) + len(ranked.cut_words) == 2500
    assert "were not used" in ranked.notes[0]
    assert len(ranked.hits) == CLIPS


@pytest.mark.parametrize("text", ["夜间左转的自行车", "🚗🌧️", "Übergröße", "a" * 300, "\x00\x01"])
def test_any_text_is_a_query(library, bundle, text):
    *_, ranked = Searcher(library, bundle).search(text)
    assert len(ranked.hits) == CLIPS


def test_a_library_of_another_bundle_is_never_searched(library, tmp_path):
    other = load_bundle(str(random_bundle(tmp_path / "other", seed=5, name="other")), device="cpu")
    with pytest.raises(DrivescopeError) as refused:
        Searcher(library, other)
    assert refused.value.kind == "mismatch"
    assert "other" in refused.value.sentence
    assert "random" in refused.value.sentence


def test_a_joint_score_decides_the_order_and_leaves_the_scores_alone(library, bundle):
    searcher = Searcher(library, bundle)
    text = "a red car brakes"
    asked = []

    def backwards(query, similarity, student, video, frames):
        asked.append((query, student.shape, video.shape, frames.shape))
        return -similarity

    *_, plain = searcher.search(text, rerank_clips=10)
    *_, joint = searcher.search(text, rerank_clips=10, joint=backwards)
    dim, frames = bundle.spec.student_dim, bundle.spec.frames
    assert asked == [(text, (10, dim), (10, dim), (10, frames, dim))]
    assert [hit.clip_id for hit in joint.hits[:10]] == [hit.clip_id for hit in plain.hits[:10]][::-1]
    assert [hit.clip_id for hit in joint.hits[10:]] == [hit.clip_id for hit in plain.hits[10:]]
    assert {hit.clip_id: hit.rerank_score for hit in joint.hits} == {
        h.clip_id: h.rerank_score for h in plain.hits
    }
    assert [hit.percentile for hit in joint.hits] == sorted(
        (hit.percentile for hit in joint.hits), reverse=True
    )
    assert "joint" in joint.timings_ms
    *_, silent = searcher.search(text, rerank_clips=10, joint=lambda *_: None)
    assert [hit.clip_id for hit in silent.hits] == [hit.clip_id for hit in plain.hits]
    assert "joint" not in silent.timings_ms


def test_how_many_clips_reach_the_librarys_cut_is_told_at_the_last_stage(library, bundle):
    searcher = Searcher(library, bundle)
    first, last = searcher.search("rain")
    assert (first.likely, first.line_follows) == (None, False)
    assert (last.likely, last.line_follows) == (None, True)  # it is not known yet
    every = last.hits
    searcher.line.cuts = Cuts(every[3].score, every[6].rerank_score)
    first, last = searcher.search("rain", k=5)
    assert (first.likely, last.likely, last.line_follows) == (None, 7, False)
    (only,) = searcher.search("rain", rerank_clips=0)
    assert only.likely == sum(hit.score >= every[3].score for hit in every)
    like = searcher.similar(every[0].clip_id)
    *_, joint = searcher.search("rain", joint=lambda _text, scores, *_vectors: -scores)
    searcher.line.cuts = None
    later = searcher.similar(every[0].clip_id)
    assert [(r.likely, r.line_follows) for r in (like, joint, later)] == [(None, False)] * 3
    searcher.line.cuts = Cuts()
    *_, none = searcher.search("rain")
    assert (none.likely, none.line_follows) == (None, False)  # the scores show no place for it


def test_that_nothing_matches_is_said_and_the_nearest_clips_are_shown(library, bundle):
    searcher = Searcher(library, bundle)
    searcher.line.cuts = Cuts(9.0, 9.0)
    *_, last = searcher.search("rain")
    assert (last.likely, len(last.hits)) == (0, CLIPS)
    assert last.notes == (NOTHING_LIKELY,)
    (nobody,) = searcher.search("rain", filters=Filters(name_contains="no such video"))
    assert (nobody.notes, nobody.line_follows) == ((), False)
