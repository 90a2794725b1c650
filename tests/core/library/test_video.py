"""Fast decoding against the slowest honest one: decode everything, then look for the frame."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import DrivescopeError, ErrorKind
from core.library.clips import cut, sample_times
from core.library.timeline import read_timeline
from core.library.video import frames_at, frames_of_span, probe

from .conftest import every_frame, make_video, picture

GOP = {"g": "10", "bf": "3", "crf": "30"}
STEADY = {
    "b_frames.mp4": {"options": GOP},
    "one_gop.mp4": {"options": {"g": "1000", "bf": "0"}},
    "intra.mov": {"options": {"g": "1"}},
    "cues.mkv": {"options": GOP},
    "stream.ts": {"options": GOP, "form": "mpegts"},
    "part2.avi": {"codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "h264.avi": {"options": GOP},
    "raw.h264": {"options": GOP, "form": "h264"},
    "raw.hevc": {"codec": "libx265", "form": "hevc", "options": {"x265-params": "log-level=none:keyint=10"}},
    "vp8.webm": {"codec": "libvpx", "options": {"g": "10", "deadline": "realtime"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "10", "deadline": "realtime"}},
    "loop.gif": {"codec": "gif", "pixels": "rgb8"},
}
"""Names and how they are made: 4 s at 10 frames a second, in every container that is looked for."""


@pytest.fixture(scope="module")
def steady(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("videos")
    return {name: make_video(folder / name, 4.0, **how) for name, how in STEADY.items()}


def reference(path: Path, times: list[float]) -> list[tuple[float, np.ndarray]]:
    """For each time the last frame that is not shown after it, from a plain decode of the whole file."""
    with av.open(str(path)) as container:
        frames = [(f.pts * f.time_base, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    zero = frames[0][0]
    found = []
    for time_s in times:
        shown = [(pts - zero, rgb) for pts, rgb in frames if pts - zero <= Fraction(time_s)]
        found.append((float(shown[-1][0]), shown[-1][1]))
    return found


@pytest.mark.parametrize("name", STEADY)
def test_the_frame_on_display_is_found_in_every_container(steady, name):
    path = steady[name]
    frames = every_frame(path)
    assert len(frames) == 40
    found = probe(path)
    assert found.duration_s == pytest.approx(4.0, abs=0.005)
    assert found.fps == pytest.approx(10, rel=0.01)
    assert (found.width, found.height) == (64, 48)
    times = [0.0, 0.05, 0.15, 0.95, 1.05, 2.55, 3.65, 3.95]
    got = list(frames_at(path, times))
    assert [time_s for time_s, _ in got] == pytest.approx([0.0, 0.0, 0.1, 0.9, 1.0, 2.5, 3.6, 3.9], abs=0.002)
    for time_s, rgb in got:
        np.testing.assert_array_equal(rgb, frames[round(time_s * 10)])


@pytest.mark.parametrize("name", STEADY)
def test_a_late_part_alone_gives_the_same_frames(steady, name):
    """A jump to a keyframe must not change a pixel."""
    frames = every_frame(steady[name])
    (time_s, rgb), *_ = frames_at(steady[name], [3.35])
    assert time_s == pytest.approx(3.3, abs=0.002)
    np.testing.assert_array_equal(rgb, frames[33])


@pytest.mark.parametrize("name", STEADY)
def test_playback_gives_every_frame_of_the_span_once(steady, name):
    frames = every_frame(steady[name])
    got = list(frames_of_span(steady[name], 1.3, 2.6, 480))
    assert [time_s for time_s, _ in got] == pytest.approx([n / 10 for n in range(13, 26)], abs=0.002)
    for time_s, rgb in got:
        np.testing.assert_array_equal(rgb, frames[round(time_s * 10)])


def test_one_frame_may_be_wanted_several_times(steady):
    got = list(frames_at(steady["b_frames.mp4"], [0.31, 0.33, 0.39, 0.41]))
    assert [time_s for time_s, _ in got] == pytest.approx([0.3, 0.3, 0.3, 0.4])


def test_no_times_no_frames(steady):
    assert list(frames_at(steady["b_frames.mp4"], [])) == []


def test_uneven_times(tmp_path):
    times = [0, 40, 80, 500, 520, 1500, 1533, 3000]
    path = make_video(tmp_path / "uneven.mp4", times=times, options={"g": "3", "bf": "2"})
    wanted = [0.01, 0.3, 0.51, 1.0, 1.51, 2.0, 2.9]
    for (time_s, rgb), (expected_s, expected) in zip(
        frames_at(path, wanted), reference(path, wanted), strict=True
    ):
        assert time_s == pytest.approx(expected_s)
        np.testing.assert_array_equal(rgb, expected)
    assert [round(t, 3) for t, _ in frames_of_span(path, 0.05, 1.52, 480)] == [0.08, 0.5, 0.52, 1.5]


def test_a_span_between_two_frames_shows_the_one_on_display(tmp_path):
    path = make_video(tmp_path / "slow.mp4", times=[0, 1000, 2000])
    ((time_s, _),) = frames_of_span(path, 1.2, 1.4, 480)
    assert time_s == pytest.approx(1.0)


def test_times_count_from_the_first_shown_frame(tmp_path):
    path = make_video(tmp_path / "late.mkv", times=[5000 + 100 * n for n in range(20)])
    assert probe(path).duration_s == pytest.approx(2.0, abs=0.002)
    assert next(frames_at(path, [0.55]))[0] == pytest.approx(0.5)
    assert next(frames_of_span(path, 1.0, 2.0, 480))[0] == pytest.approx(1.0)


def patch_box(path: Path, box: bytes, offset: int, data: bytes) -> None:
    """Overwrites bytes of the first `box` in an MP4 file, counted from the end of its name."""
    content = bytearray(path.read_bytes())
    at = content.index(box) + 4 + offset
    content[at : at + len(data)] = data
    path.write_bytes(content)


def test_frames_that_an_edit_list_hides_stay_hidden(tmp_path):
    path = make_video(tmp_path / "edited.mp4", 4.0, options={"g": "20", "bf": "0"})
    tick = read_timeline(path).time_base.denominator // 10
    # elst: version and flags, entries, then duration (movie time, here milliseconds), media time, rate
    patch_box(path, b"elst", 8, struct.pack(">II", 3300, 7 * tick))
    frames = every_frame(path)
    assert len(frames) == 33
    found = probe(path)
    assert found.duration_s == pytest.approx(3.3)
    times = [0.05, 1.25, 1.35, 3.25]
    got = list(frames_at(path, times))
    assert [time_s for time_s, _ in got] == pytest.approx([0.0, 1.2, 1.3, 3.2])
    for time_s, rgb in got:
        np.testing.assert_array_equal(rgb, frames[round(time_s * 10)])
    assert len(list(frames_of_span(path, 0.0, 3.3, 480))) == 33


ROTATIONS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@pytest.mark.parametrize("degrees", ROTATIONS)
def test_phone_video_is_turned_upright(tmp_path, degrees):
    """`degrees` clockwise is what a phone writes; 90 makes a lying picture stand."""
    path = make_video(tmp_path / "phone.mp4", 1.0, options={"crf": "10"})
    a, b, c, d = (value << 16 for value in ROTATIONS[degrees])
    patch_box(path, b"tkhd", 40, struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30))
    found = probe(path)
    assert (found.width, found.height) == ((48, 64) if degrees % 180 else (64, 48))
    _, rgb = next(frames_at(path, [0.5]))
    expected = np.rot90(picture(5), -degrees // 90)
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).mean() < 12
    _, played = next(frames_of_span(path, 0.0, 1.0, max_height=24))
    assert played.shape[0] == 24
    assert played.shape[1] == round(24 * expected.shape[1] / expected.shape[0])


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(4, 3), (85, 48)), (Fraction(1, 2), (64, 96))])
def test_pixels_are_made_square_by_stretching(tmp_path, aspect, size):
    path = make_video(tmp_path / "wide.mp4", 1.0, aspect=aspect)
    found = probe(path)
    assert (found.width, found.height) == size
    _, rgb = next(frames_at(path, [0.5]))
    assert rgb.shape == (size[1], size[0], 3)
    assert rgb[4, 4].min() > 200  # the white corner is still there
    assert rgb[-4, -4].max() < 100


def test_playback_is_made_smaller_but_never_larger(steady):
    _, small = next(frames_of_span(steady["b_frames.mp4"], 0, 1, 24))
    _, same = next(frames_of_span(steady["b_frames.mp4"], 0, 1, 480))
    assert small.shape == (24, 32, 3)
    assert same.shape == (48, 64, 3)


def test_a_damaged_middle_is_bridged_by_its_neighbours(tmp_path):
    path = make_video(tmp_path / "hurt.mp4", 4.0, options={"g": "5", "bf": "0"})
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size, float(p.pts * p.time_base)) for p in container.demux(video=0) if p.size]
    content = bytearray(path.read_bytes())
    for position, size, time_s in packets:
        if 1.45 < time_s < 2.45:
            content[position + 4 : position + size] = bytes(size - 4)
    path.write_bytes(content)
    got = [time_s for time_s, _ in frames_at(path, [0.55, 1.95, 3.55])]
    assert got[0] == pytest.approx(0.5)
    assert got[2] == pytest.approx(3.5)
    assert len(got) == 3


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(DrivescopeError, match="no moving picture") as caught:
        probe(path)
    assert caught.value.kind is ErrorKind.UNREADABLE


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(DrivescopeError, match="no longer there") as caught:
        list(frames_of_span(tmp_path / "gone.mp4", 0, 1, 480))
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_real_footage_agrees_with_a_full_decode(footage):
    """Every sampled frame of the real set is the one that a plain decode of everything shows at its time."""
    paths = sorted(p for p in (footage / "videos").iterdir() if p.suffix != ".txt")
    assert len(paths) == 17
    for path in paths:
        found = probe(path)
        spans = cut(found.duration_s)
        times = [time_s for span in spans for time_s in sample_times(span, 12)]
        with av.open(str(path)) as container:
            container.streams.video[0].thread_type = "AUTO"
            shown = [(f.pts, f) for f in container.decode(video=0)]
            base = container.streams.video[0].time_base
        assert spans[-1].end_s <= float((shown[-1][0] - shown[0][0]) * base) + 0.2
        seconds = [float((pts - shown[0][0]) * base) for pts, _ in shown]
        for wanted_s, (time_s, rgb) in zip(times, frames_at(path, times, found.timeline), strict=True):
            number = max(n for n, s in enumerate(seconds) if s <= wanted_s + 1e-9)
            assert time_s == pytest.approx(seconds[number], abs=1e-6), path.name
            until = seconds[number + 1] if number + 1 < len(seconds) else found.duration_s
            middle, half = (time_s + until) / 2, (until - time_s) / 2
            assert abs(wanted_s - middle) <= half + 1e-6, path.name
            if path.suffix != ".gif":  # whose pixels are not square: stretched, so not comparable
                np.testing.assert_array_equal(rgb, shown[number][1].to_ndarray(format="rgb24"), path.name)
