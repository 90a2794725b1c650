"""Judgements hold, are undone and redone, survive a kill, and change the truth that metrics see."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.evaluate.judgements import FILE, Judgements, Verdict, feedback_of, with_judgements
from core.evaluate.matching import match
from core.evaluate.trec import read_qrels
from core.evaluate.truth import Query, TruthFile, TruthRow
from core.protocol import Feedback


@pytest.fixture
def store(tmp_path):
    opened = Judgements(tmp_path)
    yield opened
    opened.close()


def verdicts(store, query=None):
    return {(one.query, one.clip_id): str(one.verdict) for one in store.current(query)}


def test_the_last_word_holds(store):
    store.judge("a red car", 1, Verdict.RELEVANT, author="ann")
    store.judge(
        " a  red car ", 2, Verdict.PARTLY, author="ann", tags=["count", "wrong actor"], note="half hidden"
    )
    store.judge("rain", 1, Verdict.UNSURE, author="bob")
    last = store.judge("a red car", 1, Verdict.NOT, author="bob")
    assert verdicts(store) == {("a red car", 1): "not", ("a red car", 2): "partly", ("rain", 1): "unsure"}
    assert verdicts(store, "rain") == {("rain", 1): "unsure"}
    first, second = store.current("a red car")
    assert first == last
    assert (second.tags, second.note, second.author) == (("wrong actor", "count"), "half hidden", "ann")
    assert second.made.endswith("+00:00")
    store.judge("rain", 1, Verdict.WITHDRAWN, author="ann")
    assert ("rain", 1) not in verdicts(store)


def test_a_ranking_learns_from_what_one_author_said(store, tmp_path):
    for clip, verdict in (
        (1, "relevant"),
        (2, "not"),
        (3, "partly"),
        (4, "unsure"),
        (5, "relevant"),
        (6, "not"),
    ):
        store.judge("a red car", clip, Verdict(verdict), author="ann")
    store.judge("a  red car", 1, Verdict.NOT, author="bob")  # the last word, but not ann's
    store.judge("a red car", 2, Verdict.RELEVANT, author="ann")
    store.judge("a red car", 5, Verdict.WITHDRAWN, author="ann")
    store.judge("a blue car", 7, Verdict.RELEVANT, author="ann")
    assert feedback_of(tmp_path, " a red  car", "ann") == Feedback((1, 2), (6,))
    assert feedback_of(tmp_path, "a red car", "bob") == Feedback((), (1,))
    assert feedback_of(tmp_path, "a red car", "carl") == Feedback()
    assert [one.author for one in store.current(author="bob")] == ["bob"]
    store.undo("ann")
    store.undo("ann")
    assert feedback_of(tmp_path, "a red car", "ann") == Feedback((1, 2, 5), (6,))


def test_undo_and_redo_of_each_author(store, tmp_path):
    store.judge("q", 1, Verdict.RELEVANT, author="ann")
    store.judge("q", 1, Verdict.NOT, author="ann")
    store.judge("q", 2, Verdict.PARTLY, author="bob")
    assert store.undo("ann") == ("q", 1)
    assert verdicts(store) == {("q", 1): "relevant", ("q", 2): "partly"}
    store.close()
    again = Judgements(tmp_path)  # undo and redo outlive the program
    assert again.undo("ann") == ("q", 1)
    assert again.undo("ann") is None
    assert verdicts(again) == {("q", 2): "partly"}
    assert again.redo("ann") == ("q", 1)
    assert verdicts(again)["q", 1] == "relevant"
    assert again.redo("ann") == ("q", 1)
    assert verdicts(again)["q", 1] == "not"
    assert again.redo("ann") is None
    again.undo("ann")
    again.judge("q", 3, Verdict.RELEVANT, author="ann")  # a new action ends what could be redone
    assert again.redo("ann") is None
    assert verdicts(again) == {("q", 1): "relevant", ("q", 2): "partly", ("q", 3): "relevant"}
    again.close()


def test_a_kill_loses_nothing_that_was_said(tmp_path):
    script = (
        "import os, sys, signal; from pathlib import Path; from core.evaluate.judgements import *\n"
        "store = Judgements(Path(sys.argv[1]))\n"
        "[store.judge('q', n, Verdict.RELEVANT, author='ann') for n in range(20)]\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    store = Judgements(tmp_path)
    assert len(store.current()) == 20
    store.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"query": "  "}, "A judgement needs a query"),
        ({"tags": ["bad mood"]}, "“bad mood” is none of the failure tags: wrong actor"),
        ({"note": "x" * 10_001}, "longer than 10,000 characters"),
    ],
)
def test_bad_judgements(store, arguments, sentence):
    with pytest.raises(DrivescopeError, match=sentence):
        store.judge(arguments.pop("query", "q"), 1, Verdict.NOT, author="ann", **arguments)
    assert store.current() == []


def test_a_damaged_or_newer_file_says_so(tmp_path):
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(DrivescopeError, match="is damaged: move it away") as caught:
        Judgements(tmp_path)
    assert caught.value.kind is ErrorKind.UNREADABLE
    (tmp_path / FILE).unlink()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(DrivescopeError) as caught:
        Judgements(tmp_path)
    assert caught.value.kind is ErrorKind.VERSION
    with pytest.raises(DrivescopeError) as caught:
        Judgements(tmp_path / "nowhere")
    assert caught.value.kind is ErrorKind.NO_PERMISSION


def test_a_full_disk_keeps_what_was_there(store):
    store.judge("q", 1, Verdict.RELEVANT, author="ann")
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DrivescopeError) as caught:
        for number in range(1000):
            store.judge("q" * 500, number, Verdict.NOT, author="ann", note="n" * 2000)
    assert caught.value.kind is ErrorKind.DISK_FULL
    assert verdicts(store, "q") == {("q", 1): "relevant"}


def test_two_programs_at_once(tmp_path, store):
    other = Judgements(tmp_path)
    store.judge("q", 1, Verdict.RELEVANT, author="ann")
    other.judge("q", 2, Verdict.NOT, author="bob")
    assert len(store.current()) == len(other.current()) == 2
    other.close()


def test_they_change_the_truth(store, gallery):
    rows = (
        TruthRow(2, "1", "a red car", "dash.mp4", 0, 8),
        TruthRow(3, "2", "rain", "dash.mp4", 8, 16),
        TruthRow(4, "3", "snow", "lost.mp4"),
    )
    queries = match(TruthFile(Path("t.csv"), "CSV", "0", "utf-8", rows, ()), gallery)
    assert with_judgements(queries, [], gallery) == queries
    store.judge("a red  car", 2, Verdict.PARTLY, author="ann")
    store.judge("a red car", 1, Verdict.RELEVANT, author="ann")
    store.judge("rain", 2, Verdict.NOT, author="ann")
    store.judge("snow", 4, Verdict.RELEVANT, author="ann")
    store.judge("snow", 999, Verdict.RELEVANT, author="ann")  # a clip that is gone
    store.judge("never asked", 1, Verdict.RELEVANT, author="ann")
    judged = with_judgements(queries, store.current(), gallery)
    assert judged.grades == {"1": {1: 2, 2: 1}, "3": {4: 2}}
    assert [q.query_id for q in judged.unanswered] == ["2"]


def test_qrels_of_judgements(store, gallery, tmp_path):
    store.judge("a red car", 1, Verdict.RELEVANT, author="ann")
    store.judge("a red car", 2, Verdict.UNSURE, author="ann")
    store.judge("other", 3, Verdict.NOT, author="ann")
    assert store.write_qrels(tmp_path / "qrels", gallery, [Query("q1", "a red car")]) == 2
    rows, _ = read_qrels(tmp_path / "qrels")
    assert [(r.topic, r.document, r.grade) for r in rows] == [
        ("q1", "dash.mp4#t=0,8", 2),
        ("q1", "dash.mp4#t=8,16", -1),
    ]
