import os

import pytest

from core.library.discover import find_videos


@pytest.fixture
def tree(tmp_path):
    for name in ("b.MP4", "a.mov", "deep/er/c.Mkv", "deep/d.h264", "notes.txt", ".hidden.mp4", ".git/e.mp4"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "tree"


def names(found, root):
    return [str(path.relative_to(root)) for path in found.files]


def test_videos_are_found_below_by_extension_in_any_case(tree):
    found = find_videos([tree])
    assert names(found, tree) == ["a.mov", "b.MP4", "deep/d.h264", "deep/er/c.Mkv"]
    assert found.failed == []


@pytest.mark.parametrize(
    "end", ["mp4", "mov", "mkv", "avi", "webm", "m4v", "ts", "hevc", "h264", "gif", "MP4", "Gif"]
)
def test_every_kind(tmp_path, end):
    (tmp_path / f"x.{end}").write_bytes(b"x")
    assert len(find_videos([tmp_path]).files) == 1


def test_paths_given_twice_count_once(tree):
    assert len(find_videos([tree, tree / "deep", tree / "a.mov", str(tree)]).files) == 4


def test_links_are_followed_and_loops_end(tree):
    (tree / "deep" / "loop").symlink_to(tree)
    (tree / "self").symlink_to(tree / "self")
    (tree / "again.mp4").symlink_to(tree / "b.MP4")
    (tree / "dead.mp4").symlink_to(tree / "nowhere.mp4")
    found = find_videos([tree])
    assert names(found, tree) == ["a.mov", "b.MP4", "dead.mp4", "deep/d.h264", "deep/er/c.Mkv"]


def test_a_link_to_a_folder_elsewhere(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    found = find_videos([tmp_path / "link"])
    assert names(found, tree)[0] == "a.mov"  # under its real path
    assert found.covers(str(tree / "a.mov"))


def test_what_is_not_there_and_what_is_no_video_is_said(tree):
    (tree / "empty").mkdir()
    found = find_videos([tree / "gone", tree / "notes.txt", tree / "empty", "x" * 5000])
    reasons = {
        failure.path.rsplit("/", 1)[-1][:10]: (failure.kind, failure.reason) for failure in found.failed
    }
    assert found.files == []
    assert reasons["gone"][0] == "not_found"
    assert "is not there" in reasons["gone"][1]
    assert reasons["notes.txt"] == (
        "bad_input",
        "notes.txt is not a kind of video that Drivescope reads.",
    )
    assert "There is no video in" in reasons["empty"][1]
    assert "xxxxxxxxxx" in reasons


def test_a_folder_that_may_not_be_read_stops_nothing(tree, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = find_videos([tree])
    assert names(found, tree) == ["a.mov", "b.MP4"]
    (failure,) = found.failed
    assert (failure.kind, failure.path) == ("no_permission", str(tree / "deep"))
    assert "may not be read (Permission denied)" in failure.reason


def test_names_in_any_script(tmp_path):
    for name in ("夜间行驶.mp4", "🚗💨.mov", "Straße über.mkv"):
        (tmp_path / name).write_bytes(b"x")
    assert {path.name for path in find_videos([tmp_path]).files} == {
        "夜间行驶.mp4",
        "🚗💨.mov",
        "Straße über.mkv",
    }
