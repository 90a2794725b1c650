"""How well texts find their videos: R@1, R@5, R@10, median and mean rank; and queries with several right answers.

Ties are counted fairly: a text whose video ties with k others gets the average of the ranks they share, and a
score that is no number ranks last. (The published code counts every tied place as a sample of its own.)
"""

from __future__ import annotations

import torch
from torch import Tensor


def expected_ranks(scores: Tensor, right: Tensor | None = None) -> Tensor:
    """Rank (1 is best) of each text's video: (N,) float64.

    Args:
        scores: (N, V), higher is better.
        right: (N,) int64 column of the right video; None: the diagonal.
    """
    right = torch.arange(len(scores)) if right is None else right
    scores = scores.double()
    gold = scores.gather(1, right[:, None])  # (N, 1)
    better = (scores > gold).sum(dim=1)
    ties = (scores == gold).sum(dim=1) - 1  # others on the same score
    ranks = 1 + better + ties / 2
    lost = gold.squeeze(1).isnan()
    return torch.where(lost, torch.full_like(ranks, scores.shape[1]), ranks)


def recall_table(scores: Tensor, right: Tensor | None = None) -> dict[str, float]:
    """R@K in percent, MdR and MnR of `expected_ranks`."""
    ranks = expected_ranks(scores, right)
    table = {f"R@{k}": 100 * float((ranks <= k).double().mean()) for k in (1, 5, 10)}
    ordered = ranks.sort().values
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return {**table, "MdR": float(middle), "MnR": float(ranks.mean())}


def answer_table(scores: Tensor, relevant: Tensor) -> dict[str, float]:
    """Queries with any number of right videos: mean average precision, and how many have one at the top.

    Args:
        scores: (Q, V).
        relevant: (Q, V) bool, at least one True in each row.

    Returns:
        mAP, hit@1 and hit@5 in percent.
    """
    average, _ = answer_columns(scores, relevant)
    order = scores.double().nan_to_num(nan=float("-inf")).argsort(dim=1, descending=True, stable=True)
    found = relevant.gather(1, order).double()  # (Q, V) best first
    hits = {f"hit@{k}": 100 * float(found[:, :k].amax(dim=1).mean()) for k in (1, 5)}
    return {"mAP": 100 * float(average.mean()), **hits}


def answer_columns(scores: Tensor, relevant: Tensor, depth: int = 10) -> tuple[Tensor, Tensor]:
    """Average precision and nDCG@`depth` of each query, (Q,) float64 each, in 0..1.

    Args:
        scores: (Q, V).
        relevant: (Q, V) bool, at least one True in each row; every right video gains the same.
        depth: where nDCG stops.
    """
    order = scores.double().nan_to_num(nan=float("-inf")).argsort(dim=1, descending=True, stable=True)
    found = relevant.gather(1, order).double()  # (Q, V) best first
    precision = found.cumsum(dim=1) / torch.arange(1, found.shape[1] + 1)
    average = (precision * found).sum(dim=1) / found.sum(dim=1)
    depth = min(depth, found.shape[1])
    discount = 1 / torch.log2(torch.arange(2, depth + 2).double())  # (depth,)
    ideal = (torch.arange(depth) < found.sum(dim=1, keepdim=True)).double() @ discount  # (Q,)
    return average, (found[:, :depth] @ discount) / ideal
