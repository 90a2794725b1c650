"""Relevance feedback: the ranking learns from what a person judged of a query's results.

Rocchio's rule (1971) in the student's space, where it has served interactive video search since (SOMHunter, Kratochvil
et al., 2020; Exquisitor, Khan et al., 2020): the query moves towards the mean of the clips that were judged relevant
and away from the mean of those that were not.

    score = s(query) + share * spread of s * (0.4 * z(cosine to the relevant) - 0.3 * z(cosine to the others))

z is the distance from a typical clip of the library in standard deviations: how far cosines spread differs from model
to model, and between texts and clips, so that weights of bare cosines would fit one bundle only. `share` is the share
of what was judged that is not relevant, one of each added (Laplace): where the first results are right already there
is little to correct. The first stage stays one inner product, the rerank's score gets the same sum in its own spread,
and what is added to a clip is shown beside it. A judged clip keeps its place honestly: relevant ones stand first, those
that are not relevant last, each in the order of the score; "partly" and "unsure" teach nothing.

Measured with drive-tiny by `python -m core.evaluate.feedback_truth` (which says how), mean average precision of the
clips that were not judged, after the rerank, before and after a judge marked the first ten. On 1,000 test clips 43.4
and 48.7 (+4.1 to +6.7) where a query's words were never heard in training, 73.5 and 73.9 (-0.6 to +1.4) where they
were; with the liked clips alone +1.4 (+0.9 to +1.9) and 0.0 (-0.2 to +0.2). So it is worth its keys where the model
reads a query badly, and costs nothing where it reads it well. The weights were chosen on 300 val clips with the
drive-tiny before this one: they gained 8.9 and nothing there, 0.8 and 0.4 would have gained 10.1 and lost 1.3.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from core.errors import DrivescopeError, ErrorKind
from core.protocol import Feedback
from core.search.minus import TYPICAL_CLIPS
from core.search.rerank import rerank

if TYPE_CHECKING:
    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle, QueryVectors

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
TOWARDS: Final = 0.4
AWAY: Final = 0.3
RELEVANT, UNJUDGED, REJECTED = 0, 1, 2
"""The groups of a ranking, in their order."""
_LEAST_SPREAD: Final = 1e-6
"""Clips that are all alike to something do not differ in it."""


def rows_of(feedback: Feedback, clip_ids: Rows, live: Rows) -> tuple[Rows, Rows]:
    """Rows of the clips that are relevant and of those that are not, as far as they are in the library still.

    `clip_ids` (N,) are the clips of all rows, `live` (L,) the rows of clips that were not dropped. Raises
    DrivescopeError(NOT_FOUND) if none is left.
    """
    ids = clip_ids[live]
    relevant, rejected = (live[np.isin(ids, judged)] for judged in (feedback.relevant, feedback.not_relevant))
    if len(relevant) + len(rejected) == 0:
        raise DrivescopeError(
            ErrorKind.NOT_FOUND,
            "There is nothing to learn from yet: judge some results of this very query relevant or not relevant,"
            " with 1 and 3 in the window or with `drivescope judge`.",
        )
    return relevant, rejected


class Lesson:
    """What judged clips teach about one query.

    Args:
        bundle: which made the vectors.
        store: the vectors that are searched.
        query: what is asked for, without its minus words.
        relevant: rows (R,) of the clips that were judged relevant.
        rejected: rows (N,) of those judged not relevant; one of the two has to hold something.
        live: (L,) the rows of every clip of the library, filters or not: what is typical does not change with them.
        towards: what the likeness to the relevant clips weighs.
        away: what the likeness to the others weighs.

    """

    def __init__(
        self,
        bundle: ModelBundle,
        store: FeatureStore,
        query: QueryVectors,
        relevant: Rows,
        rejected: Rows,
        live: Rows,
        *,
        towards: float = TOWARDS,
        away: float = AWAY,
    ) -> None:
        self._bundle = bundle
        self._store = store
        self._query = query
        self.relevant = relevant
        self.rejected = rejected
        self._spread = live[:: max(1, -(-len(live) // TYPICAL_CLIPS))]
        typical = self._students(self._spread)  # (T, Ds)
        share = (len(rejected) + 1) / (len(relevant) + len(rejected) + 2)
        good, bad = self._mean_of(relevant, typical), self._mean_of(rejected, typical)
        self._direction: Scores = (share * (towards * good - away * bad)).astype(np.float32)  # (Ds,)
        self._centre = float((typical @ self._direction).mean())
        self._first_spread = float((typical @ _vector(query)).std())

    @property
    def judged(self) -> Rows:
        """Rows (J,) of all judged clips."""
        return np.concatenate([self.relevant, self.rejected])

    @property
    def feedback(self) -> Feedback:
        """The clips that are learned from."""
        ids = np.asarray(self._store.clip_ids)
        return Feedback(*(tuple(ids[rows].tolist()) for rows in (self.relevant, self.rejected)))

    @property
    def vector(self) -> Scores:
        """(Ds,) the query in the student's space, moved; not of length one, so that scores keep their scale."""
        moved: Scores = _vector(self._query) + np.float32(self._first_spread) * self._direction
        return moved

    @property
    def offset(self) -> float:
        """What `vector` adds to the score of a typical clip, which has learned nothing."""
        return self._first_spread * self._centre

    def first(self, rows: Rows) -> Scores:
        """(K,) what is added to the first-stage scores of the clips in `rows` (K,)."""
        return self._first_spread * self._lift(rows)

    def reranked(self, rows: Rows) -> Scores:
        """(K,) what is added to their X-CLIP scores."""
        return self._rerank_spread * self._lift(rows)

    def groups(self, rows: Rows) -> npt.NDArray[np.int8]:
        """(K,) `RELEVANT`, `UNJUDGED` or `REJECTED`."""
        found = np.full(len(rows), UNJUDGED, np.int8)
        found[np.isin(rows, self.relevant)] = RELEVANT
        found[np.isin(rows, self.rejected)] = REJECTED
        return found

    def scores(self, rows: Rows) -> Scores:
        """(K,) products of `vector` with the clips in `rows` (K,)."""
        products: Scores = self._students(rows) @ self.vector
        return products

    def places(self, rows: Rows, falling: Scores) -> Rows:
        """(K,) from 0, how many clips stand before each of a ranking's first K ones.

        `falling` (M,) are the scores that ordered the first M of them, negated; equal ones of one group share a place.
        """
        groups = self.groups(rows)
        new = np.ones(len(rows), bool)
        head = len(falling)
        new[1:head] = (np.diff(falling) != 0) | (np.diff(groups[:head]) != 0)
        found: Rows = np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))
        return found

    @cached_property
    def _rerank_spread(self) -> float:
        return float(rerank(self._bundle, self._query, self._store, self._spread)[0].std())

    def _lift(self, rows: Rows) -> Scores:
        """(K,) in deviations of a score."""
        lift: Scores = self._students(rows) @ self._direction - np.float32(self._centre)
        return lift

    def _mean_of(self, rows: Rows, typical: Scores) -> Scores:
        """(Ds,) the mean of some clips, so long that the products with typical clips (T, Ds) spread by one."""
        if len(rows) == 0:
            return np.zeros(typical.shape[1], np.float32)
        mean = self._students(rows).mean(axis=0)
        spread = float((typical @ mean).std())
        return mean / np.float32(spread) if spread > _LEAST_SPREAD else np.zeros_like(mean)

    def _students(self, rows: Rows) -> Scores:
        return np.asarray(self._store.student[rows], np.float32)


def _vector(query: QueryVectors) -> Scores:
    vector: Scores = query.student.cpu().numpy().astype(np.float32)
    return vector
