"""Caption files meet a library: splits by video, never by clip, and everything odd is named."""

import json

import pytest

from core.errors import DrivescopeError
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from core.training.captioned import LEAST_VIDEOS, hash_of_split, read_captioned, split_by_content
from tests.core.training.captioned_library import add_video, captions_for, make_library, write_captions


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return load_bundle(
        str(random_bundle(tmp_path_factory.mktemp("bundle"))), device="cpu", precision="float32"
    )


@pytest.fixture
def library(bundle, tmp_path):
    made = make_library(tmp_path / "library", bundle)
    yield made
    made.close()


def read(path, library, bundle, **options):
    return read_captioned(path, library, library.features(bundle.spec), **options)


def test_a_video_is_on_one_side_with_all_its_clips(library, bundle, tmp_path):
    found = read(captions_for(tmp_path / "captions.csv"), library, bundle)
    video_of = {clip.clip_id: clip.path for clip in library.catalog.clips()}
    seen: dict[str, str] = {}
    for name, part in found.parts.items():
        assert {video_of[clip] for clip in part.clips} == set(part.videos)
        assert len(part.clips) == 2 * len(part.videos)
        for text, clips in zip(part.texts, part.relevant, strict=True):
            assert len(clips) == 1
            assert set(clips) <= set(part.clips)
            assert text
        for video in part.videos:
            assert seen.setdefault(video, name) == name
    assert {name: len(part.videos) for name, part in found.parts.items()} == {"train": 8, "val": 2, "test": 2}
    assert found.kind == "CSV"
    assert found.as_dict()["parts"]["test"] == {"videos": 2, "clips": 4, "captions": 4}


def test_the_split_knows_content_only():
    contents = [f"{n:064x}" for n in range(20)]
    split = split_by_content(contents, seed=0)
    assert split == split_by_content(contents[::-1], seed=0)
    assert split != split_by_content(contents, seed=1)
    assert sorted(split.values()).count("test") == sorted(split.values()).count("val") == 3
    assert hash_of_split(split) == hash_of_split(dict(reversed(split.items())))
    moved = dict(split) | {contents[0]: "val" if split[contents[0]] != "val" else "test"}
    assert hash_of_split(moved) != hash_of_split(split)


def test_copies_of_a_video_stay_together_and_are_named(library, bundle, tmp_path):
    store = library.features(bundle.spec)
    rows = [("drive00.mp4", 0, 8, "a red car at place 0")]
    for number in range(5):
        add_video(library, store, bundle, f"/copies/{number}.mp4", content="sha of /footage/drive00.mp4")
        rows.append((f"{number}.mp4", 0, 8, f"a red car, copy {number}"))
    captions = captions_for(tmp_path / "captions.csv").read_text().splitlines()
    path = write_captions(tmp_path / "more.csv", [*(line.split(",") for line in captions[1:]), *rows[1:]])
    found = read(path, library, bundle)
    sides = {
        name
        for name, part in found.parts.items()
        for video in part.videos
        if "copies" in video or "00" in video
    }
    assert len(sides) == 1
    assert any("are copies of one video" in problem for problem in found.problems)


def test_what_is_odd_is_named(library, bundle, tmp_path):
    lines = captions_for(tmp_path / "captions.csv", videos=10).read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    rows += [("nowhere.mp4", 0, 8, "a caption without a video"), ("drive00.mp4", 400, 408, "after its end")]
    found = read(write_captions(tmp_path / "odd.csv", rows), library, bundle)
    assert [row.row for row in found.unmatched] == [22, 23]
    told = "\n".join(found.problems)
    assert "describe no clip: 2, e.g. row 22: the library has no video nowhere.mp4" in told
    assert "without a caption, which take no part: 2 (drive10.mp4, drive11.mp4)" in told
    assert "to learn from and" in told


def test_a_caption_in_train_and_test_is_named(library, bundle, tmp_path):
    rows = [(f"drive{n:02}.mp4", 0, 16, "the same words everywhere") for n in range(12)]
    found = read(write_captions(tmp_path / "same.csv", rows), library, bundle)
    assert any("occur word for word in train as well: 1" in problem for problem in found.problems)
    assert len(found.parts["train"].relevant[0]) == 16
    assert len(found.parts["test"].relevant[0]) == 4  # of this side only


def test_too_little_is_refused(library, bundle, tmp_path):
    path = captions_for(tmp_path / "few.csv", videos=LEAST_VIDEOS - 1)
    with pytest.raises(DrivescopeError, match=f"captions for 7 videos .* at least {LEAST_VIDEOS}"):
        read(path, library, bundle)


SIDES = ["train"] * 8 + ["validate"] * 2 + ["test"] * 2


def msrvtt(path, sides):
    content = {
        "videos": [{"video_id": f"drive{n:02}", "split": side} for n, side in enumerate(sides)],
        "sentences": [{"video_id": f"drive{n:02}", "caption": f"sentence {n}"} for n in range(len(sides))],
    }
    path.write_text(json.dumps(content))
    return path


def test_the_files_own_split_is_kept(library, bundle, tmp_path):
    found = read(msrvtt(tmp_path / "data.json", SIDES), library, bundle)
    assert found.kind == "MSR-VTT JSON"
    assert found.parts["test"].texts == ("sentence 10", "sentence 11")
    assert found.parts["val"].texts == ("sentence 8", "sentence 9")


def test_a_split_that_is_none_is_said(library, bundle, tmp_path):
    found = read(msrvtt(tmp_path / "data.json", ["train"] * 11 + ["later"]), library, bundle)
    assert any("it calls a side “later”" in problem for problem in found.problems)


def test_one_video_on_two_sides_is_refused(library, bundle, tmp_path):
    rows = [(f"drive{n:02}.mp4", f"sentence {n}", side) for n, side in enumerate(SIDES)]
    rows.append(("drive00.mp4", "another sentence", "test"))
    path = write_captions(tmp_path / "clash.csv", rows, header=("video_id", "sentence", "split"))
    with pytest.raises(DrivescopeError, match=r"puts drive00.mp4 into train and into test"):
        read(path, library, bundle)


def test_bddx_rows_are_captions(library, bundle, tmp_path):
    header = ("Input.Video", "Answer.1start", "Answer.1end", "Answer.1action", "Answer.1justification")
    rows = [
        (f"https://x.org/drive{n:02}.mp4", 0, 8, f"the car stops {n}", "because of a red light")
        for n in range(12)
    ]
    found = read(write_captions(tmp_path / "bddx.csv", rows, header=header), library, bundle)
    assert found.kind == "BDD-X CSV"
    assert sum(len(part.texts) for part in found.parts.values()) == 12
    assert all("because of" in text for text in found.parts["train"].texts)
