"""Few captions: who is held against what, and what the untaught student never sees."""

import dataclasses

import torch

from core.training.few import at_its_best, few_plan
from core.training.losses import coarse_distillation, info_nce
from core.training.recipe import StudentRecipe
from core.training.student import new_student, student_losses
from tests.core.training.test_student import lessons_of
from tests.core.training.toy import toy_clips

RECIPE = StudentRecipe(steps=4, batch=6)
UNTAUGHT = dataclasses.replace(RECIPE, coarse=False, fine=False)


def test_only_captioned_clips_lend_texts_and_only_a_teacher_sees_the_others():
    teacher, lessons = lessons_of(toy_clips(12))
    owner = {
        row: clip
        for clip in range(12)
        for row in (*lessons.rows[clip], *lessons.made[clip])
    }  # fmt: skip
    taught, untaught = (few_plan(teacher, lessons, recipe, 4) for recipe in (RECIPE, UNTAUGHT))
    known = {owner[row] for one in taught for row in one.batch.rows.tolist()}
    assert len(known) <= 4
    for one in taught:
        batch = one.batch
        assert (batch.pairs, len(batch.clips)) == (3, 6)
        assert [owner[row] for row in batch.rows.tolist()[:3]] == batch.clips.tolist()[:3]
        assert set(batch.clips.tolist()[:3]) <= known
        assert not set(batch.clips.tolist()[3:]) & known
        assert one.matrix.shape == (6, 6)
    for one in untaught:
        assert set(one.batch.clips.tolist()) <= known
        assert [owner[row] for row in one.batch.rows.tolist()] == one.batch.clips.tolist()
    again = few_plan(teacher, lessons, RECIPE, 4)
    assert all(torch.equal(a.batch.rows, b.batch.rows) for a, b in zip(taught, again, strict=True))


def test_contrast_and_frame_labels_are_of_the_pairs_the_teachers_matrix_of_all():
    teacher, lessons = lessons_of(toy_clips(12))
    taught = few_plan(teacher, lessons, RECIPE, 4)[0]
    student, scale = new_student(teacher, RECIPE), torch.tensor(2.0)
    losses = student_losses(student, lessons, RECIPE, taught, scale)
    sentences = lessons.texts.pick(taught.batch.rows).sentence
    logits = scale.exp() * sentences @ student.pool(lessons.frames[taught.batch.clips]).video.T
    torch.testing.assert_close(losses.contrast, info_nce(logits[:3, :3], taught.batch.right[:3, :3]))
    torch.testing.assert_close(losses.coarse, coarse_distillation(logits, taught.matrix))
    only = dataclasses.replace(
        taught, cosines=torch.cat([taught.cosines[:3], torch.full((3, 4), float("nan"))])
    )
    torch.testing.assert_close(student_losses(student, lessons, RECIPE, only, scale).fine, losses.fine)


def test_a_student_is_left_as_it_was_when_val_liked_it_best():
    teacher, lessons = lessons_of(toy_clips(12))
    plan = few_plan(teacher, lessons, UNTAUGHT, 4)
    student = new_student(teacher, UNTAUGHT)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    left = at_its_best(lessons, teacher, UNTAUGHT, plan, student, merits(3.0, 2.0))
    assert all(torch.equal(before[name], value) for name, value in left.state_dict().items())
    left = at_its_best(lessons, teacher, UNTAUGHT, plan, student, merits(2.0, 3.0))
    assert not all(torch.equal(before[name], value) for name, value in left.state_dict().items())


def merits(*values):
    found = iter(values)
    return lambda student: next(found)
