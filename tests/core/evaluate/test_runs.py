"""Runs come back as they were, appear whole or not at all, and say so when they were damaged."""

import errno
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import DrivescopeError, ErrorKind
from core.evaluate import runs
from core.evaluate.ranking import Ranking
from core.evaluate.runs import delete_run, depth_for, list_runs, new_run_id, open_run, run_called, save_run
from core.search.stages import StageRows
from tests.core.evaluate.runs_by_hand import run_of


def test_a_run_comes_back(tmp_path):
    run = run_of(
        first=[3, 1, 7], reranked=[1, 2, 7], texts=["a", "grün 🚲", "c"], properties=[{"w": "rain"}, {}, {}]
    )
    folder = save_run(tmp_path, run)
    assert folder == tmp_path / "runs" / "run"
    again = open_run(tmp_path, "run")
    assert again.queries == run.queries
    assert again.grades == run.grades
    assert again.spans == run.spans
    assert again.rejected == run.rejected
    assert again.final_stage == "reranked"
    assert again.facts["name"] == "run"
    for name, stage in run.stages.items():
        for kept, ranking in zip(again.stages[name].rankings, stage.rankings, strict=True):
            assert np.array_equal(kept.clip_ids, ranking.clip_ids)
            assert np.array_equal(kept.scores, ranking.scores)
            assert kept.head == ranking.head
        assert np.array_equal(again.stages[name].outcomes.rank, stage.outcomes.rank)
        assert np.array_equal(again.stages[name].outcomes.ap, stage.outcomes.ap)


def test_names_and_times(tmp_path):
    now = datetime(2026, 1, 31, 14, 22, 33, tzinfo=UTC)
    assert new_run_id("Drive tiny: no rerank!", now) == "20260131-142233-drive-tiny--no-rerank"
    assert new_run_id("../../etc", now) == "20260131-142233-etc"
    assert new_run_id("", now) == "20260131-142233"
    run = run_of(first=[1])
    assert [save_run(tmp_path, run).name for _ in range(3)] == ["run", "run-2", "run-3"]
    assert [facts["run_id"] for facts in list_runs(tmp_path)] == ["run-3", "run-2", "run"]
    delete_run(tmp_path, "run-2")
    assert [facts["run_id"] for facts in list_runs(tmp_path)] == ["run-3", "run"]


def test_a_kill_while_writing_leaves_no_run(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    save_run(tmp_path, run_of(first=[1]))
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_run(tmp_path, run_of(run_id="second", first=[1]))
    assert [facts["run_id"] for facts in list_runs(tmp_path)] == ["run"]
    monkeypatch.undo()
    # a machine that lost power could not even tidy up: the next save does
    left = tmp_path / "runs" / ".unfinished-abc"
    left.mkdir()
    (left / "run.json").write_text("{")
    os.utime(left, (0, 0))
    assert len(list_runs(tmp_path)) == 1
    save_run(tmp_path, run_of(run_id="third", first=[1]))
    assert not left.exists()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, ErrorKind.DISK_FULL),
        (errno.EACCES, ErrorKind.NO_PERMISSION),
        (errno.EIO, ErrorKind.BAD_INPUT),
    ],
)
def test_a_disk_that_says_no(tmp_path, monkeypatch, code, kind):
    def refuse(*_, **__):
        raise OSError(code, "no")

    monkeypatch.setattr(runs.np, "savez", refuse)
    with pytest.raises(DrivescopeError) as caught:
        save_run(tmp_path, run_of(first=[1]))
    assert caught.value.kind is kind
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["first.npz", "queries.json"])
@pytest.mark.parametrize("how", ["cut", "changed", "gone"])
def test_damage_is_noticed(tmp_path, name, how):
    folder = save_run(tmp_path, run_of(first=[1, 4]))
    path = folder / name
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut" else content[:-1] + b"?")
    with pytest.raises(DrivescopeError) as caught:
        open_run(tmp_path, "run")
    assert caught.value.kind in {ErrorKind.UNREADABLE, ErrorKind.NOT_FOUND}


def test_a_damaged_head_is_listed_with_its_sentence(tmp_path):
    folder = save_run(tmp_path, run_of(first=[1]))
    (folder / "run.json").write_text("{}")
    (facts,) = list_runs(tmp_path)
    assert "is damaged: delete it and evaluate again" in facts["damaged"]
    (folder / "run.json").write_text(json.dumps({"format": 99, "files": {}, "stages": []}))
    with pytest.raises(DrivescopeError) as caught:
        open_run(tmp_path, "run")
    assert caught.value.kind is ErrorKind.VERSION


@pytest.mark.parametrize("run_id", ["none", "..", "../runs/run", "run/../run", ".unfinished-run", ""])
def test_runs_that_are_not_there(tmp_path, run_id):
    folder = save_run(tmp_path, run_of(first=[1]))
    shutil.copytree(folder, folder.parent / ".unfinished-run")  # as a crash leaves it
    for use in (open_run, delete_run):
        with pytest.raises(DrivescopeError, match="has no run") as caught:
            use(tmp_path, run_id)
        assert caught.value.kind is ErrorKind.NOT_FOUND
    assert len(list_runs(tmp_path)) == 1


def test_depth_is_cut_only_for_huge_evaluations():
    assert depth_for(1000, 3000) == 3000
    assert depth_for(1000, 1_000_000) == 20_000
    assert depth_for(1_000_000, 5000) == 1000


def found(clip_ids, scores, rerank_scores=()):
    """A stage as the searcher gives it."""
    n = len(clip_ids)
    return StageRows(
        "reranked" if rerank_scores else "first",
        None,
        np.arange(n),
        np.array(clip_ids, np.int64),
        np.array(scores, np.float32),
        np.arange(1, n + 1),
        np.array(rerank_scores, np.float32),
        np.zeros(len(rerank_scores), np.int64),
        n,
        {},
        True,
    )


def test_a_ranking_ties_only_inside_a_part():
    ranking = Ranking.of_stage(found([5, 6, 7, 8, 9], [0.1, 0.2, 0.5, 0.5, 0.4], [0.9, 0.5]))
    assert ranking.clip_ids.tolist() == [5, 6, 7, 8, 9]
    assert ranking.head == 2
    assert ranking.starts.tolist() == [0, 1, 2, 4]  # 0.5 of the reranker is not 0.5 of the first stage
    falling = ranking.falling_scores()
    assert falling[:2].tolist() == pytest.approx([0.9, 0.5])
    assert falling[1] > falling[2] == falling[3] > falling[4]
    assert ranking.cut(1).head == 1
    assert Ranking.of_stage(found([1, 2], [0.5, 0.5])).starts.tolist() == [0]
    assert Ranking.of_stage(found([], [])).starts.tolist() == []


def test_runs_by_their_names(tmp_path):
    with pytest.raises(DrivescopeError, match="has no run: make one"):
        run_called(tmp_path)
    for day, name in enumerate(["old", "twice", "twice", "new"]):
        save_run(tmp_path, replace(run_of(run_id=name, first=[1]), run_id=f"2026010{day}-{name}"))
    assert run_called(tmp_path) == "20260103-new"
    assert run_called(tmp_path, "twice") == "20260102-twice"
    assert run_called(tmp_path, "20260101-twice") == "20260101-twice"
    with pytest.raises(DrivescopeError, match="has no run “nobody”"):
        open_run(tmp_path, run_called(tmp_path, "nobody"))
