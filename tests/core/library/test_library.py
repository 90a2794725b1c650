import os
import subprocess
import sys

import pytest

from core.errors import DrivescopeError, ErrorKind
from core.library.library import Library

from .test_features import vectors
from .tiny_spec import TinySpec


def test_a_library_is_one_folder_that_opens_again(library, encoder):
    again = Library.open(library.folder)
    assert again.made_with.bundle == "tiny"
    assert again.made_with.fingerprint == encoder.spec.fingerprint
    assert again.made_with.as_dict()["facts"]["student_dim"] == 6
    assert again.features(encoder.spec).rows == 0
    assert again.reopen().folder == library.folder
    again.close()


def test_making_it_twice_opens_it(library, encoder):
    library.catalog.set_setting("clip_seconds", "4.0")
    again = Library.create(library.folder, encoder.spec)
    assert again.catalog.setting("clip_seconds") == "4.0"
    again.close()


def test_another_bundle_is_refused_naming_both_and_the_fix(library):
    other = TinySpec(name="openai-b32", crop="squash")
    for action in (lambda: library.features(other), lambda: Library.create(library.folder, other)):
        with pytest.raises(DrivescopeError) as caught:
            action()
        assert caught.value.kind is ErrorKind.MISMATCH
        assert "tiny (crop center, 12 frames" in caught.value.sentence
        assert "openai-b32 (crop squash, 12 frames" in caught.value.sentence
        for way_out in (
            "search it with tiny and crop center",
            "index the footage again",
            "drivescope switch",
        ):
            assert way_out in caught.value.sentence


def test_no_library_there(tmp_path):
    with pytest.raises(DrivescopeError, match="no library in") as caught:
        Library.open(tmp_path / "nothing")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    assert not (tmp_path / "nothing").exists()


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "library").write_text("mine")
    with pytest.raises(DrivescopeError, match="is a file") as caught:
        Library.create(tmp_path / "library", TinySpec())
    assert caught.value.kind is ErrorKind.BAD_INPUT


def test_a_catalogue_that_is_no_database(tmp_path):
    (tmp_path / "library.db").write_bytes(b"hello" * 1000)
    with pytest.raises(DrivescopeError, match="not a Drivescope library"):
        Library.open(tmp_path)


def test_a_library_whose_making_was_interrupted_is_made_anew(tmp_path, monkeypatch):
    from core.library.catalog import Catalog

    folder = tmp_path / "library"

    def full(handle):
        raise OSError(28, "No space left on device")

    for target, name, value in (
        (os, "fsync", full),
        (Catalog, "set_setting", lambda *arguments: full(0)),
    ):
        monkeypatch.setattr(target, name, value)
        with pytest.raises(DrivescopeError, match="is full"):
            Library.create(folder, TinySpec())
        monkeypatch.undo()
        assert not list(folder.glob("library.db*"))
    Library.create(folder, TinySpec()).close()
    Library.open(folder).close()


def test_a_catalogue_that_lost_its_settings(library):
    library.catalog._write("DELETE FROM settings")
    with pytest.raises(DrivescopeError, match="does not say where its vectors are"):
        Library.open(library.folder)


def test_two_processes_may_make_a_library_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from core.errors import DrivescopeError, ErrorKind\n"
        "from core.library.library import Library; from tests.core.library.tiny_spec import TinySpec\n"
        "assert 'torch' not in sys.modules\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for n in range(20):\n"
        "    try:\n        Library.create(Path(sys.argv[1]) / str(n), TinySpec()).close()\n"
        "    except DrivescopeError as error:\n        assert error.kind is ErrorKind.BUSY, error\n"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in both:
        process.communicate()
        assert process.returncode == 0
    for number in range(20):
        Library.open(tmp_path / str(number)).close()


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(DrivescopeError, match="may not be written") as caught:
        Library.create(tmp_path / "library", TinySpec())
    assert caught.value.kind is ErrorKind.NO_PERMISSION


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_really_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DrivescopeError, match="may not be written"):
        Library.create(tmp_path / "library", TinySpec())
    tmp_path.chmod(0o700)


def test_one_writer_at_a_time(library):
    code = (
        "import sys; from pathlib import Path; from core.library.library import Library\n"
        "with Library.open(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(library.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DrivescopeError, match="Another Drivescope is adding footage") as caught:
            library.lock().__enter__()
        assert caught.value.kind is ErrorKind.BUSY
        other.communicate()
    with library.lock():
        pass


def test_the_lock_of_a_killed_process_is_free(library):
    code = (
        "import os, sys; from pathlib import Path; from core.library.library import Library\n"
        "with Library.open(Path(sys.argv[1])).lock(): os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(library.folder)], check=False)
    with library.lock():
        pass


def test_no_thumbnail_is_no_bytes(library):
    assert library.thumbnail(7) == b""


def test_selftest_finds_vectors_that_cannot_be_right(library):
    store = library.features(TinySpec())
    good = vectors(5)
    store.append(good, range(1, 6))
    assert library.selftest(TinySpec()) == {"clips": 0, "rows": 5, "checked": 5, "pair": 0}
    for spoil, sentence in (
        (lambda v: v.student.fill_(float("nan")), "are not numbers"),
        (lambda v: v.student.mul_(3), "do not have length one"),
        (lambda v: v.student.copy_(v.student[:1].expand(5, -1)), "are all the same"),
    ):
        store.forget(store.live_ids().tolist())
        bad = vectors(5)
        spoil(bad)
        store.append(bad, range(11, 16))
        with pytest.raises(DrivescopeError, match=sentence):
            library.selftest(TinySpec())
