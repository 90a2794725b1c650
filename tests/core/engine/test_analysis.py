"""A whole analysis over the real demo library: import, evaluate, look, judge, compare. Nothing is pretended here."""

import array
import contextlib
import json
import shutil

import pytest

from core import paths, protocol
from core.engine.analysis import Analysis
from core.engine.context import Context
from core.engine.host import Host
from core.engine.judging import Judging
from core.engine.workers import Job
from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.evaluate.query_sets import list_query_sets
from core.evaluate.runs import open_run
from core.evaluate.table import query_table
from core.library.catalog import Catalog
from core.library.demo import open_demo
from core.search.pipeline import Searcher


class Desk:
    """The handlers of `Analysis` and `Judging` without a socket; `ask` gives the replies of one request."""

    def __init__(self) -> None:
        self.posted: list[protocol.Reply] = []
        self.context = Context(Host("cpu"), self.posted.append)
        models = self.context.host.workers.models

        def open_library() -> Searcher:
            bundle = self.context.host.bundle()
            return Searcher(open_demo(bundle, lambda step: None, lambda: False), bundle)

        self.context.searcher = models.submit(open_library).result()
        self._handlers = Analysis(self.context).handlers() | Judging(self.context).handlers()

    def ask(self, kind, *, cancelled=False, **fields):
        """The replies to one request, each once through the encoder."""
        job = Job(len(self.posted) + 1)
        if cancelled:
            job.cancel()
        self.posted.clear()
        self._handlers[kind][1](job, kind(id=job.id, **fields))
        replies = [protocol.decode_reply(protocol.encode(reply)) for reply in self.posted]
        return [reply for reply in replies if getattr(reply, "id", 0) == job.id]

    @property
    def folder(self):
        return self.context.open_searcher.library.folder


@pytest.fixture(scope="module")
def desk(demo_home, tmp_path_factory):
    home = shutil.copytree(demo_home, tmp_path_factory.mktemp("desk") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_ENVIRONMENT, str(home))
        made = Desk()
        yield made
        made.context.open_searcher.library.close()
        made.context.host.workers.stop()


@pytest.fixture(scope="module")
def sets(desk):
    (reply,) = desk.ask(protocol.GetQuerySets)
    return {entry.name: entry for entry in reply.sets}


@pytest.fixture(scope="module")
def run_id(desk, sets):
    *steps, done = desk.ask(protocol.Evaluate, set_id=sets["Demo queries"].set_id)
    assert isinstance(done, protocol.Evaluated)
    assert [step.unit for step in steps] == ["queries"] * len(steps)
    assert steps[-1].done == steps[-1].total == done.queries
    return done.run_id


def test_the_demo_brings_its_own_query_sets_once(desk, sets):
    assert set(sets) == {"Demo queries", "Demo captions"}
    assert sets["Demo queries"].queries >= 18
    (again,) = desk.ask(protocol.GetQuerySets)
    assert len(again.sets) == 2
    assert not any(entry.problem for entry in again.sets)


def test_a_run_is_told_as_it_is_stored(desk, run_id):
    opened, *parts = desk.ask(protocol.OpenRun, run_id=run_id)
    stored = open_run(desk.folder, run_id)
    assert opened.run.run_id == run_id
    assert opened.run.reranked
    assert {m.name: m.value for m in opened.metrics} == {
        name: value["value"] for name, value in stored.facts["metrics"]["reranked"].items()
    }
    assert all(m.low <= m.value <= m.high for m in opened.metrics if m.name == "R@10")
    assert ("bundle", "drive-tiny") in opened.facts
    rows = [row for part in parts for row in part.rows]
    assert parts[-1].last
    assert not any(part.last for part in parts[:-1])
    assert [(r.query_id, r.rank, r.first_rank, r.gap) for r in rows] == [
        (r.query_id, r.rank, r.first_rank, r.gap) for r in query_table(stored)
    ]
    (listed,) = desk.ask(protocol.GetRuns)
    assert listed.runs[0].run_id == run_id
    assert listed.runs[0].headline["R@1"] == opened.metrics[0].value


def test_rows_come_in_parts(desk, run_id, monkeypatch):
    monkeypatch.setattr("core.engine.analysis.ROWS_A_MESSAGE", 7)
    opened, *parts = desk.ask(protocol.OpenRun, run_id=run_id)
    assert [part.first for part in parts] == list(range(0, opened.run.queries, 7))
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]


def test_evidence_shows_the_first_ten_and_the_truth_with_their_ranks(desk, run_id):
    run = open_run(desk.folder, run_id)
    for row in range(len(run.queries)):
        (found,) = desk.ask(protocol.GetEvidence, run_id=run_id, row=row)
        ranking, first = run.final.rankings[row], run.stages["first"].rankings[row]
        assert [c.hit.clip_id for c in found.top] == ranking.clip_ids[:10].tolist()
        assert [c.hit.rank for c in found.top] == list(range(1, 11))
        for shown in (*found.top, *found.truth):
            place = first.clip_ids.tolist().index(shown.hit.clip_id)
            assert shown.hit.first_rank == place + 1
            assert shown.hit.score == pytest.approx(float(first.scores[place]))
        ranks = [c.hit.rank for c in found.truth]
        assert ranks == sorted(ranks)
        assert all(c.grade > 0 for c in found.truth)
        best = min(ranks)
        assert run.final.outcomes.rank[row, 1] <= best <= run.final.outcomes.rank[row, 2]
    with pytest.raises(DrivescopeError, match="no such query"):
        desk.ask(protocol.GetEvidence, run_id=run_id, row=len(run.queries))


def test_slices_name_their_members(desk, run_id):
    (found,) = desk.ask(protocol.GetSlices, run_id=run_id, metric="R@1")
    run = open_run(desk.folder, run_id)
    by_name = {(part.key, part.value): part for part in found.slices}
    part = by_name["asked light", "night"]
    members = array.array("i", part.members)
    assert len(members) == part.count
    assert all("night" in run.queries[row].text for row in members)
    assert all(found.slices[place].result.value < found.overall.value for place in found.worst)
    with pytest.raises(DrivescopeError, match="R@7 is none of"):
        desk.ask(protocol.GetSlices, run_id=run_id, metric="R@7")


def test_a_run_against_its_first_stage_and_against_another(desk, sets, run_id):
    (own,) = desk.ask(protocol.CompareRuns, run_id=run_id)
    run = open_run(desk.folder, run_id)
    ranks_a, ranks_b = array.array("f", own.ranks_a), array.array("f", own.ranks_b)
    assert list(ranks_a) == pytest.approx(run.stages["first"].outcomes.rank[:, 0].tolist())
    assert list(ranks_b) == pytest.approx(run.final.outcomes.rank[:, 0].tolist())
    assert own.losses == sum(a < b for a, b in zip(ranks_a, ranks_b, strict=True))
    assert own.wins + own.losses + own.draws == len(run.queries)

    *_, done = desk.ask(protocol.Evaluate, set_id=sets["Demo queries"].set_id, rerank=False, name="student")
    (other,) = desk.ask(protocol.CompareRuns, run_id=run_id, against=done.run_id)
    assert other.title_a == "student"
    assert (other.rows, other.ranks_a, other.ranks_b) == (own.rows, own.ranks_a, own.ranks_b)
    assert {m.name: m.p_value for m in other.metrics} == {m.name: m.p_value for m in own.metrics}
    with pytest.raises(DrivescopeError, match="was not reranked"):
        desk.ask(protocol.CompareRuns, run_id=done.run_id)
    (left,) = desk.ask(protocol.DeleteRun, run_id=done.run_id)
    assert [run.run_id for run in left.runs] == [run_id]


def test_a_run_of_another_library_is_compared_by_video_span_and_text(desk, sets, run_id, tmp_path):
    elsewhere = shutil.copytree(desk.folder, tmp_path / "elsewhere")
    (there,) = desk.ask(protocol.GetRuns, library=str(elsewhere))
    assert there.library == str(elsewhere)
    assert run_id in [run.run_id for run in there.runs]
    with contextlib.closing(Catalog(elsewhere / "library.db")) as catalog:
        catalog.drop_clips([catalog.clips()[0].clip_id])
    (found,) = desk.ask(
        protocol.CompareRuns, run_id=run_id, against=run_id, library=str(elsewhere)
    )  # the same run: whatever is matched is a draw
    assert found.library == str(elsewhere)
    assert (found.wins, found.losses) == (0, 0)
    clips = there.runs[0].clips
    assert found.notes[0] == f"Ranks are among the {clips - 1} clips that both libraries hold."
    assert (
        found.notes[1] == "1 clip only of the other run takes no part."
    )  # it is gone: nobody knows its name
    assert found.notes[2].startswith("1 clip only of this run takes no part, e.g. demo_")
    with pytest.raises(DrivescopeError, match="There is no library in"):
        desk.ask(protocol.GetRuns, library=str(tmp_path / "nothing"))


def test_a_judgement_changes_the_run_that_is_read_with_judgements(desk, run_id):
    (found,) = desk.ask(protocol.GetEvidence, run_id=run_id, row=0)
    wrong = next(c.hit for c in found.top if not c.grade)
    said = {"query": found.query, "clip_id": wrong.clip_id, "author": "ada"}
    (answer,) = desk.ask(protocol.Judge, verdict="relevant", tags=("caption at fault",), note="seen", **said)
    assert answer.changed == (found.query, wrong.clip_id)
    assert [(j.verdict, j.tags, j.note, j.author) for j in answer.judgements] == [
        ("relevant", ("caption at fault",), "seen", "ada")
    ]
    desk.ask(protocol.OpenRun, run_id=run_id, judgements=True)
    (judged,) = desk.ask(protocol.GetEvidence, run_id=run_id, row=0, judgements=True)
    assert wrong.clip_id in [c.hit.clip_id for c in judged.truth]
    (plain,) = desk.ask(protocol.GetEvidence, run_id=run_id, row=0)
    assert wrong.clip_id not in [c.hit.clip_id for c in plain.truth]

    (undone,) = desk.ask(protocol.UndoJudgement, author="ada")
    assert undone.changed == (found.query, wrong.clip_id)
    assert not undone.judgements
    (nothing,) = desk.ask(protocol.UndoJudgement, author="ada")
    assert nothing.changed == ("", 0)
    (again,) = desk.ask(protocol.UndoJudgement, author="ada", redo=True)
    assert again.judgements == answer.judgements
    (held,) = desk.ask(protocol.GetJudgements)
    assert held.judgements == answer.judgements
    assert held.changed is None
    desk.ask(protocol.UndoJudgement, author="ada")
    with pytest.raises(DrivescopeError, match="none of the failure tags"):
        desk.ask(protocol.Judge, verdict="not", tags=("ugly",), **said)
    with pytest.raises(DrivescopeError, match="no longer in the library"):
        desk.ask(protocol.Judge, verdict="not", **{**said, "clip_id": 10**9})


def test_the_report_lies_where_it_was_asked_for(desk, run_id, tmp_path):
    *steps, done = desk.ask(protocol.WriteReport, run_id=run_id, path=str(tmp_path / "report.html"))
    assert [step.title for step in steps] == ["Writing the report"] * len(steps)
    assert [path.rsplit(".", 1)[-1] for path in done.paths] == ["html", "csv", "json"]
    assert all((tmp_path / path).is_file() for path in done.paths)
    with pytest.raises(DrivescopeError, match=r"must end in \.html"):
        desk.ask(protocol.WriteReport, run_id=run_id, path=str(tmp_path / "report.pdf"))
    with pytest.raises(Cancelled):
        desk.ask(protocol.WriteReport, cancelled=True, run_id=run_id, path=str(tmp_path / "none.html"))
    assert not (tmp_path / "none.html").exists()


def test_a_foreign_run_stands_beside_ours(desk, sets, run_id, tmp_path):
    run = open_run(desk.folder, run_id)
    names = {
        v.video_id: v.path.rsplit("/", 1)[-1] for v in desk.context.open_searcher.library.catalog.videos()
    }
    clips = {c.clip_id: names[c.video_id] for c in desk.context.open_searcher.library.catalog.clips()}
    lines = [
        f"{q.query_id} Q0 {clips[clip]} {place} {1 / place} theirs"
        for q, ranking in zip(run.queries, run.final.rankings, strict=True)
        for place, clip in enumerate(ranking.clip_ids[:20].tolist(), 1)
    ]
    path = tmp_path / "theirs.run"
    path.write_text("\n".join(lines))
    (done,) = desk.ask(protocol.Evaluate, set_id=sets["Demo queries"].set_id, run_file=str(path))
    opened, *_ = desk.ask(protocol.OpenRun, run_id=done.run_id)
    assert (opened.run.kind, opened.run.name, opened.first_stage) == ("foreign", "theirs", ())
    (found,) = desk.ask(protocol.GetEvidence, run_id=done.run_id, row=0)
    assert [c.hit.clip_id for c in found.top] == run.final.rankings[0].clip_ids[:10].tolist()
    path.write_text("1 Q0 a.mp4 1 nan theirs")
    with pytest.raises(DrivescopeError) as refused:
        desk.ask(protocol.Evaluate, set_id=sets["Demo queries"].set_id, run_file=str(path))
    assert "nan" in refused.value.sentence
    desk.ask(protocol.DeleteRun, run_id=done.run_id)


def test_a_file_is_shown_before_it_is_imported(desk, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("query,clip name,weather\na dog,demo_000.mp4,rain\na cat,lost.mp4,rain\n")
    *_, shown = desk.ask(protocol.PreviewQueries, path=str(path))
    assert (shown.rows, shown.queries, shown.unanswered, shown.rejected_count) == (2, 1, 1, 1)
    assert {c.role: c.name for c in shown.columns} == {"query": "query", "video": "clip name"}
    assert shown.rejected[0].row == 3
    assert "lost.mp4" in shown.rejected[0].reason
    assert len(list_query_sets(desk.folder)) == 2

    *_, told = desk.ask(
        protocol.ImportQueries, path=str(path), name="mine", match=protocol.SpanMatch("iou", 0.7)
    )
    mine = next(entry for entry in told.sets if entry.set_id == told.chosen)
    assert (mine.name, mine.queries, mine.match) == ("mine", 1, protocol.SpanMatch("iou", 0.7))
    with pytest.raises(Cancelled):
        desk.ask(protocol.PreviewQueries, path=str(path), cancelled=True)
    path.unlink()  # the library has its own copy
    *_, done = desk.ask(protocol.Evaluate, set_id=mine.set_id)
    opened, *_ = desk.ask(protocol.OpenRun, run_id=done.run_id)
    assert [(row.row, row.video) for row in opened.rejected] == [(3, "lost.mp4")]
    desk.ask(protocol.DeleteRun, run_id=done.run_id)
    (left,) = desk.ask(protocol.DropQuerySet, set_id=mine.set_id)
    assert mine.set_id not in [entry.set_id for entry in left.sets]
    with pytest.raises(DrivescopeError, match="import it again"):
        desk.ask(protocol.Evaluate, set_id=mine.set_id)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        ("query,video\ngrün,x.mp4".encode("latin-1"), "is not UTF-8 text: line 2"),
        (b"query,video\na dog,nowhere.mp4\n", "row 2: the library has no video nowhere.mp4"),
        (None, "There is no file"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence_and_leaves_nothing(desk, tmp_path, content, told):
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content)
    before = len(list_query_sets(desk.folder))
    with pytest.raises(DrivescopeError) as refused:
        desk.ask(protocol.ImportQueries, path=str(path))
    assert told in refused.value.sentence
    assert "\n" not in refused.value.sentence
    assert len(list_query_sets(desk.folder)) == before


def test_a_share_of_overlap_must_be_one(desk, tmp_path):
    with pytest.raises(DrivescopeError, match="above 0 and at most 1"):
        desk.ask(protocol.PreviewQueries, path=str(tmp_path), match=protocol.SpanMatch("iou", 0.0))


def test_a_damaged_set_is_listed_with_its_reason(desk, sets):
    folder = desk.folder / "queries" / "20200101-000000-torn"
    folder.mkdir()
    (folder / "set.json").write_text("{")
    (reply,) = desk.ask(protocol.GetQuerySets)
    assert "is damaged" in next(e.problem for e in reply.sets if e.set_id == folder.name)
    (folder / "set.json").write_text(json.dumps({"format": 99, "name": "x", "kind": "CSV", "file": "f",
        "span_rule": {"overlap": "iou", "threshold": 0.5}, "queries": 1, "imported": ""}))  # fmt: skip
    with pytest.raises(DrivescopeError) as refused:
        desk.ask(protocol.Evaluate, set_id=folder.name)
    assert refused.value.kind is ErrorKind.VERSION
    desk.ask(protocol.DropQuerySet, set_id=folder.name)
    known = sets["Demo captions"].set_id
    for path in ("..", ".hidden", "a/b", f"{known}/../{known}", ""):
        with pytest.raises(DrivescopeError) as refused:
            desk.ask(protocol.DropQuerySet, set_id=path)
        assert refused.value.kind is ErrorKind.NOT_FOUND


def test_a_cancelled_evaluation_stores_nothing(desk, sets):
    (before,) = desk.ask(protocol.GetRuns)
    with pytest.raises(Cancelled):
        desk.ask(protocol.Evaluate, cancelled=True, set_id=sets["Demo captions"].set_id)
    (after,) = desk.ask(protocol.GetRuns)
    assert after.runs == before.runs


def test_an_evaluation_stops_when_another_library_is_opened(desk, sets, monkeypatch):
    searcher = desk.context.searcher
    other = Searcher(searcher.library, searcher.bundle)
    original = Searcher.stages

    def switch(self, *arguments, **options):
        desk.context.searcher = other
        return original(self, *arguments, **options)

    monkeypatch.setattr(Searcher, "stages", switch)
    try:
        with pytest.raises(DrivescopeError, match="Another library was opened"):
            desk.ask(protocol.Evaluate, set_id=sets["Demo queries"].set_id)
    finally:
        desk.context.searcher = searcher
