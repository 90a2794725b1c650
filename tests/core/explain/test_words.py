"""The score taken apart: the parts must be the bundle's own, and the contributions must add up to them."""

import numpy as np
import pytest
import torch

from core.errors import DrivescopeError
from core.explain.counterfactual import moves, without_word
from core.explain.words import dissect, words_of
from core.library.catalog import VideoFacts
from core.library.clips import Span
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.clip4clip import unit
from core.models.registry import load_bundle
from core.search.pipeline import Searcher

TEXT = "A cyclist rides into the Roundabout, at dusk"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle") / "random", words=16)
    loaded = load_bundle(str(folder), device="cpu", precision="float32")
    generator = torch.Generator().manual_seed(7)
    for name, matrix in loaded.reranker.named_parameters():  # identity matrices would hide a transposition
        if name.endswith(("_weight", "_weight2")) and matrix.shape[0] == matrix.shape[1]:
            matrix.data += 0.2 * torch.randn(matrix.shape, generator=generator)
    return loaded


def clip(seed, frames=12, dim=64):
    generator = torch.Generator().manual_seed(seed)
    return unit(torch.randn(frames, dim, generator=generator)), unit(torch.randn(dim, generator=generator))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("padded", [False, True])
def test_contributions_add_up_to_the_bundles_own_score(bundle, seed, padded):
    query = bundle._encode_text(TEXT) if not padded else padded_query(bundle)
    frames, video = clip(seed)
    scores = bundle.rerank(query, frames[None], video[None])
    found = dissect(bundle, query, frames, video)
    assert found.score == pytest.approx(float(scores.score[0]), abs=1e-5)
    assert np.allclose(found.parts, scores.parts[0].numpy(), atol=1e-5)
    assert found.by_word.sum() + found.marks + found.sentence == pytest.approx(found.score, abs=1e-5)
    assert found.by_frame.sum() + found.video == pytest.approx(found.score, abs=1e-5)
    assert found.by_word_and_frame.shape == found.similarity.shape == (len(found.words), 12)


def padded_query(bundle):
    bundle.padded_words = True
    try:
        return bundle._encode_text(TEXT)
    finally:
        bundle.padded_words = False


def test_each_term_equals_a_slow_reference(bundle):
    """Loops over positions and frames, straight from the paper's formulas."""
    query = bundle.encode_text(TEXT)
    frames, video = clip(3)
    found = dissect(bundle, query, frames, video)
    model, w, s = bundle.reranker, query.words, query.sentence
    P, F = len(w), len(frames)
    C = torch.tensor([[float(w[i] @ model.local_mat_weight @ frames[j]) for j in range(F)] for i in range(P)])

    def weigh(values, matrix):
        return (values / 0.01).softmax(0) @ matrix[: len(values), : len(values)]

    alpha = torch.stack([weigh(C[:, j], model.word_mat_weight) for j in range(F)], 1)  # (P, F)
    delta = torch.stack([weigh(C[i], model.frame_mat_weight) for i in range(P)])  # (P, F)
    beta = weigh((alpha * C).sum(0), model.frame_mat_weight2)
    gamma = weigh((delta * C).sum(1), model.word_mat_weight2)
    a = weigh(w @ video, model.word_logit_weight)
    b = weigh(frames @ s, model.frame_logit_weight)
    for number, word in enumerate(found.words):
        expected = 0.0
        for i in word.positions:
            expected += float(a[i] * (w[i] @ video)) / 4
            for j in range(F):
                expected += float((beta[j] * alpha[i, j] + gamma[i] * delta[i, j]) * C[i, j]) / 8
        assert found.by_word[number] == pytest.approx(expected, abs=1e-5)
    for j in range(F):
        expected = float(b[j] * (frames[j] @ s)) / 4
        expected += sum(
            float((beta[j] * alpha[i, j] + gamma[i] * delta[i, j]) * C[i, j]) / 8 for i in range(P)
        )
        assert found.by_frame[j] == pytest.approx(expected, abs=1e-5)


def test_pieces_become_words_again(bundle):
    query = bundle.encode_text("Unpredictable   cyclist's roundabout, zebra-crossing")
    words = words_of(query)
    assert [w.text for w in words] == ["unpredictable", "cyclist's", "roundabout,", "zebra-crossing"]
    read = [p for w in words for p in w.positions]
    assert read == list(range(1, len(query.word_texts) - 1))  # everything but start and end, in order


def test_letters_beyond_ascii_are_kept_apart_and_nothing_is_lost(bundle):
    query = bundle.encode_text("a café on the road")
    positions = [p for w in words_of(query) for p in w.positions]
    assert positions == list(range(1, len(query.word_texts) - 1))
    assert {"a", "on", "the", "road"} <= {w.text for w in words_of(query)}


def test_cut_words_are_named_and_bring_nothing(bundle):
    query = bundle.encode_text(" ".join(["car"] * 14 + ["zebra"]))
    frames, video = clip(1)
    found = dissect(bundle, query, frames, video)
    assert found.cut_words == ("zebra",)
    assert [w.text for w in found.words] == ["car"] * 14
    assert found.as_dict()["words"] == ["car"] * 14


def test_muting_takes_one_word_out(bundle):
    assert without_word(bundle, "a red car brakes", 1) == "a car brakes"
    assert without_word(bundle, "the car passes the bus", 3) == "the car passes bus"
    with pytest.raises(DrivescopeError, match="only word"):
        without_word(bundle, "car", 0)
    with pytest.raises(DrivescopeError, match="no word 9"):
        without_word(bundle, "a car", 8)


@pytest.fixture(scope="module")
def library(tmp_path_factory, bundle):
    library = Library.create(tmp_path_factory.mktemp("library") / "l", bundle.spec)
    facts = VideoFacts(
        path="/drive.mp4", size=1, mtime_ns=1, sha256="x", duration_s=240.0, fps=25.0,
        width=64, height=36, codec="h264", clip_seconds=8.0, stride_s=0.0,
    )  # fmt: skip
    video_id = library.catalog.add_video(facts)
    ids = library.catalog.add_clips(video_id, [Span(8.0 * n, 8.0 * n + 8) for n in range(30)])
    frames = torch.randn(30, 12, 64, generator=torch.Generator().manual_seed(5))
    with library.lock():
        library.features(bundle.spec).append(bundle.pool((frames,)), ids)
    yield library
    library.close()


@pytest.mark.parametrize("rerank_clips", [0, 1000])
def test_moves_are_what_a_search_for_the_changed_query_gives(library, bundle, rerank_clips):
    searcher = Searcher(library, bundle)
    *_, shown = searcher.search("a red car brakes", rerank_clips=rerank_clips)
    changed = without_word(bundle, "a red car brakes", 1)
    found = moves(searcher, shown.hits[:10], changed, rerank_clips=rerank_clips)
    *_, applied = searcher.search(changed, rerank_clips=rerank_clips)
    ranks = {hit.clip_id: hit.rank for hit in applied.hits}
    assert [(m.clip_id, m.rank) for m in found] == [(h.clip_id, h.rank) for h in shown.hits[:10]]
    assert [m.new_rank for m in found] == [ranks[m.clip_id] for m in found]
    assert any(m.rank != m.new_rank for m in found)
    assert all(
        m.new_rank == m.rank
        for m in moves(searcher, shown.hits, "a red car brakes", rerank_clips=rerank_clips)
    )
