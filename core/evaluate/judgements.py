"""What people judged: relevant, partly, not or unsure, with failure tags and a note, by whom and when.

One SQLite file in the library's folder, `judgements.db`. Every judgement is an action that is appended and never
altered but for being undone, so that undo and redo outlive the program, and each action is on the disk before `judge`
returns. The last action on a query and a clip that is not undone is what holds.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.gallery import Gallery
from core.evaluate.sampled import UNJUDGED
from core.evaluate.trec import write_qrels
from core.evaluate.truth import Query, QuerySet
from core.library.action_log import ActionLog, Row
from core.protocol import Feedback

FILE: Final = "judgements.db"
LONGEST_NOTE: Final = 10_000
_SCHEMA: Final = """
    CREATE TABLE actions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made TEXT NOT NULL,
        author TEXT NOT NULL,
        query TEXT NOT NULL,
        clip_id INTEGER NOT NULL,
        verdict TEXT,
        tags TEXT NOT NULL,
        note TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX actions_by_subject ON actions (query, clip_id, id);
"""


class Verdict(StrEnum):
    """How well a clip answers a query. `WITHDRAWN` is none: as if nobody had judged."""

    RELEVANT = "relevant"
    PARTLY = "partly"
    NOT = "not"
    UNSURE = "unsure"
    WITHDRAWN = "withdrawn"


GRADES: Final = {Verdict.RELEVANT: 2, Verdict.PARTLY: 1, Verdict.NOT: 0, Verdict.UNSURE: UNJUDGED}
"""The grade of each verdict in qrels; unsure counts as pooled but unjudged."""
TAGS: Final = (
    "wrong actor",
    "wrong action",
    "wrong order",
    "wrong attribute",
    "negation ignored",
    "count",
    "hidden or small",
    "caption at fault",
    "duplicate",
)
"""Why a clip that was ranked high is wrong, or one that is right was missed."""
NOTHING_LEFT: Final = "The judgements leave no query with a relevant clip: undo one of them."
"""What a person reads whose judgements took the last answer of the last query."""


@dataclass(frozen=True)
class Judged:
    """What holds for a query and a clip. `made` is the UTC time in ISO 8601."""

    query: str
    clip_id: int
    verdict: Verdict
    tags: tuple[str, ...]
    note: str
    author: str
    made: str


class Judgements(ActionLog[tuple[str, int]]):
    """The open store; `undo` and `redo` return the query and the clip that a judgement is about.

    Raises DrivescopeError as `ActionLog` does.
    """

    title: ClassVar = "The file of judgements"
    schema: ClassVar = _SCHEMA
    subject: ClassVar = "query, clip_id"

    def __init__(self, library_folder: Path) -> None:
        super().__init__(library_folder / FILE)

    def _about(self, row: Row) -> tuple[str, int]:
        query, clip_id = row
        return str(query), int(clip_id)

    # --- judging --------------------------------------------------------------------------------------

    def judge(
        self,
        query: str,
        clip_id: int,
        verdict: Verdict,
        *,
        author: str,
        tags: Collection[str] = (),
        note: str = "",
    ) -> Judged:
        """Records a judgement and forgets what this author could have redone.

        Raises DrivescopeError(BAD_INPUT) for an empty query, a tag that is none of `TAGS`, or a note beyond 10,000
        characters.
        """
        unknown = sorted(set(tags) - set(TAGS))
        if unknown:
            raise DrivescopeError(
                ErrorKind.BAD_INPUT, f"“{unknown[0]}” is none of the failure tags: {', '.join(TAGS)}."
            )
        if not query.strip() or len(note) > LONGEST_NOTE:
            wrong = (
                "A judgement needs a query."
                if not query.strip()
                else "The note is longer than 10,000 characters."
            )
            raise DrivescopeError(ErrorKind.BAD_INPUT, wrong)
        ordered = tuple(tag for tag in TAGS if tag in set(tags))
        made = datetime.now(UTC).isoformat(timespec="milliseconds")
        judged = Judged(query_key(query), clip_id, verdict, ordered, note, author, made)
        self._append(
            "INSERT INTO actions (made, author, query, clip_id, verdict, tags, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (made, author, judged.query, clip_id, verdict, json.dumps(ordered), note),
            author,
        )
        return judged

    # --- what holds -----------------------------------------------------------------------------------

    def current(self, query: str | None = None, author: str | None = None) -> list[Judged]:
        """What holds (for one query; of what one author said), in the order of queries and clips."""
        asked = {"query": None if query is None else query_key(query), "author": author}
        values = tuple(value for value in asked.values() if value is not None)
        where = "".join(f" AND {name} = ?" for name, value in asked.items() if value is not None)
        rows = self._rows(
            "SELECT query, clip_id, verdict, tags, note, author, made FROM actions WHERE id IN"
            f" (SELECT max(id) FROM actions WHERE undone = 0{where} GROUP BY query, clip_id)"
            " ORDER BY query, clip_id",
            values,
        )
        judged = (
            Judged(
                str(q),
                int(clip),
                Verdict(verdict),
                tuple(json.loads(tags)),
                str(note),
                str(author),
                str(made),
            )
            for q, clip, verdict, tags, note, author, made in rows
        )
        return [one for one in judged if one.verdict is not Verdict.WITHDRAWN]

    def write_qrels(self, path: Path, gallery: Gallery, queries: Sequence[Query]) -> int:
        """Writes what holds for these queries as TREC qrels; returns how many rows."""
        rows = [
            (query.query_id, gallery.document(one.clip_id), GRADES[one.verdict])
            for query in queries
            for one in self.current(query.text)
            if one.clip_id in gallery.clip_ids
        ]
        write_qrels(path, rows)
        return len(rows)


def with_judgements(queries: QuerySet, judged: Sequence[Judged], gallery: Gallery) -> QuerySet:
    """The queries with people's judgements over the file's: what a person saw counts more than an annotation.

    Judgements of clips that cannot be ranked, and of texts that are no query of the set, take no part. A query whose
    last relevant clip was judged wrong becomes unanswered; one that gained its first becomes answered.
    """
    by_text: dict[str, dict[int, int]] = {}
    for one in judged:
        if one.clip_id in gallery.clip_ids:
            by_text.setdefault(one.query, {})[one.clip_id] = GRADES[one.verdict]
    all_queries = (*queries.queries, *queries.unanswered)
    grades = {
        query.query_id: {**queries.grades.get(query.query_id, {}), **by_text.get(query_key(query.text), {})}
        for query in all_queries
    }
    answered = {query_id for query_id, known in grades.items() if any(grade > 0 for grade in known.values())}
    if not answered:
        raise DrivescopeError(ErrorKind.BAD_INPUT, NOTHING_LEFT)
    return replace(
        queries,
        queries=tuple(query for query in all_queries if query.query_id in answered),
        grades={query_id: known for query_id, known in grades.items() if query_id in answered},
        unanswered=tuple(query for query in all_queries if query.query_id not in answered),
    )


def feedback_of(library_folder: Path, query: str, author: str) -> Feedback:
    """What a ranking can learn for a query from this author's judgements, whatever others said after.

    "Partly" and "unsure" teach nothing. Raises DrivescopeError as `Judgements` does.
    """
    with contextlib.closing(Judgements(library_folder)) as store:
        said = store.current(query, author)
    by_verdict = {
        verdict: tuple(one.clip_id for one in said if one.verdict is verdict)
        for verdict in (Verdict.RELEVANT, Verdict.NOT)
    }
    return Feedback(by_verdict[Verdict.RELEVANT], by_verdict[Verdict.NOT])


def query_key(query: str) -> str:
    """A query's text as judgements know it: white space does not make another query."""
    return " ".join(query.split())
