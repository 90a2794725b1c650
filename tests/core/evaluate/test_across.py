"""Runs of two libraries: which clips are the same, how runs are compared among them, what is said to be left out."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.errors import DrivescopeError
from core.evaluate.across import Spot, TwoLibraries, same_clips, told
from core.evaluate.compare import compare_runs
from core.evaluate.truth import Query
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from tests.core.evaluate.runs_by_hand import run_of
from tests.core.evaluate.test_command_line import run
from tests.core.search.test_pipeline import add_clips


def spots(first, *videos):
    """Clips of eight seconds, numbered from `first`; a video is (contents, path, clips, seconds that it is late)."""
    found = {}
    for contents, path, clips, late_s in videos:
        for n in range(clips):
            found[first + len(found)] = Spot(contents, path, 8.0 * n + late_s, 8.0 * n + 8.0 + late_s)
    return found


def test_clips_are_the_same_by_content_and_span_else_by_name():
    a = spots(
        1, ("x", "/old/day.mp4", 3, 0.0), ("y", "/old/night.mp4", 2, 0.0), ("z", "/old/a/b.mp4", 1, 0.0)
    )
    b = spots(
        100,
        ("x", "/new/renamed.mkv", 4, 0.0),  # the same bytes under another name, one clip more
        ("y2", "/new/Night.MOV", 2, 0.1),  # another file of that name: a crop of the same recording
        ("z2", "/new/a/b.mp4", 1, 0.0), ("z3", "/new/c/b.mp4", 1, 0.0),  # two of one name: nobody knows which
    )  # fmt: skip
    assert same_clips(a, b) == ({100: 1, 101: 2, 102: 3, 104: 4, 105: 5}, 2)
    assert same_clips(a, spots(100, ("x", "/new/day.mp4", 3, 0.3))) == ({}, 0)
    twice = spots(1, ("x", "/a.mp4", 1, 0.0), ("x", "/b.mp4", 1, 0.0))
    assert same_clips(twice, twice) == ({1: 1, 2: 2}, 0)


def numbered_anew(run, by):
    """The same run in a library that numbers its clips and its queries otherwise."""
    stages = {
        name: replace(
            result, rankings=tuple(replace(one, clip_ids=one.clip_ids + by) for one in result.rankings)
        )
        for name, result in run.stages.items()
    }
    return replace(
        run,
        queries=tuple(Query(f"q{q.query_id}", f"  {q.text} ", q.properties) for q in run.queries),
        grades={
            f"q{query_id}": {c + by: g for c, g in found.items()} for query_id, found in run.grades.items()
        },
        stages=stages,
        facts={**run.facts, "hashes": {"clips": "other"}},
    )


def test_runs_of_two_libraries_compare_as_if_they_were_of_one():
    a, b = run_of(run_id="a", first=[1, 8, 3, 20]), run_of(run_id="b", first=[1, 2, 12, 5])
    here = {n: Spot("x", "x.mp4", 8.0 * n, 8.0 * n + 8) for n in range(1, 101)}
    there = {n + 500: spot for n, spot in here.items()}
    libraries = TwoLibraries.of(here, there)
    found, plain = compare_runs(a, numbered_anew(b, 500), clips=libraries.clips), compare_runs(a, b)
    assert found.pairs == plain.pairs
    assert found.metrics == plain.metrics
    assert told(found.left_out, libraries) == ["Ranks are among the 100 clips that both libraries hold."]
    assert told(plain.left_out) == []


def test_among_fewer_clips_ranks_are_counted_anew_and_what_is_left_out_is_told():
    a = run_of(run_id="a", first=[30, 8, 3, 2], texts=["x", "y", "z", "only a"])
    b = numbered_anew(run_of(run_id="b", first=[2, 40, 70], texts=["x", "y", "z"]), 500)
    b.grades["q2"][599] = 1  # judged otherwise
    here = {n: Spot("x", "day.mp4", 8.0 * n, 8.0 * n + 8) for n in range(1, 101)}
    there = {n + 500: spot for n, spot in here.items() if n > 20}
    libraries = TwoLibraries.of(here, there)
    b = replace(b, facts={**b.facts, "counts": {"clips": 80}}, stages=dict(b.stages))
    kept = [one.clip_ids[one.clip_ids > 520] for one in b.final.rankings]
    rankings = tuple(
        replace(one, clip_ids=ids, scores=one.scores[: len(ids)], head=len(ids))
        for one, ids in zip(b.final.rankings, kept, strict=True)
    )
    b.stages["first"] = replace(b.final, rankings=rankings)
    found = compare_runs(a, b, clips=libraries.clips)
    expected = []  # a plain loop: the place of the relevant clip among those that both have
    for row in range(2):
        relevant = 50 + row
        ours = [clip for clip in a.final.rankings[row].clip_ids.tolist() if clip > 20]
        theirs = [clip - 500 for clip in kept[row].tolist()]
        expected.append((ours.index(relevant) + 1.0, theirs.index(relevant) + 1.0))
    assert [(p.rank_a, p.rank_b) for p in found.pairs] == expected
    assert expected[0][0] < 30
    assert (found.left_out.shared, len(found.left_out.clips_a), len(found.left_out.clips_b)) == (80, 20, 0)
    assert told(found.left_out, libraries) == [
        "Ranks are among the 80 clips that both libraries hold.",
        "20 clips only of a take no part, e.g. day.mp4 8-16 s, day.mp4 16-24 s, day.mp4 24-32 s.",
        "1 query only in a, e.g. “only a”.",
        "1 query with other relevant clips in the two runs, e.g. “z”.",
    ]
    told_json = found.as_dict()
    assert (told_json["queries"], told_json["only_a"], told_json["only_b"]) == (2, 2, 1)
    assert (told_json["clips"], told_json["only_clips_a"]) == (80, 20)


def test_a_library_that_grew_is_compared_among_the_clips_of_both():
    a, b = run_of(run_id="a", first=[9]), run_of(run_id="b", first=[4], clips="more")
    few = a.final.rankings[0]
    few = replace(few, clip_ids=few.clip_ids[:60], scores=few.scores[:60], head=60)
    a = replace(a, facts={**a.facts, "counts": {"clips": 60}})
    a = replace(a, stages={"first": replace(a.final, rankings=(few,))})
    found = compare_runs(a, b)
    assert [(p.rank_a, p.rank_b) for p in found.pairs] == [(9.0, 4.0)]
    assert told(found.left_out) == [
        "Ranks are among the 60 clips that both runs ranked: the library changed.",
        "40 clips only of b take no part.",
    ]


def test_nothing_in_common_is_one_sentence():
    a, b = run_of(run_id="a", first=[1]), numbered_anew(run_of(run_id="b", first=[1]), 500)
    with pytest.raises(DrivescopeError, match="ranked no clip in common: their libraries hold other footage"):
        compare_runs(a, b)
    libraries = TwoLibraries.of({50: Spot("x", "x", 0.0, 8.0)}, {550: Spot("x", "x", 0.0, 8.0)})
    found = compare_runs(a, b, clips=libraries.clips)
    assert np.array([p.rank_a for p in found.pairs]).tolist() == [1.0]
    b.grades["q0"].clear()
    with pytest.raises(DrivescopeError, match="have no query in common"):
        compare_runs(a, b, clips=libraries.clips)


def test_two_bundles_in_two_libraries_on_the_command_line(library, bundle, queries_file, tmp_path, capsys):
    other_bundle = load_bundle(
        str(random_bundle(tmp_path / "other", seed=7)), device="cpu", precision="float32"
    )
    other = Library.create(tmp_path / "elsewhere", other_bundle.spec)
    add_clips(
        other, other_bundle, "/drive/day.mp4", 15, seed=2
    )  # another order, another model, one video more
    add_clips(other, other_bundle, "/drive/dusk.mp4", 2, seed=5)
    add_clips(other, other_bundle, "/drive/night.mp4", 25, seed=1)
    for folder, name in ((library.folder, "ours"), (other.folder, "theirs")):
        code, _, err = run(
            capsys, "evaluate", "--queries", queries_file, "--library", folder, "--name", name, "--no-rerank"
        )
        assert (code, err) == (0, "")
    other.close()
    common = ("runs", "--library", library.folder, "--other-library", tmp_path / "elsewhere")
    code, out, err = run(capsys, *common, "ours", "theirs", "--json")
    found = json.loads(out)
    assert (code, err, found["queries"], found["clips"]) == (0, "", 3, 40)
    assert found["matching"] == [
        "Ranks are among the 40 clips that both libraries hold.",
        "2 clips only of b take no part, e.g. dusk.mp4 0-8 s, dusk.mp4 8-16 s.",
    ]
    code, out, _ = run(capsys, *common)  # the newest of each
    assert code == 0
    assert "2 clips only of b take no part" in out
    code, _, err = run(capsys, *common[:-1], tmp_path / "nowhere")
    assert (code, "There is no library in" in err or "has no run" in err) == (2, True)
    code, _, err = run(capsys, *common, "a", "b", "c")
    assert (code, "Name no run, one, or two" in err) == (2, True)
