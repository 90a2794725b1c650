"""Which queries a report tells about: those that a person chose, the worst, those hurt by reranking, judged ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.evaluate.compare import Comparison
from core.evaluate.judgements import Judged, query_key
from core.evaluate.runs import Run
from core.evaluate.table import QueryRow

WORST: Final = 8
HURT: Final = 2
MOST_JUDGED: Final = 8


@dataclass(frozen=True)
class Case:
    """A query to be looked at, and why.

    `truth_clip` is the relevant clip that ranks best (or that the run did not keep), `top_clip` rank 1 where that is
    not relevant. `truth_rank` is None where the run did not rank the clip, or not keep it.
    """

    row: QueryRow
    why: str
    truth_clip: int
    truth_rank: int | None
    top_clip: int | None
    judged: tuple[Judged, ...] = ()


def choose_cases(
    run: Run,
    rows: Sequence[QueryRow],
    judged: Sequence[Judged] = (),
    hurt: Comparison | None = None,
    worst: int = WORST,
    chosen: Sequence[str] = (),
) -> list[Case]:
    """The cases of a run, each query once.

    First those that a person chose (ids of queries), then `worst` of them by rank, then where reranking hurt, then
    judged ones, the newest first. A query is a failure if its first relevant clip is not expected at rank 1.
    """
    at = {row.query_id: n for n, row in enumerate(rows)}
    whys = {query_id: "chosen" for query_id in chosen if query_id in at}
    failed = sorted((row for row in rows if row.rank > 1), key=lambda row: -row.rank)[:worst]
    for row in failed:
        whys.setdefault(row.query_id, "among the worst")
    if hurt is not None:
        for pair in hurt.losses[:HURT] if worst else ():
            whys.setdefault(pair.query_id, "reranking hurt it")
    by_text: dict[str, list[Judged]] = {}
    for one in judged:
        by_text.setdefault(one.query, []).append(one)
    said = {row.query_id: by_text[query_key(row.text)] for row in rows if query_key(row.text) in by_text}
    newest = sorted(said, key=lambda query_id: max(one.made for one in said[query_id]), reverse=True)
    for query_id in newest[:MOST_JUDGED]:
        whys.setdefault(query_id, "judged")
    return [
        _case(run, at[query_id], rows[at[query_id]], why, tuple(said.get(query_id, ())))
        for query_id, why in whys.items()
    ]


def _case(run: Run, at: int, row: QueryRow, why: str, judged: tuple[Judged, ...]) -> Case:
    ranking = run.final.rankings[at]
    grades = run.grades[row.query_id]
    truth = row.truth_clip
    if truth is None:
        truth = next(clip_id for clip_id, grade in grades.items() if grade > 0)
    found = np.flatnonzero(ranking.clip_ids == truth)
    wrong = row.top_clip if row.top_clip is not None and grades.get(row.top_clip, 0) <= 0 else None
    return Case(row, why, truth, int(found[0]) + 1 if len(found) else None, wrong, judged)
