import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.library import commit
from core.library.clips import cut, sample_times
from core.library.ingest import ingest
from core.library.library import Library

from .conftest import TinyEncoder, every_frame, make_video
from .tiny_spec import TinySpec


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "夜 🌙").mkdir()
    make_video(folder / "a.mp4", 4.0)
    make_video(folder / "b.mkv", 1.5)
    make_video(folder / "夜 🌙" / "c.mp4", 16.0, options={"g": "20", "bf": "2"})
    return folder


@pytest.fixture
def drives(recorded, tmp_path):
    """Three short videos: 2 clips, 1 clip and (longer than a chunk) 8 clips of 2 s."""
    return Path(shutil.copytree(recorded, tmp_path / "drives"))


def spans_of(library) -> list[tuple[str, float, float]]:
    return sorted((clip.path, clip.start_s, clip.end_s) for clip in library.catalog.clips())


def rows_by_span(library, spec) -> dict[tuple[str, float], np.ndarray]:
    store = library.features(spec)
    clips = {clip.clip_id: clip for clip in library.catalog.clips()}
    return {
        (clips[clip_id].path, clips[clip_id].start_s): np.array(store.student[row])
        for row, clip_id in enumerate(store.clip_ids.tolist())
        if clip_id in clips
    }


def test_a_folder_becomes_clips_vectors_and_strips(library, encoder, drives):
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.videos, report.clips, report.added, report.removed) == (3, 11, 11, 0)
    assert (report.failed, report.missing) == ((), ())
    assert report.video_seconds == pytest.approx(21.5, abs=0.01)
    store = library.features(encoder.spec)
    assert store.live_ids().tolist() == [clip.clip_id for clip in library.catalog.clips()]
    for clip in library.catalog.clips():
        assert library.thumbnail(clip.clip_id)[:2] == b"\xff\xd8"
    (job,) = library.catalog.jobs()
    assert (job.outcome, job.added) == ("done", 11)


def test_vectors_equal_those_of_the_slow_way(library, encoder, drives):
    """One clip after the other, every frame decoded, one batch, no threads."""
    ingest(library, encoder, [drives], clip_seconds=2)
    got = rows_by_span(library, encoder.spec)
    slow = TinyEncoder()
    for video in library.catalog.videos():
        frames = every_frame(video.path)
        for span in cut(video.duration_s, 2.0):
            shown = [frames[int(time_s * 10 + 1e-6)] for time_s in sample_times(span, 12)]
            raw = slow.encode_frames([slow.prepare(rgb) for rgb in shown])
            expected = slow.pool(tuple(part[None] for part in raw)).student[0].numpy().astype(np.float16)
            np.testing.assert_array_equal(got.pop((video.path, span.start_s)), expected)
    assert got == {}


def test_each_worker_is_one_torch_thread_and_the_caller_keeps_its_own(library, encoder, drives, monkeypatch):
    before, both = torch.get_num_threads(), threading.Barrier(2)
    real = encoder.encode_frames

    def encode_frames(prepared):
        # the first waits for the other, which a busy machine may give no core until all is done
        if threading.current_thread().name not in encoder.threads:
            both.wait(300)
        return real(prepared)

    monkeypatch.setattr(encoder, "encode_frames", encode_frames)
    ingest(library, encoder, [drives], clip_seconds=2, workers=2)
    assert encoder.torch_threads == {1}
    assert len(encoder.threads) == 2
    assert threading.current_thread().name not in encoder.threads
    assert torch.get_num_threads() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("ingest-")]


def test_batches_are_even_and_about_sixteen(library, encoder, drives):
    ingest(library, encoder, [drives / "夜 🌙"], clip_seconds=2)
    assert sorted(encoder.seen) == [12, 12, 18, 18, 18, 18]  # 2 clips, then 6


def test_running_again_does_nothing(library, encoder, drives):
    first = ingest(library, encoder, [drives], clip_seconds=2)
    encoder.seen.clear()
    second = ingest(library, encoder, [drives], clip_seconds=2)
    assert (second.videos, second.clips, second.added) == (first.videos, first.clips, 0)
    assert encoder.seen == []


def test_a_touched_file_is_not_done_again(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    encoder.seen.clear()
    os.utime(drives / "a.mp4", ns=(1, 1))
    assert ingest(library, encoder, [drives], clip_seconds=2).added == 0
    assert encoder.seen == []
    assert {v.mtime_ns for v in library.catalog.videos() if v.path.endswith("a.mp4")} == {1}


def test_a_changed_file_is_done_again_and_its_old_clips_are_gone(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    old = [c.clip_id for c in library.catalog.clips() if c.path.endswith("a.mp4")]
    make_video(drives / "a.mp4", 6.0)
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.added, report.removed, report.clips, report.videos) == (3, 2, 12, 3)
    assert not set(old) & set(library.features(encoder.spec).live_ids().tolist())
    assert all(library.thumbnail(clip_id) == b"" for clip_id in old)


def test_a_moved_file_is_recognised_by_its_contents(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    before = rows_by_span(library, encoder.spec)
    encoder.seen.clear()
    (drives / "a.mp4").rename(drives / "renamed.mp4")
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.added, report.removed, report.missing) == (0, 0, ())
    assert encoder.seen == []
    assert str(drives / "renamed.mp4") in {v.path for v in library.catalog.videos()}
    moved = rows_by_span(library, encoder.spec)
    np.testing.assert_array_equal(moved[str(drives / "renamed.mp4"), 0.0], before[str(drives / "a.mp4"), 0.0])


def test_a_copy_is_a_video_of_its_own(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    shutil.copy(drives / "a.mp4", drives / "copy.mp4")
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.videos, report.added) == (4, 2)


def test_a_file_that_is_gone_is_reported_and_dropped_only_on_request(library, encoder, drives, tmp_path):
    ingest(library, encoder, [drives], clip_seconds=2)
    (drives / "a.mp4").unlink()
    other = make_video(tmp_path / "other.mp4", 2.0)
    assert ingest(library, encoder, [other], drop_missing=True).removed == 0  # not under these paths
    kept = ingest(library, encoder, [drives])
    assert kept.missing == (str(drives / "a.mp4"),)
    assert kept.clips == 12
    dropped = ingest(library, encoder, [drives], drop_missing=True)
    assert (dropped.removed, dropped.missing, dropped.clips) == (2, (), 10)
    assert library.features(encoder.spec).live_ids().size == 10


def test_a_whole_folder_that_is_gone(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    shutil.rmtree(drives)
    report = ingest(library, encoder, [drives])
    assert len(report.missing) == 3
    assert [failure.kind for failure in report.failed] == ["not_found"]
    assert report.clips == 11


def test_what_may_not_be_looked_at_is_not_gone(library, encoder, drives, monkeypatch):
    ingest(library, encoder, [drives], clip_seconds=2)
    monkeypatch.setattr("core.library.ingest.find_videos", _found_nothing_under(drives))
    real = os.stat

    def stat(path, *arguments, **options):
        if str(path).endswith("a.mp4"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)
    assert ingest(library, encoder, [drives], drop_missing=True).removed == 0


def _found_nothing_under(folder):
    from core.library.discover import Found

    return lambda paths: Found(roots=[folder])


def test_the_library_remembers_how_it_was_cut(library, encoder, drives):
    ingest(library, encoder, [drives / "a.mp4"], clip_seconds=2)
    assert ingest(library, encoder, [drives]).clips == 11


def test_another_length_holds_for_new_and_changed_files(library, encoder, drives):
    ingest(library, encoder, [drives / "a.mp4", drives / "b.mkv"], clip_seconds=2)
    make_video(drives / "b.mkv", 6.0)
    (drives / "a.mp4").rename(drives / "moved.mp4")
    report = ingest(library, encoder, [drives], clip_seconds=3)
    assert (report.added, report.removed) == (2 + 6, 1)
    lengths = {
        name: [b - a for path, a, b in spans_of(library) if path.endswith(name)]
        for name in ("moved.mp4", "b.mkv")
    }
    assert lengths == {"moved.mp4": [2, 2], "b.mkv": [3, 3]}


def test_on_request_everything_is_cut_anew(library, encoder, drives):
    ingest(library, encoder, [drives], clip_seconds=2)
    again = ingest(library, encoder, [drives], clip_seconds=4, recut=True)
    assert (again.added, again.removed, again.clips) == (6, 11, 6)
    overlapping = ingest(library, encoder, [drives / "a.mp4"], clip_seconds=2, stride_s=1, recut=True)
    assert overlapping.added == 3
    assert [(a, b) for path, a, b in spans_of(library) if path.endswith("a.mp4")] == [(0, 2), (1, 3), (2, 4)]


@pytest.mark.parametrize(
    ("clip_seconds", "stride_s", "sentence"),
    [
        (0.5, 0, "clip must be between 1 and 3600 seconds, not 0.5"),
        (-2, 0, "clip must be between"),
        (float("nan"), 0, "clip must be between"),
        (2, -1, "stride must be between 0.1 and 3600 seconds, not -1"),
        (2, 0.01, "stride must be between"),
        (2, float("inf"), "stride must be between"),
    ],
)
def test_lengths_that_make_no_sense(library, encoder, drives, clip_seconds, stride_s, sentence):
    with pytest.raises(DrivescopeError, match=sentence) as caught:
        ingest(library, encoder, [drives], clip_seconds=clip_seconds, stride_s=stride_s)
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_progress_counts_up_to_the_end(library, encoder, drives):
    steps = []
    ingest(library, encoder, [drives], clip_seconds=2, progress=steps.append)
    done = [step.done for step in steps]
    assert done == sorted(done)
    last = steps[-1]
    assert (last.stage, last.done, last.total, last.committed, last.eta_s) == ("done", 11, 11, 11, 0.0)
    assert last.rate > 0
    assert last.realtime > 0
    assert last.detail.endswith((".mp4", ".mkv"))


def test_clips_can_be_found_while_others_are_made(library, encoder, drives, monkeypatch):
    monkeypatch.setattr(commit, "MOST_CLIPS", 1)
    reader = Library.open(library.folder)
    store = reader.features(encoder.spec)
    seen = []

    def progress(step):
        store.refresh()
        listed = {clip.clip_id for clip in reader.catalog.clips()}
        assert set(store.live_ids().tolist()) <= listed
        assert store.live_ids().size == step.committed
        seen.append(step.committed)

    ingest(library, encoder, [drives], clip_seconds=2, progress=progress, workers=1)
    assert seen[-1] == 11
    reader.close()


def test_cancelling_keeps_what_was_done_and_the_next_run_goes_on(library, encoder, drives, monkeypatch):
    monkeypatch.setattr(commit, "MOST_CLIPS", 1)
    pooled = threading.Event()
    real = encoder.pool

    def pool(frames):
        pooled.set()
        return real(frames)

    monkeypatch.setattr(encoder, "pool", pool)
    with pytest.raises(Cancelled):
        ingest(library, encoder, [drives], clip_seconds=2, cancelled=pooled.is_set, workers=1)
    assert library.catalog.jobs()[-1].outcome == "cancelled"
    kept = library.features(encoder.spec).live_ids().size
    assert kept == library.catalog.clip_count() < 11
    report = ingest(library, encoder, [drives], clip_seconds=2)
    assert (report.clips, report.added) == (11, 11 - kept)


def test_cancelling_before_it_starts(library, encoder, drives):
    with pytest.raises(Cancelled):
        ingest(library, encoder, [drives], cancelled=lambda: True)
    assert encoder.seen == []


def test_a_defect_of_ours_is_not_blamed_on_the_file(library, encoder, drives, monkeypatch):
    def broken(frames):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(encoder, "pool", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        ingest(library, encoder, [drives])
    assert library.catalog.jobs()[-1].outcome == "failed"
    assert library.catalog.failures() == []
    monkeypatch.undo()
    assert ingest(library, encoder, [drives], clip_seconds=2).clips == 11


def test_a_defect_is_raised_though_every_worker_has_ended_before_anybody_looks(
    library, encoder, drives, monkeypatch
):
    looked = threading.Event()

    def broken(frames):
        assert looked.wait(300)
        raise RuntimeError("out of memory")

    def progress(step):
        if step.detail:  # the plan is taken: nothing but the defect will come
            looked.set()
            for thread in threading.enumerate():
                if thread.name.startswith("ingest-"):
                    thread.join()

    monkeypatch.setattr(encoder, "pool", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        ingest(library, encoder, [drives / "a.mp4"], clip_seconds=2, progress=progress)
    assert library.catalog.jobs()[-1].outcome == "failed"


def test_a_library_of_another_bundle_takes_nothing(library, drives):
    with pytest.raises(DrivescopeError) as caught:
        ingest(library, TinyEncoder(TinySpec(name="other", crop="squash")), [drives])
    assert caught.value.kind is ErrorKind.MISMATCH
    assert library.catalog.videos() == []


def test_footage_is_neither_copied_nor_altered(library, encoder, drives):
    def state():
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in drives.rglob("*") if p.is_file()}

    before = state()
    ingest(library, encoder, [drives], clip_seconds=2)
    assert state() == before
    assert not [p for p in library.folder.rglob("*") if p.suffix in (".mp4", ".mkv")]
    kinds = {
        p.name if p.parent == library.folder else p.suffix for p in library.folder.rglob("*") if p.is_file()
    }
    assert kinds <= {"library.db", "library.db-wal", "library.db-shm", "library.lock"} | {
        ".f16",
        ".i64",
        ".json",
        ".jpg",
    }


def test_raw_streams_are_decoded_in_one_go(library, encoder, tmp_path):
    path = make_video(tmp_path / "raw.h264", 20.0, form="h264")
    report = ingest(library, encoder, [path], clip_seconds=2)
    assert (report.added, report.failed) == (10, ())


def test_real_footage_indexes_whole(library, encoder, footage):
    report = ingest(library, encoder, [footage / "videos"])
    assert (report.videos, report.failed) == (17, ())
    assert report.clips == report.added == library.features(encoder.spec).live_ids().size
    durations = {video.path: video.duration_s for video in library.catalog.videos()}
    for clip in library.catalog.clips():
        assert 0 <= clip.start_s < clip.end_s <= durations[clip.path]
    assert report.video_seconds == pytest.approx(sum(durations.values()))
