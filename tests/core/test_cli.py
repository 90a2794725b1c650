"""The command line as a script meets it: one JSON object, the exit code, one sentence for a mistake."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from core.cli import main
from core.errors import of_os_error
from core.models.bundle_io import random_bundle
from tests.core.library.conftest import make_video


@pytest.fixture(scope="module")
def bundle_folder(tmp_path_factory):
    return str(random_bundle(tmp_path_factory.mktemp("bundle") / "random"))


def run(capsys, *arguments):
    """(exit code, the one JSON object or None, standard error)."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, json.loads(out) if out.strip() else None, err


def test_index_search_and_info(tmp_path, bundle_folder, capsys):
    footage = tmp_path / "räder 🚲"
    footage.mkdir()
    make_video(footage / "a.MP4", 3)
    make_video(footage / "b.mkv", 3)
    library = tmp_path / "library"
    code, answer, err = run(
        capsys, "index", footage, "--library", library, "--bundle", bundle_folder, "--json"
    )
    assert (code, err) == (0, "")
    assert (answer["videos"], answer["clips"], answer["added"], answer["failed"]) == (2, 2, 2, [])
    assert answer["bundle"] == "random"
    assert answer["video_seconds"] == pytest.approx(6.0)
    assert answer["seconds"] > 0

    code, again, _ = run(capsys, "index", footage, "--library", library, "--json")
    assert (code, again["clips"], again["added"]) == (0, 2, 0)

    code, found, _ = run(capsys, "search", "a red car", "--library", library, "--json", "-k", 1)
    assert code == 0
    assert set(found["hits"][0]) == {
        "rank", "clip_id", "video", "start_s", "end_s", "score", "rerank_score", "first_rank", "percentile",
        "taken", "learned",
    }  # fmt: skip
    assert len(found["hits"]) == 1
    assert found["query"] == "a red car"
    assert found["timings_ms"]["text"] > 0
    assert found["without"] == []
    assert found["hits"][0]["taken"] == found["hits"][0]["learned"] == 0.0
    assert found["learned"] is None

    code, _, told = run(capsys, "search", "a red car", "--library", library, "--judged", "--json")
    assert code == 2
    assert "There is nothing to learn from yet: judge some" in told
    clip = found["hits"][0]["clip_id"]
    run(capsys, "judge", "a red car", clip, "not", "--library", library, "--json")
    code, learned, _ = run(capsys, "search", "a red car", "--library", library, "--judged", "--json")
    assert (code, learned["learned"]) == (0, {"relevant": [], "not_relevant": [clip]})
    assert learned["hits"][-1]["clip_id"] == clip
    main(["search", "a red car", "--library", str(library), "--judged", "--device", "cpu"])
    assert "learned from 0 judged relevant, 1 not" in capsys.readouterr().out

    minus = 'a red car -rain -"parked van"'
    code, left, _ = run(capsys, "search", minus, "--library", library, "--json")
    assert (code, left["query"], left["without"]) == (0, minus, ["rain", "parked van"])
    assert all(hit["taken"] >= 0 for hit in left["hits"])
    code, _, told = run(capsys, "search", "-rain -snow", "--library", library, "--json")
    assert code == 2
    assert "only what must not be there" in told

    code, timely, _ = run(capsys, "search", "a red car", "--library", library, "--json", "--sort", "time")
    assert (code, found["sort"], timely["sort"]) == (0, "score", "time")
    assert [hit["video"][-5:] for hit in timely["hits"]] == ["a.MP4", "b.mkv"]
    assert sorted(hit["rank"] for hit in timely["hits"]) == [1, 2]
    assert found["likely"] is None  # two clips do not tell where matches end

    code, info, _ = run(capsys, "info", "--library", library, "--json")
    assert (code, info["videos"], info["clips"], info["missing"]) == (0, 2, 2, [])
    clip = found["hits"][0]["clip_id"]
    code, alike, _ = run(capsys, "search", "--like", clip, "--library", library, "--json")
    assert (code, alike["query"], alike["like"]) == (0, "", clip)
    assert alike["hits"][0]["clip_id"] == clip
    assert len(alike["hits"]) == 2

    search = ("search", "a red car", "--library", library, "--save-clips", tmp_path / "clips")
    code, found, _ = run(capsys, *search, "--json")
    assert (code, len(found["saved"]), found["failed"]) == (0, 2, [])
    assert {path.name for path in (tmp_path / "clips").iterdir()} == {*found["saved"], "clips.csv"}
    (footage / "a.MP4").unlink()
    code, found, _ = run(capsys, *search, "--json")
    assert (code, len(found["saved"]), len(found["failed"])) == (1, 1, 1)
    assert "is no longer at" in found["failed"][0]["reason"]
    code, gone, _ = run(capsys, "index", footage, "--library", library, "--json")
    assert (code, gone["clips"], len(gone["missing"])) == (0, 2, 1)
    code, dropped, _ = run(capsys, "index", footage, "--library", library, "--json", "--drop-missing")
    assert (code, dropped["clips"], dropped["removed"], dropped["missing"]) == (0, 1, 1, [])


def test_nothing_is_indexed_with_a_bundle_that_fails_its_self_test(tmp_path, bundle_folder, capsys):
    wrong = shutil.copytree(bundle_folder, tmp_path / "wrong")
    description = json.loads((wrong / "bundle.json").read_text())
    description["student"]["clip"]["quick_gelu"] = False
    (wrong / "bundle.json").write_text(json.dumps(description))
    make_video(tmp_path / "a.mp4", 2)
    library = tmp_path / "library"
    code, answer, _ = run(
        capsys, "index", tmp_path / "a.mp4", "--library", library, "--bundle", wrong, "--json"
    )
    assert code == 2
    assert "failed its self-test" in answer["error"]["sentence"]
    assert not library.exists()


def test_a_file_that_fails_is_listed_and_the_code_says_so(tmp_path, bundle_folder, capsys):
    (tmp_path / "broken.mp4").write_bytes(b"not a video")
    code, answer, _ = run(
        capsys,
        "index",
        tmp_path / "broken.mp4",
        "--library",
        tmp_path / "lib",
        "--bundle",
        bundle_folder,
        "--json",
    )
    assert code == 1
    assert answer["clips"] == 0
    (failure,) = answer["failed"]
    assert failure["path"].endswith("broken.mp4")
    assert failure["kind"] == "unreadable"
    assert "is not a video" in failure["reason"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("search", "x", "--library", "{tmp}/nowhere"), "There is no library in"),
        (("info", "--library", "{tmp}/nowhere"), "There is no library in"),
        (("index", "{tmp}", "--library", "{tmp}/lib", "--bundle", "no-such-bundle"), "There is no bundle"),
        (("index", "{tmp}", "--library", "demo"), "demo library holds the shipped clips only"),
        (
            ("index", "{tmp}", "--library", "{tmp}/lib", "--clip-seconds", "0.2"),
            "--clip-seconds: '0.2' is not a number of seconds between 1 and 3600",
        ),
        (
            ("index", "{tmp}", "--library", "{tmp}/lib", "--stride", "0"),
            "--stride: '0' is not a number of seconds between 0.1 and 3600",
        ),
        (("index", "{tmp}/typo", "{tmp}/typo2", "--library", "{tmp}/lib"), "typo is not there"),
        (("info", "--library", ""), "name is empty"),
        (("index", "{tmp}", "--library", " "), "name is empty"),
        (("search", "x", "--library", "demo", "--bundle", "no-such-bundle"), "shipped bundle only"),
        (("moments", "x", "--library", "demo", "--crop", "three"), "shipped bundle only"),
        (("search", "x"), "--library"),
        (("search", "--library", "{tmp}"), "The query is empty"),
        (("search", "x", "--like", "3", "--library", "{tmp}"), "or --like a clip"),
        (("search", "--judged", "--like", "3", "--library", "{tmp}"), "give TEXT instead of --like"),
        (("nonsense",), "invalid choice: 'nonsense'"),
        (
            ("search", "x", "--library", "y", "-k", "many"),
            "'many' is not a whole number between 1 and 1000000",
        ),
        (("evaluate", "--library", "y", "--queries", "q", "--threshold", "nan"), "above 0 and at most 1"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(tmp_path, capsys, arguments, sentence):
    filled = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    code, answer, err = run(capsys, *filled, "--json")
    assert code == 2
    assert sentence in answer["error"]["sentence"]
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert not (tmp_path / "lib").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "x", "--library", "{tmp}/none", "--save-clips", "{tmp}/file/clips"),
        ("explain", "x", "1", "--library", "{tmp}/none", "--out", "{tmp}/file"),
        ("evaluate", "--queries", "q.csv", "--library", "{tmp}/none", "--trec-out", "{tmp}/file/a.run"),
        ("open", "{tmp}/none", "--screenshot", "{tmp}/file/a.png"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_any_work(tmp_path, capsys, monkeypatch, arguments):
    monkeypatch.setattr("core.commands.os.execv", lambda *command: pytest.fail("the window was started"))
    (tmp_path / "file").write_text("x")
    filled = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    code, answer, _ = run(capsys, *filled, "--json")
    assert code == 2
    assert answer["error"]["sentence"] == f"{filled[-1]} could not be written (Not a directory)."


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_bytes_that_are_no_text_are_json_all_the_same(tmp_path, locale):
    command = [sys.executable, "-m", "core.cli", "info", "--library", f"{tmp_path}/\udcff\n夜", "--json"]
    environment = os.environ | {"LC_ALL": locale, "PYTHONIOENCODING": "", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert done.returncode == 2
    assert "There is no library in" in json.loads(done.stdout)["error"]["sentence"]
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("nonsense",),
        ("search", "x", "--library", "y", "-k", "0"),
        ("index", "x", "--library", "y", "--clip-seconds", "-1"),
        ("index", "x", "--library", "y", "--clip-seconds", "soon"),
        ("search", "x", "--library", "y", "--device", "abacus"),
    ],
)
def test_wrong_use_is_code_2_and_names_the_help(capsys, arguments):
    code, answer, err = run(capsys, *arguments)
    assert (code, answer) == (2, None)
    assert "--help" in err
    assert err.count("\n") == 1


def test_an_empty_query_is_wrong_use(tmp_path, bundle_folder, capsys):
    make_video(tmp_path / "a.mp4", 2)
    run(
        capsys,
        "index",
        tmp_path / "a.mp4",
        "--library",
        tmp_path / "lib",
        "--bundle",
        bundle_folder,
        "--json",
    )
    code, answer, _ = run(capsys, "search", "  ", "--library", tmp_path / "lib", "--json")
    assert code == 2
    assert answer["error"]["sentence"] == "The query is empty: type what you look for."


def test_help_needs_neither_torch_nor_qt():
    program = (
        "import sys; from core.cli import build_parser; build_parser();"
        "print([m for m in ('torch', 'cv2', 'faiss', 'open_clip', 'PySide6', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_engine_announces_itself_in_one_line_and_leaves_with_its_parent(tmp_path):
    environment = os.environ | {"DRIVESCOPE_TOKEN": "t" * 64, "DRIVESCOPE_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "core.engine"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    ) as engine:  # fmt: skip
        assert engine.stdout is not None
        assert engine.stdin is not None
        line = json.loads(engine.stdout.readline())
        assert set(line) == {"port", "protocol", "pid"}
        assert line["pid"] == engine.pid
        engine.stdin.close()
        assert engine.wait(300) == 0


def test_the_engine_alone_writes_its_token_where_only_this_user_reads_it(tmp_path):
    environment = os.environ | {"DRIVESCOPE_HOME": str(tmp_path)}
    environment.pop("DRIVESCOPE_TOKEN", None)
    with subprocess.Popen(
        [sys.executable, "-m", "core.cli", "engine"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
    ) as engine:  # fmt: skip
        assert engine.stdout is not None
        line = json.loads(engine.stdout.readline())
        token_file = tmp_path / "cache" / line["token_file"].rsplit(os.sep, 1)[1]
        assert token_file.stat().st_mode & 0o777 == 0o600
        assert len(token_file.read_text()) == 64
        engine.terminate()
        assert engine.wait(300) == 0
        assert not token_file.exists()


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    program = "from core.cli import main; raise SystemExit(main(['models', '--json']))"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as done:
        assert done.stdout is not None
        done.stdout.close()
        assert done.stderr is not None
        assert b"Traceback" not in done.stderr.read()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, "disk_full"),
        (errno.EACCES, "no_permission"),
        (errno.ENOENT, "not_found"),
        (errno.EIO, "unreadable"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(number, kind):
    told = of_os_error(OSError(number, os.strerror(number), "/drive/a.mp4"))
    assert told.kind == kind
    assert "/drive/a.mp4" in told.sentence
