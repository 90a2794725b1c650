"""How long an answer may be expected to last, from what the query asks for.

A state ("driving in fog") lasts as long as it lasts, a happening ("a pedestrian crosses") a few seconds, a story
(two or more happenings) as long as both. Which of them a query is, its text skeleton tells; how long they last was
measured on the validation drives of `moments_truth`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.explain.text_skeleton import skeleton

HAPPENINGS: Final = frozenset({"action", "signal", "hazard"})
"""Slots of the ontology whose values happen."""
LASTING: Final = frozenset({"drive"})
"""What our own car does without anything happening."""


@dataclass(frozen=True)
class Scope:
    """A kind of question: `name`, the most likely length and how much others are held against a moment."""

    name: Literal["state", "happening", "story"]
    likely_s: float
    weight: float

    def unlikely(self, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What a span of this length loses: the squared log ratio to the likely one, weighted."""
        away = np.log(np.maximum(seconds, 1e-3) / self.likely_s)
        return np.asarray(self.weight * away**2)


STATE: Final = Scope("state", 120.0, 0.07)
HAPPENING: Final = Scope("happening", 2.5, 0.3)
STORY: Final = Scope("story", 7.0, 0.8)


def scope_of(text: str) -> Scope:
    """What kind of answer the query asks for; one that was not understood counts as a happening."""
    read = skeleton(text)
    told = [value for value in read.slots if not value.negated]
    count = sum(value.slot in HAPPENINGS for value in told)
    count += sum(value.slot == "ego" and value.value not in LASTING for value in told)
    if count >= 2:
        return STORY
    somebody = any(value.slot == "actor" for value in told)
    return HAPPENING if count == 1 or somebody or not told else STATE
