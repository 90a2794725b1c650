"""What two runs have in common: which queries, and among which clips both can be ranked.

Two runs over the same clips are compared as they are. Where one of them ranked clips that the other one does not have,
because the library grew or because it is another library, both are measured anew among the clips that both have: a
rank among more clips is no rank of the same kind. Everything that takes no part is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.judgements import query_key
from core.evaluate.metrics import Outcomes, outcome
from core.evaluate.ranking import Ranking
from core.evaluate.runs import Run, StageResult
from core.evaluate.ties import IntArray


@dataclass(frozen=True)
class ClipsOfTwo:
    """The clips of two libraries: `same` gives run a's clip for those of run b that have one."""

    a: Collection[int]
    b: Collection[int]
    same: Mapping[int, int]


@dataclass(frozen=True)
class LeftOut:
    """What takes no part. Clips are told where not all of both runs' were shared.

    `shared` counts the clips among which both were ranked; `clips_a` and `clips_b` are those that only one has.
    `queries_a` and `queries_b` are texts that only one has; `other_truth` those whose relevant clips are not the same
    in both, `unanswered` those none of whose relevant clips is shared.
    """

    shared: int
    clips_a: tuple[int, ...] = ()
    clips_b: tuple[int, ...] = ()
    queries_a: tuple[str, ...] = ()
    queries_b: tuple[str, ...] = ()
    other_truth: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Common:
    """P queries of two runs: their rows in each, their outcomes in each, and what was left out."""

    rows_a: tuple[int, ...]
    rows_b: tuple[int, ...]
    outcomes_a: Outcomes
    outcomes_b: Outcomes
    left_out: LeftOut


@dataclass
class _Pairs:
    """Rows of both runs that belong together, while they are looked for."""

    rows: list[tuple[int, int]] = field(default_factory=list)
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    other_truth: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


def common_ground(a: Run, b: Run, stage_a: str, stage_b: str, clips: ClipsOfTwo | None = None) -> Common:
    """What two runs have in common. Without `clips` they are of one library and know its clips by the same numbers.

    Raises DrivescopeError(BAD_INPUT) if they share no clip or no query.
    """
    ids_a, ids_b = _ranked(a, clips.a if clips else ()), _ranked(b, clips.b if clips else ())
    if clips is not None:
        same = {theirs: ours for theirs, ours in clips.same.items() if theirs in ids_b and ours in ids_a}
    elif _hash(a) == _hash(b):
        same = {clip_id: clip_id for clip_id in ids_a | ids_b}
        ids_a = ids_b = set(same)
    else:
        same = {clip_id: clip_id for clip_id in ids_a & ids_b}
    if not same:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT,
            f"The runs {a.run_id} and {b.run_id} ranked no clip in common: their libraries hold other footage.",
        )
    ours = frozenset(same.values())
    pairs = _pairs(a, b, same, ours)
    if not pairs.rows:
        raise DrivescopeError(
            ErrorKind.BAD_INPUT, f"The runs {a.run_id} and {b.run_id} have no query in common."
        )
    rows_a, rows_b = (tuple(side) for side in zip(*pairs.rows, strict=True))
    whole = len(same) == len(ids_a) == len(ids_b)
    left_out = LeftOut(
        len(same) if clips is not None or _hash(a) != _hash(b) else int(a.facts["counts"]["clips"]),
        tuple(sorted(ids_a - ours)),
        tuple(sorted(ids_b - same.keys())),
        tuple(pairs.only_a),
        tuple(pairs.only_b),
        tuple(pairs.other_truth),
        tuple(pairs.unanswered),
    )
    result_a, result_b = a.stages[stage_a], b.stages[stage_b]
    if whole:
        both = result_a.outcomes.take(np.array(rows_a)), result_b.outcomes.take(np.array(rows_b))
    else:
        both = _among(a, result_a, rows_a, ours), _among(b, result_b, rows_b, frozenset(same))
    return Common(rows_a, rows_b, *both, left_out)


def _hash(run: Run) -> object:
    """What tells which clips a run ranked; equal, they are the same ones."""
    return run.facts.get("hashes", {}).get("clips")


def _ranked(run: Run, there: Collection[int]) -> set[int]:
    """The clips that a run ranked; where it kept no whole ranking also those that its library holds."""
    rankings = run.final.rankings
    if rankings and len(rankings[0]) == int(run.facts["counts"]["clips"]):
        return set(rankings[0].clip_ids.tolist())
    found = set(there)
    for ranking in rankings:
        found.update(ranking.clip_ids.tolist())
    for judged in run.grades.values():
        found.update(judged)
    return found


def _pairs(a: Run, b: Run, same: Mapping[int, int], ours: Collection[int]) -> _Pairs:
    """Queries of the same text, the first with the first where one comes several times, and the same truth."""
    waiting: dict[str, list[int]] = {}
    for row in reversed(range(len(b.queries))):
        waiting.setdefault(query_key(b.queries[row].text), []).append(row)
    found = _Pairs()
    for row, query in enumerate(a.queries):
        rows = waiting.get(query_key(query.text))
        if not rows:
            found.only_a.append(query.text)
            continue
        other = rows.pop()
        truth_a = {clip: grade for clip, grade in a.grades[query.query_id].items() if clip in ours}
        judged_b = b.grades[b.queries[other].query_id]
        truth_b = {same[clip]: grade for clip, grade in judged_b.items() if clip in same}
        if truth_a != truth_b:
            found.other_truth.append(query.text)
        elif not any(grade > 0 for grade in truth_a.values()):
            found.unanswered.append(query.text)
        else:
            found.rows.append((row, other))
    left = sorted(row for rows in waiting.values() for row in rows)
    found.only_b += (b.queries[row].text for row in left)
    return found


def _among(run: Run, result: StageResult, rows: tuple[int, ...], shared: frozenset[int]) -> Outcomes:
    """The outcomes of some queries as if only the shared clips had been there.

    What a cut ranking does not hold has the last rank.
    """
    ids: IntArray = np.array(sorted(shared), np.int64)
    anew = []
    for row in rows:
        ranking = result.rankings[row]
        kept = np.isin(ranking.clip_ids, ids)
        left = Ranking(
            ranking.clip_ids[kept], ranking.scores[kept], int(np.count_nonzero(kept[: ranking.head]))
        )
        judged = run.grades[run.queries[row].query_id]
        grades = {clip: grade for clip, grade in judged.items() if clip in shared}
        anew.append(outcome(left.clip_ids, left.starts, grades, len(shared)))
    return Outcomes.stack(anew)
