import itertools
import sqlite3

import numpy as np
import pytest

from core.library import keyframes
from core.library.catalog import MIGRATIONS
from core.library.clips import Keyframe, Span, sample_times
from core.library.ingest import ingest
from core.library.keyframes import choose, usable_frames
from core.library.library import Library

from .conftest import make_video

SPAN = Span(16.0, 24.0)


def scenes(*lengths: int, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Unit frame vectors (F, 16) of scenes that look nothing like each other."""
    rng = np.random.default_rng(seed)
    made = np.concatenate([np.tile(rng.normal(size=16), (n, 1)) for n in lengths])
    made = made + noise * rng.normal(size=made.shape)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def reference(frames: np.ndarray, span: Span, usable: np.ndarray) -> list[Keyframe]:
    """The rule of methods.md 8.1, one frame after the other and without a shortcut."""
    F = len(frames)
    times = sample_times(span, F)
    usable = usable if usable.any() else np.ones(F, bool)
    change = [0.0] + [1.0 - float(frames[t] @ frames[t - 1]) for t in range(1, F)]
    least = max(np.mean(change[1:]) + np.std(change[1:]), keyframes.STILL)
    kept: list[int] = []
    for t in sorted(range(1, F), key=lambda t: (-change[t], t)):
        after = change[t + 1] if t + 1 < F else 0.0
        peak = change[t] > least and change[t] > change[t - 1] and change[t] >= after
        if peak and min([abs(times[t] - times[k]) for k in kept], default=99.0) >= keyframes.LEAST_GAP_S:
            kept.append(t)
    edges = [0, *sorted(kept[: keyframes.MOST - 1]), F]
    found = []
    for first, end in itertools.pairwise(edges):
        mean = frames[first:end].mean(axis=0)
        near = {t: float(frames[t] @ mean) for t in range(first, end) if usable[t]}
        if near:
            best = max(near, key=lambda t: near[t])
            half = span.seconds / F / 2
            found.append(
                Keyframe(best, times[best], times[first] - half, times[end - 1] + half, change[first])
            )
    return found


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_plain_rule(seed):
    rng = np.random.default_rng(seed)
    F = int(rng.integers(2, 40))
    frames = scenes(*rng.integers(1, 8, size=F), noise=0.4, seed=seed)[:F]
    span = Span(0.0, F * 0.5)
    usable = rng.random(F) < 0.7
    found, plain = choose(frames, span, usable), reference(frames, span, usable)
    assert [k.frame for k in found] == [k.frame for k in plain]
    for ours, theirs in zip(found, plain, strict=True):
        assert ours.change == pytest.approx(theirs.change, abs=1e-5)
        assert (ours.time_s, ours.start_s, ours.end_s) == pytest.approx(
            (theirs.time_s, theirs.start_s, theirs.end_s)
        )


def test_one_key_image_a_scene_and_their_stretches_fill_the_clip():
    found = choose(scenes(4, 3, 5), SPAN, np.ones(12, bool))
    assert [0 <= k.frame < 4 for k in found] == [True, False, False]
    assert [k.start_s for k in found] == pytest.approx([16.0, 16 + 4 * 8 / 12, 16 + 7 * 8 / 12])
    assert [k.end_s for k in found][:-1] == pytest.approx([k.start_s for k in found][1:])
    assert found[-1].end_s == pytest.approx(24.0)
    assert found[0].change == 0.0
    assert found[1].change > 0.1


def test_a_still_clip_has_one_key_image():
    assert len(choose(scenes(12, noise=0.01), SPAN, np.ones(12, bool))) == 1


def test_of_two_changes_within_two_seconds_the_larger_counts():
    frames = scenes(3, 2, 7)
    near, apart = Span(0.0, 11.9), Span(0.0, 12.0)  # the two changes are two frames from each other
    larger = int(np.argmax(1.0 - (frames[1:] * frames[:-1]).sum(axis=1))) + 1
    starts = [keyframe.start_s for keyframe in choose(frames, near, np.ones(12, bool))]
    assert starts == pytest.approx([0.0, larger * 11.9 / 12])
    assert [k.start_s for k in choose(frames, apart, np.ones(12, bool))] == pytest.approx([0.0, 3.0, 5.0])


def test_never_more_than_eight():
    found = choose(scenes(*[6] * 20), Span(0.0, 400.0), np.ones(120, bool))
    assert len(found) == keyframes.MOST


def test_frames_that_may_not_stand_for_anything_do_not():
    usable = np.array([False] * 4 + [True] * 8)
    found = choose(scenes(4, 8), SPAN, usable)
    assert [k.frame >= 4 for k in found] == [True]
    assert choose(scenes(4, 8), SPAN, np.zeros(12, bool)), "a clip in the dark still has key images"


def test_black_blank_and_blurred_pictures_are_not_usable():
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (162, 288, 3), dtype=np.uint8)
    black, blank = np.zeros_like(sharp), np.full_like(sharp, 128)
    blurred = np.repeat(np.repeat(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8), 27, 0), 32, 1)
    assert usable_frames([sharp, black, blank, blurred, sharp]).tolist() == [True, False, False, False, True]
    assert not usable_frames([black, black]).any()


def test_ingest_stores_them_and_an_older_library_works_them_out(library, encoder, tmp_path):
    def picture(number, width, height):
        rng = np.random.default_rng(number // 40)  # another scene every four seconds
        return np.ascontiguousarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))

    ingest(library, encoder, [make_video(tmp_path / "drive.mp4", seconds=16.0, picture=picture)])
    clips = library.catalog.clips()
    stored = {clip.clip_id: library.catalog.keyframes(clip.clip_id) for clip in clips}
    assert len(clips) == 2
    for clip in clips:
        assert 1 <= len(stored[clip.clip_id]) <= keyframes.MOST
        assert all(clip.start_s <= k.time_s < clip.end_s for k in stored[clip.clip_id])
    store = library.features(encoder.spec)
    library.close()

    db = sqlite3.connect(library.folder / "library.db")
    db.executescript("DROP TABLE keyframes; PRAGMA user_version = 1;")
    db.close()
    older = Library.open(library.folder)
    try:
        assert not older.catalog.keyframes(clips[0].clip_id)
        for clip in clips:
            found = keyframes.of_clip(older, store, clip)
            assert [k.frame for k in found] == [k.frame for k in stored[clip.clip_id]]
        older.catalog.drop_clips([clips[0].clip_id])
    finally:
        older.close()
    assert sqlite3.connect(library.folder / "library.db").execute("PRAGMA user_version").fetchone() == (
        len(MIGRATIONS),
    )


def test_they_go_with_their_clip(library, encoder, tmp_path):
    ingest(library, encoder, [make_video(tmp_path / "drive.mp4", seconds=4.0)])
    (clip,) = library.catalog.clips()
    assert library.catalog.keyframes(clip.clip_id)
    library.catalog.drop_clips([clip.clip_id])
    assert library.catalog.keyframes(clip.clip_id) == []
