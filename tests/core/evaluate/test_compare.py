"""Two runs side by side, by hand."""

import numpy as np
import pytest

from core.errors import DrivescopeError
from core.evaluate.compare import compare_runs, reranking_hurt
from core.evaluate.table import query_table
from tests.core.evaluate.runs_by_hand import run_of


def test_wins_and_losses_by_hand():
    a = run_of(run_id="a", first=[1, 8, 3, 20])
    b = run_of(run_id="b", first=[1, 2, 12, 5])
    result = compare_runs(a, b)
    assert [(p.query_id, p.gain) for p in result.wins] == [("3", 15.0), ("1", 6.0)]
    assert [(p.query_id, p.gain) for p in result.losses] == [("2", -9.0)]
    assert (result.draws, result.only_a, result.only_b) == (1, 0, 0)
    r10 = result.metrics["R@10"]
    assert (r10.a, r10.b, r10.difference) == (75.0, 75.0, 0.0)
    assert r10.p_value == 1.0
    mnr = result.metrics["MnR"]
    assert (mnr.a, mnr.b, mnr.difference) == (8.0, 5.0, -3.0)
    assert mnr.p_value == pytest.approx(6 / 8)  # differences 6, -9, 15: |sum| 12 or more in 6 of 8 patterns
    assert result.metrics["MdR"].p_value is None
    assert (result.metrics["MdR"].a, result.metrics["MdR"].b) == (5.5, 3.5)
    told = result.as_dict()
    assert (told["wins"], told["losses"], told["best"][0]["rank_b"]) == (2, 1, 5.0)


def test_a_clear_difference_is_significant_and_a_draw_is_not():
    generator = np.random.default_rng(1)
    ranks = generator.integers(10, 60, 80)
    better = compare_runs(run_of(first=ranks), run_of(first=ranks - generator.integers(1, 9, 80)))
    assert better.metrics["mAP"].p_value < 0.001
    assert better.metrics["mAP"].low > 0
    assert better.metrics["MnR"].high < 0
    assert better.metrics["MdR"].high <= 0
    same = compare_runs(run_of(first=ranks), run_of(first=ranks))
    assert {d.p_value for d in same.metrics.values()} == {1.0, None}
    assert (same.metrics["MdR"].low, same.metrics["MdR"].high) == (0.0, 0.0)


def test_only_queries_that_both_have_take_part():
    a = run_of(run_id="a", first=[1, 2, 3], texts=["x", "y", "z"])
    b = run_of(run_id="b", first=[5, 2], texts=["x", "other"])
    result = compare_runs(a, b)
    assert [p.text for p in result.pairs] == ["x"]
    assert (result.only_a, result.only_b) == (2, 1)
    b.grades["0"][77] = 1  # judged differently: another task
    with pytest.raises(DrivescopeError, match="have no query in common"):
        compare_runs(a, b)


def test_where_reranking_hurt():
    result = reranking_hurt(run_of(first=[1, 9, 4], reranked=[6, 2, 4]))
    assert [(p.query_id, p.rank_a, p.rank_b) for p in result.losses] == [("0", 1.0, 6.0)]
    with pytest.raises(DrivescopeError, match="was not reranked"):
        reranking_hurt(run_of(first=[1]))


def test_the_table_of_queries():
    run = run_of(first=[1, 9], reranked=[6, 1])
    first, second = query_table(run)
    assert (first.first_rank, first.rank, first.change) == (1.0, 6.0, -5.0)
    assert (first.top_clip, first.truth_clip) == (1, 50)
    assert first.gap == pytest.approx(5 / 99, rel=1e-5)  # scores fall evenly from 1 to 0 over 100 clips
    assert first.percentile == 95.0
    assert (second.rank, second.gap, second.percentile) == (1.0, 0.0, 100.0)
    assert second.as_dict()["relevant"] == 1
