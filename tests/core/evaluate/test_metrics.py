"""Metrics equal the published code where nothing is tied, and numbers worked out by hand where it errs."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.evaluate.metrics import (
    METRICS,
    RANK_METRICS,
    Outcomes,
    metric,
    outcome,
    rank_outcomes,
    ranks_of_best,
    summarise,
    video_to_text,
)
from core.evaluate.ties import EXPECTED, OPTIMISTIC, PESSIMISTIC

GOLDEN = Path(__file__).parents[2] / "data" / "metrics"
NAMES = {"R@1": "R1", "R@5": "R5", "R@10": "R10", "MdR": "MedianR", "MnR": "MeanR"}


@pytest.fixture(scope="module")
def matrices():
    with np.load(GOLDEN / "matrices.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def cases():
    return json.loads((GOLDEN / "expected.json").read_text())["cases"]


def assert_metrics(ranks, expected, names=tuple(NAMES)):
    values = summarise(rank_outcomes(ranks), RANK_METRICS, resamples=10)
    for name in names:
        assert values[name].value == pytest.approx(expected[NAMES[name]], rel=1e-7), name


@pytest.mark.parametrize("case", ["m1_noties_12", "m3_noties_80"])
@pytest.mark.parametrize("repository", ["CLIP4Clip", "TeachCLIP"])
def test_square_matrix_both_directions(matrices, cases, case, repository):
    similarity = matrices[case]
    own = np.eye(len(similarity), dtype=bool)
    for call, ranks in (
        ("t2v = compute_metrics(x)", ranks_of_best(similarity, own)),
        ("v2t = compute_metrics(x.T)", ranks_of_best(similarity.T, own)),
        ("v2t = compute_metrics(x.T)", video_to_text(similarity, np.arange(len(similarity))[:, None])),
    ):
        expected = cases[case][repository][call]
        assert (ranks[:, EXPECTED] - 1).tolist() == expected["cols"]
        assert np.ptp(ranks, axis=1).max() == 0
        assert_metrics(ranks, expected)


def test_ties_are_between_and_count_once(matrices, cases):
    similarity = matrices["m2_ties_12"]
    ranks = ranks_of_best(similarity, np.eye(12, dtype=bool))
    # the published code lists every tied position of a row one after the other
    samples = iter(cases["m2_ties_12"]["CLIP4Clip"]["t2v = compute_metrics(x)"]["cols"])
    for row in ranks:
        tied = [next(samples) + 1 for _ in range(int(row[PESSIMISTIC] - row[OPTIMISTIC]) + 1)]
        assert (tied[0], tied[-1], np.mean(tied)) == (row[OPTIMISTIC], row[PESSIMISTIC], row[EXPECTED])
    assert next(samples, None) is None
    assert len(ranks) == 12


def test_nan_counts_as_the_last_rank(matrices, cases):
    similarity = matrices["m4_nan_12"]
    ranks = ranks_of_best(similarity, np.eye(12, dtype=bool))[:, EXPECTED]
    assert ranks[[3, 5]].tolist() == [12.0, 12.0]
    others = np.delete(ranks, [3, 5])
    assert (others - 1).tolist() == cases["m4_nan_12"]["CLIP4Clip"]["t2v = compute_metrics(x)"]["cols"]


@pytest.mark.parametrize("case", ["s1_noties", "s3_even"])
def test_several_captions_a_video(matrices, cases, case):
    similarity, gold = matrices[f"{case}_sim"], matrices[f"{case}_text_video_index"]
    ranks = ranks_of_best(similarity, gold[:, None] == np.arange(similarity.shape[1]))
    assert (ranks[:, EXPECTED] - 1).tolist() == matrices[f"{case}_ranks0"].tolist()
    expected = cases[case]["CLIP4Clip"]["t2v = tensor_text_to_video_metrics(t)"]
    assert_metrics(ranks, expected, ("R@1", "R@5", "R@10", "MnR"))
    lower_median = np.sort(ranks[:, EXPECTED])[
        (len(ranks) - 1) // 2
    ]  # torch.median; ours is the middle's mean
    assert lower_median == expected["MedianR"]

    backwards = video_to_text(similarity, gold[:, None])
    expected = cases[case]["CLIP4Clip"]["v2t = compute_metrics(tensor_video_to_text_sim(t))"]
    assert (backwards[:, EXPECTED] - 1).tolist() == expected["cols"]
    assert_metrics(backwards, expected)


def test_several_captions_tied(matrices, cases):
    similarity, gold = matrices["s2_ties_sim"], matrices["s2_ties_text_video_index"]
    ranks = ranks_of_best(similarity, gold[:, None] == np.arange(similarity.shape[1]))
    bounds = cases["s2_ties"]["notes"]["optimistic/pessimistic ranks0 by counting"]
    assert (ranks[:, [OPTIMISTIC, PESSIMISTIC]] - 1).tolist() == bounds
    assert (ranks[:, OPTIMISTIC] <= matrices["s2_ties_ranks0"] + 1).all()
    assert len(video_to_text(similarity, gold[:, None])) == 8


def test_a_constant_matrix_is_four_queries_not_sixteen():
    ranks = ranks_of_best(np.ones((4, 4)), np.eye(4, dtype=bool))
    values = summarise(rank_outcomes(ranks), RANK_METRICS)
    assert values["MdR"].value == 2.5
    assert (values["MdR"].optimistic, values["MdR"].pessimistic) == (1.0, 4.0)
    assert (values["R@1"].value, values["R@1"].optimistic, values["R@1"].pessimistic) == (0.0, 100.0, 0.0)


def outcome_of(order, grades, gallery=10):
    return outcome(np.array(order, np.int64), np.arange(len(order)), grades, gallery)


def test_outcomes_by_hand():
    # ranking 7 3 9 1; 3 is relevant, 1 very relevant, 9 judged not relevant, 5 relevant but not ranked
    result = outcome_of([7, 3, 9, 1], {3: 1, 1: 2, 9: 0, 5: 1})
    assert result.rank.tolist() == [[2.0, 2.0, 2.0]]
    assert result.ap[0, 0] == pytest.approx((1 / 2 + 2 / 4) / 3)
    ideal = 2 + 1 / np.log2(3) + 1 / np.log2(4)
    assert result.ndcg[0, 0] == pytest.approx((1 / np.log2(3) + 2 / np.log2(5)) / ideal)
    assert result.rr[0, 0] == 0.5
    assert result.relevant.tolist() == [3.0]
    assert result.unjudged.tolist() == [[1.0, 0.25, 0.25]]  # of the first 1, 5 and 10; four are ranked


def test_a_truth_that_is_not_ranked_has_the_last_rank():
    result = outcome_of([7, 3], {4: 1}, gallery=200)
    assert result.rank.tolist() == [[200.0] * 3]
    assert result.ap[0, 0] == result.rr[0, 0] == result.ndcg[0, 0] == 0


def test_a_pooled_but_unjudged_clip_is_neither_relevant_nor_judged():
    result = outcome_of([7, 3], {7: -1, 3: 1})
    assert result.rank[0, 0] == 2
    assert result.unjudged.tolist() == [[1.0, 0.5, 0.5]]
    values = summarise(result, ("R@1", "nDCG@10", "mAP"))
    assert [values[name].unjudged for name in values] == [1.0, 0.5, 0.5]
    assert [values[name].unjudged_depth for name in values] == [1, 10, 10]  # mAP has no depth: ten
    assert summarise(rank_outcomes(np.ones((1, 3))), ("R@1",))["R@1"].unjudged is None  # nothing is known


def test_summary_by_hand():
    ranks = np.array([1, 3, 6, 11, 200], float)[:, None].repeat(3, axis=1)
    values = summarise(rank_outcomes(ranks), ("R@1", "R@5", "R@10", "MdR", "MnR", "SumR", "Success@5", "MRR"))
    numbers = {name: value.value for name, value in values.items()}
    assert numbers == {
        "R@1": 20.0,
        "R@5": 40.0,
        "R@10": 60.0,
        "MdR": 6.0,
        "MnR": pytest.approx(44.2),
        "SumR": 20 + 40 + 60 + 80,
        "Success@5": 0.4,
        "MRR": pytest.approx((1 + 1 / 3 + 1 / 6 + 1 / 11 + 1 / 200) / 5),
    }
    for value in values.values():
        assert value.low <= value.value <= value.high


def test_no_query_gives_no_number():
    values = summarise(Outcomes.stack([]))
    assert set(values) == {m.name for m in METRICS}
    assert values["R@1"].as_dict()["value"] is None


def test_an_unknown_metric_is_named():
    with pytest.raises(KeyError, match="R@7 is none of R@1"):
        metric("R@7")


def test_similarity_keeps_one_video_and_the_callers_array():
    similarity = np.array([[np.nan], [0.5]])
    kept = similarity.copy()
    assert video_to_text(similarity, [[0], [0]]).tolist() == [[1.0, 1.0, 1.0]]
    assert np.array_equal(similarity, kept, equal_nan=True)
