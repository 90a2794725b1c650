"""The teacher's loop: it learns a toy set by heart, and a killed run ends with the same weights."""

import csv
import dataclasses

import pytest
import torch

from core.errors import DrivescopeError, ErrorKind
from core.training.lanes import Lanes
from core.training.recipe import Phase, StudentRecipe
from core.training.runs import CHECKPOINT, Run
from core.training.stage_a import train_teacher
from core.training.student import new_student
from core.training.train import write_bundle
from core.training.validation import Validation
from tests.core.training.toy import toy_clips, toy_recipe


def equal(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_killed_run_ends_with_the_same_weights(tmp_path):
    clips, recipe = toy_clips(12), toy_recipe()
    whole, _ = train_teacher(clips, clips, recipe, tmp_path / "whole", validate_every=3, report_every=2)
    train_teacher(clips, clips, recipe, tmp_path / "cut", stop_at=2, validate_every=3)
    train_teacher(clips, None, recipe, tmp_path / "cut", stop_at=4)
    resumed, texts = train_teacher(clips, clips, recipe, tmp_path / "cut", validate_every=3)
    assert equal(whole, resumed)
    assert int(texts.used.sum()) > 20
    with (tmp_path / "whole" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [2, 4, 6]
    assert all(float(row["loss"]) > 0 and float(row["left_s"]) >= 0 for row in rows)
    assert '"event": "val"' in (tmp_path / "whole" / "events.jsonl").read_text()


def test_a_run_begins_awake_or_where_another_one_ended(tmp_path):
    clips = toy_clips(8)
    fresh, _ = train_teacher(clips, None, toy_recipe(), tmp_path / "fresh", stop_at=0)
    assert not fresh.clip.visual.class_embedding.any()  # awake: it collects what the patches say
    images = toy_recipe().preprocessing.normalise(clips.frames[:, 0].permute(0, 3, 1, 2))
    frames = fresh.clip.encode_image(images).detach()  # (N, D)
    assert float(frames.mean(dim=0).norm()) < 0.2 * float(frames.norm(dim=1).mean())  # centred
    first, texts = train_teacher(clips, None, toy_recipe(steps=3), tmp_path / "first")
    second, known = train_teacher(
        clips, None, toy_recipe(steps=9, rate=1e-4), tmp_path / "second", stop_at=0, start=tmp_path / "first"
    )
    assert equal(first, second)
    assert torch.equal(texts.used, known.used)
    with pytest.raises(DrivescopeError, match="no checkpoint"):
        train_teacher(clips, None, toy_recipe(), tmp_path / "third", start=tmp_path / "nowhere")


def test_a_run_for_longer_sentences_begins_with_what_a_shorter_one_learned(tmp_path):
    clips = toy_clips(8)
    first, _ = train_teacher(clips, None, toy_recipe(steps=3), tmp_path / "first")
    longer = toy_recipe(steps=2, words=20, rate=1e-4)
    second, _ = train_teacher(clips, None, longer, tmp_path / "second", stop_at=0, start=tmp_path / "first")
    for name, value in first.state_dict().items():
        now = second.state_dict()[name]
        if name == "clip.positional_embedding":
            torch.testing.assert_close(now[:16], value[:16])
            torch.testing.assert_close(now[16:20], value[15].expand(4, -1))
        elif "word_logit" in name or "word_mat" in name:
            torch.testing.assert_close(now[:16, :16], value)
            torch.testing.assert_close(now[16:, 16:], torch.eye(4))
            assert not now[:16, 16:].any()
        else:
            torch.testing.assert_close(now, value, msg=name)
    third, _ = train_teacher(
        clips, None, longer, tmp_path / "second", start=tmp_path / "first"
    )  # it learns on
    assert not equal(second, third)


def test_a_run_may_begin_with_a_bundle(tmp_path):
    clips, recipe = toy_clips(8), toy_recipe(steps=2)
    first, texts = train_teacher(clips, None, recipe, tmp_path / "first")
    student = new_student(first, StudentRecipe())
    write_bundle(tmp_path / "bundle", "toy", student, first, recipe)
    second, known = train_teacher(
        clips, None, toy_recipe(rate=1e-4), tmp_path / "second", stop_at=0, start=tmp_path / "bundle"
    )
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value.half().float(), msg=name)
    assert torch.equal(known.used | texts.used, known.used)  # what it had learned it still knows
    assert int(known.used.sum()) < 300  # of 49,408
    other = dataclasses.replace(recipe, words=8)
    with pytest.raises(DrivescopeError) as caught:
        train_teacher(clips, None, other, tmp_path / "third", start=tmp_path / "bundle")
    assert caught.value.kind == ErrorKind.UNREADABLE


def test_another_recipe_or_a_damaged_checkpoint_is_refused(tmp_path):
    clips, recipe = toy_clips(8), toy_recipe(steps=2)
    train_teacher(clips, None, recipe, tmp_path)
    with pytest.raises(DrivescopeError, match="other settings") as caught:
        train_teacher(clips, None, dataclasses.replace(recipe, rate=3e-4), tmp_path)
    assert caught.value.kind == ErrorKind.MISMATCH
    (tmp_path / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(DrivescopeError, match="damaged") as caught:
        train_teacher(clips, None, recipe, tmp_path)
    assert caught.value.kind == ErrorKind.UNREADABLE


def test_a_run_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DrivescopeError, match="could not be written"):
        Run(tmp_path / "file" / "run")


def test_a_small_set_is_learned_by_heart(tmp_path):
    clips = toy_clips(16)
    recipe = toy_recipe(
        steps=160, rate=3e-3, phases=(Phase(1.0, 16, 4, 1.0),), queries=16, shift=0, jitter=0.0, chunk=32
    )
    teacher, texts = train_teacher(clips, None, recipe, tmp_path, validate_every=1000)
    checks, lanes = Validation(clips), Lanes(1)
    checks.encode(teacher, texts, recipe, lanes)
    table = checks.of_teacher(teacher)
    # several clips share their words, so R@1 cannot be 100; untrained it is 6, and hit@1 about 45
    assert table["R@5"] >= 90, table
    assert table["hit@1"] >= 80, table
