"""Messages about skeletons: what a query asks for and what a clip shows, laid side by side, and corrected by hand.

Times are seconds in the file; offsets count code points of the query. Probabilities are 0..1.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.protocol.basics import Message

SkeletonVerdict = Literal["matched", "weak", "missing", "contradicted", "unchecked"]
SkeletonSource = Literal["frames", "video", "motion", "person"]
ExportForm = Literal["json", "openlabel"]


# --- window -> engine ---------------------------------------------------------------------------------


class GetSkeletons(Message, frozen=True):
    """Lay the query's skeleton beside a clip's. Answers `Skeletons`; an empty text asks for the clip's alone.

    The first answer about a library reads the questions' phrases (seconds), the first about a clip its motion.
    """

    id: int
    text: str
    clip_id: int


class CorrectSkeleton(Message, frozen=True):
    """A person says that a value holds in a clip ("holds"), does not ("not"), or takes that back ("withdrawn").

    Answers `Skeletons` with the correction in it. Without a span the model's interval stays.
    """

    id: int
    text: str
    clip_id: int
    slot: str
    value: str
    verdict: Literal["holds", "not", "withdrawn"]
    author: str
    start_s: float | None = None
    end_s: float | None = None


class UndoCorrection(Message, frozen=True):
    """Take the author's last correction back, or with `redo` bring it back. Answers `Skeletons` of `clip_id`."""

    id: int
    text: str
    clip_id: int
    author: str
    redo: bool = False


class ExportSkeleton(Message, frozen=True):
    """Answers `SkeletonExported`: the clip's skeleton as JSON text, plain or as OpenLABEL 1.0 tags."""

    id: int
    clip_id: int
    form: ExportForm


# --- engine -> window ---------------------------------------------------------------------------------


class SkeletonValue(msgspec.Struct, frozen=True):
    """One value of the clip's skeleton. `title` is how a person says it; `time_s` the frame that shows it best."""

    slot: str
    value: str
    title: str
    probability: float
    holds: bool
    start_s: float
    end_s: float
    time_s: float
    source: SkeletonSource
    author: str = ""
    made: str = ""  # when the person said so, UTC in ISO 8601


class SkeletonMatch(msgspec.Struct, frozen=True):
    """One thing the query says and the clip's answer to it; `reason` tells the verdict in one sentence."""

    slot: str
    value: str
    title: str
    text: str
    start: int
    end: int
    negated: bool
    verdict: SkeletonVerdict
    probability: float
    reason: str
    found: SkeletonValue | None = None
    unchecked: tuple[str, ...] = ()


class SkeletonSlot(msgspec.Struct, frozen=True):
    """One slot of the ontology with the values a person may choose: (id, title) each."""

    slot: str
    title: str
    exclusive: bool
    choices: tuple[tuple[str, str], ...]
    none: float = -1.0  # probability of "none of these" in an exclusive slot; below 0 where that is not asked


class Skeletons(Message, frozen=True):
    """Answer to `GetSkeletons`, `CorrectSkeleton` and `UndoCorrection`.

    `values` hold every value that was asked, those that hold first in each slot; `not_understood` are stretches of the
    query that were not read; `notes` are plain sentences about how far the figures can be trusted.
    """

    id: int
    clip_id: int
    matches: tuple[SkeletonMatch, ...]
    values: tuple[SkeletonValue, ...]
    slots: tuple[SkeletonSlot, ...]
    not_understood: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    corrections: int = 0
    can_undo: bool = False
    can_redo: bool = False


class SkeletonExported(Message, frozen=True):
    """Answer to `ExportSkeleton`: JSON text for a file of this suggested name."""

    id: int
    clip_id: int
    name: str
    text: str


Requests = GetSkeletons | CorrectSkeleton | UndoCorrection | ExportSkeleton
Replies = Skeletons | SkeletonExported
