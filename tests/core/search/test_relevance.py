"""Where matches end: the fit against a slow plain one, mixtures made by hand, and what has no answer."""

import math

import numpy as np
import pytest

from core.search.relevance import LEAST_CLIPS, find_cut, fit


def drawn(*groups, seed=0):
    """Scores of groups of (how many, mean, deviation), float32, in any order."""
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(mean, deviation, count) for count, mean, deviation in groups])
    return rng.permutation(scores).astype(np.float32)


def slow_fit(scores, shares, means, deviations, rounds):
    """Expectation-maximisation one score at a time, from a given start."""
    for _ in range(rounds):
        owned, first, second = [0.0] * len(shares), [0.0] * len(shares), [0.0] * len(shares)
        for score in scores:
            densities = [
                share / deviation * math.exp(-0.5 * ((score - mean) / deviation) ** 2)
                for share, mean, deviation in zip(shares, means, deviations, strict=True)
            ]
            for group, density in enumerate(densities):
                chance = density / sum(densities)
                owned[group] += chance
                first[group] += chance * score
                second[group] += chance * score * score
        shares = [one / len(scores) for one in owned]
        means = [total / one for total, one in zip(first, owned, strict=True)]
        deviations = [
            math.sqrt(total / one - mean * mean)
            for total, one, mean in zip(second, owned, means, strict=True)
        ]
    return shares, means, deviations


def test_the_fit_is_the_slow_one():
    scores = drawn((700, -0.2, 0.1), (220, 0.08, 0.08), (80, 0.34, 0.04)).astype(float)
    quick = fit(scores, 3)
    slow = slow_fit(scores.tolist(), [0.6, 0.3, 0.1], [-0.2, 0.1, 0.3], [0.1, 0.1, 0.1], 60)
    for found, expected in zip((quick.shares, quick.means, quick.deviations), slow, strict=True):
        assert found == pytest.approx(expected, abs=0.012)
    alone = fit(scores, 1)
    assert (alone.means[0], alone.deviations[0]) == pytest.approx((scores.mean(), scores.std()), abs=1e-3)
    assert np.all(np.diff(quick.means) > 0)
    assert quick.bic < min(alone.bic, fit(scores, 2).bic)


@pytest.mark.parametrize(
    ("groups", "low", "high"),
    [
        (((4000, -0.2, 0.1), (800, 0.1, 0.08), (250, 0.36, 0.04)), 0.24, 0.32),  # drive-tiny's own shape
        (((5000, 0.22, 0.025), (200, 0.32, 0.02)), 0.27, 0.31),  # a public CLIP's narrow scores
    ],
)
def test_the_cut_lies_between_matches_and_the_others(groups, low, high):
    scores = drawn(*groups)
    cut = find_cut(scores)
    assert low < cut < high
    assert find_cut(scores[::-1].reshape(50, -1)) == pytest.approx(cut, abs=1e-9)  # in any order and shape
    assert find_cut(np.append(scores, [np.nan, np.inf, -np.inf])) == cut
    assert find_cut(scores * 3 + 1) == pytest.approx(cut * 3 + 1, abs=0.01)


@pytest.mark.parametrize(
    "scores",
    [
        drawn((5000, 0.2, 0.03)),  # one group
        drawn((3000, 0.1, 0.02), (2000, 0.3, 0.02)),  # two, of which neither is a few matches
        np.full(500, 0.25, np.float32),
        np.full(500, np.nan, np.float32),
        drawn((LEAST_CLIPS - 1, 0.2, 0.03)),
        np.empty(0, np.float32),
    ],
)
def test_scores_that_do_not_tell_give_no_cut(scores):
    assert find_cut(scores) is None
