"""Moment metrics: by hand, and equal to the published evaluation where its sample files are at hand."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from core.evaluate.moments import (
    MomentQuery,
    average_precisions,
    best_iou,
    iou,
    moment_intervals,
    moment_metrics,
    moments_in_videos,
)

REFERENCE = Path(
    os.environ.get("DRIVESCOPE_METRICS_REFERENCE", Path(__file__).parents[4] / "shared" / "metrics_reference")
)


def test_iou_by_hand():
    got = iou([[0, 10], [4, 6], [3, 3]], [[5, 15], [0, 10], [3, 3]])
    assert got == pytest.approx(np.array([[5 / 15, 1, 0], [1 / 11, 0.2, 0], [0, 0, 0]]))


def test_first_prediction_by_hand():
    queries = [
        MomentQuery.of([[0, 8], [20, 30]], [0.9, 0.8], [[20, 30], [0, 10]]),  # IoU 0.8
        MomentQuery.of([[0, 10]], [0.5], [[5, 15]]),  # IoU 1/3
        MomentQuery.of([], [], [[5, 15]]),  # nothing predicted
    ]
    assert best_iou(queries) == pytest.approx([0.8, 1 / 3, 0])
    values = moment_metrics(queries)
    assert values["R1@0.3"] == pytest.approx(200 / 3)
    assert values["R1@0.5"] == values["R1@0.7"] == pytest.approx(100 / 3)
    assert values["R1@0.85"] == 0
    assert values["mIoU"] == pytest.approx(100 * (0.8 + 1 / 3) / 3)


def test_average_precision_by_hand():
    # best first: hit, miss (the window is taken), hit: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1
    query = MomentQuery.of([[0, 10], [1, 10], [20, 30]], [0.9, 0.5, 0.4], [[0, 10], [20, 30]])
    assert average_precisions([query], [0.5])[0, 0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # the order of the scores decides, not that of the list
    shuffled = MomentQuery.of([[20, 30], [1, 10], [0, 10]], [0.4, 0.5, 0.9], [[0, 10], [20, 30]])
    assert average_precisions([shuffled], [0.5])[0, 0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_an_overlap_of_the_threshold_itself_is_a_hit():
    half = MomentQuery.of([[0, 5]], [1.0], [[0, 10]])
    assert average_precisions([half], [0.5, 0.55]).tolist() == [[1.0, 0.0]]
    values = moment_metrics([half])
    assert (values["R1@0.5"], values["R1@0.55"]) == (100.0, 0.0)


def test_only_ten_predictions_count():
    windows = [[100 + i, 100.5 + i] for i in range(10)] + [[0, 10]]
    query = MomentQuery.of(windows, np.linspace(1, 0, 11), [[0, 10]])
    assert average_precisions([query]).max() == 0


@pytest.mark.parametrize(
    ("predicted", "scores", "true"),
    [
        ([[0, 1]], [0.5], []),
        ([[0, 1]], [], [[0, 1]]),
        ([[0, np.nan]], [1], [[0, 1]]),
        ([[0, 1]], [1], [[2, 1]]),
    ],
)
def test_windows_that_are_none(predicted, scores, true):
    with pytest.raises(ValueError, match="window"):
        MomentQuery.of(predicted, scores, true)


def test_clips_as_windows_by_hand():
    clips = {1: (7, 0, 8), 2: (7, 8, 16), 3: (8, 0, 8)} | {n: (7, n, n + 1) for n in range(100, 120)}
    first, second = moments_in_videos(
        [*range(119, 99, -1), 3, 2, 1], clips, [(7, 8, 16), (8, 0, 4), (7, 0, 2)]
    )
    assert first.predicted.tolist() == [[n, n + 1] for n in range(119, 109, -1)]  # the first ten of its video
    assert first.true.tolist() == [[8, 16], [0, 2]]
    assert second.predicted.tolist() == [[0, 8]]
    assert best_iou([second]) == pytest.approx([0.5])
    (nothing,) = moments_in_videos([3], clips, [(7, 0, 8)])
    assert best_iou([nothing]).tolist() == [0.0]


def test_equal_to_the_published_evaluation():
    folder = REFERENCE / "fletcherjiang__LLMEPET"
    if not folder.is_dir():
        pytest.skip(f"The moment retrieval reference is not in {folder} (DRIVESCOPE_METRICS_REFERENCE).")

    def lines(path):
        with gzip.open(folder / path, "rt") as file:
            return {row["qid"]: row for row in map(json.loads, file)}

    truth = lines("data/highlight_val_release.jsonl.gz")
    queries = []
    for qid, row in lines("standalone_eval/sample_val_preds.jsonl.gz").items():
        windows = np.array(row["pred_relevant_windows"])
        queries.append(MomentQuery.of(windows[:, :2], windows[:, 2], truth[qid]["relevant_windows"]))
    expected = json.loads((folder / "standalone_eval/sample_val_preds_metrics_raw.json").read_text())
    got = moment_metrics(queries)
    for threshold, value in expected["full"]["MR-R1"].items():
        assert f"{got[f'R1@{threshold}']:.2f}" == f"{value:.2f}"
    for threshold, value in expected["full"]["MR-mAP"].items():
        name = "mAP" if threshold == "average" else f"mAP@{threshold}"
        assert f"{got[name]:.2f}" == f"{value:.2f}"


def test_every_metric_has_an_interval_around_it():
    queries = [
        MomentQuery.of([[0, 8]], [1.0], [[0, 8 * share]]) for share in (0.2, 0.55, 0.6, 0.8, 0.95, 1.0)
    ]
    values, intervals = moment_metrics(queries), moment_intervals(queries)
    assert intervals.keys() == values.keys()
    for name, (low, high) in intervals.items():
        assert low <= values[name] <= high
        assert high - low > 5
    assert moment_intervals(queries[:1])["mIoU"] == pytest.approx((20.0, 20.0))  # one alone has no spread
