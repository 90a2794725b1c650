"""Minus words and the line held against truth: small cases worked out by hand, and the command on made-up vectors."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core import paths
from core.evaluate import query_truth
from core.evaluate.demo_truth import truths
from core.evaluate.query_truth import (
    NOT_DRIVING,
    Asked,
    above_the_line,
    in_words,
    line_figures,
    main,
    minus_queries,
    with_and_without_minus,
    written_queries,
)
from core.library.features import FeatureStore
from core.models.bundle_io import random_bundle
from core.search.query import read_query
from core.training.concepts import facts_of

SCORES = {"a bus": [0.9, 0.8, 0.7, 0.1], "rain": [1.0, 1.0, 0.0, 0.0], "a submarine": [0.2, 0.1, 0.3, 0.3]}
STORE = SimpleNamespace(rows=4, frames=np.zeros((4, 1, 1), np.float16), video=np.zeros((4, 1), np.float16))


class Parrot:
    """A bundle that knows the scores of four clips by heart."""

    def encode_text(self, text):
        return SimpleNamespace(text=text, blank=False)

    def rerank(self, query, frames, video):
        return SimpleNamespace(score=torch.tensor(SCORES[query.text]), best_frame=torch.zeros(4))


def mask(*rows):
    return np.isin(np.arange(4), rows)


def test_a_minus_is_worth_what_it_does_for_the_clips_without_it():
    # Alone, the one right clip stands third: 1/3. The word lies half a point above its mean in the first two clips,
    # which leaves 0.4, 0.3, 0.7 and 0.1: the right clip stands first.
    found = with_and_without_minus(Parrot(), STORE, [Asked('a bus -"rain"', mask(2))])
    np.testing.assert_allclose(found, [[1 / 3, 1.0]])
    assert with_and_without_minus(Parrot(), STORE, []).shape == (0, 2)


def test_what_is_above_the_line():
    above = above_the_line(Parrot(), STORE, 0.65, ["a bus", "a submarine"])
    np.testing.assert_array_equal(above, [mask(0, 1, 2), mask()])
    right = np.stack([mask(1, 2, 3), mask(0)])
    assert line_figures(above, right) == {
        "queries": 2,
        "precision": 33.3,  # 2 of 3, and nothing of nothing
        "recall": 33.3,  # 2 of 3, and 0 of 1
        "nothing_said": 1,
        "nothing_said_without_matches": 1,  # clip 0 of the first query stays above
    }


RAIN, BUS, VAN, DAY = ("weather", "rain"), ("actor", "bus"), ("actor", "van"), ("light", "day")


def test_queries_ask_for_what_some_clips_have_with_and_some_without_the_unwanted():
    facts = [frozenset(have) for have in [{BUS, RAIN}] * 3 + [{BUS}] * 3 + [{VAN, RAIN}] * 3 + [{DAY}] * 6]
    made = minus_queries(facts, 50)
    assert {(read_query(each.text).positive.strip(), tuple(each.right.nonzero()[0])) for each in made} <= {
        ("a bus", (3, 4, 5)), *((text, (6, 7, 8)) for text in ("while it rains", "in the rain")),
        *((text, rows) for text in ("in rainy weather", "on a wet road", "in the rain", "while it rains")
          for rows in ((0, 1, 2), (6, 7, 8))),
    }  # fmt: skip
    assert {read_query(each.text).without for each in made} >= {("bus",), ("van",)}
    assert [each.text for each in made] == [each.text for each in minus_queries(facts, 50)]
    assert minus_queries([], 50) == []


def test_no_query_takes_back_what_it_asks_for():
    facts = [facts_of(truth) for truth in truths(paths.resources() / "demo").values()]
    made = minus_queries(facts, 30)
    assert len({each.text for each in made}) == 30
    for each in made:
        query = read_query(each.text)
        assert len(query.without) == 1
        assert query.without[0] not in query.positive
        assert each.right.sum() >= query_truth.LEAST


def test_written_queries_are_the_windows(tmp_path):
    folder = paths.resources() / "demo"
    known = list(truths(folder).values())
    written = written_queries(folder, known)
    assert len(written) == 20
    assert all(each.right.any() for each in written)
    assert written_queries(tmp_path, known) == []


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory):
    return str(random_bundle(tmp_path_factory.mktemp("bundle") / "random"))


@pytest.fixture
def made_up(monkeypatch):
    """The demo clips' truth, and vectors that have nothing to do with it."""

    def store_of(bundle, _clips, folder):
        known = list(truths(paths.resources() / "demo").values())
        store, spec = FeatureStore.create(folder, bundle.spec), bundle.spec
        frames = torch.randn(
            len(known), spec.frames, spec.reranker_dim, generator=torch.Generator().manual_seed(0)
        )
        store.append(bundle.pool((frames,)), range(len(known)))
        return store, known

    monkeypatch.setattr(query_truth, "store_of", store_of)


@pytest.mark.parametrize("share", [0.1, 0.0, None])
def test_the_command_prints_figures_and_one_object(bundle_folder, made_up, monkeypatch, capsys, share):
    def find_cut(scores):
        return None if share is None else float(np.quantile(scores, 1 - share)) + (1 - share) // 1

    monkeypatch.setattr("core.search.line.find_cut", find_cut)
    world = str(paths.resources() / "demo")
    assert main(["--world", world, "--bundle", bundle_folder, "--minus", "5", "--queries", "6"]) == 0
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert in_words(answer) in printed.err
    assert (answer["clips"], answer["minus"]["queries"]) == (len(truths(paths.resources() / "demo")), 5)
    assert answer["minus"]["gain"] == pytest.approx(
        answer["minus"]["minus"] - answer["minus"]["plain"], abs=0.11
    )
    assert answer["minus"]["low"] <= answer["minus"]["gain"] <= answer["minus"]["high"]
    if share is None:
        assert answer["line"] == {"cut": None}
        return
    assert (answer["line"]["written"]["queries"], answer["line"]["made"]["queries"]) == (20, 6)
    everything = share == 0.0  # is below a cut that nothing reaches
    assert (answer["line"]["not_driving"]["nothing_said"] == len(NOT_DRIVING)) == everything
    assert (answer["line"]["made"]["recall"] == 0.0) == everything


def test_a_folder_without_clips_is_named(tmp_path, bundle_folder, capsys):
    assert main(["--world", str(tmp_path), "--bundle", bundle_folder]) == 2
    assert str(tmp_path) in capsys.readouterr().err
