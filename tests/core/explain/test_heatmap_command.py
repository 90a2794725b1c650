"""`drivescope explain` on a library of its own: files, numbers, and one sentence for every mistake."""

import json

import cv2
import numpy as np
import pytest

from core.cli import main
from core.explain.faithfulness import LEAST
from core.explain.overlay import overlay
from core.library.ingest import ingest
from core.library.library import Library
from core.models.bundle_io import random_bundle
from core.models.registry import load_bundle
from tests.core.library.conftest import make_video

TEXT = "a red car brakes"


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    bundle = load_bundle(
        str(random_bundle(folder / "bundle", patch=12, height=36, width=60, layers=2)), device="cpu"
    )
    make_video(folder / "drive.mp4", 3)
    with_clips = Library.create(folder / "library", bundle.spec)
    ingest(with_clips, bundle, [str(folder / "drive.mp4")], progress=lambda _: None, cancelled=lambda: False)
    with_clips.close()
    return folder / "library"


def run(capsys, *arguments):
    try:
        code = main([str(a) for a in arguments])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, json.loads(out) if out.strip().startswith("{") else out, err


def test_every_map_is_written_with_its_number(library, tmp_path, capsys):
    out = tmp_path / "wärme"
    code, answer, err = run(
        capsys, "explain", TEXT, 1, "--library", library, "--out", out, "--method", "all", "--json"
    )
    assert (code, err) == (0, "")
    assert (answer["query"], answer["clip_id"]) == (TEXT, 1)
    assert answer["explanation"] == str(out / "explanation.json")
    maps = answer["maps"]
    assert len(maps) == 12 * 6
    assert {m["method"] for m in maps} == {"agreement", "removal", "relevance", "patches", "value", "rollout"}
    times = [m["time_s"] for m in maps]
    assert times == sorted(times)
    assert 0 <= times[0] < 0.2
    assert 2.6 < times[-1] < 3
    for entry in maps:
        assert entry["reliable"] == (entry["faithfulness"] > max(entry["control"], LEAST))
        picture = cv2.imread(entry["file"])
        assert picture.shape == (48, 64, 3)
        assert np.load(entry["raw"], allow_pickle=False).shape == (1, 3, 5)
    report = json.loads((out / "explanation.json").read_text(encoding="utf-8"))
    words = report["words"]
    assert sum(words["by_word"]) + words["marks"] + words["sentence"] == pytest.approx(
        words["score"], abs=1e-4
    )
    assert words["words"] == TEXT.split()
    assert len(report["maps"][0]["deletion"]) == len(report["maps"][0]["shares"])
    whole = [entry["deletion"][0] for entry in report["maps"] if entry["frame"] == 0]
    assert whole == pytest.approx([report["maps"][0]["insertion"][-1]] * 6, abs=1e-4)
    assert 0 <= whole[0] <= 1

    code, found, _ = run(capsys, "search", TEXT, "--library", library, "--json")
    assert found["hits"][0]["rerank_score"] == pytest.approx(words["score"], abs=1e-4)


def test_words_differences_and_the_table(library, tmp_path, capsys):
    base = ("explain", TEXT, 1, "--library", library, "--out", tmp_path / "o")
    code, answer, _ = run(capsys, *base, "--words", "red car", "--json")
    maps = answer["maps"]
    assert code == 0
    assert len(maps) == 12
    assert {(m["target"], m["method"]) for m in maps} == {("red car", "agreement")}
    code, answer, _ = run(capsys, *base, "--against", "a blue bus", "--method", "value", "--json")
    assert (code, answer["maps"][0]["target"]) == (0, f"{TEXT} – a blue bus")
    code, table, _ = run(capsys, *base)
    assert code == 0
    assert table.count("agreement") == 2 * 12  # in the column and in the file's name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("explain", TEXT, 7), "no longer in the library"),
        (("explain", "  ", 1), "The query is empty"),
        (("explain", TEXT, 1, "--method", "magic"), "no heatmap method called 'magic'"),
        (("explain", TEXT, 1, "--words", "blue car"), "is not in the query"),
        (("explain", TEXT, 1, "--words", "car", "--against", "x"), "not for both"),
        (("explain", TEXT, "first"), "is no clip number"),
    ],
)
def test_mistakes_are_said_in_one_sentence(library, tmp_path, capsys, arguments, sentence):
    code, _, err = run(capsys, *arguments, "--library", library, "--out", tmp_path / "o")
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1


def test_a_folder_that_is_a_file_and_footage_that_is_gone(library, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    code, _, err = run(capsys, "explain", TEXT, 1, "--library", library, "--out", tmp_path / "file")
    assert code in (1, 2)
    assert err.count("\n") == 1
    video = library.parent / "drive.mp4"
    video.rename(video.with_suffix(".away"))
    try:
        code, _, err = run(capsys, "explain", TEXT, 1, "--library", library, "--out", tmp_path / "o")
        assert code == 2
        assert "drive.mp4" in err
    finally:
        video.with_suffix(".away").rename(video)


def test_an_overlay_keeps_the_frame_where_nothing_is_found():
    frame = np.random.default_rng(0).integers(0, 256, (72, 128, 3), np.uint8)
    heat = np.zeros((72, 128), np.float32)
    heat[20:40, 30:60] = 1.0
    shown = overlay(frame, heat, reliable=True)
    assert np.array_equal(shown[heat == 0], frame[heat == 0])
    changed = (shown != frame).any(axis=-1)
    assert changed[heat == 1].mean() > 0.95
    hatched = (overlay(frame, heat, reliable=False) != frame).any(axis=-1)
    assert 0.2 < hatched[heat == 1].mean() < 0.6
    assert np.array_equal(overlay(frame, heat, reliable=True, opacity=0.0), frame)
