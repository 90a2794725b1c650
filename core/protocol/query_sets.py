"""Messages about queries with known answers: a truth file looked at, imported, listed, dropped."""

from __future__ import annotations

from typing import Literal

import msgspec

from core.protocol.basics import Message

Overlap = Literal["contains", "iou"]


class SpanMatch(msgspec.Struct, frozen=True):
    """When a clip is what a true span means: their overlap, of this kind, reaches this share (0-1)."""

    overlap: Overlap = "contains"
    threshold: float = 0.5


# --- window -> engine ---------------------------------------------------------------------------------


class PreviewQueries(Message, frozen=True):
    """Read a truth file as it would be imported; nothing is stored. Answers `QueriesPreview`.

    `companion` is the qrels of TREC topics, or the CSV that chooses videos of an MSR-VTT JSON. `columns` says which
    column plays which role where the person knows better: `{"video": "clip name"}`.
    """

    id: int
    path: str
    companion: str = ""
    match: SpanMatch = SpanMatch()
    columns: dict[str, str] = msgspec.field(default_factory=dict)


class ImportQueries(Message, frozen=True):
    """Keep a copy of a truth file with the library, with how it is matched. Answers `QuerySets`."""

    id: int
    path: str
    companion: str = ""
    match: SpanMatch = SpanMatch()
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    name: str = ""  # empty: the file's


class GetQuerySets(Message, frozen=True):
    """Answers `QuerySets`: what was imported into the open library."""

    id: int


class DropQuerySet(Message, frozen=True):
    """Forget an imported file; runs on it stay. Answers `QuerySets`."""

    id: int
    set_id: str


# --- engine -> window ---------------------------------------------------------------------------------


class ColumnInfo(msgspec.Struct, frozen=True):
    """Which column of a truth file plays which role, and how that was found out: name, content, choice."""

    role: str
    name: str
    found_by: str


class SampleRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of a truth file as it was read. Without a span: the whole video."""

    row: int
    query: str
    video: str
    start_s: float | None
    end_s: float | None
    relevance: int


class RejectedRowInfo(msgspec.Struct, frozen=True, array_like=True):
    """A row that counts for nothing, and why."""

    row: int
    query: str
    video: str
    reason: str


class QueriesPreview(Message, frozen=True):
    """Answer to `PreviewQueries`. `rejected` holds at most the first thousand of `rejected_count`."""

    id: int
    path: str
    kind: str
    encoding: str
    header: tuple[str, ...]
    columns: tuple[ColumnInfo, ...]
    property_names: tuple[str, ...]
    sample: tuple[SampleRow, ...]
    rows: int
    queries: int
    unanswered: int
    rejected: tuple[RejectedRowInfo, ...]
    rejected_count: int


class QuerySetInfo(msgspec.Struct, frozen=True):
    """An imported truth file. `problem` is the sentence for one that cannot be read any more."""

    set_id: str
    name: str
    kind: str
    queries: int
    match: SpanMatch
    imported: str  # UTC, ISO 8601
    problem: str = ""


class QuerySets(Message, frozen=True):
    """Answer to `GetQuerySets`, `ImportQueries` and `DropQuerySet`. `chosen` is the one just imported."""

    id: int
    sets: tuple[QuerySetInfo, ...]
    chosen: str = ""


Requests = PreviewQueries | ImportQueries | GetQuerySets | DropQuerySet
Replies = QueriesPreview | QuerySets
