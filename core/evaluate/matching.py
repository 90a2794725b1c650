"""Ground truth meets a library: which clips each query means, and which rows mean none, with the reason.

`preview` shows a file as it would be imported, before anything is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.datasets import queries_of, read_truth
from core.evaluate.files import Step, no_step, watched
from core.evaluate.gallery import Gallery, NotFound, split_fragment
from core.evaluate.sampled import UNJUDGED, Judgement
from core.evaluate.truth import Column, Query, QuerySet, RejectedRow, Role, SpanRule, TruthFile, TruthRow

PREVIEW_ROWS: Final = 20


def match(truth: TruthFile, gallery: Gallery, rule: SpanRule | None = None, step: Step = no_step) -> QuerySet:
    """The queries of a truth file with their relevant clips.

    Every row that finds no clip is listed with its reason. `step` is told of rows that were looked for. Raises
    DrivescopeError(BAD_INPUT) if no row finds one.
    """
    queries = _matched(truth, gallery, rule or SpanRule(), step)
    if not queries.queries:
        raise DrivescopeError(ErrorKind.BAD_INPUT, _nothing_matched(truth, queries.rejected))
    return queries


def _matched(truth: TruthFile, gallery: Gallery, rule: SpanRule, step: Step) -> QuerySet:
    """The same, with no query at all if no row finds a clip."""
    rejected = list(truth.rejected)
    grades: dict[str, dict[int, int]] = {}
    strata: dict[str, dict[int, Judgement]] = {}
    spans: dict[str, list[tuple[int, float, float]]] = {}
    sampled = any(row.stratum or row.grade == UNJUDGED for row in truth.rows)
    seen: dict[tuple[str, str, float | None, float | None], int] = {}
    for row in watched(truth.rows, "finding clips", step):
        start_s, end_s, name = row.start_s, row.end_s, row.video
        if start_s is None:
            name, start_s, end_s = split_fragment(row.video)
        first = seen.setdefault((row.query_id, name, start_s, end_s), row.row)
        try:
            if first != row.row:
                raise NotFound(f"it says again what row {first} says")
            if truth.in_frames and start_s is not None and end_s is not None:
                start_s, end_s = gallery.seconds_of_frames(name, start_s, end_s)
            video_id, clip_ids = gallery.clips_of(name, start_s, end_s, rule)
        except NotFound as reason:
            rejected.append(RejectedRow(row.row, row.text, row.video, str(reason)))
            continue
        known = grades.setdefault(row.query_id, {})
        for clip_id in clip_ids:
            known[clip_id] = max(known.get(clip_id, row.grade), row.grade)
            if sampled:
                pool = strata.setdefault(row.query_id, {})
                pool[clip_id] = Judgement(row.stratum, known[clip_id])
        if row.grade > 0 and start_s is not None and end_s is not None:
            spans.setdefault(row.query_id, []).append((video_id, start_s, end_s))
    return _query_set(truth, rule, grades, strata, spans, rejected)


def _query_set(
    truth: TruthFile,
    rule: SpanRule,
    grades: dict[str, dict[int, int]],
    strata: dict[str, dict[int, Judgement]],
    spans: dict[str, list[tuple[int, float, float]]],
    rejected: list[RejectedRow],
) -> QuerySet:
    queries = [Query(query_id, text, properties) for query_id, text, properties in queries_of(truth)]
    answered = {q.query_id for q in queries if any(g > 0 for g in grades.get(q.query_id, {}).values())}
    rejected.sort(key=lambda row: row.row)
    return QuerySet(
        path=truth.path,
        kind=truth.kind,
        sha256=truth.sha256,
        rule=rule,
        queries=tuple(q for q in queries if q.query_id in answered),
        grades={query_id: grades[query_id] for query_id in grades if query_id in answered},
        pools={query_id: strata[query_id] for query_id in strata if query_id in answered},
        spans={query_id: tuple(spans[query_id]) for query_id in spans if query_id in answered},
        unanswered=tuple(q for q in queries if q.query_id not in answered),
        rejected=tuple(rejected),
        rows=len(truth.rows) + len(truth.rejected),
    )


def _nothing_matched(truth: TruthFile, rejected: Sequence[RejectedRow]) -> str:
    sentence = f"No row of {truth.path} means a clip of this library"
    if not rejected:
        return f"{sentence}: it calls nothing relevant."
    return f"{sentence}; row {rejected[0].row}: {rejected[0].reason}."


@dataclass(frozen=True)
class Preview:
    """What an import would bring. `columns` tells which column of `header` was taken for what, and why.

    `rows` counts those that were read, `matched` those that mean a clip; `rejected` are the others.
    """

    path: Path
    kind: str
    encoding: str
    rule: SpanRule
    header: tuple[str, ...]
    columns: tuple[Column, ...]
    property_names: tuple[str, ...]
    first_rows: tuple[TruthRow, ...]
    rows: int
    queries: int
    unanswered: int
    rejected: tuple[RejectedRow, ...]

    @property
    def matched(self) -> int:
        """Rows that mean a clip of the library."""
        return self.rows - len(self.rejected)

    def as_dict(self, most: int | None = None) -> dict[str, Any]:
        """For JSON and the window; `rejected` lists at most so many, `unmatched_rows` counts all."""
        return {
            "path": str(self.path),
            "kind": self.kind,
            "encoding": self.encoding,
            "span_rule": self.rule.as_dict(),
            "header": list(self.header),
            "columns": {c.role: {"name": c.name, "found_by": c.found_by} for c in self.columns},
            "property_names": list(self.property_names),
            "first_rows": [
                {
                    "row": row.row,
                    "query": row.text,
                    "video": row.video,
                    "start_s": row.start_s,
                    "end_s": row.end_s,
                    "relevance": row.grade,
                }
                for row in self.first_rows
            ],
            "rows": self.rows,
            "queries": self.queries,
            "unanswered": self.unanswered,
            "matched_rows": self.matched,
            "unmatched_rows": len(self.rejected),
            "rejected": [row.as_dict() for row in self.rejected[:most]],
        }


def preview(
    path: Path,
    gallery: Gallery,
    rule: SpanRule | None = None,
    *,
    companion: Path | None = None,
    columns: Mapping[Role, str] | None = None,
    step: Step = no_step,
) -> Preview:
    """A file as it would be imported into a library; nothing is stored.

    A file none of whose rows means a clip is shown with its reasons, so that another rule or other columns can be
    tried. `step` is told of rows that were read and looked for. Raises DrivescopeError as `read_truth` does.
    """
    truth = read_truth(path, companion=companion, columns=columns, known_video=gallery.knows, step=step)
    queries = _matched(truth, gallery, rule or SpanRule(), step)
    return Preview(
        path=path,
        kind=truth.kind,
        encoding=truth.encoding,
        rule=queries.rule,
        header=truth.header,
        columns=truth.columns,
        property_names=truth.property_names,
        first_rows=truth.rows[:PREVIEW_ROWS],
        rows=queries.rows,
        queries=len(queries.queries),
        unanswered=len(queries.unanswered),
        rejected=queries.rejected,
    )
