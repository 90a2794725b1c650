"""Files are there whole or not at all, and whoever may read a person's other files may read these."""

import os
import stat

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.files import (
    check_target,
    check_target_folder,
    new_folder,
    remove_folder,
    sha256_of,
    write_atomically,
    write_text,
)
from core.library.storage import write_bytes


@pytest.fixture(params=["write_text", "write_bytes"])
def write(request):
    """Both ways to write a whole file."""
    if request.param == "write_text":
        return write_text
    return lambda path, text: write_bytes(path, text.encode())


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_decides_who_may_read(write, tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


def test_a_file_is_replaced_and_nothing_else_is_left(write, tmp_path):
    path = tmp_path / "a.txt"
    write(path, "old\r\n")
    write(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_write_keeps_what_was_there(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old")

    def half(temporary):
        temporary.write_text("ha")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_what_the_system_refuses_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DrivescopeError) as caught:
        write_text(tmp_path / "file" / "below", "x")
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert str(tmp_path / "file" / "below") in caught.value.sentence


def test_a_place_is_tried_before_the_work_and_left_as_it_was(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    check_target(tmp_path / "file")
    check_target(tmp_path / "not" / "yet" / "there.html")
    for folder in (tmp_path, tmp_path / "folder", tmp_path / "not" / "yet"):
        check_target_folder(folder)
    for path in (tmp_path / "folder", tmp_path / "file" / "below", tmp_path / ("x" * 250)):
        with pytest.raises(DrivescopeError, match=f"{path.name} could not be written"):
            check_target(path)
    for folder in (tmp_path / "file", tmp_path / "file" / "below" / "that"):
        with pytest.raises(DrivescopeError, match="could not be written") as caught:
            check_target_folder(folder)
        assert str(folder) in caught.value.sentence
    assert {path.name for path in tmp_path.rglob("*")} == {"file", "folder"}
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_where_this_user_may_not_write(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DrivescopeError) as caught:
        check_target(tmp_path / "a.html")
    assert caught.value.kind is ErrorKind.NO_PERMISSION


def test_a_hash_is_of_the_bytes(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_of(tmp_path / "empty").startswith("e3b0c44298fc1c149afbf4c8996fb924")


def test_a_folder_appears_whole_under_the_next_free_name(tmp_path):
    for _ in range(2):
        with new_folder(tmp_path / "runs", "a") as (unfinished, place):
            (unfinished / "x").write_text("x")
            assert not place.exists()
        assert (place / "x").read_text() == "x"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["a", "a-2"]


def test_a_folder_that_fails_leaves_nothing_and_sweeps_what_a_crash_left(tmp_path):
    left = tmp_path / ".unfinished-1"
    left.mkdir()
    os.utime(left, (0, 0))
    with pytest.raises(RuntimeError), new_folder(tmp_path, "a"):
        raise RuntimeError("in the middle")
    assert list(tmp_path.iterdir()) == []


def test_two_processes_may_make_folders_at_once(tmp_path):
    with new_folder(tmp_path, "a") as (unfinished, place):
        with new_folder(tmp_path, "b") as (_, other):
            pass
        (unfinished / "x").write_text("x")
    assert (place / "x").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == [place.name, other.name]


def test_the_umask_decides_who_may_enter(tmp_path):
    before = os.umask(0o027)
    try:
        with new_folder(tmp_path, "a") as (_, place):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o750


def test_a_removed_folder_is_gone(tmp_path):
    with new_folder(tmp_path, "a") as (unfinished, place):
        (unfinished / "deep").mkdir()
    remove_folder(place)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DrivescopeError, match="could not be written"):
        remove_folder(place)
    assert list(tmp_path.iterdir()) == []
