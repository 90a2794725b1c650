"""A whole evaluation over a small library: stored, read back, equal to a plain computation, told in JSON."""

import json

import numpy as np
import pytest

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.evaluate.account import Request
from core.evaluate.command import evaluate_foreign, evaluate_library, gallery_of
from core.evaluate.judgements import Judgements, Verdict
from core.evaluate.runs import list_runs, open_run
from core.evaluate.sampled import Judgement, extended_inferred_ap
from core.evaluate.table import query_table
from core.evaluate.trec import read_run
from core.evaluate.truth import SpanRule
from core.library.library import Library
from core.search.pipeline import Searcher
from tests.core.evaluate.small_library import TRUTH, write
from tests.core.search.test_pipeline import add_clips


def test_metrics_equal_a_plain_loop(searcher, queries_file):
    truth = {**TRUTH, "no pedestrian": {13, 14}}
    answer = evaluate_library(searcher, Request(queries_file), rerank_clips=10)
    ranks = {"first": [], "reranked": []}
    precisions = {"first": [], "reranked": []}
    for text, relevant in truth.items():
        for ranked in searcher.search(text, k=40, rerank_clips=10):
            places = [hit.rank for hit in ranked.hits if hit.clip_id in relevant]
            ranks[ranked.stage].append(places[0])
            precisions[ranked.stage].append(np.mean([(n + 1) / p for n, p in enumerate(places)]))
    for stage, told in (("first", answer["first_stage"]), ("reranked", answer["metrics"])):
        assert told["MdR"]["value"] == np.median(ranks[stage])
        assert told["MnR"]["value"] == pytest.approx(np.mean(ranks[stage]))
        assert told["R@5"]["value"] == pytest.approx(100 * np.mean(np.array(ranks[stage]) <= 5))
        assert told["mAP"]["value"] == pytest.approx(np.mean(precisions[stage]))
        assert told["mAP"]["low"] <= told["mAP"]["value"] <= told["mAP"]["high"]
    assert list(answer["metrics"])[:7] == ["R@1", "R@5", "R@10", "MdR", "MnR", "mAP", "nDCG@10"]
    assert (answer["queries"], answer["clips"], answer["unanswered_queries"], answer["stage"]) == (
        3,
        40,
        1,
        "reranked",
    )
    assert answer["unmatched"] == [
        {"row": 6, "query": "a dog", "video": "lost.mp4", "reason": "the library has no video lost.mp4"}
    ]
    assert set(answer["timings"]) == {"text_ms", "first_ms", "rerank_ms", "seconds"}
    assert all(0 <= found["unjudged"] <= 1 for found in answer["metrics"].values())
    json.dumps(answer, allow_nan=False)


def test_video_to_text_equals_a_plain_loop(searcher, queries_file):
    answer = evaluate_library(searcher, Request(queries_file), rerank_clips=0)
    truth = {**TRUTH, "no pedestrian": {13, 14}}
    scores = {}
    for text in truth:
        (ranked,) = searcher.search(text, k=40, rerank_clips=0)
        scores[text] = {hit.clip_id: hit.score for hit in ranked.hits}
    ranks = []
    for clip_id in range(1, 41):
        own = [text for text, relevant in truth.items() if clip_id in relevant]
        if own:
            order = sorted(truth, key=lambda text: -scores[text][clip_id])
            ranks.append(1 + min(order.index(text) for text in own))
    assert answer["video_to_text"]["MnR"]["value"] == pytest.approx(np.mean(ranks))
    assert answer["first_stage"] is None
    assert answer["stage"] == "first"


def test_moments_equal_a_plain_loop(searcher, tmp_path):
    path = write(
        tmp_path / "t.csv", "query,video,start_s,end_s\nrain,night,10,20\nrain,day,0,8\nsnow,day,30,34\n"
    )
    answer = evaluate_library(searcher, Request(path), rerank_clips=10)
    overlaps = []
    for text, video, start, end in (
        ("rain", "night", 10, 20),
        ("rain", "day", 0, 8),
        ("snow", "day", 30, 34),
    ):
        *_, ranked = searcher.search(text, k=40, rerank_clips=10)
        best = next(hit for hit in ranked.hits if video in hit.video)
        shared = max(0.0, min(end, best.end_s) - max(start, best.start_s))
        overlaps.append(shared / (end - start + 8 - shared))
    assert answer["moments"]["mIoU"] == pytest.approx(100 * np.mean(overlaps))
    assert answer["moments"]["R1@0.5"] == pytest.approx(100 * np.mean(np.array(overlaps) >= 0.5))
    whole = write(tmp_path / "t.csv", "query,video\nrain,night\n")
    assert evaluate_library(searcher, Request(whole), rerank_clips=0)["moments"] is None


def test_a_run_is_stored_whole(searcher, queries_file):
    answer = evaluate_library(searcher, Request(queries_file, name="Müller's first"), rerank_clips=10)
    (facts,) = list_runs(searcher.library.folder)
    assert facts["run_id"] == answer["run"]
    assert facts["configuration"]["rerank_clips"] == 10
    assert facts["configuration"]["span_rule"] == {"overlap": "contains", "threshold": 0.5}
    assert facts["hashes"]["fingerprint"] == searcher.bundle.spec.fingerprint
    assert facts["metrics"]["reranked"] == answer["metrics"]
    assert facts["versions"]["numpy"] == np.__version__
    run = open_run(searcher.library.folder, answer["run"])
    assert [q.text for q in run.queries] == list(TRUTH)
    assert run.queries[2].properties == {"weather": "snow"}
    assert run.spans["2"] == ((2, 32.0, 40.0),)
    assert run.clip_seconds == {"1": 8.0, "2": 8.0, "3": 8.0}
    first, final = searcher.search("a bus turns left", k=40, rerank_clips=10)
    assert run.stages["first"].rankings[1].clip_ids.tolist() == [hit.clip_id for hit in first.hits]
    assert run.final.rankings[1].clip_ids.tolist() == [hit.clip_id for hit in final.hits]
    assert run.final.rankings[1].head == 10
    table = query_table(run)
    assert table[1].rank == 1 + [hit.clip_id for hit in final.hits].index(30)
    assert table[1].first_rank == 1 + [hit.clip_id for hit in first.hits].index(30)
    assert table[1].change == table[1].first_rank - table[1].rank
    assert table[1].truth_clip == 30
    assert table[1].top_clip == final.hits[0].clip_id


def test_our_run_goes_out_and_comes_back_with_the_same_numbers(searcher, queries_file, tmp_path):
    out = tmp_path / "ours.run"
    ours = evaluate_library(searcher, Request(queries_file, trec_out=out), rerank_clips=10)
    assert len(out.read_text().splitlines()) == 3 * 40
    theirs = evaluate_foreign(searcher, Request(queries_file), out)
    assert theirs["metrics"] == ours["metrics"]
    assert len(list_runs(searcher.library.folder)) == 2
    assert read_run(out).name == ours["configuration"]["bundle"]


def test_foreign_runs_with_gaps(searcher, queries_file, tmp_path):
    path = tmp_path / "foreign.run"
    path.write_text(
        "1 Q0 night.mp4#t=0,8 1 0.9 theirs\n"
        "1 Q0 nowhere.mp4 2 0.8 theirs\n"
        "1 Q0 NIGHT#t=0,8 3 0.7 theirs\n"
        "1 Q0 day.mp4 4 0.6 theirs\n"
    )
    answer = evaluate_foreign(searcher, Request(queries_file), path)
    assert answer["metrics"]["R@1"]["value"] == pytest.approx(100 / 3)
    assert answer["metrics"]["MnR"]["value"] == pytest.approx((1 + 40 + 40) / 3)  # not ranked: the last rank
    assert answer["metrics"]["MRR"]["value"] == pytest.approx(1 / 3)
    assert [(row["row"], row["reason"]) for row in answer["unmatched_lines"]] == [
        (2, "the library has no video nowhere.mp4"),
        (3, "the run ranks this clip twice, under different names"),
        (4, "day.mp4 has 15 clips: name one of them, e.g. day.mp4#t=0,8"),
    ]
    assert answer["notes"][0] == "2 queries are not in the run and count as failures."
    path.write_text("1 Q0 nowhere.mp4 1 0.9 theirs\n")
    with pytest.raises(
        DrivescopeError, match=r"ranks no clip of this library .* line 1: the library has no video"
    ):
        evaluate_foreign(searcher, Request(queries_file), path)
    path.write_text("99 Q0 night.mp4#t=0,8 1 0.9 theirs\n")
    with pytest.raises(DrivescopeError, match="its topics are other ones"):
        evaluate_foreign(searcher, Request(queries_file), path)


def test_sampled_judgements_bring_inferred_ap(searcher, tmp_path):
    topics, qrels = tmp_path / "topics", tmp_path / "qrels"
    topics.write_text("1 a red car\n2 rain at night\n")
    qrels.write_text(
        "1 0 night.mp4#t=0,8 1\n1 0 day.mp4#t=0,8 0\n1 0 day.mp4#t=8,16 -1\n2 0 day.mp4#t=0,8 1\n"
    )
    answer = evaluate_library(searcher, Request(topics, companion=qrels), rerank_clips=0)
    pools = {
        "a red car": {"1": Judgement("", 1), "26": Judgement("", 0), "27": Judgement("", -1)},
        "rain at night": {"26": Judgement("", 1)},
    }
    values = []
    for text, pool in pools.items():
        (ranked,) = searcher.search(text, k=40, rerank_clips=0)
        values.append(extended_inferred_ap([str(hit.clip_id) for hit in ranked.hits], pool))
    assert answer["metrics"]["xinfAP"]["value"] == pytest.approx(np.mean(values))
    assert answer["metrics"]["infAP"]["unjudged"] == answer["metrics"]["R@10"]["unjudged"]
    assert 0 < answer["metrics"]["infAP"]["low"] <= answer["metrics"]["infAP"]["value"] <= 1
    assert "infAP" not in evaluate_library(
        searcher, Request(topics, companion=write(qrels, "1 0 night.mp4#t=0,8 1\n")), rerank_clips=0
    )["metrics"]  # fmt: skip


def test_the_span_rule_decides_and_is_kept(searcher, queries_file):
    request = Request(queries_file, rule=SpanRule("iou", 0.9))
    answer = evaluate_library(searcher, request, rerank_clips=0)
    assert answer["queries"] == 2
    assert "has iou 0.33, below 0.9" in answer["unmatched"][0]["reason"]
    assert answer["configuration"]["span_rule"] == {"overlap": "iou", "threshold": 0.9}


def test_stopping_stores_nothing(searcher, queries_file):
    seen = []
    with pytest.raises(Cancelled):
        evaluate_library(
            searcher,
            Request(queries_file),
            rerank_clips=0,
            progress=lambda done, total: seen.append((done, total)),
            cancelled=lambda: len(seen) == 2,
        )
    assert seen == [(1, 3), (2, 3)]
    assert list_runs(searcher.library.folder) == []


def test_a_library_that_grows_meanwhile_is_refused(searcher, queries_file, bundle):
    def grow(done, total):
        add_clips(searcher.library, bundle, f"/drive/new{done}.mp4", 2, seed=done)

    with pytest.raises(DrivescopeError, match="changed while it was evaluated") as caught:
        evaluate_library(searcher, Request(queries_file), rerank_clips=0, progress=grow)
    assert caught.value.kind is ErrorKind.BUSY
    assert list_runs(searcher.library.folder) == []


def test_clips_that_have_no_vectors_are_named(searcher, queries_file):
    from core.library.clips import Span

    video_id = searcher.library.catalog.clips()[0].video_id
    searcher.library.catalog.add_clips(video_id, [Span(400.0, 408.0)])
    queries_file.write_text("query,video,start_s,end_s\nrain,night.mp4,400,408\nsnow,day,0,8\n")
    answer = evaluate_library(searcher, Request(queries_file), rerank_clips=0)
    assert answer["clips"] == 40
    assert answer["unmatched"][0]["reason"] == "the clip that it means in night.mp4 is not indexed"


def test_judgements_overrule_the_file(searcher, queries_file):
    (ranked,) = searcher.search("a bus turns left", k=40, rerank_clips=0)
    store = Judgements(searcher.library.folder)
    store.judge("a bus turns left", ranked.hits[0].clip_id, Verdict.RELEVANT, author="ann")
    store.close()
    queries_file.write_text("query,video,start_s,end_s\na bus turns left,day,32,40\n")
    without = evaluate_library(searcher, Request(queries_file), rerank_clips=0)["metrics"]
    judged = evaluate_library(searcher, Request(queries_file, judgements=True), rerank_clips=0)["metrics"]
    assert judged["R@1"]["value"] == 100.0
    assert judged["R@10"]["unjudged"] == pytest.approx(without["R@10"]["unjudged"] - 0.1)


def test_an_empty_library_says_so(tmp_path, bundle):
    library = Library.create(tmp_path / "empty", bundle.spec)
    with pytest.raises(DrivescopeError, match="holds no clips: index footage into it first"):
        gallery_of(Searcher(library, bundle))
    library.close()
