"""Distillation end to end on a tiny bundle: exact resuming, what the bundle gives, opened towers, given teachers."""

import json

import numpy as np
import pytest
import torch

from core.cli import main
from core.errors import DrivescopeError, ErrorKind
from core.library.ingest import ingest
from core.library.library import Library
from core.library.switch import switch
from core.models.backbone import Backbone, ClipDims
from core.models.bundle_io import BundleConfig, random_bundle, save_bundle
from core.models.registry import available_bundles, load_bundle
from core.models.teachclip import TeachClip
from core.models.xclip import XClip
from core.training import distill, distill_loop
from core.training.distill import Request, bundle_name
from core.training.distill_lessons import Lessons
from core.training.distill_rows import Rows
from core.training.distill_towers import OpenTower, weights_of
from tests.core.library.conftest import make_video, picture
from tests.core.training.captioned_library import captions_for, make_library

FILES = ("student.safetensors", "reranker.safetensors", "bundle.json")


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DRIVESCOPE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(random_bundle(tmp_path_factory.mktemp("base") / "base", name="base"))


@pytest.fixture(scope="module")
def bundle(folder):
    return load_bundle(folder, device="cpu", precision="float32")


@pytest.fixture
def library(bundle, tmp_path):
    made = make_library(tmp_path / "library", bundle)
    yield made
    made.close()


def make(library, bundle, tmp_path, out="made", **options):
    told = options.pop("told", lambda line, done, total: None)
    captions = options.pop("captions", None) or captions_for(tmp_path / "captions.csv")
    request = Request(captions, str(tmp_path / out), device="cpu", **{"steps": 4, **options})
    return distill.distill(library, bundle, request, told=told)


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


# --- other bundles ------------------------------------------------------------------------------------


def test_a_library_goes_over_and_back_without_its_footage(library, bundle, tmp_path, folder):
    answer = make(library, bundle, tmp_path)
    assert answer["switchable"]
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    before = np.array(library.features(bundle.spec).student)
    assert switch(library, made) == 24
    again = library.reopen()
    assert again.made_with.reference == answer["bundle"]
    store = again.features(made.spec)
    raw = torch.from_numpy(np.array(store.frames, np.float32))
    np.testing.assert_allclose(store.student, made.pool((raw,)).student.numpy(), atol=2e-3)
    assert again.selftest(made.spec) == {"clips": 24, "rows": 24, "checked": 24, "pair": 2}
    with pytest.raises(DrivescopeError, match="indexed with"):
        again.features(bundle.spec)
    assert switch(again, bundle) == 0  # its vectors were kept
    np.testing.assert_array_equal(again.features(bundle.spec).student, before)
    again.close()


def test_a_bundle_with_other_towers_needs_the_footage(library, bundle, tmp_path):
    other = load_bundle(str(random_bundle(tmp_path / "other", seed=8)), device="cpu", precision="float32")
    with pytest.raises(
        DrivescopeError, match=r"cannot go over .* heads were not trained on stored vectors"
    ) as caught:
        switch(library, other)
    assert caught.value.kind is ErrorKind.MISMATCH
    for heads in (other.student, other.reranker):
        heads.frame_length = 8.0
    with pytest.raises(DrivescopeError, match="its towers are others"):
        switch(library, other)
    assert library.features(bundle.spec).rows == 24


def footage(tmp_path, videos=8):
    """Real files whose colours tell them apart, one clip each."""
    (tmp_path / "footage").mkdir()
    for number in range(videos):
        make_video(
            tmp_path / "footage" / f"drive{number:02}.mp4", 1.0, fps=12, size=(64, 36),
            picture=lambda n, w, h, shift=40 * number: picture(n + shift, w, h),
        )  # fmt: skip
    return tmp_path / "footage"


@pytest.fixture
def filmed(bundle, tmp_path):
    made = Library.create(tmp_path / "filmed", bundle.spec)
    ingest(made, bundle, [footage(tmp_path)], workers=1)
    yield made
    made.close()


def filmed_captions(tmp_path):
    return captions_for(tmp_path / "filmed.csv", videos=8, clips=1)


@torch.no_grad()
def test_opened_towers_are_the_towers_until_they_learn(filmed, bundle, tmp_path):
    captioned = distill.read_captioned(filmed_captions(tmp_path), filmed, filmed.features(bundle.spec))
    lessons = Lessons(captioned, 8, 0, 100, 100)
    tower = OpenTower(weights_of(bundle.spec.reference), 1, 32, torch.device("cpu"))
    tower.fill(
        tmp_path / "work", filmed, bundle, lessons.clip_ids, lessons.texts, "key", lambda line, share: None
    )
    learns = {name for name, p in tower.named_parameters() if p.requires_grad}
    assert {"clip.visual.proj", "clip.text_projection"} < learns
    assert not any("conv1" in name or "token_embedding" in name or "positional" in name for name in learns)
    store = filmed.features(bundle.spec)
    row_of = {clip: row for row, clip in enumerate(store.clip_ids.tolist())}
    stored = torch.from_numpy(np.array(store.frames[[row_of[clip] for clip in lessons.clip_ids]], np.float32))
    seen = tower.frames(range(8))
    assert float(torch.nn.functional.cosine_similarity(seen, stored, dim=-1).min()) > 0.9999
    batch = tower.texts(range(len(lessons.texts)))
    for at, text in enumerate(lessons.texts):
        query = bundle.encode_text(text)
        torch.testing.assert_close(batch.sentence[at], query.student, atol=1e-3, rtol=0)
        torch.testing.assert_close(batch.words[at, : len(query.words)], query.words, atol=1e-3, rtol=0)
        assert int(batch.mask[at].sum()) == len(query.words)
    settled = tower.settle(8, len(lessons.texts))
    torch.testing.assert_close(settled.frames([5, 2]), torch.nn.functional.normalize(seen[[5, 2]], dim=-1))
    picked = settled.texts([3, 1])
    torch.testing.assert_close(picked.sentence, batch.sentence[[3, 1]])


def test_finetuning_changes_the_top_and_nothing_below(filmed, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(distill, "Rates", lambda: distill_loop.Rates(towers=1e-2))
    merits = iter(range(1000))  # the last look is the best one, so that what was learned is kept
    monkeypatch.setattr(distill, "figures_of", lambda outcomes: {"merit": float(next(merits))})
    answer = make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), finetune=1, steps=2)
    assert not answer["switchable"]
    before, after = weights_of(bundle.spec.reference).tensors, weights_of(answer["bundle"]).tensors
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {"visual.proj", "text_projection"} < changed
    assert not {"visual.conv1.weight", "token_embedding.weight", "visual.positional_embedding"} & changed
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    made.selftest()
    assert "top 1 blocks opened" in made.spec.label
    with pytest.raises(DrivescopeError, match="cannot go over"):
        switch(filmed, made)


def test_more_blocks_than_there_are(filmed, bundle, tmp_path):
    with pytest.raises(DrivescopeError, match="have 1 blocks to open; --finetune 2"):
        make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), finetune=2)


def test_footage_that_is_gone_is_named(filmed, bundle, tmp_path):
    (tmp_path / "footage" / "drive03.mp4").unlink()
    with pytest.raises(DrivescopeError, match=r"drive03.mp4 is not there any more"):
        make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), finetune=1)


def test_a_teacher_with_towers_of_its_own_teaches_and_reranks(filmed, bundle, tmp_path):
    teacher = random_bundle(tmp_path / "teacher", seed=5, height=32, width=32, embed_dim=128, name="teacher")
    answer = make(filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), teacher=str(teacher))
    assert not answer["switchable"]
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    made.selftest()
    assert (made.spec.student_dim, made.spec.reranker_dim) == (64, 128)
    assert [(p.height, p.width) for p in made.spec.preprocessing] == [(36, 64), (32, 32)]
    theirs = load_bundle(str(teacher), device="cpu", precision="float32")
    prepared = [made.prepare(picture(n, 64, 36)) for n in range(12)]
    ours = made.pool(tuple(part[None] for part in made.encode_frames(prepared)))
    alone = theirs.pool(tuple(part[None] for part in theirs.encode_frames([frame[1:] for frame in prepared])))
    torch.testing.assert_close(ours.video, alone.video, atol=2e-3, rtol=0)


def test_a_published_x_clip_file_teaches_and_reranks_with_its_padding(filmed, bundle, tmp_path):
    torch.manual_seed(2)
    dims = ClipDims(
        image_height=32, image_width=32, patch=8, vision_width=64, vision_layers=1, text_width=64,
        text_layers=1, embed_dim=64
    )  # fmt: skip
    published = XClip(Backbone(dims), width=64, words=16, frames=12, temporal_layers=1)
    torch.save(published.state_dict(), tmp_path / "xclip.bin")
    answer = make(
        filmed, bundle, tmp_path, captions=filmed_captions(tmp_path), teacher=str(tmp_path / "xclip.bin")
    )
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    theirs = load_bundle(f"file:{tmp_path / 'xclip.bin'}", device="cpu", precision="float32", crop="squash")
    assert made.padded_words
    assert made.spec.context_words == 16
    prepared = [made.prepare(picture(n, 64, 36)) for n in range(12)]
    ours = made.pool(tuple(part[None] for part in made.encode_frames(prepared)))
    alone = theirs.pool(tuple(part[None] for part in theirs.encode_frames([frame[1:] for frame in prepared])))
    scores = made.rerank(made.encode_text("a red car"), ours.frames, ours.video).score
    expected = theirs.rerank(theirs.encode_text("a red car"), alone.frames, alone.video).score
    torch.testing.assert_close(scores, expected, atol=3e-3, rtol=0)


def test_the_librarys_own_reranker_can_teach(library, bundle, tmp_path, folder):
    """Nothing is decoded: its vectors are the library's."""
    answer = make(library, bundle, tmp_path, teacher=folder)
    made = load_bundle(answer["bundle"], device="cpu", precision="float32")
    assert len(made.towers) == 1
    torch.testing.assert_close(made.reranker.global_mat_weight, bundle.reranker.global_mat_weight)


def test_a_teacher_without_heads_teaches_nothing(library, bundle, tmp_path):
    weights = weights_of(bundle.spec.reference)
    student = TeachClip(weights.backbone(), width=64, temporal_layers=1)
    plain = XClip(None, width=64, words=32, frames=12, header="meanP")
    config = BundleConfig("plain", "Plain", "no heads", weights.preprocessing)
    save_bundle(tmp_path / "plain", student, plain, config)
    with pytest.raises(DrivescopeError, match="no trained X-CLIP heads"):
        make(library, bundle, tmp_path, teacher=str(tmp_path / "plain"))


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
