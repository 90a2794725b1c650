"""The engine's whole path over a real socket, with real (random) models and real (small) videos."""

import contextlib
import json
import threading

import msgspec
import numpy as np
import pytest

from core import commands, protocol
from core.cli import main
from core.models.bundle_io import random_bundle
from core.search import line
from tests.core.engine.conftest import PATIENCE_S, TOKEN, dial
from tests.core.library.conftest import make_video


class Client:
    """A window without a window: sends requests, waits for their answers."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.pushed = []
        self._next = 0

    def ask(self, make, **fields):
        """Send one request; return every reply with its id up to the last one."""
        self._next += 1
        self.connection.send(protocol.encode(make(id=self._next, **fields)))
        return self.replies(self._next)

    def replies(self, request_id):
        answers = []
        while True:
            message = protocol.decode_reply(self.connection.recv(PATIENCE_S))
            if getattr(message, "id", None) != request_id:
                self.pushed.append(message)
                continue
            answers.append(message)
            if isinstance(message, protocol.Progress):
                continue
            if isinstance(message, protocol.Ranked) and (not message.final or message.line_follows):
                continue
            if isinstance(message, protocol.FrameChunk) and not message.last:
                continue
            return answers


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory):
    return str(random_bundle(tmp_path_factory.mktemp("bundle") / "random"))


@pytest.fixture(scope="module")
def footage_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("footage")
    for number, seconds in enumerate((3, 5, 9)):
        make_video(folder / f"drive {number} 夜.mp4", seconds)
    (folder / "broken.mp4").write_bytes(b"not a video")
    return folder


@pytest.fixture
def library_folder(tmp_path, footage_folder, bundle_folder, capsys):
    folder = tmp_path / "library"
    arguments = ["index", str(footage_folder), "--library", str(folder), "--bundle", bundle_folder]
    assert main([*arguments, "--clip-seconds", "2", "--json", "--device", "cpu"]) == 1  # one file is broken
    answer = json.loads(capsys.readouterr().out)
    assert answer["videos"] == 3
    assert [failure["kind"] for failure in answer["failed"]] == ["unreadable"]
    return folder


@contextlib.contextmanager
def client(server):
    with dial(server) as connection:
        connection.send(protocol.encode(protocol.Hello(token=TOKEN, protocol=protocol.PROTOCOL_VERSION)))
        yield Client(connection)


def test_the_command_line_ranks_as_the_engine_does(server, library_folder, capsys):
    with client(server) as window:
        (opened,) = window.ask(protocol.OpenLibrary, path=str(library_folder))
        assert opened.library.clips == 10
        assert [failure.kind for failure in opened.library.failures] == ["unreadable"]
        first, final = window.ask(protocol.Search, text="a red car", k=50)
    assert (
        main(
            ["search", "a red car", "--library", str(library_folder), "-k", "50", "--json", "--device", "cpu"]
        )
        == 0
    )
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["hits"]) == 10
    for ours, theirs in zip(answer["hits"], final.hits, strict=True):
        assert ours["clip_id"] == theirs.clip_id
        assert ours["rank"] == theirs.rank
        assert ours["first_rank"] == theirs.first_rank
        assert ours["video"] == theirs.video
        assert ours["score"] == pytest.approx(theirs.score, abs=1e-6)
        assert ours["rerank_score"] == pytest.approx(theirs.rerank_score, abs=1e-6)
    assert (
        main(["search", "a red car", "--library", str(library_folder), "-k", "50", "--no-rerank", "--json"])
        == 0
    )
    first_only = json.loads(capsys.readouterr().out)["hits"]
    assert [hit["clip_id"] for hit in first_only] == [hit.clip_id for hit in first.hits]


def test_a_ranking_learns_from_what_its_author_judged(server, library_folder, capsys, monkeypatch):
    with client(server) as window:
        window.ask(protocol.OpenLibrary, path=str(library_folder))
        *_, own = window.ask(protocol.Search, text="a red car")
        good, bad = own.hits[4].clip_id, own.hits[0].clip_id
        for clip, verdict, author in ((good, "relevant", "ann"), (bad, "not", "ann"), (good, "not", "bob")):
            window.ask(protocol.Judge, query="a red car", clip_id=clip, verdict=verdict, author=author)
        first, final = window.ask(protocol.Search, text="a red car", learn_from="ann")
        for ranked in (first, final):
            assert ranked.learned == protocol.Feedback((good,), (bad,))
            assert (ranked.hits[0].clip_id, ranked.hits[-1].clip_id) == (good, bad)
        assert any(hit.learned for hit in final.hits)
        (told,) = window.ask(protocol.ExplainScore, text="a red car", clip_id=good, feedback=final.learned)
        assert (told.learned.rank_without, told.learned.judged) == (5, "relevant")
        (failed,) = window.ask(protocol.Search, text="a red car", learn_from="carl")
        assert failed.kind == "not_found"
        assert failed.sentence.startswith("There is nothing to learn from yet: judge some")
        *_, again = window.ask(protocol.Search, text="a red car")
        assert again.hits == own.hits
    monkeypatch.setattr(commands, "user", lambda: "ann")
    main(["search", "a red car", "--library", str(library_folder), "--judged", "--json", "--device", "cpu"])
    answer = json.loads(capsys.readouterr().out)
    assert [hit["clip_id"] for hit in answer["hits"]] == [hit.clip_id for hit in final.hits]


def test_the_line_comes_after_the_ranking_and_nobody_waits_for_it(server, library_folder, monkeypatch):
    may_end = threading.Event()
    monkeypatch.setattr(line, "LEAST_CLIPS", 5)
    monkeypatch.setattr(line, "find_cut", lambda scores: float(np.median(scores)))
    step = line.Line.step
    monkeypatch.setattr(line.Line, "step", lambda self, bundle: may_end.is_set() and step(self, bundle))
    with client(server) as window:
        window.ask(protocol.OpenLibrary, path=str(library_folder))
        window.connection.send(protocol.encode(protocol.Search(id=70, text="a red car")))
        shown = [protocol.decode_reply(window.connection.recv(PATIENCE_S)) for _ in range(2)]
        assert [(ranked.stage, ranked.likely, ranked.line_follows) for ranked in shown] == [
            ("first", None, False), ("reranked", None, True),
        ]  # fmt: skip
        (opened,) = window.ask(protocol.GetLibrary)  # of the thread that finds the line
        assert opened.library.clips == 10
        window.connection.send(protocol.encode(protocol.Cancel(id=71, target=70)))
        assert [type(reply) for reply in window.replies(70)] == [protocol.Cancelled]
        may_end.set()
        _first, last, lined = window.ask(protocol.Search, text="a red car")
        assert last.line_follows
        assert lined.likely is not None
        assert lined == msgspec.structs.replace(
            last, likely=lined.likely, notes=lined.notes, line_follows=False
        )
        _first, again = window.ask(protocol.Search, text="a red car")
        assert (again.likely, again.hits) == (lined.likely, lined.hits)


def test_pictures_and_frames_of_a_hit(server, library_folder):
    with client(server) as window:
        window.ask(protocol.OpenLibrary, path=str(library_folder))
        *_, ranked = window.ask(protocol.Search, text="rain")
        hit = ranked.hits[0]
        (thumbnail,) = window.ask(protocol.GetThumbnail, clip_id=hit.clip_id)
        assert thumbnail.jpeg[:2] == b"\xff\xd8"
        chunks = window.ask(protocol.GetFrames, clip_id=hit.clip_id, max_height=200)
        frames = [frame for chunk in chunks for frame in chunk.frames]
        assert [frame.number for frame in frames] == list(range(len(frames)))
        assert all(hit.start_s <= frame.time_s < hit.end_s for frame in frames)
        assert len(frames) == round((hit.end_s - hit.start_s) * 10)
        assert all(frame.jpeg[:2] == b"\xff\xd8" for frame in frames)
        (gone,) = window.ask(protocol.GetFrames, clip_id=999)
        assert gone.kind == "not_found"


def test_a_video_deleted_after_indexing_keeps_its_hits_and_says_what_is_missing(
    server, tmp_path, bundle_folder
):
    copy = tmp_path / "footage"
    copy.mkdir()
    make_video(copy / "soon gone.mp4", 3)
    assert (
        main(["index", str(copy), "--library", str(tmp_path / "lib"), "--bundle", bundle_folder, "--json"])
        == 0
    )
    (copy / "soon gone.mp4").unlink()
    with client(server) as window:
        (opened,) = window.ask(protocol.OpenLibrary, path=str(tmp_path / "lib"))
        assert opened.library.videos[0].missing
        *_, ranked = window.ask(protocol.Search, text="rain")
        assert len(ranked.hits) == 1
        (failed,) = window.ask(protocol.GetFrames, clip_id=ranked.hits[0].clip_id)
        assert failed.kind == "not_found"
        assert "soon gone.mp4 is no longer at" in failed.sentence


def test_footage_is_added_with_progress_and_is_searchable(server, tmp_path, footage_folder, bundle_folder):
    with client(server) as window:
        folder = str(tmp_path / "new")
        (opened,) = window.ask(protocol.OpenLibrary, path=folder, create=True, bundle=bundle_folder)
        assert opened.library.clips == 0
        *steps, added = window.ask(protocol.AddFootage, paths=(str(footage_folder),), clip_seconds=2.0)
        assert isinstance(added, protocol.FootageAdded)
        assert (added.videos, added.clips, added.added) == (3, 10, 10)
        assert [failure.kind for failure in added.failed] == ["unreadable"]
        assert steps
        assert steps[-1].done == steps[-1].total
        assert any(isinstance(push, protocol.LibraryChanged) and push.clips == 10 for push in window.pushed)
        *_, ranked = window.ask(protocol.Search, text="rain")
        assert ranked.searched_clips == 10
        (again,) = [r for r in window.ask(protocol.AddFootage, paths=(str(footage_folder),), clip_seconds=2.0)
                    if isinstance(r, protocol.FootageAdded)]  # fmt: skip
        assert (again.added, again.clips) == (0, 10)


def test_cancelling_an_ingest_keeps_what_was_committed(server, tmp_path, bundle_folder):
    footage = tmp_path / "footage"
    footage.mkdir()
    for number in range(30):
        make_video(footage / f"{number:02}.mp4", 4)
    with client(server) as window:
        window.ask(protocol.OpenLibrary, path=str(tmp_path / "lib"), create=True, bundle=bundle_folder)
        request = protocol.AddFootage(id=500, paths=(str(footage),), clip_seconds=1.0)
        window.connection.send(protocol.encode(request))
        window.connection.send(protocol.encode(protocol.Cancel(id=501, target=500)))
        *_, last = window.replies(500)
        assert isinstance(last, protocol.Cancelled)
        (info,) = window.ask(protocol.GetLibrary)
        *_, ranked = window.ask(protocol.Search, text="rain")
        assert ranked.searched_clips == info.library.clips < 120
        *_, added = window.ask(protocol.AddFootage, paths=(str(footage),), clip_seconds=1.0)
        assert added.clips == 120


def test_two_windows_on_one_library(server, library_folder):
    with client(server) as one, client(server) as two:
        one.ask(protocol.OpenLibrary, path=str(library_folder))
        two.ask(protocol.OpenLibrary, path=str(library_folder))
        *_, first = one.ask(protocol.Search, text="rain")
        *_, second = two.ask(protocol.Search, text="rain")
        assert first.hits == second.hits


def test_errors_are_one_sentence(server, tmp_path, library_folder):
    with client(server) as window:
        (failed,) = window.ask(protocol.OpenLibrary, path=str(tmp_path / "nowhere"))
        assert failed.kind == "not_found"
        assert "There is no library" in failed.sentence
        window.ask(protocol.OpenLibrary, path=str(library_folder))
        (failed,) = window.ask(protocol.Search, text="  ")
        assert failed.sentence == "The query is empty: type what you look for."
        *_, added = window.ask(protocol.AddFootage, paths=(str(tmp_path / "nowhere"),))
        assert [failure.kind for failure in added.failed] == ["not_found"]
        (failed,) = window.ask(protocol.SetDevice, device="abacus")
        assert failed.kind == "bad_input"


def test_the_engine_says_when_it_is_warm(server, bundle_folder):
    server.host.workers.models.submit(server.host.warm_up, bundle_folder)
    with client(server) as window:
        states = []
        while not states or states[-1].status != "warm":
            message = protocol.decode_reply(window.connection.recv(PATIENCE_S))
            states += [message] if isinstance(message, protocol.State) else []
        assert states[-1].device == "cpu"
        assert states[-1].precision
        (listed,) = window.ask(protocol.GetModels)
        assert listed.models
