"""Distillation end to end on a tiny bundle: what the command leaves, exact resuming, what val chooses."""

import json

import numpy as np
import pytest
import torch

from core.cli import main
from core.errors import DrivescopeError
from core.models.registry import available_bundles, load_bundle
from core.training import distill, distill_loop
from core.training.distill import bundle_name
from core.training.distill_rows import Rows
from tests.core.training.captioned_library import captions_for
from tests.core.training.distilling import make

FILES = ("student.safetensors", "reranker.safetensors", "bundle.json")
pytestmark = pytest.mark.usefixtures("own_home")


def test_a_bundle_its_report_and_what_it_gives(library, bundle, tmp_path):
    heard = []
    answer = make(library, bundle, tmp_path, told=lambda line, done, total: heard.append(line))
    assert json.loads(json.dumps(answer)) == answer
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    made.selftest()
    assert made.spec.label == "distilled from your captions (frozen backbone)"
    assert answer["split"] in made.spec.note
    assert set(answer["test"]) == {
        "mean of frames", "library's bundle", "library's bundle, reranked", "student", "student, reranked",
        "teacher, all clips",
    }  # fmt: skip
    assert all(
        found["R@1"]["low"] <= found["R@1"]["value"] <= found["R@1"]["high"]
        for found in answer["test"].values()
    )
    assert [line.split()[0] for line in heard] == ["teacher"] * 4 + ["student"] * 4
    assert "contrast" in heard[-1]
    assert "min left" in heard[-1]
    assert not (tmp_path / "made" / "training").exists()

    report = json.loads((tmp_path / "made" / "report" / "report.json").read_text())
    assert report["split"] == answer["split"] == report["data"]["split"]
    assert {row["step"] for row in report["curves"]["student"]} == {0, 1, 2, 3, 4}
    assert len(report["queries"]["best"]) == len(report["queries"]["worst"]) == 2  # of four captions
    page = (tmp_path / "made" / "report" / "report.html").read_text()
    assert page.count(f"split {answer['split']}") == 2
    assert page.count("<svg") == 4
    assert "http" not in page
    assert "src=" not in page
    lines = (tmp_path / "made" / "report" / "curves.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 5


def test_the_bundle_gives_the_vectors_that_were_measured(library, bundle, tmp_path, monkeypatch):
    measured = {}
    monkeypatch.setattr(distill, "systems_of", spy(distill.systems_of, measured))
    answer = make(library, bundle, tmp_path)
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    lessons = measured["arguments"][4]
    test = lessons.sides["test"]
    store = library.features(bundle.spec)
    row_of = {clip: row for row, clip in enumerate(store.clip_ids.tolist())}
    rows = [row_of[lessons.clip_ids[clip]] for clip in test.clips]
    frames = torch.from_numpy(np.array(store.frames[rows], np.float32))
    for raw in (frames, frames * 17):  # whatever the length of what the towers give
        pooled = made.pool((raw,))
        for at, text in enumerate(test.texts):
            query = made.encode_text(lessons.texts[text])
            torch.testing.assert_close(
                pooled.student @ query.student, measured["systems"]["student"][at], atol=5e-3, rtol=0
            )
            scores = made.rerank(query, pooled.frames, pooled.video).score
            torch.testing.assert_close(
                scores, measured["systems"]["teacher, all clips"][at], atol=5e-3, rtol=0
            )


def spy(function, into):
    def called(*arguments):
        into["arguments"] = arguments
        into["systems"] = function(*arguments)
        return into["systems"]

    return called


def test_a_killed_run_goes_on_to_the_same_bytes(library, bundle, tmp_path, monkeypatch):
    whole = make(library, bundle, tmp_path, out="whole/made", steps=5)
    monkeypatch.setattr(distill_loop, "SAVE_EVERY_S", 0.0)
    kills = iter([("teacher", 3), ("student", 2)])

    def kill_at(line, done, total, wanted):
        if (line.split()[0], done) == wanted:
            raise KeyboardInterrupt

    for wanted in kills:
        with pytest.raises(KeyboardInterrupt):
            make(
                library, bundle, tmp_path, out="killed/made", steps=5,
                told=lambda line, done, total, wanted=wanted: kill_at(line, done, total, wanted),
            )  # fmt: skip
    heard = []
    again = make(
        library, bundle, tmp_path, out="killed/made", steps=5,
        told=lambda line, done, total: heard.append((line.split()[0], done)),
    )  # fmt: skip
    assert heard[0] == ("student", 2)  # the step that was killed after its update and before its checkpoint
    for name in FILES:
        assert (tmp_path / "killed/made" / name).read_bytes() == (tmp_path / "whole/made" / name).read_bytes()
    assert again["test"] == whole["test"]


def test_another_recipe_does_not_go_on_from_a_checkpoint(library, bundle, tmp_path):
    def stop(line, done, total):
        if line.startswith("student"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(library, bundle, tmp_path, told=stop)
    with pytest.raises(DrivescopeError, match="belongs to a run with other settings"):
        make(library, bundle, tmp_path, seed=3)


@pytest.mark.parametrize(("merits", "kept"), [([3, 2, 1], True), ([1, 2, 3], False), ([2, 2, 2], True)])
def test_val_chooses_and_the_start_counts_too(library, bundle, tmp_path, monkeypatch, merits, kept):
    """Of equal figures the earliest weights win."""
    looks = iter(merits * 2)
    monkeypatch.setattr(distill, "figures_of", lambda outcomes: {"merit": float(next(looks))})
    answer = make(library, bundle, tmp_path, steps=2)
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    same = torch.equal(made.student.frameLinear.weight, bundle.student.frameLinear.weight)
    assert same == kept
    assert answer["chosen_step"]["student"] == (0 if kept else 2)
    page = (tmp_path / "made" / "report" / "report.html").read_text()
    assert ("the student is as it began" in page) == kept


# --- small parts --------------------------------------------------------------------------------------


def test_rows_survive_and_are_thrown_away_for_another_key(tmp_path):
    rows = Rows(tmp_path / "a.f32", "<f4", (3,), "one")
    rows.append(np.arange(6.0).reshape(2, 3))
    with (tmp_path / "a.f32").open("ab") as file:
        file.write(b"half a row")
    again = Rows(tmp_path / "a.f32", "<f4", (3,), "one")
    again.append(np.full((1, 3), 7.0))
    np.testing.assert_array_equal(again.array, [[0, 1, 2], [3, 4, 5], [7, 7, 7]])
    again.cut(1)
    assert Rows(tmp_path / "a.f32", "<f4", (3,), "one").array.tolist() == [[0, 1, 2]]
    assert Rows(tmp_path / "a.f32", "<f4", (3,), "two").count == 0
    (tmp_path / "a.f32").unlink()
    assert Rows(tmp_path / "a.f32", "<f4", (3,), "one").count == 0
    with pytest.raises(ValueError, match="rows of"):
        rows.append(np.zeros((1, 2)))


def test_names_of_bundles(tmp_path):
    folder, reference = bundle_name("city")
    assert reference == "distilled:city"
    assert folder == bundle_name("distilled:city")[0] == tmp_path / "home" / "data" / "distilled" / "city"
    assert bundle_name(str(tmp_path / "b"))[1] == str(tmp_path / "b")
    for wrong in ("distilled:", "distilled:../x", ""):
        with pytest.raises(DrivescopeError, match="no name for a bundle"):
            bundle_name(wrong)
    (tmp_path / "file").write_text("")
    with pytest.raises(DrivescopeError, match="is a file"):
        bundle_name(str(tmp_path / "file"))
    with pytest.raises(DrivescopeError, match="could not be written"):
        bundle_name(str(tmp_path / "file" / "below"))


# --- the command --------------------------------------------------------------------------------------


def test_the_command_says_one_object_and_the_window_can_find_the_bundle(library, tmp_path, capsys):
    captions = captions_for(tmp_path / "captions.csv")
    arguments = ["distill", "--library", str(library.folder), "--captions", str(captions), "--out", "city"]
    assert main([*arguments, "--steps", "2", "--device", "cpu", "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["bundle"] == "distilled:city"
    assert "to learn from" in err  # problems are told on standard error
    (row,) = [row for row in available_bundles() if row.name == "distilled:city"]
    assert row.present
    assert answer["split"] in row.note
    assert main(["switch", "--library", str(library.folder), "--bundle", "distilled:city", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 24
    assert main(["search", "a red car", "--library", str(library.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bundle"] == "distilled:city"
    assert main([*arguments, "--json"]) == 2
    assert "already a bundle" in json.loads(capsys.readouterr().out)["error"]["sentence"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"--captions": "{tmp}/nothing.csv"}, "nothing.csv"),
        ({"--library": "{tmp}/nowhere"}, "There is no library"),
        ({"--teacher": "no-such-bundle"}, "There is no bundle"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(library, tmp_path, capsys, change, sentence):
    options = {
        "--library": str(library.folder),
        "--captions": str(captions_for(tmp_path / "captions.csv")),
        "--out": "city",
        **{key: value.replace("{tmp}", str(tmp_path)) for key, value in change.items()},
    }
    words = [word for pair in options.items() for word in pair]
    assert main(["distill", *words, "--device", "cpu", "--json"]) == 2
    out, _ = capsys.readouterr()
    assert sentence in json.loads(out)["error"]["sentence"]
