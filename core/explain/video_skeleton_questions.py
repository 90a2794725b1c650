"""What a video skeleton asks of a clip: for every slot its values, each as an ensemble of phrases in both text towers.

One phrase is at the mercy of its wording; the mean of several is not (Radford et al., CLIP, 2021). An answer is the
distance to "none of these", an ensemble of phrases that say nothing, so that every clip is compared with that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from core.explain.ontology import Concept, Ontology

if TYPE_CHECKING:
    from core.models.bundle import ModelBundle

F32 = NDArray[np.float32]

ONE_OF: Final[dict[str, tuple[str, ...]]] = {
    "road": (
        "city_street", "residential", "country_road", "highway", "desert", "mountain_road", "dirt_road",
        "intersection", "roundabout", "tunnel", "parking_lot",
    ),
    "weather": ("clear", "cloudy", "rain", "snow", "fog", "storm", "dust"),
    "light": ("day", "night", "dusk", "dawn"),
}  # fmt: skip
"""Slots whose values exclude each other, or "none of these". What the ego car did is not asked: it is measured."""
MANY: Final = ("actor", "action", "signal", "hazard")
"""Slots of which any number of values hold at once; each is asked against "none of these"."""
NONE: Final = ("an empty road", "a road", "a dashcam video", "driving along", "nothing")
_TEMPLATES: Final = ("{}", "a photo of {}", "a dashcam video of {}")


@dataclass(frozen=True, eq=False)
class Questions:
    """V values as unit vectors less the unit vector of "none of these".

    `keys` are (slot, value); `student` (V, Ds) for the clip's student vector, `frame` (V, Dr) for frame and video
    vectors.
    """

    keys: tuple[tuple[str, str], ...]
    student: F32
    frame: F32

    def places(self, slot: str) -> list[int]:
        """Rows of one slot's values."""
        return [place for place, (name, _) in enumerate(self.keys) if name == slot]


def askable(ontology: Ontology) -> tuple[tuple[str, str], ...]:
    """Every (slot, value) that can be asked of a picture. Events are only asked where the ontology says how."""
    keys = [
        (slot, value) for slot, values in ONE_OF.items() for value in values if value in ontology.concepts
    ]
    for slot in MANY:
        for concept in ontology.of_slot(slot):
            if slot != "action" or concept.asks:
                keys.append((slot, concept.id))
    return tuple(keys)


def phrases(concept: Concept) -> tuple[str, ...]:
    """The ensemble of one concept: its own phrases, or its noun phrase in templates."""
    return concept.asks or tuple(template.format(concept.prompt) for template in _TEMPLATES)


def ask(
    bundle: ModelBundle,
    ontology: Ontology,
    keys: Sequence[tuple[str, str]] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Questions:
    """Encode the questions: some hundred text forwards, so keep the answer. `check` is called between them."""
    keys = tuple(askable(ontology) if keys is None else keys)
    nothing = ensemble(bundle, NONE)
    students, frames = [], []
    for _, value in keys:
        check()
        student, frame = ensemble(bundle, phrases(ontology.concepts[value]))
        students.append(student - nothing[0])
        frames.append(frame - nothing[1])
    empty = np.zeros((0, len(nothing[0])), np.float32), np.zeros((0, len(nothing[1])), np.float32)
    return Questions(
        keys, np.stack(students) if students else empty[0], np.stack(frames) if frames else empty[1]
    )


def ensemble(bundle: ModelBundle, texts: Sequence[str]) -> tuple[F32, F32]:
    """Unit mean of some phrases in the student's (Ds,) and the reranker's (Dr,) text space.

    The towers are asked themselves: a few hundred phrases would push a person's queries out of the bundle's memory.
    """
    first, last = bundle.towers[0], bundle.towers[-1]
    limit = bundle.spec.context_words
    student, frame = [], []
    for text in texts:
        read = last.encode_text(text, limit, bundle.padded_words)
        frame.append(_unit(read.sentence.float().cpu().numpy()))
        if len(bundle.towers) > 1:
            read = first.encode_text(text, limit, False)
        student.append(_unit(read.sentence.float().cpu().numpy()))
    return _unit(np.mean(student, axis=0)), _unit(np.mean(frame, axis=0))


def _unit(vector: F32) -> F32:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)
