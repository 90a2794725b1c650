"""Which queries a report tells about."""

from core.evaluate.compare import reranking_hurt
from core.evaluate.judgements import Judged, Verdict
from core.evaluate.report.cases import choose_cases
from core.evaluate.table import query_table
from tests.core.evaluate.runs_by_hand import run_of


def judged(query, made):
    return Judged(query, 7, Verdict.NOT, (), "", "ann", made)


def test_worst_then_hurt_then_judged():
    run = run_of(first=[30, 1, 40, 2, 1, 1], reranked=[30, 1, 20, 9, 3, 1])
    said = [
        judged("query 1", "2026-01-01"),
        judged("query  5", "2026-01-02"),
        judged("query 5", "2026-01-02"),
    ]
    said += [judged("nobody asked", "2026-01-03")]
    cases = choose_cases(run, query_table(run), said, reranking_hurt(run), worst=2)
    assert [(case.row.query_id, case.why) for case in cases] == [
        ("0", "among the worst"),
        ("2", "among the worst"),
        ("3", "reranking hurt it"),
        ("4", "reranking hurt it"),
        ("5", "judged"),
        ("1", "judged"),
    ]
    assert (cases[0].truth_clip, cases[0].truth_rank, cases[0].top_clip) == (50, 30, 1)
    assert cases[4].top_clip is None  # what stands at rank 1 is right
    assert len(cases[4].judged) == 1


def test_without_failures_there_is_nothing_to_tell():
    run = run_of(first=[1, 1])
    assert choose_cases(run, query_table(run)) == []


def test_a_truth_that_was_not_ranked():
    run = run_of(first=[3])
    run.grades["0"][500] = run.grades["0"].pop(50)
    (case,) = choose_cases(run, query_table(run))
    assert (case.truth_clip, case.truth_rank, case.top_clip) == (500, None, 1)
