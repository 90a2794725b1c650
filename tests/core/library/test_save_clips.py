"""Clips as files: what comes out is the span, frame for frame, and what cannot be saved is told."""

import csv

import numpy as np
import pytest

from core.errors import Cancelled, DrivescopeError, ErrorKind
from core.files import sha256_of
from core.library.catalog import ClipRow
from core.library.save_clips import LIST, save_clips
from core.library.video import frames_of_span, probe
from tests.core.library.conftest import make_video


def clip(path, start_s=1.0, end_s=2.5, clip_id=7) -> ClipRow:
    return ClipRow(clip_id=clip_id, video_id=1, path=str(path), start_s=start_s, end_s=end_s, fps=10.0)


def rows_of(folder) -> list[dict[str, str]]:
    with (folder / LIST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_saved_clip_is_its_span_frame_for_frame(tmp_path):
    source = tmp_path / "dri've: 夜\n.mp4"
    make_video(source, 4)
    report = save_clips([(3, clip(source))], tmp_path / "out")
    (saved,) = report.saved
    made = tmp_path / "out" / saved.file
    assert saved.file == "003 dri_ve_ 夜_ 1.00-2.50.mp4"
    wanted = list(frames_of_span(source, 1.0, 2.5, 4000))
    got = list(frames_of_span(made, 0.0, 100.0, 4000))
    assert len(got) == len(wanted) == saved.frames
    times = np.array([time_s for time_s, _ in wanted])
    assert np.allclose([time_s for time_s, _ in got], times - times[0], atol=1e-3)
    for (_, here), (_, there) in zip(got, wanted, strict=True):
        assert (
            np.abs(here.astype(float) - there.astype(float)).mean() < 6
        )  # colours survive the way there and back
    assert probe(made).codec == "h264"
    (row,) = rows_of(tmp_path / "out")
    assert (row["file"], row["rank"], row["clip_id"], row["video"]) == (saved.file, "3", "7", str(source))
    assert (float(row["start_s"]), float(row["end_s"])) == (round(times[0], 3), 2.5)
    assert row["sha256"] == sha256_of(made)


def test_what_is_gone_or_damaged_is_listed_and_stops_nothing(tmp_path):
    make_video(tmp_path / "good.mp4", 3)
    (tmp_path / "bad.mp4").write_bytes(b"not a video")
    clips = [
        (rank, clip(tmp_path / name))
        for rank, name in enumerate(("gone.mp4", "bad.mp4", "good.mp4"), start=1)
    ]
    heard = []
    report = save_clips(clips, tmp_path / "out", progress=lambda done, name: heard.append((done, name[:3])))
    assert [saved.rank for saved in report.saved] == [3]
    assert [failure.kind for failure in report.failed] == ["not_found", "unreadable"]
    assert heard == [(0, "001"), (1, "002"), (2, "003")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [report.saved[0].file, LIST]


def test_a_cancelled_run_keeps_whole_clips_and_nothing_half(tmp_path):
    make_video(tmp_path / "a.mp4", 3)
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 20  # in the midst of the second clip

    with pytest.raises(Cancelled):
        save_clips([(n, clip(tmp_path / "a.mp4")) for n in (1, 2, 3)], tmp_path / "out", cancelled=cancelled)
    assert [row["rank"] for row in rows_of(tmp_path / "out")] == ["1"]
    assert len(list((tmp_path / "out").glob("*.mp4"))) == len(list((tmp_path / "out").iterdir())) - 1 == 1


def test_a_folder_that_cannot_be_one_is_said(tmp_path):
    make_video(tmp_path / "a.mp4", 3)
    with pytest.raises(DrivescopeError, match="could not be written") as caught:
        save_clips([(1, clip(tmp_path / "a.mp4"))], tmp_path / "a.mp4")
    assert caught.value.kind is ErrorKind.BAD_INPUT
