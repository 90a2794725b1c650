import sqlite3
import subprocess
import sys
import threading

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.library.catalog import MIGRATIONS, Catalog, FailureRow, VideoFacts
from core.library.clips import Span

from .conftest import nobody_may_write

SPANS = [Span(0.0, 8.0), Span(8.0, 16.0)]


def facts(path="/f/a.mp4", **changes) -> VideoFacts:
    values = {
        "path": path,
        "size": 10,
        "mtime_ns": 20,
        "sha256": "ab",
        "duration_s": 16.0,
        "fps": 25.0,
        "width": 640,
        "height": 360,
        "codec": "h264",
        "clip_seconds": 8.0,
        "stride_s": 0.0,
    }
    return VideoFacts(**(values | changes))


@pytest.fixture
def catalog(tmp_path):
    made = Catalog(tmp_path / "library.db")
    yield made
    made.close()


def test_what_goes_in_comes_out(catalog):
    video_id = catalog.add_video(facts("/f/路.mp4"))
    first, second = catalog.add_clips(video_id, SPANS)
    (video,) = catalog.videos()
    assert (video.path, video.video_id, video.clips, video.duration_s) == ("/f/路.mp4", video_id, 2, 16.0)
    clip = catalog.clip(second)
    assert (clip.path, clip.start_s, clip.end_s, clip.fps) == ("/f/路.mp4", 8.0, 16.0, 25.0)
    assert [c.clip_id for c in catalog.clips()] == [first, second]
    assert catalog.clip_count() == 2


def test_a_dropped_clip_says_so_and_its_number_is_not_given_again(catalog):
    video_id = catalog.add_video(facts())
    clip_ids = catalog.add_clips(video_id, SPANS)
    catalog.drop_video(video_id)
    assert catalog.clips() == []  # foreign keys are on
    with pytest.raises(DrivescopeError, match="no longer in the library") as caught:
        catalog.clip(clip_ids[0])
    assert caught.value.kind is ErrorKind.NOT_FOUND
    again = catalog.add_clips(catalog.add_video(facts()), SPANS)
    assert not set(again) & set(clip_ids)


def test_a_video_without_clips_is_dropped_with_its_last_clip(catalog):
    clip_ids = catalog.add_clips(catalog.add_video(facts()), SPANS)
    catalog.drop_clips(clip_ids[:1])
    assert catalog.videos()[0].clips == 1
    catalog.drop_clips(clip_ids[1:])
    assert catalog.videos() == []


def test_a_video_that_loses_clips_is_not_done_with(catalog):
    """Else a run killed right before its vectors were written would never go on with a damaged file."""
    clip_ids = catalog.add_clips(catalog.add_video(facts()), SPANS)
    for path in ("/f/a.mp4", "/f/b.mp4"):
        catalog.record_failure(FailureRow(path, "unreadable", "cut short"))
    catalog.drop_clips(clip_ids[1:])
    assert [failure.path for failure in catalog.failures()] == ["/f/b.mp4"]


def test_a_transaction_happens_whole_or_not_at_all(catalog):
    with pytest.raises(ZeroDivisionError), catalog.transaction():
        catalog.add_clips(catalog.add_video(facts()), SPANS)
        _ = 1 / 0
    assert catalog.videos() == []
    catalog.add_video(facts())  # and the catalogue goes on working


def test_the_same_path_twice_is_refused(catalog):
    catalog.add_video(facts())
    with pytest.raises(DrivescopeError):
        catalog.add_video(facts())


def test_a_newer_failure_replaces_the_older_one(catalog):
    catalog.record_failure(FailureRow("/f/a.mp4", "unreadable", "damaged"))
    catalog.record_failure(FailureRow("/f/a.mp4", "unreadable", "empty"))
    assert catalog.failures() == [FailureRow("/f/a.mp4", "unreadable", "empty")]
    catalog.clear_failure("/f/a.mp4")
    assert catalog.failures() == []


def test_a_killed_job_stays_running_in_the_list(catalog):
    catalog.end_job(catalog.start_job(), "done", added=3, seconds=1.5)
    catalog.start_job()
    done, killed = catalog.jobs()
    assert (done.outcome, done.added, done.seconds) == ("done", 3, 1.5)
    assert (killed.outcome, killed.ended) == ("running", None)


def test_readers_in_other_threads_see_what_was_committed(catalog):
    seen = []
    catalog.add_clips(catalog.add_video(facts()), SPANS)
    thread = threading.Thread(target=lambda: seen.append(catalog.clip_count()))
    thread.start()
    thread.join()
    assert seen == [2]


def test_a_reader_is_not_held_up_by_a_writer(catalog, tmp_path):
    reader = Catalog(tmp_path / "library.db")
    with catalog.transaction():
        catalog.add_video(facts())
        assert reader.videos() == []
    assert len(reader.videos()) == 1
    reader.close()


def test_it_opens_again_and_keeps_settings(catalog, tmp_path):
    assert catalog.setting("clip_seconds") is None
    catalog.set_setting("clip_seconds", "4.0")
    catalog.set_setting("clip_seconds", "8.0")
    again = Catalog(tmp_path / "library.db")
    assert again.setting("clip_seconds") == "8.0"
    again.close()


def test_migrations_run_once_each_from_any_version(tmp_path, monkeypatch):
    Catalog(tmp_path / "library.db").close()
    more = "ALTER TABLE videos ADD COLUMN camera TEXT;"
    monkeypatch.setattr("core.library.catalog.MIGRATIONS", (*MIGRATIONS, more))
    for _ in range(2):
        Catalog(tmp_path / "library.db").close()
    db = sqlite3.connect(tmp_path / "library.db")
    assert db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert "camera" in [row[1] for row in db.execute("PRAGMA table_info(videos)")]
    db.close()


def test_a_library_of_a_newer_program_is_refused(tmp_path):
    Catalog(tmp_path / "library.db").close()
    db = sqlite3.connect(tmp_path / "library.db")
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DrivescopeError, match="newer Drivescope") as caught:
        Catalog(tmp_path / "library.db")
    assert caught.value.kind is ErrorKind.VERSION


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at" * 50, b"\x00" * 4096])
def test_a_file_that_is_no_catalogue_is_left_alone(tmp_path, content):
    path = tmp_path / "library.db"
    path.write_bytes(content)
    with pytest.raises(DrivescopeError, match=r"not a Drivescope library or is damaged") as caught:
        Catalog(path)
    assert caught.value.kind is ErrorKind.UNREADABLE
    assert path.read_bytes() == content


def test_a_full_disk_is_said_and_loses_nothing(catalog):
    catalog.add_clips(catalog.add_video(facts()), SPANS)
    (pages,) = catalog._db.execute("PRAGMA page_count").fetchone()
    catalog._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DrivescopeError, match="is full") as caught, catalog.transaction():
        for number in range(500):
            catalog.record_failure(FailureRow(f"/f/{number}.mp4", "unreadable", "x" * 100))
    assert caught.value.kind is ErrorKind.DISK_FULL
    assert catalog.clip_count() == 2
    assert catalog.failures() == []


def test_several_processes_may_make_a_catalogue_at_once(tmp_path):
    code = "import sys; from pathlib import Path; from core.library.catalog import Catalog; "
    code += "[Catalog(Path(sys.argv[1]) / f'{n}.db').close() for n in range(100)]"
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait(300) for process in running] == [0] * 4


def test_a_library_that_may_only_be_read_is_read(catalog, tmp_path, monkeypatch):
    catalog.add_clips(catalog.add_video(facts("/f/a b?.mp4")), SPANS)
    catalog.close()
    nobody_may_write(monkeypatch)
    reader = Catalog(tmp_path / "library.db")
    assert reader.clip_count() == 2
    with pytest.raises(DrivescopeError, match="may not be written") as caught:
        reader.set_setting("clip_seconds", "4.0")
    assert caught.value.kind is ErrorKind.NO_PERMISSION
    reader.close()
    (tmp_path / "library.db-wal").write_bytes(b"what a killed run wrote last")
    with pytest.raises(DrivescopeError, match="may not be written"):  # half of a library is none
        Catalog(tmp_path / "library.db")
