"""What goes wrong with footage and disks: one plain sentence each, and nothing is lost or stopped."""

import os
import random
import shutil
import sqlite3
from pathlib import Path

import av
import pytest

from core.errors import DrivescopeError, ErrorKind
from core.library.ingest import ingest
from core.library.storage import storage_errors
from core.library.video import frames_at, probe

from .conftest import make_video

GOOD = 2  # clips of the good video


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    make_video(folder / "good.mp4", 4.0)
    return folder


@pytest.fixture
def drives(recorded, tmp_path):
    return Path(shutil.copytree(recorded, tmp_path / "drives"))


def reason_of(library, encoder, drives, kind="unreadable") -> str:
    """Indexes, and gives the one reason; the good video is in all the same, and once is once."""
    for expected in (GOOD, 0):
        report = ingest(library, encoder, [drives], clip_seconds=2)
        assert report.added == expected
        (failure,) = report.failed
        assert failure.kind == kind
    assert [f.reason for f in library.catalog.failures()] == [failure.reason]
    assert "\n" not in failure.reason
    assert failure.reason.endswith(".")
    return failure.reason


def test_an_empty_file(library, encoder, drives):
    (drives / "empty.mp4").touch()
    assert reason_of(library, encoder, drives).startswith("empty.mp4 is empty (0 bytes)")


def test_random_bytes(library, encoder, drives):
    (drives / "noise.mkv").write_bytes(os.urandom(50_000))
    assert "noise.mkv is not a video" in reason_of(library, encoder, drives)


def test_text_called_a_video(library, encoder, drives):
    (drives / "letter.MOV").write_text("Dear driver,\n" * 20)
    assert "letter.MOV is not a video" in reason_of(library, encoder, drives)


def test_a_recording_that_was_cut_off_before_its_index(library, encoder, drives):
    whole = make_video(drives.parent / "whole.mp4", 4.0).read_bytes()
    (drives / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    assert "cut off while recording or copying" in reason_of(library, encoder, drives)


def test_a_truncated_file_is_indexed_as_far_as_it_goes(library, encoder, drives):
    path = drives / "short.mp4"
    make_video(path, 8.0, options={"movflags": "faststart", "g": "10"}, size=(320, 240))
    with av.open(str(path), options={}) as container:
        half = [p.pos for p in container.demux(video=0) if p.size][40]
    _move_index_to_front(path)
    path.write_bytes(path.read_bytes()[: half + 4000])
    report = ingest(library, encoder, [path], clip_seconds=2)
    (failure,) = report.failed
    assert failure.reason.startswith("short.mp4 is cut short: ")
    assert "of its 8.0 seconds can be read and were indexed" in failure.reason
    assert 0 < report.clips < 4
    again = ingest(library, encoder, [path], clip_seconds=2)
    assert again.added == 0
    assert again.failed == (failure,)


def _move_index_to_front(path):
    """Writes the file again with its index before its frames, as recorders for streaming do."""
    target = path.with_suffix(".front.mp4")
    with (
        av.open(str(path)) as source,
        av.open(str(target), "w", container_options={"movflags": "faststart"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    target.replace(path)


def test_a_truncated_matroska_file_too(library, encoder, drives):
    path = make_video(drives / "short.mkv", 20.0, size=(320, 240), options={"g": "10"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = ingest(library, encoder, [path], clip_seconds=2)
    (failure,) = report.failed
    assert "of its 20.0 seconds can be read and were indexed" in failure.reason
    assert 0 < report.clips < 10


def test_a_codec_that_nobody_knows(library, encoder, drives):
    path = make_video(drives / "odd.mp4", 2.0)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    assert "cannot decode: convert the file to H.264 first" in reason_of(library, encoder, drives)


def test_a_clock_that_jumps_makes_no_clips_of_nothing(library, encoder, drives):
    times = [*range(0, 4000, 100), *range(400_000, 404_000, 100)]
    path = make_video(drives / "jump.mp4", times=times)
    for added in (4, 0):
        report = ingest(library, encoder, [path], clip_seconds=2)
        assert report.added == added
        (failure,) = report.failed
        assert (
            failure.reason
            == "The clock of jump.mp4 jumps by 396 s: where it shows no frame there are no clips."
        )
    starts = [clip.start_s for clip in library.catalog.clips()]
    assert starts == pytest.approx([0, 2, 400, 402])


def test_times_that_make_no_sense(library, encoder, drives):
    make_video(drives / "mad.mp4", times=[0, 100, 200, 90_000_000])
    assert "The times of the frames in mad.mp4 make no sense" in reason_of(library, encoder, drives)


def test_a_slow_recording_is_no_jump(library, encoder, drives):
    path = make_video(drives / "slow.mp4", times=[0, 20_000, 40_000, 60_000])
    report = ingest(library, encoder, [path], clip_seconds=8)
    assert report.failed == ()
    assert report.added >= 8


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_bytes_are_only_a_plain_reason_comes(tmp_path, recorded, seed):
    """Damage at random places: either frames come, as many as asked for, or a sentence does."""
    chance = random.Random(seed)
    content = bytearray((recorded / "good.mp4").read_bytes())
    for _ in range(chance.choice([1, 5, 50])):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path = tmp_path / "hurt.mp4"
    path.write_bytes(content)
    said = ""
    try:
        found = probe(path)
        times = [found.duration_s * part / 7 for part in range(7)]
        frames = len(list(frames_at(path, times, found.timeline)))
    except DrivescopeError as error:
        said = f"{error.kind}: {error.sentence}"
    assert (said.startswith("unreadable: ") and said.endswith(".")) or frames == 7


def test_a_damaged_file_is_healed_by_a_good_copy(library, encoder, drives):
    (drives / "bad.mp4").write_bytes(b"nothing")
    assert len(ingest(library, encoder, [drives], clip_seconds=2).failed) == 1
    make_video(drives / "bad.mp4", 2.0)
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.added, report.failed) == (1, ())
    assert library.catalog.failures() == []


def test_a_good_file_that_is_overwritten_by_rubbish(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    (drives / "good.mp4").write_bytes(b"rubbish" * 100)
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.removed, report.clips, len(report.failed)) == (GOOD, 0, 1)


def test_the_failure_of_a_deleted_file_is_forgotten(library, encoder, drives):
    (drives / "bad.mp4").write_bytes(b"nothing")
    ingest(library, encoder, [drives])
    (drives / "bad.mp4").unlink()
    assert ingest(library, encoder, [drives]).failed == ()
    assert library.catalog.failures() == []


def test_failures_move_with_their_folder(library, encoder, drives):
    (drives / "bad.mp4").write_bytes(b"nothing")
    path = make_video(drives / "short.mkv", 20.0, size=(320, 240), options={"g": "10"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    before = ingest(library, encoder, [drives], clip_seconds=2)
    moved = drives.rename(drives.with_name("moved"))
    after = ingest(library, encoder, [moved], clip_seconds=2)
    assert (after.added, after.removed, after.clips) == (0, 0, before.clips)
    assert [f.reason for f in after.failed] == [f.reason for f in before.failed]
    assert [Path(f.path) for f in library.catalog.failures()] == [moved / "bad.mp4", moved / "short.mkv"]


def test_failures_of_a_folder_that_was_removed_go_once_nothing_of_it_is_waited_for(library, encoder, drives):
    other = drives.with_name("other")
    other.mkdir()
    make_video(other / "else.mp4", 2.0)
    (drives / "bad.mp4").write_bytes(b"nothing")
    ingest(library, encoder, [drives], clip_seconds=2)
    drives.rename(drives.with_name("disk that is away"))
    ingest(library, encoder, [other], clip_seconds=2)
    assert len(library.catalog.failures()) == 1  # good.mp4 is still listed as missing, so this is too
    good = next(video for video in library.catalog.videos() if video.path.endswith("good.mp4"))
    library.catalog.drop_video(good.video_id)
    ingest(library, encoder, [other], clip_seconds=2)
    assert library.catalog.failures() == []


def test_no_permission_to_read_a_file(library, encoder, drives, monkeypatch):
    make_video(drives / "secret.mp4", 2.0)
    real = av.open

    def refuse(path, *arguments, **options):
        if path.endswith("secret.mp4"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(av, "open", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: path.name != "secret.mp4")
    assert "secret.mp4 may not be read" in reason_of(library, encoder, drives, "no_permission")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_really_no_permission_to_read_a_file(library, encoder, drives):
    make_video(drives / "secret.mp4", 2.0).chmod(0)
    assert "secret.mp4 may not be read" in reason_of(library, encoder, drives, "no_permission")


def test_a_dead_link(library, encoder, drives):
    (drives / "dead.mp4").symlink_to(drives / "nowhere.mp4")
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert report.added == GOOD
    assert [failure.kind for failure in report.failed] == ["not_found"]


def test_a_name_that_is_no_text(library, encoder, drives):
    name = os.fsencode(drives) + b"/caf\xe9.mp4"
    os.rename(make_video(drives / "x.mp4", 2.0), name)  # noqa: PTH104 - a name in bytes
    assert "is not valid Unicode: rename it" in reason_of(library, encoder, drives, "bad_input")


def test_a_file_that_vanishes_while_it_waits(library, encoder, drives, monkeypatch):
    make_video(drives / "later.mp4", 2.0)

    def gone(path, *arguments):
        if path.name == "later.mp4":
            path.unlink()
        return real(path, *arguments)

    from core.library import plan

    real = plan.probe
    monkeypatch.setattr(plan, "probe", gone)
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert report.added == GOOD
    assert report.failed == ()  # there is nothing left to tell about


def test_a_middle_that_cannot_be_decoded_is_named(library, encoder, drives, monkeypatch):
    make_video(drives / "hurt.mp4", 24.0)
    from core.library import chunks

    real = chunks.frames_at

    def frames_at(path, times, timeline):
        if path.name == "hurt.mp4" and times[0] > 10:
            raise DrivescopeError(ErrorKind.UNREADABLE, "No frame of this part can be decoded.")
        return real(path, times, timeline)

    monkeypatch.setattr(chunks, "frames_at", frames_at)
    for added in (GOOD + 6, 0):
        report = ingest(library, encoder, [drives], clip_seconds=2)
        assert report.added == added
        (failure,) = report.failed
        assert failure.reason == "hurt.mp4 is damaged: 0:12-0:24 could not be decoded, the rest was indexed."


def test_a_full_disk_stops_the_run_and_keeps_what_was_there(library, encoder, drives, monkeypatch):
    ingest(library, encoder, [drives], clip_seconds=2)
    make_video(drives / "more.mp4", 6.0)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DrivescopeError, match="is full: free some space and index again") as caught:
        ingest(library, encoder, [drives], clip_seconds=2)
    assert caught.value.kind is ErrorKind.DISK_FULL
    monkeypatch.undo()
    assert library.features(encoder.spec).live_ids().size == library.catalog.clip_count() == GOOD
    assert ingest(library, encoder, [drives], clip_seconds=2).clips == GOOD + 3


@pytest.mark.parametrize(("free", "kind"), [(100_000, ErrorKind.DISK_FULL), (10**9, ErrorKind.UNREADABLE)])
def test_sqlite_calls_a_library_malformed_where_its_log_found_no_room(tmp_path, monkeypatch, free, kind):
    usage = shutil.disk_usage(tmp_path)._replace(free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DrivescopeError) as caught, storage_errors(tmp_path / "library.db"):
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    assert caught.value.kind is kind


def test_a_disk_full_for_the_catalogue_too(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    make_video(drives / "more.mp4", 60.0)
    (pages,) = library.catalog._db.execute("PRAGMA page_count").fetchone()
    library.catalog._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DrivescopeError) as caught:
        for number in range(200):  # the last page has some room left
            library.catalog.set_setting(f"filler {number}", "x" * 200)
        ingest(library, encoder, [drives], clip_seconds=2)
    assert caught.value.kind is ErrorKind.DISK_FULL
    library.catalog._db.execute("PRAGMA max_page_count = 100000")
    assert ingest(library, encoder, [drives], clip_seconds=2).clips == GOOD + 30


def test_somebody_else_is_adding_footage(library, encoder, drives):
    other = library.reopen()
    with other.lock(), pytest.raises(DrivescopeError, match="Another Drivescope is adding") as caught:
        ingest(library, encoder, [drives])
    assert caught.value.kind is ErrorKind.BUSY
    other.close()


def test_another_process_holds_the_catalogue(library, encoder, drives):
    library.catalog._db.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(library.folder / "library.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DrivescopeError, match="try again") as caught:
        ingest(library, encoder, [drives])
    assert caught.value.kind is ErrorKind.BUSY
    other.close()


def test_broken_real_files_are_listed_with_plain_reasons(library, encoder, footage):
    report = ingest(library, encoder, [footage / "broken"])
    reasons = {failure.path.rsplit("/", 1)[-1]: failure.reason for failure in report.failed}
    assert sorted(reasons) == [
        "random_bytes.mp4",
        "text.mov",
        "truncated_1.mp4",
        "truncated_3.mp4",
        "zero_bytes.mp4",
    ]
    assert "is not a video" in reasons["random_bytes.mp4"]
    assert "is not a video" in reasons["text.mov"]
    assert "is empty (0 bytes)" in reasons["zero_bytes.mp4"]
    assert "1.6 of its 9.7 seconds can be read" in reasons["truncated_1.mp4"]
    assert "2.8 of its 6.1 seconds can be read" in reasons["truncated_3.mp4"]
