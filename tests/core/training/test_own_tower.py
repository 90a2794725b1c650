"""Own towers: they begin as the teacher's, learn with their student, and leave the shared one alone."""

import pytest
import torch

from core.training import own_tower
from core.training.distill_towers import _class_token
from core.training.features import encode_clips, encode_texts
from core.training.lanes import Lanes
from core.training.own_tower import own_name, train_own
from core.training.recipe import StudentRecipe
from core.training.scoring import Gallery, Questions
from core.training.splits import instances
from core.training.student import make_lessons, pooled
from core.training.teacher import new_teacher
from core.training.texts import Texts
from tests.core.training.toy import toy_clips, toy_recipe


@pytest.fixture(scope="module")
def world():
    recipe = toy_recipe()
    teacher, texts, lanes = new_teacher(recipe).eval().requires_grad_(False), Texts(recipe.words), Lanes(1)
    clips, found = toy_clips(9), toy_clips(6, first_seed=300)
    frames, shown = (encode_clips(teacher.clip, one, recipe.preprocessing, lanes) for one in (clips, found))
    split = instances(found)
    asked = Questions(split, encode_texts(teacher.clip, texts, list(split.queries)))
    lessons = make_lessons(teacher, clips, frames, texts, seed=3)
    return recipe, teacher, clips, lessons, Gallery(found, shown, {"test": asked})


def trained(world, folder, **changes):
    recipe, teacher, clips, lessons, gallery = world
    base = StudentRecipe(**{"steps": 3, "batch": 4, "tower_rate": 1e-3, **changes})
    return train_own(teacher, clips, lessons, base, [gallery], recipe.preprocessing, folder, 1, 1)


def shared_scores(student, gallery):
    with torch.no_grad():
        return gallery.questions["test"].texts.sentence @ pooled(student, gallery.frames, True).T


def test_the_class_tokens_row_is_the_whole_blocks(world):
    visual = world[1].clip.visual
    tokens = torch.randn(3, 33, visual.transformer.width, generator=torch.Generator().manual_seed(0))
    found = []
    for last in (_class_token, lambda block, x: block(x)[:, 0]):
        block, x = visual.transformer.resblocks[-1], tokens.clone().requires_grad_()
        block.requires_grad_(True)
        made = last(block, x)
        made.square().sum().backward()
        found.append([made.detach(), x.grad, *(p.grad.clone() for p in block.parameters())])
        block.zero_grad()
        block.requires_grad_(False)
    for short, whole in zip(*found, strict=True):
        torch.testing.assert_close(short, whole, rtol=1e-4, atol=1e-4)


def test_before_the_first_step_own_eyes_see_what_the_shared_ones_see(world, tmp_path):
    shared, owned = trained(world, tmp_path, steps=0)
    for taught in (False, True):
        (student,), ((scores,),) = shared[own_name(False, taught)], owned[own_name(True, taught)]
        theirs = shared_scores(student, world[-1])
        torch.testing.assert_close(scores["test"], theirs, rtol=0, atol=2e-2)  # the lanes encode in bfloat16
    assert not list(tmp_path.iterdir())  # tokens are gone


def test_own_towers_learn_on_some_clips_and_the_shared_one_stays(world, tmp_path, monkeypatch):
    monkeypatch.setattr(own_tower, "CLIPS", 5)
    teacher = world[1]
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    shared, owned = trained(world, tmp_path)
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    scores = [owned[own_name(True, taught)][0][0]["test"] for taught in (False, True)]
    assert not torch.equal(*scores)
    still = trained(world, tmp_path, tower_rate=0.0)[1]
    for taught, moved in zip((False, True), scores, strict=True):
        unmoved = still[own_name(True, taught)][0][0]["test"]
        (student,) = shared[own_name(False, taught)]
        torch.testing.assert_close(unmoved, shared_scores(student, world[-1]), rtol=0, atol=3e-2)
        assert (moved - unmoved).abs().max() > 3e-2  # it is the tower that makes the difference
