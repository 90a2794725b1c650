"""The table: fair splits, right metrics, intervals, and a run of all of it on a toy world."""

import json

import numpy as np
import pytest
import torch

from core.training import systems, table
from core.training.evaluate import answer_columns
from core.training.few import few_name
from core.training.free_text import SENTENCES, free_text
from core.training.lanes import Lanes
from core.training.own_tower import own_name
from core.training.recipe import HeadRecipe, StudentRecipe
from core.training.scoring import columns, difference, query_means, reranked, summarise
from core.training.splits import Split, concepts, instances, paraphrases
from core.training.stage_a import load_teacher, train_teacher
from core.training.table_rows import as_markdown
from core.world.truth import EVENTS
from tests.core.training.toy import toy_clips, toy_recipe


def test_concepts_are_distinct_and_every_fitting_clip_is_right():
    clips = toy_clips(40)
    split = concepts(clips, count=8)
    assert len(split.queries) == len(split.relevant) == 8
    counts = split.relevant.sum(dim=1)
    assert int(counts.min()) >= 3
    assert int(counts.max()) <= 10
    assert len({tuple(row.tolist()) for row in split.relevant}) > 1
    assert torch.equal(split.relevant, concepts(clips, count=8).relevant)
    asked = [number for number, query in enumerate(split.queries) if query == "bus"]
    for number in asked:
        shows = [any(actor.kind == "bus" for actor in truth.actors) for truth in clips.truths]
        assert split.relevant[number].tolist() == shows


def test_instances_and_paraphrases_ask_for_the_same_clips():
    clips = toy_clips(5)
    one, other = instances(clips), paraphrases(clips)
    assert one.single
    assert other.single
    assert torch.equal(one.relevant, other.relevant)
    assert one.queries[0] == clips.captions[0][0]
    assert not set(one.queries) & set(other.queries)


def test_free_sentences_are_fifty_and_imply_what_the_world_knows():
    assert len({sentence for sentence, _ in SENTENCES}) == 50
    clips = toy_clips(12)
    split = free_text(clips)  # raises on a predicate key that is not known
    assert split.relevant.any(dim=1).all()
    for _, wanted in SENTENCES:
        for event in (*wanted.get("events", ()), *wanted.get("order", ())):
            names = event if isinstance(event, str) else event["name"]
            assert set([names] if isinstance(names, str) else names) <= set(EVENTS)
    day = next(row for query, row in zip(split.queries, split.relevant, strict=True) if "interstate" in query)
    assert day.tolist() == [truth.road == "highway" and truth.light == "day" for truth in clips.truths]


def test_ndcg_and_average_precision_by_hand():
    scores = torch.tensor([[0.9, 0.8, 0.7, 0.1]])
    relevant = torch.tensor([[True, False, True, False]])
    average, ndcg = answer_columns(scores, relevant, depth=2)
    assert float(average) == pytest.approx((1 + 2 / 3) / 2)
    assert float(ndcg) == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert float(answer_columns(scores, relevant, depth=10)[1]) == pytest.approx(1.5 / (1 + 1 / np.log2(3)))


def test_a_summary_has_the_mean_over_seeds_and_an_interval_around_it():
    generator = torch.Generator().manual_seed(0)
    runs = [torch.eye(50) + torch.rand(50, 50, generator=generator) for _ in range(3)]
    split = Split("test", tuple("a" * 50), torch.eye(50, dtype=torch.bool))
    found = summarise(runs, split)
    means = [float(columns(run, split)[1][:, 0].mean()) for run in runs]
    assert found["R@1"]["mean"] == pytest.approx(sum(means) / 3, abs=1e-3)
    assert found["R@1"]["low"] <= found["R@1"]["mean"] <= found["R@1"]["high"]
    assert found["R@1"]["spread"] == pytest.approx(float(np.std(means)), abs=1e-3)
    assert found["R@10"]["mean"] >= found["R@1"]["mean"]


def test_a_difference_is_that_of_the_same_queries():
    generator = torch.Generator().manual_seed(0)
    right = torch.eye(80, dtype=torch.bool)
    split = Split("test", tuple("a" * 80), right)
    hard = torch.rand(80, 80, generator=generator)  # what both find hard
    weak = [hard + 0.5 * right + 0.01 * torch.rand(80, 80, generator=generator) for _ in range(2)]
    strong = [scores + 0.2 * right for scores in weak]
    found = difference(query_means(strong, split), query_means(weak, split), split)
    slow = [
        float(columns(a, split)[1][:, 0].mean() - columns(b, split)[1][:, 0].mean())
        for a, b in zip(strong, weak, strict=True)
    ]
    assert found["R@1"]["mean"] == pytest.approx(sum(slow) / 2, abs=1e-3)
    assert found["recall"]["mean"] == pytest.approx(
        sum(found[name]["mean"] for name in ("R@1", "R@5", "R@10")) / 3, abs=2e-3
    )
    # pairs vary less than each system does: both alone are uncertain by more than their difference is
    alone = summarise(strong, split)["R@1"]
    assert found["R@1"]["high"] - found["R@1"]["low"] < alone["high"] - alone["low"]
    assert found["R@1"]["low"] > 0
    assert found["R@1"]["p"] < 0.05
    same = difference(query_means(weak, split), query_means(weak, split), split)
    assert same["R@5"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def test_reranking_changes_only_the_order_of_the_best():
    first = torch.tensor([[0.9, 0.5, 0.4, 0.1]])
    second = torch.tensor([[0.0, 0.3, 0.9, 1.0]])
    assert reranked(first, second, 2).argsort(descending=True).tolist() == [[1, 0, 2, 3]]
    assert reranked(first, second, 9).argsort(descending=True).tolist() == [[3, 2, 1, 0]]


def test_the_whole_table_on_a_toy_world(tmp_path, monkeypatch):
    for module in (systems, table):
        monkeypatch.setattr(module, "FEW", 1)
    monkeypatch.setattr(table, "CAPTIONED", (5,))
    monkeypatch.setattr(table, "SEEDS", 1)
    clips, val, test = toy_clips(16), toy_clips(24, first_seed=300), toy_clips(24, first_seed=600)
    recipe = toy_recipe(steps=2, words=24)
    train_teacher(clips, None, recipe, tmp_path / "teacher")
    teacher, texts, stored = load_teacher(tmp_path / "teacher")
    assert stored == recipe

    result = table.make_table(
        teacher, texts, stored, clips, val, test, tmp_path, seeds=2,
        students=StudentRecipe(steps=2, batch=6), heads=HeadRecipe(steps=2, batch=6),
    )  # fmt: skip
    made = result.table
    assert json.loads(json.dumps(made)) == made
    assert made["shipped"] in systems.SHIPPABLE
    rows = made["systems"]
    assert {"mean pooling", "teacher, full scan", "reranked, best 200", "student, taught"} <= set(rows)
    assert rows["student, taught"]["seeds"] == 2
    assert rows["student, coarse only"]["seeds"] == 1
    assert {few_name(5, True), few_name(5, False)} <= set(rows)
    for taught in (False, True):
        own, shared = (rows[own_name(own, taught)] for own in (True, False))
        assert own["seeds"] == shared["seeds"] == 1
        assert own["bytes"] == shared["bytes"]
        assert (own["towers"], shared["towers"]) == (2, 1)
    for row in rows.values():
        assert 0 <= row["test"]["R@1"]["low"] <= row["test"]["R@10"]["high"] <= 100
    ranks = [
        {name: value["mean"] for name, value in rows[system]["test"].items()}
        for system in ("reranked, best 200", "teacher, full scan")
    ]
    assert ranks[0] == ranks[1]
    assert rows["student, taught"]["bytes"] * (recipe.frames + 1) == rows["teacher, full scan"]["bytes"]
    assert made["events"]["teacher, full scan"]["oncoming"]["clips"] == 24
    markdown = as_markdown(made)
    assert markdown.count("\n") == len(rows) + len(made["differences"]) + 7
    assert made["sides"] == {made["shipped"]: {}, "teacher, full scan": {}}  # nobody crosses in the toy world
    assert {"student, untaught", "CLIP4Clip seqTransf", "teacher, full scan"} <= {
        one["against"] for one in made["differences"] if one["system"] == made["shipped"]
    }
    (gained,) = [one for one in made["differences"] if one["system"] == "reranked, best 200"]
    assert gained["against"] == "teacher, full scan"
    assert gained["test"]["recall"]["mean"] == gained["concept"]["mAP"]["mean"] == 0.0
    monkeypatch.setattr(table, "encode_clips", None)  # frames are kept for the next time
    kept = [
        table.cached_frames(teacher, one, stored, Lanes(1), tmp_path / f"frames_{name}.safetensors")
        for name, one in (("train", clips), ("val", val), ("test", test))
    ]
    assert [len(frames) for frames in kept] == [16, 24, 24]
