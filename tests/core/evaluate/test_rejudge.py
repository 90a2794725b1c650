"""Stored runs under judgements: equal to measuring anew, and honest about what cannot be told."""

import numpy as np
import pytest

from core.errors import DrivescopeError
from core.evaluate.judgements import Judged, Verdict
from core.evaluate.metrics import outcome
from core.evaluate.rejudge import rejudged
from core.evaluate.ties import EXPECTED
from tests.core.evaluate.runs_by_hand import CLIPS, run_of


def judged(query, clip_id, verdict):
    return Judged(query, clip_id, verdict, (), "", "ann", "2026-01-01T00:00:00.000+00:00")


def test_by_hand():
    run = run_of(first=[4, 7, 9], reranked=[3, 5, 1])
    first = int(run.final.rankings[0].clip_ids[0])
    anew = rejudged(
        run,
        [
            judged("query 0", first, Verdict.RELEVANT),  # rank 1 is right after all
            judged("query 0", 99, Verdict.NOT),
            judged("query 1", 51, Verdict.NOT),  # its only truth was wrong
            judged("nobody asked", 3, Verdict.NOT),
        ],
    )
    assert [q.query_id for q in anew.queries] == ["0", "2"]
    assert anew.grades["0"] == {50: 1, first: 2, 99: 0}
    assert anew.final.outcomes.rank[:, EXPECTED].tolist() == [1, 1]
    assert anew.stages["first"].outcomes.rank[:, EXPECTED].tolist() == [1, 9]
    assert anew.facts["metrics"]["reranked"]["R@1"]["value"] == 100
    assert anew.facts["counts"]["queries"] == 2
    assert anew.facts["notes"] == ["People's judgements changed the truth of 2 queries."]
    assert run.facts.get("notes") is None  # the stored run is as it was


def test_equal_to_measuring_anew():
    generator = np.random.default_rng(0)
    run = run_of(first=generator.integers(1, CLIPS, 30))
    verdicts = [Verdict.RELEVANT, Verdict.PARTLY, Verdict.NOT, Verdict.UNSURE]
    said = [
        judged(f"query {generator.integers(30)}", int(generator.integers(1, CLIPS)), verdicts[n % 4])
        for n in range(60)
    ]
    anew = rejudged(run, said)
    for at, query in enumerate(anew.queries):
        ranking = anew.final.rankings[at]
        expected = outcome(ranking.clip_ids, ranking.starts, anew.grades[query.query_id], CLIPS)
        assert anew.final.outcomes.ndcg[at].tolist() == expected.ndcg[0].tolist()
        assert anew.final.outcomes.unjudged[at].tolist() == expected.unjudged[0].tolist()


def test_without_judgements_the_numbers_stay():
    run = run_of(first=[4, 7])
    assert rejudged(run, []).final.outcomes.rank.tolist() == run.final.outcomes.rank.tolist()


def test_nothing_left():
    run = run_of(first=[4])
    with pytest.raises(DrivescopeError, match="leave no query with a relevant clip"):
        rejudged(run, [judged("query 0", 50, Verdict.NOT)])
