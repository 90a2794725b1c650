"""Highlight metrics: by hand, against a plain loop, and equal to the published evaluation where it is at hand."""

import gzip
import json

import numpy as np
import pytest

from core.evaluate.highlights import (
    FAIR,
    GOOD,
    VERY_GOOD,
    HighlightQuery,
    average_precision,
    highlight_metrics,
)
from tests.core.evaluate.test_moments import REFERENCE


def test_by_hand():
    # best first: hit, miss, hit: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1
    assert average_precision(np.array([True, False, True]), np.array([3.0, 2.0, 1.0])) == pytest.approx(5 / 6)
    assert average_precision(np.array([False, False]), np.array([1.0, 2.0])) == 0
    assert average_precision(np.array([True, True]), np.array([1.0, 2.0])) == 1
    query = HighlightQuery.of([0.1, 0.9, 0.5], [[4, 1], [1, 1], [4, 4]])
    values = highlight_metrics([query])
    # the first annotator's two highlights stand at 2 and 3, the second's at 2; the best part is nobody's
    assert values["HL-mAP"] == pytest.approx(100 * np.mean([2 / 3, 1 / 2]))
    assert values["HIT@1"] == 0
    assert highlight_metrics([query], least=1)["HIT@1"] == 100


def plain(positive, scores):
    """One threshold after another, from the definition."""
    points = {}
    for threshold in sorted(set(scores), reverse=True):
        kept = [p for p, s in zip(positive, scores, strict=True) if s >= threshold]
        recall = sum(kept)
        points[recall] = max(points.get(recall, 0), sum(kept) / len(kept))
    levels = [recall for recall in points if recall]
    return np.mean([max(p for r, p in points.items() if r >= recall) for recall in levels])


def test_equal_to_the_plain_loop():
    generator = np.random.default_rng(0)
    for _ in range(200):
        size = int(generator.integers(2, 20))
        positive = generator.random(size) < 0.4
        scores = generator.integers(0, 6, size).astype(float)
        if 0 < positive.sum() < size:
            assert average_precision(positive, scores) == pytest.approx(plain(positive, scores))


@pytest.mark.parametrize(
    ("scores", "ratings"), [([], [[1]]), ([1.0], []), ([np.nan], [[1]]), ([1.0], [1]), ([1.0], [[np.nan]])]
)
def test_what_cannot_be_measured(scores, ratings):
    with pytest.raises(ValueError, match="ratings"):
        HighlightQuery.of(scores, ratings)


def test_scores_are_fitted_to_the_parts():
    assert HighlightQuery.of([1, 2, 3], [[1], [1]]).scores.tolist() == [1, 2]
    assert HighlightQuery.of([1], [[1], [1]]).scores.tolist() == [1, 0]


def test_equal_to_the_published_evaluation():
    folder = REFERENCE / "fletcherjiang__LLMEPET"
    if not folder.is_dir():
        pytest.skip(f"The moment retrieval reference is not in {folder} (DRIVESCOPE_METRICS_REFERENCE).")

    def lines(path):
        with gzip.open(folder / path, "rt") as file:
            return {row["qid"]: row for row in map(json.loads, file)}

    predictions = lines("standalone_eval/sample_val_preds.jsonl.gz")
    queries = []
    for qid, truth in lines("data/highlight_val_release.jsonl.gz").items():
        ratings = np.zeros((int(truth["duration"] / 2), 3))
        ratings[truth["relevant_clip_ids"]] = truth["saliency_scores"]
        queries.append(HighlightQuery.of(predictions[qid]["pred_saliency_scores"], ratings))
    expected = json.loads((folder / "standalone_eval/sample_val_preds_metrics_raw.json").read_text())
    for name, least in (("Fair", FAIR), ("Good", GOOD), ("VeryGood", VERY_GOOD)):
        got = highlight_metrics(queries, least)
        assert f"{got['HL-mAP']:.2f}" == f"{expected[f'HL-min-{name}']['HL-mAP']:.2f}"
        assert f"{got['HIT@1']:.2f}" == f"{expected[f'HL-min-{name}']['HL-Hit1']:.2f}"
