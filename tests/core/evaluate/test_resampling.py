"""Intervals and p-values: against slow plain code, and against what statistics knows exactly."""

import itertools

import numpy as np
import pytest

from core.evaluate import resampling
from core.evaluate.resampling import bootstrap_intervals, randomisation_p_value


def test_intervals_equal_the_plain_loop(monkeypatch):
    columns = np.random.default_rng(5).normal(size=(23, 3))
    medians = np.array([False, True, False])
    monkeypatch.setattr(resampling, "_CHUNK_ELEMENTS", 23 * 200)  # several chunks, the last one short
    got = bootstrap_intervals(columns, medians, resamples=250, seed=7)

    generator = np.random.default_rng(7)
    statistics = []
    for _ in range(250):
        sample = columns[generator.integers(0, 23, 23)]
        statistics.append([sample[:, 0].mean(), np.median(sample[:, 1]), sample[:, 2].mean()])
    expected = np.percentile(statistics, [2.5, 97.5], axis=0).T
    assert got == pytest.approx(expected)


def test_intervals_are_as_wide_as_theory_says():
    # 100 queries, half of them found: the standard error of R@1 is 5 points
    hits = np.repeat([0.0, 100.0], 50)[:, None]
    ((low, high),) = bootstrap_intervals(hits, np.array([False]))
    assert low == pytest.approx(50 - 9.8, abs=1.5)
    assert high == pytest.approx(50 + 9.8, abs=1.5)
    assert bootstrap_intervals(hits, np.array([False])).tolist() == [[low, high]]  # seed 0 always


def test_one_query_and_none():
    assert bootstrap_intervals(np.array([[3.0]]), np.array([True])).tolist() == [[3.0, 3.0]]
    assert np.isnan(bootstrap_intervals(np.empty((0, 2)), np.array([False, True]))).all()


def test_p_value_by_hand():
    # 4 pairs all better: of 16 sign patterns only + + + + and - - - - are as extreme
    assert randomisation_p_value(np.array([1.0, 2.0, 0.5, 3.0])) == 2 / 16
    assert randomisation_p_value(np.array([1.0, -1.0, 0.0])) == 1.0
    assert randomisation_p_value(np.zeros(5)) == 1.0


def test_sampled_p_value_is_near_the_exact_one():
    differences = np.random.default_rng(2).normal(0.45, 1.0, 14)
    signs = np.array(list(itertools.product([1, -1], repeat=14)))
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12)
    assert randomisation_p_value(differences) == pytest.approx(exact, abs=0.02)
    assert randomisation_p_value(np.ones(500)) == pytest.approx(1 / 10_001)
