"""The joint score of MMI-TVR (ACM MM 2024): how near the vectors are and how well the skeletons agree, in one number.

The paper adds 0.6 times a cosine and 0.3 times a probability that a language model gives for both skeletons; the two
have different scales. Here the similarity becomes a logistic of its z-score among the query's candidates, and the
agreement L_s is the mean probability of what the query asserts (one minus it for what is denied), each slot weighted
by how rare its value is among the candidates: joint = (0.6 g + 0.3 L_s) / 0.9. What our own car did is left out, since
motion is measured for one clip at a time, and so is everything that no picture was asked for.

On the demo library (its first 104 clips, the drive-tiny of then) it is no gain that can be told from chance, which is
why it is a switch and off: R@1 80.0 to 95.0 on the 20 example queries (difference +15.0, 95 % interval 0 to +30,
p = 0.25; mAP 84.9 to 86.4), R@1 73.7 to 71.8 on 312 captions (-1.9, -6.1 to +2.2, p = 0.49; R@5 94.2 to 93.6, R@10 99.0
to 98.7, mAP 82.7 to 81.4). Short queries that name slots may profit; a sentence says more than its slots, which X-CLIP
has read already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.explain.ontology import Ontology
from core.explain.skeleton_records import SlotValue, TextSkeleton
from core.explain.text_skeleton import skeleton
from core.explain.video_skeleton import SkeletonReader
from core.explain.video_skeleton_calibration import Calibration, calibration_of
from core.explain.video_skeleton_questions import MANY, ONE_OF, Questions, ask, askable

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

SIMILARITY: Final = 0.6
AGREEMENT: Final = 0.3


class JointScorer:
    """Scores candidates of one bundle; questions are encoded when a query first asks for their slot."""

    def __init__(self, bundle: ModelBundle, ontology: Ontology) -> None:
        self._bundle = bundle
        self._ontology = ontology
        self._calibration: Calibration | None = calibration_of(bundle.spec)
        self._keys = self._calibration.keys() if self._calibration else askable(ontology)
        self._asked: dict[tuple[tuple[str, str], ...], Questions] = {}

    def __call__(self, text: str, similarity: F32, student: F32, video: F32, frames: F32) -> F32 | None:
        """Joint scores (K,) of K candidates in 0..1, or None if no slot of the query can be asked.

        Args:
            text: the query.
            similarity: (K,) reranked similarities, any scale.
            student: (K, Ds) unit.
            video: (K, Dr) unit.
            frames: (K, F, Dr) unit.

        """
        agreement = self.agreement(skeleton(text, self._ontology), student, video, frames)
        if agreement is None or len(similarity) == 0:
            return None
        return joint(similarity.astype(np.float64), agreement).astype(np.float32)

    def agreement(self, text: TextSkeleton, student: F32, video: F32, frames: F32) -> F64 | None:
        """L_s (K,) of K clips, or None if nothing of the skeleton can be asked."""
        wanted = [(value, self._answers(value)) for value in text.slots]
        wanted = [(value, keys) for value, keys in wanted if keys]
        if not wanted:
            return None
        slots = {key[0] for _, keys in wanted for key in keys}
        single = {key for _, keys in wanted for key in keys}
        keys = tuple(key for key in self._keys if key in single or (key[0] in ONE_OF and key[0] in slots))
        reader = SkeletonReader(self._questions(keys), self._calibration)
        found = reader.probabilities(student, video, frames)  # (K, V)
        places = {key: place for place, key in enumerate(keys)}
        total, weights = np.zeros(len(found)), 0.0
        for value, answers in wanted:
            shown = found[:, [places[key] for key in answers]].max(axis=1)  # (K,)
            agrees = 1.0 - shown if value.negated else shown
            rare = float(np.log((len(found) + 1) / (agrees.sum() + 0.5)))
            weight = value.weight * max(rare, 0.05)
            total, weights = total + weight * agrees, weights + weight
        return np.asarray(total / weights)

    def _answers(self, value: SlotValue) -> tuple[tuple[str, str], ...]:
        """The questions that answer a value: it itself, or everything narrower."""
        if value.slot not in ONE_OF and value.slot not in MANY:
            return ()
        return tuple(
            key
            for key in self._keys
            if key[0] == value.slot and value.value in self._ontology.ancestors(key[1])
        )

    def _questions(self, keys: tuple[tuple[str, str], ...]) -> Questions:
        """Encoded questions; the last few sets are kept."""
        if keys not in self._asked:
            while len(self._asked) >= 64:
                self._asked.pop(next(iter(self._asked)))
            self._asked[keys] = ask(self._bundle, self._ontology, keys)
        return self._asked[keys]


def joint(similarity: F64, agreement: F64) -> F64:
    """(0.6 g + 0.3 L_s) / 0.9, g the logistic of the similarity's z-score over the candidates; all (K,)."""
    spread = float(similarity.std())
    z = (similarity - similarity.mean()) / spread if spread > 0 else np.zeros_like(similarity)
    g = 1.0 / (1.0 + np.exp(-z))
    return np.asarray((SIMILARITY * g + AGREEMENT * agreement) / (SIMILARITY + AGREEMENT))
