"""What is read from one clip: the answers of its video skeleton, as data. Query-independent, made by a model.

The video skeleton of MMI-TVR (ACM MM 2024) holds objects, actions and temporal boundaries that a large model wrote
down; ours holds a probability for every value that was asked for, so that "it is not there" is an answer too.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Source = Literal["frames", "video", "motion", "person"]
"""Where a value comes from: single frames, the clip's vectors, the pictures' motion, or somebody who corrected it."""


class Finding(msgspec.Struct, frozen=True):
    """One value of one slot and how probable it is.

    `start_s` and `end_s` (seconds in the file) are where it holds, `time_s` is the sampled frame that shows it best and
    `frame` its number among the clip's sampled frames. `holds` says that it is taken for true: the probability
    reaches the slot's threshold, or a person said so.
    """

    slot: str
    value: str
    probability: float
    holds: bool
    start_s: float
    end_s: float
    time_s: float
    frame: int
    source: Source


class VideoSkeleton(msgspec.Struct, frozen=True):
    """Everything that was asked about one clip.

    `findings` are ordered by slot and falling probability. `none` tells for a slot whose values exclude each other how
    probable it is that none of them fits. `calibrated` says whether the probabilities were held against truth for this
    very bundle; `ontology` and `bundle` are digests of what made the skeleton.
    """

    clip_id: int
    start_s: float
    end_s: float
    findings: tuple[Finding, ...] = ()
    none: dict[str, float] = {}
    calibrated: bool = False
    ontology: str = ""
    bundle: str = ""

    def find(self, slot: str, value: str) -> Finding | None:
        """The answer about one value; None if it was not asked for."""
        return next((one for one in self.findings if one.slot == slot and one.value == value), None)

    def holding(self, slot: str = "") -> tuple[Finding, ...]:
        """What is taken for true (of one slot)."""
        return tuple(one for one in self.findings if one.holds and slot in ("", one.slot))

    def to_json(self) -> bytes:
        """UTF-8 JSON, readable by `from_json`."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> VideoSkeleton:
        """The inverse of `to_json`. Raises `msgspec.ValidationError` when the data is no skeleton."""
        return msgspec.json.decode(data, type=cls)
