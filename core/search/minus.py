"""What the minus words of a query take off a clip's score, the same way in both stages.

A sentence model hears the word and not the "without" before it, so each minus word is asked on its own, and what a
clip answers to it *more than a typical clip of the library* is taken off:

    score = s(query) - max over minus words of max(0, s(word) - mean of s(word))

The weight is one: as much as speaks for the word is taken away, and no constant is chosen. A clip that has less of the
word than a typical one is not helped by that: nothing is more absent than absent. Of several words the one that a clip
has most of counts, so that synonyms ("-rain -wet") do not punish twice.

Measured with drive-tiny on queries "X -Y" made of true facts, of which both "X and Y" and "X without Y" occur; mean
average precision after the rerank of X alone, of the sentence "X without Y", of this rule, and of a rule that knows Y:
65.8, 39.2, 84.1, 89.8 on 150 queries to 300 held-out clips, where the rule was chosen; 72.8, 42.6, 92.7, 97.7 on 60
queries to the 150 demo clips. With the weights that came next, for which nothing was changed, X alone has 71.9 there
and the rule 91.5 (16.1 to 23.3 more). `python -m core.evaluate.query_truth` asks queries of its own, with more events
in them; with the weights after those on the demo clips 60.9 and 80.7 (14.2 to 25.0 more). Weights of 0.5 to 2 stay
within 2.5 points of one; percentiles, z-scores, Otsu's cut and the posterior of two Gaussians are no better or much
worse. Two synonyms: 86.8, and 84.8 if added up.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from core.search.rerank import rerank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.library.features import FeatureStore
    from core.models.bundle import ModelBundle

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
TYPICAL_CLIPS: Final = 1000
"""How many clips of the library, evenly spread, tell what is typical: their mean is within 1/30 of a deviation."""
_BLOCK: Final = 50_000


class Minus:
    """The minus words of one query, ready to be asked of clips.

    Args:
        bundle: which made the vectors.
        store: the vectors that are searched.
        without: at least one word or phrase.
        live: (N,) the rows of every clip of the library, filters or not: what is typical does not change with them.

    """

    def __init__(self, bundle: ModelBundle, store: FeatureStore, without: Sequence[str], live: Rows) -> None:
        self._bundle = bundle
        self._store = store
        asked = map(bundle.encode_text, without)
        self._words = tuple(word for word in asked if not word.blank)  # the others take nothing off
        self._spread = live[:: max(1, -(-len(live) // TYPICAL_CLIPS))]

    def first(self, rows: Rows) -> Scores:
        """(K,) what is taken off the first-stage scores of the clips in `rows` (K,), 0 or more."""
        return _above(self._students(rows), self._typical_first)

    def reranked(self, rows: Rows) -> Scores:
        """(K,) what is taken off their X-CLIP scores."""
        return _above(self._reranks(rows), self._typical_rerank)

    @cached_property
    def _typical_first(self) -> Scores:
        return _mean(self._students(self._spread))  # (M,)

    @cached_property
    def _typical_rerank(self) -> Scores:
        return _mean(self._reranks(self._spread))  # (M,)

    def _students(self, rows: Rows) -> Scores:
        if not self._words:
            return np.empty((len(rows), 0), np.float32)
        words = np.stack([word.student.cpu().numpy() for word in self._words]).astype(np.float32)  # (M, Ds)
        parts = [
            np.asarray(self._store.student[rows[start : start + _BLOCK]], np.float32) @ words.T
            for start in range(0, len(rows), _BLOCK)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(words)), np.float32)  # (K, M)

    def _reranks(self, rows: Rows) -> Scores:
        if not self._words:
            return np.empty((len(rows), 0), np.float32)
        scores = [rerank(self._bundle, word, self._store, rows)[0] for word in self._words]
        return np.stack(scores, axis=1)  # (K, M)


def _mean(scores: Scores) -> Scores:
    """(M,) of scores (T, M); 0 in a library without clips."""
    return scores.mean(axis=0) if len(scores) else np.zeros(scores.shape[1], np.float32)


def _above(scores: Scores, typical: Scores) -> Scores:
    """(K,) by how much scores (K, M) lie above the typical ones (M,), for the word of which there is most."""
    taken: Scores = np.maximum(scores - typical, 0.0).max(axis=1, initial=0.0)
    return taken
