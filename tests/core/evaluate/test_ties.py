"""Tied scores: the closed forms against every order of small rankings, and numbers worked out by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluate.ties import EXPECTED, OPTIMISTIC, PESSIMISTIC, TiedRanking


def all_orders(gains, blocks):
    """Every order of a ranking that permutes only inside blocks."""
    parts = [
        itertools.permutations([g for g, b in zip(gains, blocks, strict=True) if b == block])
        for block in sorted(set(blocks))
    ]
    return [list(itertools.chain.from_iterable(order)) for order in itertools.product(*parts)]


def plain_rank(order, missing):
    return next((i + 1 for i, g in enumerate(order) if g > 0), missing)


def plain_ap(order, relevant):
    found, total = 0, 0.0
    for i, g in enumerate(order):
        if g > 0:
            found += 1
            total += found / (i + 1)
    return total / relevant if relevant else 0.0


def plain_ndcg(order, grades, depth):
    def dcg(values):
        return sum(v / np.log2(i + 2) for i, v in enumerate(values[:depth]))

    ideal = dcg(sorted((g for g in grades if g > 0), reverse=True))
    return dcg(order) / ideal if ideal else 0.0


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 0, 1, 2]), st.integers(0, 3)), min_size=1, max_size=7),
    st.integers(0, 2),
    st.integers(1, 7),
)
def test_closed_forms_equal_all_orders(ranked, unranked, depth):
    ranked = sorted(ranked, key=lambda pair: pair[1])
    gains = [gain for gain, _ in ranked]
    blocks = [block for _, block in ranked]
    starts = [i for i, b in enumerate(blocks) if i == 0 or b != blocks[i - 1]]
    ranking = TiedRanking(gains, starts)
    grades = gains + [1] * unranked  # relevant clips that the ranking lacks
    relevant = sum(g > 0 for g in grades)
    orders = all_orders(gains, blocks)

    cases = [
        (ranking.average_precision(relevant), [plain_ap(o, relevant) for o in orders]),
        (ranking.ndcg(grades, depth), [plain_ndcg(o, grades, depth) for o in orders]),
        (ranking.reciprocal_rank(), [1 / plain_rank(o, np.inf) for o in orders]),
    ]
    for got, values in cases:
        assert got[EXPECTED] == pytest.approx(np.mean(values))
        assert got[OPTIMISTIC] == pytest.approx(max(values))
        assert got[PESSIMISTIC] == pytest.approx(min(values))
    ranks = [plain_rank(o, 50) for o in orders]
    assert ranking.first_rank(50) == pytest.approx([np.mean(ranks), min(ranks), max(ranks)])


def test_by_hand():
    # ranks 1 | 2 3 4 tied | 5, relevant: one of the tied three and the fifth
    ranking = TiedRanking([0, 1, 0, 0, 1], [0, 1, 4])
    assert ranking.first_rank(5).tolist() == [3.0, 2.0, 4.0]
    assert ranking.reciprocal_rank() == pytest.approx([(1 / 2 + 1 / 3 + 1 / 4) / 3, 1 / 2, 1 / 4])
    assert ranking.average_precision(2) == pytest.approx(
        [((1 / 2 + 1 / 3 + 1 / 4) / 3 + 2 / 5) / 2, (1 / 2 + 2 / 5) / 2, (1 / 4 + 2 / 5) / 2]
    )


def test_pooled_but_unjudged_clips_are_not_relevant_and_take_nothing_away():
    grades = [-1, 2, -1, 1]
    unjudged, judged = TiedRanking(grades, [0, 2, 3]), TiedRanking([0, 2, 0, 1], [0, 2, 3])
    assert unjudged.ndcg(grades, 10).tolist() == judged.ndcg([2, 1], 10).tolist()
    assert unjudged.first_rank(9).tolist() == [1.5, 1.0, 2.0]
    assert unjudged.average_precision(2).tolist() == judged.average_precision(2).tolist()


def test_an_empty_ranking_finds_nothing():
    ranking = TiedRanking([], [])
    assert ranking.first_rank(9).tolist() == [9.0, 9.0, 9.0]
    assert ranking.average_precision(3).tolist() == [0.0, 0.0, 0.0]
    assert ranking.ndcg([1, 1], 10).tolist() == [0.0, 0.0, 0.0]
    assert ranking.reciprocal_rank().tolist() == [0.0, 0.0, 0.0]
