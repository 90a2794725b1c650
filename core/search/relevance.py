"""Below which score clips of a library probably do not match, whatever is asked.

Every query ranks every clip, and nothing in a rank says where matches end. Published for driving images is a fit of two
Gaussians to one query's scores (arXiv 2404.05309). With drive-tiny it is no good: most of what it holds for matches has
a part of what was asked for (the weather, the road), and a query that nothing answers gets a second Gaussian as well.
So the fit is made once for a library, on the scores that many different sentences about driving get together, with one,
two or three Gaussians (what has nothing of a sentence, a part of it, all of it), whichever the Bayesian information
criterion prefers. The cut is where the highest one takes over; one alone, or one of many scores, gives no cut.

Measured with drive-tiny, X-CLIP scores, against exact truth, mean over queries: on the 150 demo clips precision 84 and
recall 97 percent for the 20 demo queries (two Gaussians a query: 49 and 96), on 1,000 held-out clips 64 and 81 for 200
queries of one to three facts; no cut that is the same for all queries does better there. That nothing matches is said
of none of these queries, of 10 and 42 among them when their matches are taken out of the library, and of 2 of 20 that
are not about driving at all: what is below the cut probably does not match, what is above it may not either. With the
weights after them, for which nothing was changed, the cut moved from 0.29 to 0.22, the demo queries have 83 and 99,
those to 1,000 clips 50 and 98, and 1 of the 20 is told. `python -m core.evaluate.query_truth` prints such figures. With
a public CLIP on real footage none was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32]
LEAST_CLIPS: Final = 20
"""In fewer clips the sentences find too little for a fit."""
MOST_CLIPS: Final = 500
"""As many, evenly spread, tell what a library's scores are like."""
MOST_SHARE: Final = 0.12
"""Of all scores: most sentences ask for what few clips have, so a highest Gaussian of more is no group of matches."""
SENTENCES: Final = (
    "a red car ahead", "a white van", "a blue truck in front of us", "a bus at a stop", "a motorcycle overtakes",
    "a cyclist on the right", "a pedestrian crosses the road", "a child at the kerb", "a dog on the road",
    "a deer beside the road", "an ambulance with blue lights", "a police car", "driving at night",
    "driving in the rain", "thick fog", "falling snow", "a sunny day", "at dusk", "a wet road", "low sun and glare",
    "a motorway", "a country road", "a city street", "a tunnel", "a roundabout",
    "an intersection with traffic lights", "a bridge", "a car park", "turning left", "turning right",
    "changing to the left lane", "changing to the right lane", "overtaking a slower vehicle", "braking hard",
    "standing still", "starting from standstill", "slowing down behind a car", "driving straight ahead",
    "a red traffic light", "the light turns green", "road works with cones", "a traffic jam", "an oncoming truck",
    "a car cuts in from the right", "a car brakes ahead", "a parked car opens its door", "a vehicle pulls out",
    "a stop sign", "a pedestrian crosses at night", "a truck on the motorway in the rain",
    "turning right at an intersection by day", "a cyclist ahead on a country road",
    "waiting at a red light at dusk", "snow on a city street", "overtaking a bus in town", "an empty road in fog",
)  # fmt: skip
"""What a library is asked: things, scenes and events of driving, alone and together."""
_BINS: Final = 200
_ROUNDS: Final = 200
_STARTS: Final[dict[int, tuple[tuple[float, ...], ...]]] = {
    1: ((),),
    2: ((0.5,), (0.8,), (0.95,)),
    3: ((0.3, 0.6), (0.5, 0.9), (0.6, 0.97), (0.33, 0.99)),
}
"""By number of Gaussians: the shares of the scores between which the fits begin."""


@dataclass(frozen=True)
class Mixture:
    """Gaussians in order of their means: shares, means and deviations (K,), and the fit's information criterion."""

    shares: Floats
    means: Floats
    deviations: Floats
    bic: float

    def belongs(self, scores: Floats) -> Floats:
        """(N,) the chance of each score to belong to the highest Gaussian."""
        by_one = _densities(scores, self.shares, self.means, self.deviations)
        chances: Floats = by_one[:, -1] / by_one.sum(axis=1)
        return chances


@dataclass(frozen=True)
class Cuts:
    """The scores from which on a clip may match, by stage; None where the scores show no such place."""

    first: float | None = None
    reranked: float | None = None


def find_cut(scores: Scores) -> float | None:
    """Where the highest Gaussian takes over in the scores, or None if they show no small group above the others."""
    known = np.asarray(scores, np.float64).ravel()
    known = known[np.isfinite(known)]
    if len(known) < LEAST_CLIPS or known.std() <= 1e-6 * max(1.0, float(np.abs(known).max())):
        return None
    groups = min((fit(known, count) for count in _STARTS), key=lambda found: found.bic)
    if len(groups.means) == 1 or groups.shares[-1] > MOST_SHARE:
        return None
    way = np.linspace(groups.means[-2], known.max(), 2001)
    over = groups.belongs(way) >= 0.5
    return float(way[over.argmax()]) if over.any() else None


def fit(scores: Floats, count: int) -> Mixture:
    """The likeliest mixture of `count` Gaussians by expectation-maximisation, on a histogram: the same every time.

    No Gaussian gets narrower than two bins, so that equal scores cannot draw one to themselves.
    """
    numbers, edges = np.histogram(scores, _BINS)
    middles = (edges[1:] + edges[:-1]) / 2  # (B,)
    least = 2 * (edges[1] - edges[0])
    best: tuple[float, Floats, Floats, Floats] | None = None
    for inner in _STARTS[count]:
        bounds = np.quantile(scores, (0, *inner, 1))
        shares = np.diff((0, *inner, 1))  # (K,)
        parts = [scores[(scores >= low) & (scores <= high)] for low, high in pairwise(bounds)]
        means = np.array([part.mean() for part in parts])
        deviations = np.array([max(float(part.std()), least) for part in parts])
        likelihood = -np.inf
        for _ in range(_ROUNDS):
            by_one = _densities(middles, shares, means, deviations)  # (B, K)
            every = by_one.sum(axis=1)
            before, likelihood = likelihood, float((numbers * np.log(every)).sum())
            if likelihood - before < 1e-6 * abs(likelihood):
                break
            weights = by_one / every[:, None] * numbers[:, None]  # (B, K)
            owned = weights.sum(axis=0) + 1e-9
            shares, means = owned / owned.sum(), (weights * middles[:, None]).sum(axis=0) / owned
            spread = (weights * (middles[:, None] - means) ** 2).sum(axis=0) / owned
            deviations = np.maximum(np.sqrt(spread), least)
        if best is None or likelihood > best[0]:
            best = likelihood, shares, means, deviations
    assert best is not None, "every count has its starts"
    likelihood, shares, means, deviations = best
    order = np.argsort(means)
    bic = (3 * count - 1) * np.log(len(scores)) - 2 * likelihood
    return Mixture(shares[order], means[order], deviations[order], float(bic))


def _densities(scores: Floats, shares: Floats, means: Floats, deviations: Floats) -> Floats:
    """(N, K) each Gaussian's density at each score, times its share; never quite nothing."""
    away = (scores[:, None] - means) / deviations
    density: Floats = shares * np.exp(-0.5 * away**2) / (np.sqrt(2 * np.pi) * deviations) + 1e-300
    return density
