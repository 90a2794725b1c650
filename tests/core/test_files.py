"""Files are there whole or not at all, and whoever may read a person's other files may read these."""

import os
import stat

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.files import sha256_of, write_atomically, write_text
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


def test_a_hash_is_of_the_bytes(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_of(tmp_path / "empty").startswith("e3b0c44298fc1c149afbf4c8996fb924")
