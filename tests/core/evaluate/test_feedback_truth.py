"""What feedback gains is measured on what the judge did not see, with queries whose answers are all known."""

import random

import numpy as np
import pytest
import torch

from core.evaluate.feedback_truth import (
    Question,
    average_precision,
    gains,
    main,
    marks,
    questions,
    table,
    unheard,
)
from core.library.features import FeatureStore
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.world.voice import article
from core.world.wording_unseen import COLOURS, LIGHT, NOUNS

CROSSING = ("event", "crosses from left")
FACTS = [
    frozenset({("light", "night"), ("actor", "car"), ("actor", "car", "red")}),
    frozenset({("light", "night"), ("actor", "dog"), CROSSING, (*CROSSING, "dog")}),
    frozenset({("light", "day"), ("weather", "snow"), ("ego", "turns left")}),
    frozenset({("light", "dusk"), ("road", "tunnel"), ("without", "people"), ("event", "light turns red")}),
] * 5  # fmt: skip


def test_every_answer_of_a_question_is_known():
    asked = questions(FACTS, 200)
    assert len(asked) > 10
    for question in asked:
        assert 3 <= question.right.sum() <= 5
        assert question.right.shape == (len(FACTS),)
        assert len(set(map(bytes, np.split(question.right, 5)))) == 1  # the same clips come five times
    assert len(questions(FACTS, 3)) == 3
    assert questions([], 10) == []
    assert questions(FACTS[:4], 10) == []  # nothing fits three of four different clips and few enough of them


def test_unheard_words_say_the_same_facts():
    rng = random.Random(1)
    text = unheard(frozenset({("actor", "car", "red"), ("light", "night")}), rng)
    said = {
        f"{article(f'{colour} {noun}')} {light}"
        for colour in COLOURS["red"]
        for noun in NOUNS["car"]
        for light in LIGHT["night"]
    }
    assert text in said
    for facts in FACTS[:4]:
        assert "{" not in unheard(facts, rng)
    crossing = unheard(frozenset({("event", "crosses from left", "dog")}), rng)
    assert any(noun in crossing for noun in NOUNS["dog"])
    assert "from" in crossing
    assert unheard(frozenset({("event", "crosses from left")}), rng)  # who is not said: as training says it


def test_precision_is_that_of_the_clips_that_are_left():
    generator = np.random.default_rng(0)
    for _ in range(20):
        scores = generator.permutation(12).astype(np.float32)
        right, judged = generator.random(12) < 0.4, generator.random(12) < 0.3
        left = [row for row in sorted(range(12), key=lambda row: -scores[row]) if not judged[row]]
        hits = [place for place, row in enumerate(left, 1) if right[row]]
        if hits:
            expected = sum(number / place for number, place in enumerate(hits, 1)) / len(hits)
            assert average_precision(scores, right, judged) == pytest.approx(expected)


def test_the_judge_marks_the_first_clips_as_the_truth_has_them():
    scores, right = np.array([5, 4, 3, 2, 1, 0], np.float32), np.array([1, 0, 1, 1, 1, 1], bool)
    good, bad = marks(scores, right, 5, liked=False)
    assert (good.tolist(), bad.tolist()) == ([0, 2, 3, 4], [1])
    good, bad = marks(scores, right, 5, liked=True)
    assert (good.tolist(), bad.tolist()) == ([0, 2, 3], [])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = random_bundle(tmp_path_factory.mktemp("bundle") / "random")
    return load_bundle(str(folder), device="cpu", precision="float32")


@pytest.mark.parametrize("stage", ["first", "reranked"])
@pytest.mark.parametrize("liked", [False, True])
def test_what_looks_alike_is_found_by_feedback(tmp_path, bundle, stage, liked):
    generator = torch.Generator().manual_seed(3)
    frames = torch.randn(60, bundle.spec.frames, bundle.spec.student_dim, generator=generator)
    common = 1.5 * torch.randn(bundle.spec.student_dim, generator=generator)
    frames[::3] += common  # the right ones look alike
    store = FeatureStore.create(tmp_path / "features", bundle.spec)
    store.append(bundle.pool((frames,)), range(60))
    store.refresh()
    right = np.arange(60) % 3 == 0
    asked = [Question({"known": text}, right) for text in ("a red car", "rain at night", "a dog")]

    def gained(weights):
        return gains(bundle, store, asked, "known", stage, judged=45, liked=liked, weights=weights)

    found, nothing = gained((2.0, 1.0)), gained((0.0, 0.0))
    assert found.shape == (3, 2)
    assert (found[:, 1] >= found[:, 0]).all()
    assert found[:, 1].sum() > found[:, 0].sum()
    np.testing.assert_allclose(nothing, found[:, [0, 0]])
    everything = [Question({"known": "a dog"}, np.ones(60, bool))]
    assert gains(
        bundle, store, everything, "known", stage, judged=60, liked=False, weights=(1.0, 1.0)
    ).shape == (0, 2)


def test_the_table_has_a_row_a_measurement():
    row = {"words": "known", "stage": "first", "judge": "liked", "queries": 7, "before": 50.0, "after": 60.25,
           "gain": 10.25, "low": -1.0, "high": 20.0}  # fmt: skip
    told = table({"gains": [row, {**row, "queries": 0}]}).splitlines()
    assert told[1].split() == [
        "known",
        "first",
        "liked",
        "7",
        "50.0",
        "60.2",
        "+10.2",
        "(-1.0",
        "to",
        "+20.0)",
    ]
    assert told[2].split() == ["known", "first", "liked", "0"]


def test_a_folder_without_clips_is_named(tmp_path, capsys):
    assert main(["--world", str(tmp_path)]) == 2
    assert "holds no clips of the demo world" in capsys.readouterr().err
