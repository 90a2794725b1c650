"""What a ground truth is made of: rows of a person's file, and queries whose relevant clips are known.

`datasets.py` reads files into a `TruthFile`; `matching.py` finds the clips that its rows mean and makes a `QuerySet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from core.evaluate.sampled import Judgement

Role = Literal["id", "query", "reason", "video", "start", "end", "relevance"]
Overlap = Literal["contains", "iou"]
DEFAULT_OVERLAP: Final[Overlap] = "contains"
DEFAULT_THRESHOLD: Final = 0.5


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One judgement of a file: this query means this span of this video. Without a span: the whole video.

    `row` counts as a person would: lines of a text file, entries of a JSON list, both from 1. `grade` above 0 is
    relevant, 0 not, below 0 pooled but unjudged. `properties` go with `TruthFile.property_names`.
    """

    row: int
    query_id: str
    text: str
    video: str
    start_s: float | None = None
    end_s: float | None = None
    grade: int = 1
    stratum: str = ""
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that counts for nothing, and why, in words."""

    row: int
    query: str
    video: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"row": self.row, "query": self.query, "video": self.video, "reason": self.reason}


@dataclass(frozen=True)
class Column:
    """Which column plays which role. `found_by`: its name, its content, or the person who chose it."""

    role: Role
    name: str
    found_by: Literal["name", "content", "choice"]


@dataclass(frozen=True)
class TruthFile:
    """A file as read, before anybody looked for its clips.

    With `in_frames` the rows' times are frame numbers (the first is 0, the last belongs to the span), which become
    seconds when their video is known.
    """

    path: Path
    kind: str
    sha256: str
    encoding: str
    rows: tuple[TruthRow, ...]
    rejected: tuple[RejectedRow, ...]
    columns: tuple[Column, ...] = ()
    property_names: tuple[str, ...] = ()
    in_frames: bool = False
    header: tuple[str, ...] = ()
    """All columns of a table, in its order."""


@dataclass(frozen=True)
class SpanRule:
    """When a clip is what a truth span means.

    "iou": intersection over union of the two spans reaches the threshold. "contains": their intersection covers
    at least that share of the shorter one, so that a clip of 8 s answers an event of 3 s, and a scene of 40 s is
    answered by every clip in it.
    """

    overlap: Overlap = DEFAULT_OVERLAP
    threshold: float = DEFAULT_THRESHOLD

    def share(self, start_s: float, end_s: float, clip_start_s: float, clip_end_s: float) -> float:
        """How well (0-1) a clip meets a truth span."""
        shared = min(end_s, clip_end_s) - max(start_s, clip_start_s)
        if end_s <= start_s:  # a moment without length: in the clip or not
            return float(clip_start_s <= start_s < clip_end_s) if self.overlap == "contains" else 0.0
        if shared <= 0:
            return 0.0
        whole, clip = end_s - start_s, clip_end_s - clip_start_s
        return shared / (min(whole, clip) if self.overlap == "contains" else whole + clip - shared)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"overlap": self.overlap, "threshold": self.threshold}


@dataclass(frozen=True)
class Query:
    """A query of the set. `properties` are the file's further columns, e.g. split or weather."""

    query_id: str
    text: str
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuerySet:
    """Queries with their relevant clips in one library; every query has at least one.

    `grades[query_id][clip_id]` is a judgement (above 0 relevant). `pools` holds the same with strata if the
    file's judgements are a sample, and nothing otherwise. `spans[query_id]` lists relevant (video_id, start_s,
    end_s). `unanswered` are the file's queries without a relevant clip here; `rejected` the rows that count for
    nothing.
    """

    path: Path
    kind: str
    sha256: str
    rule: SpanRule
    queries: tuple[Query, ...]
    grades: Mapping[str, Mapping[int, int]]
    pools: Mapping[str, Mapping[int, Judgement]]
    spans: Mapping[str, tuple[tuple[int, float, float], ...]]
    unanswered: tuple[Query, ...]
    rejected: tuple[RejectedRow, ...]
    rows: int
