"""Stage B: the student starts at the teacher, learns from it, and finds out which frames matter."""

import dataclasses

import torch
from torch.nn import functional

from core.models.teachclip import TeachClip
from core.training.features import TextVectors, encode_clips, encode_texts, teacher_scores
from core.training.heads import train_heads
from core.training.lanes import Lanes
from core.training.losses import Teaching, frame_labels, info_nce, teachclip_loss
from core.training.recipe import HeadRecipe, StudentRecipe
from core.training.student import (
    draw_batch,
    make_lessons,
    make_plan,
    new_student,
    student_losses,
    train_student,
    with_colleagues,
)
from core.training.teacher import new_teacher
from core.training.texts import Texts
from tests.core.training.toy import toy_clips, toy_recipe


def lessons_of(clips):
    recipe = toy_recipe()
    teacher, texts, lanes = new_teacher(recipe).eval(), Texts(recipe.words), Lanes(1)
    teacher.requires_grad_(False)
    frames = encode_clips(teacher.clip, clips, recipe.preprocessing, lanes)
    return teacher, make_lessons(teacher, clips, frames, texts, seed=3)


def test_student_starts_fresh_or_as_the_teachers_video_vector():
    teacher, lessons = lessons_of(toy_clips(6))
    student = new_student(teacher, StudentRecipe(from_teacher=True))
    torch.nn.init.zeros_(student.frameLinear2.weight)  # no frame preferred: the plain mean
    torch.testing.assert_close(student.pool(lessons.frames).video, teacher.pool(lessons.frames).video)
    fresh = new_student(teacher, StudentRecipe())
    ours, theirs = (one.transformerClip.resblocks[0].attn.in_proj_weight for one in (fresh, teacher))
    assert not torch.equal(ours, theirs)  # what the teacher knows it can only be told
    again = new_student(teacher, StudentRecipe(coarse=False, fine=False))
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), again.parameters(), strict=True))


def test_lessons_know_every_text_and_its_clip():
    clips = toy_clips(6)
    _, lessons = lessons_of(clips)
    assert len(lessons.texts) == len(lessons.needs) == 6 * (2 + 3)
    for clip, rows in enumerate(lessons.made):
        assert all(lessons.needs[row] <= clips.facts[clip] for row in rows)
    assert all(lessons.needs[row] is None for rows in lessons.rows for row in rows)


def test_a_plan_holds_the_slow_scores_with_scale():
    teacher, lessons = lessons_of(toy_clips(5))
    (taught,) = make_plan(teacher, lessons, StudentRecipe(steps=1, batch=5))
    texts = lessons.texts.pick(taught.batch.rows)
    frames = lessons.frames[taught.batch.clips]
    slow = teacher_scores(teacher, TextVectors(texts.sentence, texts.words, texts.mask), frames, chunk=1)
    torch.testing.assert_close(taught.matrix, slow * teacher.clip.logit_scale.exp(), rtol=1e-4, atol=1e-4)
    labels = frame_labels(texts.sentence, frames, 0.1)
    torch.testing.assert_close((taught.cosines / 0.1).softmax(dim=-1), labels)
    assert sorted(taught.batch.clips.tolist()) == list(range(5))
    for row, clip in zip(taught.batch.rows.tolist(), taught.batch.clips.tolist(), strict=True):
        assert row in (*lessons.rows[clip], *lessons.made[clip])


def test_the_parts_of_the_loss_are_teachclips():
    teacher, lessons = lessons_of(toy_clips(5))
    recipe = StudentRecipe(steps=1, batch=5)
    (taught,) = make_plan(teacher, lessons, recipe)
    student, scale = new_student(teacher, recipe), torch.tensor(2.0)
    ours = student_losses(student, lessons, recipe, taught, scale)
    frames, texts = lessons.frames[taught.batch.clips], lessons.texts.pick(taught.batch.rows)
    temporal = student.temporal(frames)
    logits = scale.exp() * texts.sentence @ student.attentive_pool(temporal).video.T
    teaching = Teaching(taught.matrix, frame_labels(texts.sentence, frames, 0.1))
    weights = student.frame_logits(temporal).softmax(dim=-1)
    theirs = teachclip_loss(logits, weights, [teaching], ignore=taught.batch.right)
    torch.testing.assert_close(ours.total, theirs.total)
    coarse = student_losses(student, lessons, dataclasses.replace(recipe, fine=False), taught, scale)
    torch.testing.assert_close(coarse.total, 0.2 * theirs.contrast + theirs.coarse)
    alone = student_losses(
        student, lessons, dataclasses.replace(recipe, coarse=False, fine=False), taught, scale
    )
    torch.testing.assert_close(alone.total, theirs.contrast)


def test_a_second_teacher_is_heard_as_much_as_the_first():
    teacher, lessons = lessons_of(toy_clips(5))
    recipe = StudentRecipe(steps=1, batch=5, fine=False)
    plan = make_plan(teacher, lessons, recipe)
    students = [new_student(teacher, StudentRecipe(seed=seed)) for seed in (5, 6)]
    (both,) = with_colleagues(plan, lessons, students, torch.tensor(20.0))
    batch = both.batch
    texts, frames = lessons.texts.pick(batch.rows), lessons.frames[batch.clips]
    (said,) = both.others
    one, two = (20 * texts.sentence @ student.pool(frames).video.T for student in students)
    torch.testing.assert_close(said, (one + two) / 2)
    student, scale = new_student(teacher, recipe), torch.tensor(2.0)
    ours = student_losses(student, lessons, recipe, both, scale)
    logits = scale.exp() * texts.sentence @ student.pool(frames).video.T
    teachings = [Teaching(matrix, torch.zeros(5, 12)) for matrix in (both.matrix, said)]
    theirs = teachclip_loss(logits, torch.ones(5, 12), teachings, ignore=batch.right)
    torch.testing.assert_close(ours.coarse, theirs.coarse)
    loud = student_losses(student, lessons, dataclasses.replace(recipe, contrast=1.0), both, scale)
    torch.testing.assert_close(loud.total, theirs.contrast + theirs.coarse)


def test_same_seed_same_student_and_only_heads_learn():
    teacher, lessons = lessons_of(toy_clips(10))
    towers = {name: value.clone() for name, value in teacher.clip.state_dict().items()}
    heard = []
    recipe = StudentRecipe(steps=6, batch=5)
    plan = make_plan(teacher, lessons, recipe)
    one = train_student(lessons, teacher, recipe, plan, lambda step, n: heard.append((step, n)))
    two = train_student(lessons, teacher, recipe, plan)
    untaught = train_student(lessons, teacher, dataclasses.replace(recipe, coarse=False, fine=False), plan)
    other = train_student(lessons, teacher, dataclasses.replace(recipe, seed=2), plan)
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    assert not torch.equal(one.frameLinear.weight, untaught.frameLinear.weight)
    assert not torch.equal(one.frameLinear.weight, other.frameLinear.weight)
    assert all(torch.equal(towers[name], value) for name, value in one.clip.state_dict().items())
    assert heard[-1][0] == 6
    assert heard[-1][1]["coarse"] > 0


def test_heads_learn_on_and_leave_the_first_teacher_and_the_towers_alone():
    teacher, lessons = lessons_of(toy_clips(10))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    heard = []
    made = train_heads(
        teacher,
        lessons,
        HeadRecipe(steps=40, batch=5, rate=2e-3),
        lambda step, n: heard.append(n["captions"]),
    )
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    assert made.clip is teacher.clip
    assert not torch.equal(made.global_mat_weight, teacher.global_mat_weight)
    batch = draw_batch(lessons, HeadRecipe(batch=10), 0)
    losses = []
    for one in (teacher, made):
        texts, frames = lessons.texts.pick(batch.rows), lessons.frames[batch.clips]
        losses.append(info_nce(30 * teacher_scores(one, texts, frames), batch.right))
    assert losses[1] < losses[0]


def test_texts_are_cut_to_the_longest_and_masked():
    recipe = toy_recipe()
    teacher, texts = new_teacher(recipe), Texts(recipe.words)
    vectors = encode_texts(teacher.clip, texts, ["a dog", "a red bus on a highway at night"])
    picked = vectors.pick(torch.tensor([0]))
    assert picked.words.shape[1] == int(picked.mask.sum()) == 4  # start, two words, end
    torch.testing.assert_close(vectors.words[0, :4].float().norm(dim=-1), torch.ones(4), atol=1e-2, rtol=0)


def planted(generator, clips, frames=12, width=64, informative=2):
    """Clips of noise frames, some of which carry the sentence: (sentence, frames, which)."""
    sentence = functional.normalize(torch.randn(clips, width, generator=generator), dim=-1)
    noise = functional.normalize(torch.randn(clips, frames, width, generator=generator), dim=-1)
    where = torch.rand(clips, frames, generator=generator).argsort(dim=1)[:, :informative]
    which = torch.zeros(clips, frames, dtype=torch.bool).scatter_(1, where, True)
    # an informative frame shows the sentence and a mark that the frame head can learn to see
    mark = torch.zeros(width)
    mark[0] = 1.0
    shown = functional.normalize(sentence[:, None] + 0.5 * noise + mark, dim=-1)
    return sentence, torch.where(which[..., None], shown, noise), which


def test_the_student_learns_which_frames_matter():
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    sentence, frames, which = planted(generator, 512)
    student = TeachClip(None, width=64, temporal_layers=1, heads=1, mask_frames=True)
    optimiser = torch.optim.Adam(student.parameters(), lr=2e-3)

    def recall(pool):
        with torch.no_grad():
            scores = sentence[256:] @ pool(frames[256:]).video.T
        return float((scores.argmax(dim=1) == torch.arange(256)).float().mean())

    plain = recall(student.mean_pool)
    for _ in range(150):
        rows = torch.randint(0, 256, (64,), generator=generator)
        temporal = student.temporal(frames[rows])
        video = student.attentive_pool(temporal).video
        weights = student.frame_logits(temporal).softmax(dim=-1)
        labels = frame_labels(sentence[rows], frames[rows], 0.1)
        best = torch.einsum("nd,bfd->nbf", sentence[rows], frames[rows]).amax(
            dim=-1
        )  # a teacher that finds it
        loss = teachclip_loss(20 * sentence[rows] @ video.T, weights, [Teaching(20 * best, labels)])
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
    with torch.no_grad():
        attention = student.pool(frames[256:]).weights
    on_planted = float((attention * which[256:]).sum(dim=1).mean())
    assert on_planted >= 0.45, on_planted  # uniform: 0.17
    assert recall(student.pool) >= plain + 0.05, (plain, recall(student.pool))
    torch.testing.assert_close(attention.sum(dim=1), torch.ones(256))
