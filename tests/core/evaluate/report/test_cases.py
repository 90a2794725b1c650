"""Which queries a report tells about."""

import pytest

from core.errors import DrivescopeError
from core.evaluate.chosen import FILE, called, choose, chosen
from core.evaluate.compare import reranking_hurt
from core.evaluate.judgements import Judged, Verdict
from core.evaluate.report.cases import choose_cases
from core.evaluate.runs import save_run
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


def test_what_a_person_chose_comes_first():
    run = run_of(first=[30, 1, 40, 2])
    cases = choose_cases(run, query_table(run), worst=2, chosen=("1", "2", "gone"))
    assert [(case.row.query_id, case.why) for case in cases] == [
        ("1", "chosen"),
        ("2", "chosen"),
        ("0", "among the worst"),
    ]


def test_a_query_is_called_by_number_text_or_part_of_it():
    run = run_of(first=[1, 1, 1], texts=["a red car", "a red car at night", "Two  buses"])
    assert called(run, ["two buses", "1", "A RED CAR", "night"]) == ("2", "1", "0")
    with pytest.raises(DrivescopeError, match="has no query “a tram”"):
        called(run, ["a tram"])
    with pytest.raises(
        DrivescopeError, match=r"2 queries contain “red”, e\.g\. 0 “a red car”, 1 “a red car at"
    ):
        called(run, ["red"])
    with pytest.raises(DrivescopeError, match="has no query “ ”"):
        called(run, [" "])


def test_choices_outlive_the_program_and_a_damaged_list_is_told(tmp_path):
    folder = save_run(tmp_path, run_of(first=[1, 1]))
    assert chosen(tmp_path, folder.name) == ()
    assert choose(tmp_path, folder.name, "1", on=True) == ("1",)
    assert choose(tmp_path, folder.name, "0", on=True) == chosen(tmp_path, folder.name) == ("1", "0")
    assert choose(tmp_path, folder.name, "1", on=False) == ("0",)
    (folder / FILE).write_text('{"0": 1}')
    with pytest.raises(DrivescopeError, match="is no list of chosen queries: remove it and choose again"):
        chosen(tmp_path, folder.name)
    with pytest.raises(DrivescopeError, match="has no run"):
        choose(tmp_path, "../x", "1", on=True)
