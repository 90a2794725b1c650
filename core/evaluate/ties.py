"""What one query's ranking is worth when some of its scores are equal: expected, optimistic, pessimistic.

Equal scores have no order, so a number read off one arbitrary order is luck. Every quantity here is given
three times, along an axis named `READINGS`: its expectation over all orders of the tied clips, its value when
the relevant ones come first, and when they come last. Without ties the three agree with trec_eval and with the
usual R@K code. The expectations of average precision and of DCG are those of McSherry and Najork,
"Computing information retrieval performance measures efficiently in the presence of tied scores", ECIR 2008.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

READINGS: Final = ("expected", "optimistic", "pessimistic")
EXPECTED, OPTIMISTIC, PESSIMISTIC = range(3)


class TiedRanking:
    """One query's ranking as grades, best score first, with the blocks of equal scores marked.

    `gains` (n,) are relevance grades in the order of the ranking, 0 for what is not relevant; `starts` (B,) are
    the positions where a block of equal scores begins, ascending, the first one 0.
    """

    def __init__(self, gains: npt.ArrayLike, starts: npt.ArrayLike) -> None:
        self.gains: FloatArray = np.maximum(np.asarray(gains, np.float64), 0.0)  # (n,)
        self.relevant: BoolArray = self.gains > 0  # (n,)
        self.starts: IntArray = np.asarray(starts, np.int64)  # (B,)
        ends = np.append(self.starts[1:], len(self.gains))
        self.sizes: IntArray = ends - self.starts if len(self.gains) else self.starts[:0]  # (B,)
        self.tied = bool((self.sizes > 1).any())

    @property
    def positions(self) -> int:
        """How many clips are ranked."""
        return len(self.gains)

    def _per_block(self, values: FloatArray) -> FloatArray:
        """Sums (B,) of values (n,) over each block."""
        return np.add.reduceat(values, self.starts) if len(values) else np.empty(0)

    def _spread(self, per_block: FloatArray) -> FloatArray:
        """Values (B,) of blocks, repeated for each position (n,)."""
        return np.repeat(per_block, self.sizes)

    def _reordered(self, reading: int) -> FloatArray:
        """Gains (n,) with the larger ones first (optimistic) or last (pessimistic) inside each block."""
        block = self._spread(np.arange(len(self.sizes), dtype=np.float64))
        order = np.lexsort((-self.gains if reading == OPTIMISTIC else self.gains, block))
        return self.gains[order]

    def first_rank(self, missing: float) -> FloatArray:
        """Rank (3,), counted from 1, of the first relevant clip; `missing` if none is ranked.

        In a block of t clips, r of them relevant, that begins after position a, the first relevant clip is
        expected at a + (t + 1) / (r + 1).
        """
        if not self.relevant.any():
            return np.full(3, missing, np.float64)
        first = int(np.argmax(self.relevant))
        block = int(np.searchsorted(self.starts, first, side="right")) - 1
        before, size = int(self.starts[block]), int(self.sizes[block])
        relevant = int(self.relevant[before : before + size].sum())
        return ranks_of_first(before, size, relevant)

    def average_precision(self, relevant_in_all: int) -> FloatArray:
        """Non-interpolated average precision (3,) in 0..1; relevant clips that are not ranked count as 0."""
        if relevant_in_all == 0 or not self.relevant.any():
            return np.zeros(3)
        plain = precision_sum(self.relevant)
        if not self.tied:
            return np.full(3, plain / relevant_in_all)
        sums = [self._expected_precision()]
        sums += [precision_sum(self._reordered(reading) > 0) for reading in (OPTIMISTIC, PESSIMISTIC)]
        return np.array(sums) / relevant_in_all

    def _expected_precision(self) -> float:
        """Expectation, over the orders of tied clips, of the sum of precisions at relevant positions."""
        relevant = self._per_block(self.relevant.astype(np.float64))  # (B,)
        before = np.cumsum(relevant) - relevant  # (B,)
        inside = np.arange(self.positions) - self._spread(
            self.starts.astype(np.float64)
        )  # (n,) 0, 1, ... in a block
        size = self._spread(self.sizes.astype(np.float64))  # (n,)
        others = self._spread(relevant) - 1.0  # (n,) the block's other relevant clips, given one is here
        ahead = np.where(size > 1, inside * others / np.maximum(size - 1.0, 1.0), 0.0)
        precision = (self._spread(before) + 1.0 + ahead) / np.arange(1, self.positions + 1)
        return float((self._spread(relevant) / size * precision).sum())

    def ndcg(self, grades_in_all: npt.ArrayLike, depth: int) -> FloatArray:
        """The nDCG (3,) of the first `depth` positions: gain = grade, discount log2(1 + rank), as in trec_eval."""
        grades = np.asarray(grades_in_all, np.float64)
        ideal = _dcg(np.sort(grades[grades > 0])[::-1], depth)
        if ideal == 0:
            return np.zeros(3)
        if not self.tied:
            return np.full(3, _dcg(self.gains, depth) / ideal)
        mean = self._spread(self._per_block(self.gains) / self.sizes)
        orders = (mean, self._reordered(OPTIMISTIC), self._reordered(PESSIMISTIC))
        return np.array([_dcg(order, depth) for order in orders]) / ideal

    def reciprocal_rank(self) -> FloatArray:
        """Reciprocal (3,) of the first relevant clip's rank; 0 if none is ranked."""
        ranks = self.first_rank(np.inf)
        if np.isinf(ranks[0]):
            return np.zeros(3)
        before = int(ranks[OPTIMISTIC]) - 1
        block = int(np.searchsorted(self.starts, before, side="right")) - 1
        size = int(self.sizes[block])
        relevant = int(self.relevant[before : before + size].sum())
        # the chance that the first relevant clip stands at the block's place j, j = 0 .. size - relevant
        place = np.arange(size - relevant + 1)  # (J,)
        none_yet = np.cumprod(np.append(1.0, (size - relevant - place[:-1]) / (size - place[:-1])))
        chance = none_yet * relevant / (size - place)
        expected = float((chance / (before + 1 + place)).sum())
        return np.array([expected, 1.0 / ranks[OPTIMISTIC], 1.0 / ranks[PESSIMISTIC]])


def ranks_of_first(before: npt.ArrayLike, tied: npt.ArrayLike, relevant: npt.ArrayLike) -> FloatArray:
    """Ranks (..., 3) of the first of `relevant` clips among `tied` equal ones with `before` clips above them."""
    above = np.asarray(before, np.float64)
    size = np.asarray(tied, np.float64)
    count = np.asarray(relevant, np.float64)
    return np.stack([above + (size + 1) / (count + 1), above + 1, above + size - count + 1], axis=-1)


def precision_sum(relevant: BoolArray) -> float:
    """Sum of precisions at the relevant positions of an order without ties."""
    ranks = np.flatnonzero(relevant) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum())


def _dcg(gains: FloatArray, depth: int) -> float:
    head = gains[:depth]
    return float((head / np.log2(np.arange(2, len(head) + 2))).sum())
