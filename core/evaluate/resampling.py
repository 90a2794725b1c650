"""How sure a number is: bootstrap intervals over queries, and a paired randomisation test of two systems.

A hundred queries leave R@1 = 50 uncertain by ten points either way; no figure here is shown without its interval.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from core.evaluate.ties import BoolArray, FloatArray

RESAMPLES: Final = 1000
FLIPS: Final = 10_000
SEED: Final = 0
_CHUNK_ELEMENTS: Final = 4_000_000
"""Numbers held at once while resampling: 32 MB of float64."""
_EXACT_PAIRS: Final = 12
"""Up to this many differing pairs all sign patterns are tried instead of a sample of them."""


def bootstrap_intervals(
    columns: FloatArray, medians: BoolArray, *, resamples: int = RESAMPLES, seed: int = SEED
) -> FloatArray:
    """95 % percentile intervals (M, 2) of the means, or medians, of per-query values.

    `columns` is (Q, M), one column a metric; `medians` (M,) tells which columns are summed up by their median.
    The same resampled queries serve all columns, so intervals of one run belong together. One query alone has
    no spread: its interval is its value.
    """
    queries, metrics = columns.shape
    if queries == 0:
        return np.full((metrics, 2), np.nan)
    generator = np.random.default_rng(seed)
    statistics = np.empty((resamples, metrics))
    step = max(1, _CHUNK_ELEMENTS // (queries * max(1, int(medians.sum()) + 1)))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        chosen = generator.integers(0, queries, (count, queries))  # (c, Q)
        flat = chosen + queries * np.arange(count)[:, None]
        weights = np.bincount(flat.ravel(), minlength=count * queries).reshape(count, queries)
        part = statistics[start : start + count]
        part[:, ~medians] = weights @ columns[:, ~medians] / queries
        part[:, medians] = np.median(columns[:, medians][chosen], axis=1)
    low, high = np.percentile(statistics, [2.5, 97.5], axis=0)  # (M,) each
    return np.stack([low, high], axis=1)


def randomisation_p_value(differences: FloatArray, *, flips: int = FLIPS, seed: int = SEED) -> float:
    """Two-sided p-value of a paired randomisation (sign-flip) test that the mean difference (Q,) is not zero.

    Under the null hypothesis either system could have produced either value of a pair, so every sign is as
    likely as its opposite (Smucker, Allan and Carterette, CIKM 2007). Few pairs are tried exhaustively; otherwise
    `flips` random patterns are, with the observed one counted among them so that p is never 0.
    """
    moved = differences[differences != 0]
    pairs = len(moved)
    if pairs == 0:
        return 1.0
    observed = abs(float(moved.sum()))
    # sums of the same numbers in another order differ in their last bits
    threshold = observed - 1e-12 * float(np.abs(moved).sum())
    if pairs <= _EXACT_PAIRS:
        patterns = (np.arange(2**pairs)[:, None] >> np.arange(pairs)) & 1  # (2^P, P)
        return float(np.mean(np.abs((1 - 2 * patterns) @ moved) >= threshold))
    generator = np.random.default_rng(seed)
    as_large = 0
    step = max(1, _CHUNK_ELEMENTS // pairs)
    for start in range(0, flips, step):
        signs = generator.integers(0, 2, (min(step, flips - start), pairs), dtype=np.int8)  # (c, P)
        as_large += int((np.abs((1.0 - 2.0 * signs) @ moved) >= threshold).sum())
    return (as_large + 1) / (flips + 1)
