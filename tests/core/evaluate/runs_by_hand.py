"""Small runs made by hand, for the tests of what is done with runs."""

import numpy as np

from core.evaluate.metrics import Outcomes, outcome
from core.evaluate.ranking import Ranking
from core.evaluate.runs import Run, StageResult
from core.evaluate.truth import Query

CLIPS = 100


def ranking(clip_ids, head=None):
    scores = np.linspace(1, 0, len(clip_ids), dtype=np.float32)
    return Ranking(np.array(clip_ids, np.int64), scores, len(clip_ids) if head is None else head)


def order_with(clip_id, rank):
    """All clips, with one at a rank."""
    others = [clip for clip in range(1, CLIPS + 1) if clip != clip_id]
    return [*others[: rank - 1], clip_id, *others[rank - 1 :]]


def stage(ranks, grades):
    """A stage in which query n's one relevant clip has the n-th rank."""
    rankings = [
        ranking(order_with(next(iter(judged)), rank))
        for rank, judged in zip(ranks, grades.values(), strict=True)
    ]
    rows = [
        outcome(r.clip_ids, r.starts, judged, CLIPS)
        for r, judged in zip(rankings, grades.values(), strict=True)
    ]
    return StageResult(tuple(rankings), Outcomes.stack(rows))


def run_of(*, run_id="run", texts=None, properties=None, clips="abc", **ranks_by_stage):
    """A run of one relevant clip a query (clip 50 + n), with given ranks in each stage."""
    count = len(next(iter(ranks_by_stage.values())))
    texts = texts or [f"query {n}" for n in range(count)]
    properties = properties or [{}] * count
    queries = tuple(Query(str(n), texts[n], properties[n]) for n in range(count))
    grades = {str(n): {50 + n % 40: 1} for n in range(count)}
    stages = {name: stage(ranks, grades) for name, ranks in ranks_by_stage.items()}
    facts = {"name": run_id, "hashes": {"clips": clips}, "counts": {"clips": CLIPS}}
    return Run(run_id, facts, queries, grades, stages, {"0": ((1, 0.0, 3.0),)}, ({"row": 2, "reason": "x"},))
