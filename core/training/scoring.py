"""What a table says of one system on one split: per-query values, their means over seeds, their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.evaluate.resampling import bootstrap_intervals, randomisation_p_value
from core.models.xclip import XClip
from core.training.dataset import ClipSet
from core.training.evaluate import answer_columns, expected_ranks
from core.training.features import TextVectors, teacher_scores
from core.training.lanes import Lanes
from core.training.sides import PAIRS, side_sentences, sides_of, told_apart
from core.training.splits import Split

SINGLE = ("R@1", "R@5", "R@10", "MdR", "MnR")
SEVERAL = ("mAP", "nDCG@10")


@dataclass(frozen=True)
class Questions:
    """A split with its texts encoded."""

    split: Split
    texts: TextVectors


@dataclass(frozen=True)
class Gallery:
    """Clips to be found: raw frames (V, F, D), and the questions about them."""

    clips: ClipSet
    frames: Tensor
    questions: dict[str, Questions]


def columns(scores: Tensor, split: Split) -> tuple[tuple[str, ...], Tensor]:
    """The split's metrics and their per-query values (Q, M); R@K, mAP and nDCG in percent."""
    if split.single:
        ranks = expected_ranks(scores, split.relevant.int().argmax(dim=1))  # (Q,)
        recalls = [100.0 * (ranks <= k).double() for k in (1, 5, 10)]
        return SINGLE, torch.stack([*recalls, ranks, ranks], dim=1)
    return SEVERAL, 100.0 * torch.stack(answer_columns(scores, split.relevant), dim=1)


def summarise(runs: Sequence[Tensor], split: Split) -> dict[str, dict[str, float]]:
    """Mean over seeds with a 95 % bootstrap interval over queries, and the spread between seeds.

    `runs` holds one (Q, V) score matrix a seed. The interval is that of the queries' means over seeds.
    """
    made = [columns(scores, split) for scores in runs]
    names = made[0][0]
    every = torch.stack([values for _, values in made]).numpy()  # (S, Q, M)
    medians = np.array([name == "MdR" for name in names])
    centre = np.where(medians, np.median(every, axis=1), every.mean(axis=1))  # (S, M)
    limits = bootstrap_intervals(every.mean(axis=0), medians)  # (M, 2)
    return {
        name: {
            "mean": round(float(centre[:, place].mean()), 3),
            "low": round(float(limits[place, 0]), 3),
            "high": round(float(limits[place, 1]), 3),
            "spread": round(float(centre[:, place].std()), 3),
        }
        for place, name in enumerate(names)
    }


def query_means(runs: Sequence[Tensor], split: Split) -> Tensor:
    """Each query's metrics as the mean over seeds: (Q, M) float64, in the order of `columns`."""
    return torch.stack([columns(scores, split)[1] for scores in runs]).mean(dim=0)


def difference(one: Tensor, other: Tensor, split: Split) -> dict[str, dict[str, float]]:
    """How much better `one` is than `other` on the same queries, both (Q, M) of `query_means`.

    The mean of the differences with its 95 % bootstrap interval over queries, and the p-value of a paired
    randomisation test. "recall" is the mean of R@1, R@5 and R@10. Ranks are left out.
    """
    gained = one - other  # (Q, M)
    names: tuple[str, ...] = SEVERAL
    if split.single:
        recalls = gained[:, :3]
        names, gained = (
            (*SINGLE[:3], "recall"),
            torch.cat([recalls, recalls.mean(dim=1, keepdim=True)], dim=1),
        )
    values = gained.numpy()
    limits = bootstrap_intervals(values, np.zeros(len(names), bool))  # (M, 2)
    return {
        name: {
            "mean": round(float(values[:, place].mean()), 3),
            "low": round(float(limits[place, 0]), 3),
            "high": round(float(limits[place, 1]), 3),
            "p": round(randomisation_p_value(values[:, place]), 4),
        }
        for place, name in enumerate(names)
    }


def reranked(first: Tensor, second: Tensor, depth: int) -> Tensor:
    """The best `depth` of each row reordered by `second` (cosines), the rest behind in their old order."""
    kept = torch.zeros_like(first, dtype=torch.bool)
    kept.scatter_(1, first.topk(min(depth, first.shape[1]), dim=1).indices, True)
    return torch.where(kept, second + 10, first)


def full_scan(teacher: XClip, texts: TextVectors, frames: Tensor, lanes: Lanes) -> Tensor:
    """`teacher_scores` (Q, V) with the texts shared between the lanes."""
    rows = torch.arange(len(texts))

    def score(part: Tensor, start: int) -> Tensor:
        with torch.no_grad():
            whole = TextVectors(texts.sentence[part], texts.words[part], texts.mask[part])
            return teacher_scores(teacher, whole, frames, chunk=16)

    return lanes.forward(score, rows, 32).features.detach()


def by_event(runs: Sequence[Tensor], split: Split, events: Sequence[frozenset[str]]) -> dict[str, Any]:
    """R@10 of the queries whose clip has an event, by event: {"clips": n, "R@10": percent}."""
    found = torch.stack([columns(scores, split)[1][:, SINGLE.index("R@10")] for scores in runs]).mean(dim=0)
    table = {}
    for name in sorted(set().union(*events)):
        rows = torch.tensor([name in have for have in events])
        table[name] = {"clips": int(rows.sum()), "R@10": round(float(found[rows].mean()), 1)}
    return table


def by_side(scores: Tensor, clips: ClipSet) -> dict[str, Any]:
    """How often the side is told, by what has a side: {"left": clips, "right": clips, "told": percent}; 50 is chance.

    `scores` (2S, V) are those of the S sentences of `side_sentences` that say left, then of the S that say right.
    """
    sentences = side_sentences()
    sides = torch.tensor([sides_of(facts) for facts in clips.facts])  # (V, pairs)
    half = len(sentences)
    table = {}
    for number, ((_, left), (_, right)) in enumerate(PAIRS):
        asked = sides[:, number]  # (V,)
        told = [
            told_apart(scores[row], scores[half + row], asked)
            for row, (pair, _, _) in enumerate(sentences)
            if pair == number
        ]
        if (asked > 0).any() and (asked < 0).any():
            counts = {"left": int((asked > 0).sum()), "right": int((asked < 0).sum())}
            table[f"{left} or {right.rsplit(' ', 1)[-1]}"] = {
                **counts,
                "told": round(sum(told) / len(told), 1),
            }
    return table
