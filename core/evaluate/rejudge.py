"""A stored run under people's judgements: the same rankings, another truth, no search."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.judgements import GRADES, NOTHING_LEFT, Judged, Judgements, query_key
from core.evaluate.metrics import Outcomes, outcome, summarise
from core.evaluate.runs import Run, StageResult, open_run, run_called


def rejudged(run: Run, judged: Sequence[Judged]) -> Run:
    """A stored run as it would be with people's judgements over the file's, without searching again.

    Only rankings that a judgement concerns are measured anew; a relevant clip that the run did not keep has the last
    rank. Queries whose last relevant clip was judged wrong are left out. What cannot be told from the rankings
    (video to text, moments, inferred AP) is not carried over. Raises DrivescopeError(BAD_INPUT) if no query is left.
    """
    by_text: dict[str, dict[int, int]] = {}
    for one in judged:
        by_text.setdefault(one.query, {})[one.clip_id] = GRADES[one.verdict]
    grades = {
        q.query_id: {**run.grades[q.query_id], **by_text.get(query_key(q.text), {})} for q in run.queries
    }
    kept = [row for row, q in enumerate(run.queries) if any(g > 0 for g in grades[q.query_id].values())]
    if not kept:
        raise DrivescopeError(ErrorKind.BAD_INPUT, NOTHING_LEFT)
    queries = tuple(run.queries[row] for row in kept)
    changed = [n for n, q in enumerate(queries) if grades[q.query_id] != run.grades[q.query_id]]
    clips = int(run.facts["counts"]["clips"])
    stages = {}
    for stage, result in run.stages.items():
        rankings = tuple(result.rankings[row] for row in kept)
        outcomes = result.outcomes.take(kept)
        if changed:
            anew = [
                outcome(rankings[n].clip_ids, rankings[n].starts, grades[queries[n].query_id], clips)
                for n in changed
            ]
            outcomes = outcomes.put(changed, Outcomes.stack(anew))
        stages[stage] = StageResult(rankings, outcomes)
    metrics = {
        stage: {name: value.as_dict() for name, value in summarise(result.outcomes).items()}
        for stage, result in stages.items()
    }
    facts = {
        **run.facts,
        "metrics": metrics,
        "video_to_text": None,
        "moments": None,
        "moment_intervals": None,
    }
    note = f"People's judgements changed the truth of {len(changed) + len(run.queries) - len(kept)} queries."
    facts["notes"] = [*run.facts.get("notes", ()), note]
    facts["counts"] = {**run.facts["counts"], "queries": len(queries)}
    return replace(
        run,
        facts=facts,
        queries=queries,
        grades={q.query_id: grades[q.query_id] for q in queries},
        stages=stages,
    )


def open_judged(library_folder: Path, run_ids: Sequence[str], *, use_judgements: bool) -> list[Run]:
    """Stored runs by id or name, under the library's judgements if asked. Raises DrivescopeError as `open_run` does."""
    runs = [open_run(library_folder, run_called(library_folder, name)) for name in run_ids]
    if not use_judgements:
        return runs
    with contextlib.closing(Judgements(library_folder)) as store:
        judged = store.current()
    return [rejudged(run, judged) for run in runs]
