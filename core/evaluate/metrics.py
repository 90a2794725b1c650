"""The field's retrieval metrics, from per-query outcomes to numbers with intervals.

`outcome` looks at one query's ranking; `Outcomes` holds all queries' results as columns; `METRICS` says how each
number is read off the columns; `summarise` gives value, 95 % interval, and the values under the best and the worst
order of tied scores. Ranks also come straight from similarity matrices (`ranks_of_best`, `video_to_text`), which
is how CLIP4Clip, X-CLIP and TeachCLIP report text-to-video and video-to-text retrieval.

Where the published code multiplies tied queries and drops those that score NaN, this room counts each query
once: a tie by its expected rank, NaN or a missing truth as the last rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.evaluate.resampling import RESAMPLES, SEED, bootstrap_intervals
from core.evaluate.ties import EXPECTED, BoolArray, FloatArray, IntArray, TiedRanking, ranks_of_first

NDCG_DEPTH: Final = 10
JUDGED_DEPTHS: Final = (1, 5, 10)
"""Depths to which a run knows how much of its rankings nobody has judged; metrics of no depth are told the last."""
Unit = Literal["%", "rank", ""]


@dataclass(frozen=True)
class Outcomes:
    """Per-query results of one stage as columns; Q queries, all of which have a relevant clip.

    `rank`, `ap`, `ndcg`, `rr` are (Q, 3) along `ties.READINGS`; `relevant` (Q,) counts relevant clips; `unjudged`
    (Q, 3) is the share (0-1) of the first 1, 5 and 10 clips that nobody has judged for this query.
    """

    rank: FloatArray
    ap: FloatArray
    ndcg: FloatArray
    rr: FloatArray
    relevant: FloatArray
    unjudged: FloatArray

    def __len__(self) -> int:
        return len(self.rank)

    def take(self, members: npt.ArrayLike) -> Outcomes:
        """The outcomes of some queries, by index or mask."""
        chosen = np.asarray(members)
        return replace(self, **{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def put(self, members: npt.ArrayLike, others: Outcomes) -> Outcomes:
        """These outcomes with those of some queries, by index, replaced."""
        changed = {}
        for field in fields(self):
            column = getattr(self, field.name).copy()
            column[np.asarray(members)] = getattr(others, field.name)
            changed[field.name] = column
        return replace(self, **changed)

    @classmethod
    def stack(cls, rows: Sequence[Outcomes]) -> Outcomes:
        """Columns from outcomes of one query each (or of several)."""
        if not rows:
            return rank_outcomes(np.empty((0, 3)))
        columns = {
            field.name: np.concatenate([getattr(row, field.name) for row in rows]) for field in fields(cls)
        }
        return cls(**columns)


def outcome(
    clip_ids: npt.NDArray[np.int64], starts: IntArray, grades: Mapping[int, int], gallery: int
) -> Outcomes:
    """One query's outcome.

    `clip_ids` (n,) best first; `starts` (B,) where blocks of equal scores begin; `grades` the judged clips (above
    0 relevant, 0 not, below 0 pooled but unjudged); `gallery` how many clips could have been ranked: the rank of
    a query none of whose relevant clips is in the ranking.
    """
    judged = np.fromiter(grades.keys(), np.int64, len(grades))
    values = np.fromiter(grades.values(), np.int64, len(grades))
    order = np.argsort(judged)
    judged, values = judged[order], values[order]
    gains = np.zeros(len(clip_ids), np.int64)
    known = np.zeros(len(clip_ids), bool)
    if len(judged):
        at = np.minimum(np.searchsorted(judged, clip_ids), len(judged) - 1)
        hit = judged[at] == clip_ids
        gains[hit] = values[at[hit]]
        known = hit & (values[at] >= 0)
    ranking = TiedRanking(gains, starts)
    relevant = int((values > 0).sum())
    return Outcomes(
        rank=ranking.first_rank(gallery)[None],
        ap=ranking.average_precision(relevant)[None],
        ndcg=ranking.ndcg(values, NDCG_DEPTH)[None],
        rr=ranking.reciprocal_rank()[None],
        relevant=np.array([float(relevant)]),
        unjudged=np.array(
            [[1.0 - float(known[:depth].mean()) if len(known) else 0.0 for depth in JUDGED_DEPTHS]]
        ),
    )


@dataclass(frozen=True)
class Metric:
    """A named number: how it is read off the outcomes, how queries are summed up, and how deep it looks."""

    name: str
    read: Callable[[Outcomes], FloatArray]  # (Q, 3)
    unit: Unit = ""
    median: bool = False
    higher_is_better: bool = True
    depth: int | None = None


def _success(k: int) -> Callable[[Outcomes], FloatArray]:
    return lambda outcomes: (outcomes.rank <= k).astype(np.float64)


def _recall(k: int) -> Callable[[Outcomes], FloatArray]:
    return lambda outcomes: 100.0 * _success(k)(outcomes)


def _sum_of_recalls(outcomes: Outcomes) -> FloatArray:
    """R@1 + R@5 + R@10 + R@100, the SumR of partially relevant video retrieval (DL-DKD)."""
    return sum((_recall(k)(outcomes) for k in (1, 5, 10, 100)), np.zeros(()))


METRICS: Final = (
    Metric("R@1", _recall(1), "%", depth=1),
    Metric("R@5", _recall(5), "%", depth=5),
    Metric("R@10", _recall(10), "%", depth=10),
    Metric("MdR", lambda outcomes: outcomes.rank, "rank", median=True, higher_is_better=False),
    Metric("MnR", lambda outcomes: outcomes.rank, "rank", higher_is_better=False),
    Metric("mAP", lambda outcomes: outcomes.ap),
    Metric("nDCG@10", lambda outcomes: outcomes.ndcg, depth=NDCG_DEPTH),
    Metric("MRR", lambda outcomes: outcomes.rr),
    Metric("Success@1", _success(1), depth=1),
    Metric("Success@5", _success(5), depth=5),
    Metric("Success@10", _success(10), depth=10),
    Metric("SumR", _sum_of_recalls, "%"),
)
"""R@K: percentage of queries with a relevant clip among the first K (one relevant clip: the usual recall)."""
ALL_METRICS: Final = tuple(known.name for known in METRICS)
RANK_METRICS: Final = ("R@1", "R@5", "R@10", "MdR", "MnR")
"""What similarity matrices are reported by, in both directions."""


def metric(name: str) -> Metric:
    """The metric of that name. Raises KeyError."""
    for known in METRICS:
        if known.name == name:
            return known
    raise KeyError(f"{name} is none of {', '.join(known.name for known in METRICS)}")


@dataclass(frozen=True)
class Value:
    """A metric over some queries: its value, 95 % interval, and the values under lucky and unlucky ties.

    `unjudged` is the share (0-1) of the first `unjudged_depth` clips that nobody has judged: as deep as the metric
    looks, or ten for one that looks at all; None where nothing was ranked.
    """

    name: str
    value: float
    low: float
    high: float
    optimistic: float
    pessimistic: float
    unit: Unit
    unjudged: float | None = None
    unjudged_depth: int = JUDGED_DEPTHS[-1]

    def as_dict(self) -> dict[str, float | str | None]:
        """For JSON; a number that does not exist (no query) is None."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        numbers |= {"optimistic": self.optimistic, "pessimistic": self.pessimistic}
        shown: dict[str, float | str | None] = {
            key: None if np.isnan(number) else number for key, number in numbers.items()
        }
        shown["unit"] = self.unit
        if self.unjudged is None:
            return shown
        return shown | {"unjudged": self.unjudged, "unjudged_depth": self.unjudged_depth}


def summarise(
    outcomes: Outcomes,
    names: Sequence[str] = ALL_METRICS,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Value]:
    """Each named metric over all queries, with its interval. Without a query every number is NaN."""
    chosen = [metric(name) for name in names]
    if len(outcomes) == 0:
        nothing = float("nan")
        return {m.name: Value(m.name, *(nothing,) * 5, m.unit) for m in chosen}
    columns = np.stack([m.read(outcomes) for m in chosen], axis=1)  # (Q, M, 3)
    medians = np.array([m.median for m in chosen], bool)
    values = np.where(medians[:, None], np.median(columns, axis=0), columns.mean(axis=0))  # (M, 3)
    intervals = bootstrap_intervals(columns[:, :, EXPECTED], medians, resamples=resamples, seed=seed)
    return {
        m.name: Value(
            m.name,
            float(v[0]),
            float(i[0]),
            float(i[1]),
            float(v[1]),
            float(v[2]),
            m.unit,
            unjudged_share(outcomes, m.depth),
            m.depth or JUDGED_DEPTHS[-1],
        )
        for m, v, i in zip(chosen, values, intervals, strict=True)
    }


def unjudged_share(outcomes: Outcomes, depth: int | None = None) -> float | None:
    """Share (0-1) of the first `depth` (default: ten) clips of all queries that nobody has judged; None if unknown."""
    share = float(outcomes.unjudged[:, JUDGED_DEPTHS.index(depth or JUDGED_DEPTHS[-1])].mean())
    return None if np.isnan(share) else share


# --- similarity matrices ------------------------------------------------------------------------------


def ranks_of_best(similarity: npt.ArrayLike, relevant: npt.ArrayLike) -> FloatArray:
    """Rank (Q, 3) of the best-scored relevant column of each row; columns are ranked by descending score.

    `similarity` (Q, N) float, `relevant` (Q, N) bool. A score of NaN is worse than every number; a row whose
    relevant columns are all NaN has rank N.
    """
    scores = np.asarray(similarity, np.float64)  # (Q, N)
    wanted = np.asarray(relevant, bool) & ~np.isnan(scores)  # (Q, N)
    best = np.where(wanted, scores, -np.inf).max(axis=1, keepdims=True)  # (Q, 1)
    equal = scores == best
    ranks = ranks_of_first((scores > best).sum(1), equal.sum(1), (equal & wanted).sum(1))
    ranks[~wanted.any(axis=1)] = scores.shape[1]
    return ranks


def rank_outcomes(ranks: FloatArray) -> Outcomes:
    """Outcomes that know nothing but ranks (Q, 3), for `summarise` with `RANK_METRICS`."""
    nothing = ranks * np.nan
    return Outcomes(ranks, nothing, nothing, 1.0 / ranks, nothing[:, 0], nothing)


def video_to_text(similarity: npt.ArrayLike, groups: Sequence[npt.ArrayLike]) -> FloatArray:
    """Rank (V, 3) of the best of a video's own texts, for every video that has one.

    `similarity` (Q, N): texts by videos. `groups[q]` lists the columns that text q describes. Texts that describe
    the same columns form one group, which scores a video by its best text: the multi-caption protocol of CLIP4Clip.
    """
    scores = np.asarray(similarity, np.float64)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    members: dict[tuple[int, ...], list[int]] = {}
    for row, columns in enumerate(groups):
        members.setdefault(tuple(np.unique(np.asarray(columns, np.int64)).tolist()), []).append(row)
    grouped = np.stack([scores[rows].max(axis=0) for rows in members.values()])  # (G, N)
    own: BoolArray = np.zeros(grouped.shape, bool)
    for number, described in enumerate(members):
        own[number, list(described)] = True
    asked = own.any(axis=0)  # (N,)
    return ranks_of_best(grouped.T[asked], own.T[asked])
