"""Question pools are whole; the clustering does what its docstring says, against a slow plain reference."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import DrivescopeError, ErrorKind
from core.explain.ontology import load_ontology
from core.explain.prompts import CLUSTERS, Prompt, cluster, in_order, load_prompts, representatives, typical


def _points(count: int = 60, width: int = 8, seed: int = 5) -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(7, width)) * 3
    return [f"q{n:03d}" for n in range(count)], centres[np.arange(count) % 7] + generator.normal(
        size=(count, width)
    )


@pytest.mark.parametrize("modality", ["textual", "visual"])
def test_pools_are_large_and_ask_for_every_slot(modality):
    prompts = load_prompts(modality)
    assert len(prompts) >= 50
    assert len({prompt.question for prompt in prompts}) == len(prompts)
    asked = {prompt.slot for prompt in prompts}
    assert asked >= {
        "road",
        "weather",
        "light",
        "ego",
        "actor",
        "action",
        "relation",
        "signal",
        "hazard",
        "order",
    }
    assert all(prompt.question.endswith("?") and prompt.terms for prompt in prompts)
    concepts = load_ontology().concepts
    for prompt in prompts:
        tables = {concepts[term].table for term in prompt.terms}
        wanted = {"ego": "manoeuvre", "action": "manoeuvre", "order": None}.get(prompt.slot, prompt.slot)
        assert wanted is None or wanted in tables, prompt


@pytest.mark.parametrize("seed", range(6))
def test_objective_never_grows(seed):
    ids, points = _points(seed=seed)
    result = cluster(ids, points, seed=seed)
    assert all(
        after <= before * (1 + 1e-12)
        for before, after in zip(result.objective, result.objective[1:], strict=False)
    )
    assert 2 <= len(result.objective) <= 51
    assert result.centres.shape == (CLUSTERS, 8)


def test_result_is_a_fixed_point_of_plain_lloyd():
    ids, points = _points()
    result = cluster(ids, points)
    for point, label in zip(points, result.labels, strict=True):
        distances = [
            sum((a - b) ** 2 for a, b in zip(point, centre, strict=True)) for centre in result.centres
        ]
        assert label == distances.index(min(distances))
    for number, centre in enumerate(result.centres):
        members = [point for point, label in zip(points, result.labels, strict=True) if label == number]
        np.testing.assert_allclose(centre, sum(members) / len(members), rtol=1e-9)
    spread = sum(
        np.sqrt(((p - result.centres[n]) ** 2).sum()) for p, n in zip(points, result.labels, strict=True)
    )
    assert result.spread == pytest.approx(spread)
    assert result.objective[-1] == pytest.approx(
        sum(((p - result.centres[n]) ** 2).sum() for p, n in zip(points, result.labels, strict=True))
    )


def test_representative_is_the_arg_min_of_its_cluster():
    ids, points = _points()
    result = cluster(ids, points)
    chosen = representatives(result)
    assert len(chosen) == CLUSTERS
    for number, name in enumerate(chosen):
        members = {
            ids[i]: np.linalg.norm(points[i] - result.centres[number])
            for i in np.flatnonzero(result.labels == number)
        }
        assert name in members
        assert members[name] == min(members.values())


def test_ties_go_to_the_smaller_id():
    square = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]])
    result = cluster(["d", "b", "c", "a"], square, clusters=1)
    assert representatives(result) == ("a",)


def test_input_order_does_not_matter():
    ids, points = _points()
    shuffled = np.random.default_rng(1).permutation(len(ids))
    first = cluster(ids, points)
    second = cluster([ids[i] for i in shuffled], points[shuffled])
    assert representatives(first) == representatives(second)
    assert first.ids == second.ids
    np.testing.assert_array_equal(first.labels, second.labels)


def test_few_and_equal_points():
    same = cluster(["a", "b", "c"], np.ones((3, 4)))
    assert same.centres.shape == (1, 4)
    assert representatives(same) == ("a",)
    assert same.spread == 0.0
    two = cluster(["a", "b", "c"], np.array([[0.0], [0.0], [9.0]]))
    assert set(representatives(two)) == {"a", "c"}


@pytest.mark.parametrize(
    ("ids", "vectors"),
    [
        ([], np.zeros((0, 3))),
        (["a"], np.zeros(3)),
        (["a", "a"], np.zeros((2, 3))),
        (["a"], np.zeros((2, 3))),
        (["a"], np.array([[np.nan]])),
        (["a"], np.array([[np.inf]])),
    ],
)
def test_wrong_vectors_are_refused(ids, vectors):
    with pytest.raises(ValueError, match="k-means needs"):
        cluster(ids, vectors)


def test_demonstrations_are_ordered_by_length():
    long = Prompt("a", "road", "one two three", "x", ())
    short = Prompt("z", "road", "one two", "x y", ())
    shorter_answer = Prompt("y", "road", "one two", "x", ("tunnel",))
    fewer_terms = Prompt("x", "road", "one two", "x", ())
    assert in_order([long, short, shorter_answer, fewer_terms]) == (fewer_terms, shorter_answer, short, long)


def test_typical_questions_of_the_shipped_pool():
    prompts = load_prompts("textual")
    vectors = np.random.default_rng(2).normal(size=(len(prompts), 16)).astype(np.float32)
    chosen = typical(prompts, vectors)
    assert len(chosen) == CLUSTERS
    assert set(chosen) <= set(prompts)
    assert chosen == in_order(chosen)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("{", "no JSON"),
        ('{"a": 1}', "not a list"),
        ([{"id": "a"}], "exactly the keys"),
        ([{"id": "a", "slot": "sea", "question": "q?", "answer": "a", "terms": []}], "unknown slot"),
        ([{"id": "a", "slot": "road", "question": "q?", "answer": "a", "terms": ["sea"]}], "unknown concept"),
        ([{"id": "a", "slot": "road", "question": "q?", "answer": "a", "terms": "tunnel"}], "not a list"),
        ([{"id": "a", "slot": "road", "question": " ", "answer": "a", "terms": []}], "empty text"),
        ([{"id": "a", "slot": "road", "question": "q?", "answer": "a", "terms": []}] * 2, "repeats an id"),
    ],
)
def test_a_wrong_pool_is_refused(tmp_path: Path, entries, words):
    path = tmp_path / "pool.json"
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    with pytest.raises(DrivescopeError) as caught:
        load_prompts("textual", path=path)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert words in caught.value.sentence
    assert str(path) in caught.value.sentence


def test_a_missing_pool_is_told(tmp_path: Path):
    with pytest.raises(DrivescopeError) as caught:
        load_prompts("visual", path=tmp_path / "none.json")
    assert caught.value.kind is ErrorKind.NOT_FOUND
