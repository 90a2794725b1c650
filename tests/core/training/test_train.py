"""The command: from shards to a bundle that searches as the trained modules do."""

import json

import torch
from torch.nn import functional

from core.models.registry import load_bundle
from core.training import train
from core.training.features import encode_clips, encode_texts, teacher_scores
from core.training.lanes import Lanes
from core.training.recipe import StudentRecipe
from core.training.student import new_student
from core.training.teacher import new_teacher
from core.training.texts import Texts, settle_unknown_words
from tests.core.training.toy import toy_clips, toy_recipe, write_toy_shards


def test_the_command_writes_a_bundle_and_its_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "TeacherRecipe", toy_recipe)
    toy_recipe.steps, toy_recipe.rate, toy_recipe.seed = 6, 1e-3, 1  # the parser's defaults
    toy_recipe.warm_up = 0.1
    write_toy_shards(tmp_path / "train", 10)
    write_toy_shards(tmp_path / "val", 6, first_seed=900)
    folders = {"--data": "train", "--val": "val", "--run": "run", "--out": "out"}
    arguments = [word for option, name in folders.items() for word in (option, str(tmp_path / name))]
    assert train.main([*arguments, "--steps", "3", "--student-steps", "4", "--name", "toy"]) == 0
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert set(figures) == {"taught", "untaught"}
    assert all(0 <= table["R@1"] <= table["R@10"] <= 100 for table in figures.values())
    bundle = load_bundle(str(tmp_path / "out"), device="cpu", precision="float32")
    bundle.selftest()
    assert bundle.spec.synthetic
    assert bundle.spec.label == "trained on the demo world"
    notes = [
        json.loads(line) for line in (tmp_path / "run" / "student" / "events.jsonl").read_text().splitlines()
    ]
    assert [note["event"] for note in notes] == ["teacher", *figures]
    written = (tmp_path / "out" / "student.safetensors").read_bytes()
    assert train.main([*arguments, "--steps", "3", "--student-steps", "4", "--name", "toy", "--export"]) == 0
    assert (tmp_path / "out" / "student.safetensors").read_bytes() == written  # nothing was trained anew


def test_what_is_missing_is_said_in_one_sentence(tmp_path, capsys):
    options = [
        "--data",
        str(tmp_path / "none"),
        "--val",
        str(tmp_path),
        "--run",
        str(tmp_path),
        "--out",
        str(tmp_path),
    ]
    assert train.main(options) == 2
    said = capsys.readouterr().err.strip()
    assert "no finished shards" in said
    assert "\n" not in said


def test_the_written_bundle_gives_the_vectors_of_the_trained_modules(tmp_path):
    recipe, clips = toy_recipe(), toy_clips(5)
    teacher = new_teacher(recipe).eval().requires_grad_(False)
    student = new_student(teacher, StudentRecipe()).eval().requires_grad_(False)
    texts = Texts(recipe.words)
    sentences = [captions[0] for captions in clips.captions]
    texts.batch(sentences)
    settle_unknown_words(teacher.clip, texts.used)
    train.write_bundle(tmp_path, "toy", student, teacher, recipe)
    assert teacher.clip is student.clip  # given back after writing
    bundle = load_bundle(str(tmp_path), device="cpu", precision="float32")
    frames = encode_clips(teacher.clip, clips, recipe.preprocessing, Lanes(1))  # (N, F, D)
    pixels = [bundle.prepare(frame) for frame in clips.frames.flatten(0, 1).numpy()]
    raw = bundle.encode_frames(pixels)[0].view(5, recipe.frames, -1)
    assert (
        float(functional.cosine_similarity(raw, frames, dim=-1).min()) > 0.999
    )  # float16 and bfloat16 apart
    ours, theirs = student.pool(frames), bundle.pool((raw,))
    assert float((ours.video * theirs.student).sum(dim=-1).min()) > 0.999
    torch.testing.assert_close(ours.weights, theirs.frame_weights, atol=0.02, rtol=0)
    scores = teacher_scores(teacher, encode_texts(teacher.clip, texts, sentences), frames)  # (N, N)
    for row, sentence in zip(scores, sentences, strict=True):
        reranked = bundle.rerank(bundle.encode_text(sentence), theirs.frames, theirs.video)
        torch.testing.assert_close(reranked.score, row, atol=0.02, rtol=0)
