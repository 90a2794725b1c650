"""Two runs side by side: which queries each wins, whether the difference is more than luck, where reranking hurt.

A run is compared with another over what both have in common (`pairing.py`): queries of the same text and the same
judgements, among the same clips. The two stages of one run are compared the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.metrics import METRICS, Outcomes, Value, summarise
from core.evaluate.pairing import ClipsOfTwo, LeftOut, common_ground
from core.evaluate.resampling import bootstrap_intervals, randomisation_p_value
from core.evaluate.runs import Run
from core.evaluate.ties import EXPECTED, FloatArray


@dataclass(frozen=True)
class PairedQuery:
    """One query under both systems: its rows in both runs, its id in the first, its ranks.

    `gain` above 0: the second one is better by that many ranks.
    """

    query_id: str
    text: str
    rank_a: float
    rank_b: float
    row_a: int
    row_b: int

    @property
    def gain(self) -> float:
        """Ranks won by the second system."""
        return self.rank_a - self.rank_b

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "query_id": self.query_id,
            "text": self.text,
            "rank_a": self.rank_a,
            "rank_b": self.rank_b,
            "gain": self.gain,
        }


@dataclass(frozen=True)
class MetricDifference:
    """A metric under both systems, the difference b - a with its 95 % interval, and the p-value of its being none.

    The p-value is that of a paired randomisation test of the mean difference; a median (MdR) has none.
    """

    name: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "a": self.a,
            "b": self.b,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "p_value": self.p_value,
        }


@dataclass(frozen=True)
class Comparison:
    """Wins, losses and draws of b against a by rank of the first relevant clip; `pairs` are in the order of run a.

    `only_a` and `only_b` count queries that take no part; `left_out` tells why.
    """

    pairs: tuple[PairedQuery, ...]
    metrics: dict[str, MetricDifference]
    only_a: int
    only_b: int
    left_out: LeftOut

    @property
    def wins(self) -> tuple[PairedQuery, ...]:
        """Queries that b ranks better, the largest gain first."""
        return tuple(sorted((p for p in self.pairs if p.gain > 0), key=lambda p: -p.gain))

    @property
    def losses(self) -> tuple[PairedQuery, ...]:
        """Queries that b ranks worse, the largest loss first."""
        return tuple(sorted((p for p in self.pairs if p.gain < 0), key=lambda p: p.gain))

    @property
    def draws(self) -> int:
        """Queries that both rank alike."""
        return sum(p.gain == 0 for p in self.pairs)

    def as_dict(self, most: int = 100) -> dict[str, Any]:
        """For JSON; at most `most` wins and losses."""
        wins, losses = self.wins, self.losses
        return {
            "queries": len(self.pairs),
            "wins": len(wins),
            "losses": len(losses),
            "draws": self.draws,
            "only_a": self.only_a,
            "only_b": self.only_b,
            "clips": self.left_out.shared,
            "only_clips_a": len(self.left_out.clips_a),
            "only_clips_b": len(self.left_out.clips_b),
            "metrics": {name: difference.as_dict() for name, difference in self.metrics.items()},
            "best": [pair.as_dict() for pair in wins[:most]],
            "worst": [pair.as_dict() for pair in losses[:most]],
        }


def compare_runs(
    a: Run,
    b: Run,
    *,
    stage_a: str | None = None,
    stage_b: str | None = None,
    clips: ClipsOfTwo | None = None,
) -> Comparison:
    """Run b against run a, in their last stages unless told otherwise; `clips` matches those of two libraries.

    Raises DrivescopeError(BAD_INPUT) if they share no query or no clip.
    """
    common = common_ground(a, b, stage_a or a.final_stage, stage_b or b.final_stage, clips)
    ranks = (common.outcomes_a.rank[:, EXPECTED], common.outcomes_b.rank[:, EXPECTED])
    pairs = tuple(
        PairedQuery(
            a.queries[row_a].query_id, a.queries[row_a].text, float(rank_a), float(rank_b), row_a, row_b
        )
        for row_a, row_b, rank_a, rank_b in zip(common.rows_a, common.rows_b, *ranks, strict=True)
    )
    return Comparison(
        pairs,
        _differences(common.outcomes_a, common.outcomes_b),
        len(a.queries) - len(pairs),
        len(b.queries) - len(pairs),
        common.left_out,
    )


def _differences(a: Outcomes, b: Outcomes) -> dict[str, MetricDifference]:
    values_a: dict[str, Value] = summarise(a, resamples=2)
    values_b: dict[str, Value] = summarise(b, resamples=2)
    columns = np.stack([m.read(b)[:, EXPECTED] - m.read(a)[:, EXPECTED] for m in METRICS], axis=1)  # (P, M)
    intervals = bootstrap_intervals(columns, np.zeros(len(METRICS), bool))
    answer = {}
    for at, m in enumerate(METRICS):
        low, high = intervals[at]
        if m.median:  # the difference of medians is not the median of differences
            low, high = _median_interval(m.read(a)[:, EXPECTED], m.read(b)[:, EXPECTED])
        first, second = values_a[m.name].value, values_b[m.name].value
        p_value = None if m.median else randomisation_p_value(columns[:, at])
        answer[m.name] = MetricDifference(
            m.name, first, second, second - first, float(low), float(high), p_value
        )
    return answer


def _median_interval(
    a: FloatArray, b: FloatArray, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    generator = np.random.default_rng(seed)
    differences = np.empty(resamples)
    for number in range(resamples):
        chosen = generator.integers(0, len(a), len(a))
        differences[number] = np.median(b[chosen]) - np.median(a[chosen])
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(low), float(high)


def reranking_hurt(run: Run) -> Comparison:
    """The run's last stage against its first: `losses` are the queries that reranking made worse."""
    first, *_, last = run.stages if len(run.stages) > 1 else ("", "")
    if not first:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The run {run.run_id} was not reranked, so there is nothing to compare."
        )
    return compare_runs(run, run, stage_a=first, stage_b=last)
