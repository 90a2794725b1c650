"""Every method against a slow reference on plain modules."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.explain.heatmap import ClipSight
from core.explain.methods import relevance_of, smoothing
from core.explain.stems import ModuleStem, attend
from core.explain.targets import whole_query
from core.explain.vision import PatchVision, open_vision
from tests.core.explain.conftest import PATCH_METHODS, modules_of, noise


def test_the_value_path_is_attention_to_oneself(vit_folder, vit):
    """A token that may look at nothing but itself gets its own value: the mask is the slow way there."""
    backbone = modules_of(vit_folder)
    vision = PatchVision(ModuleStem(backbone.visual, vit.towers[-1].preprocessing))
    tokens = torch.randn(2, 145, 64, generator=torch.Generator().manual_seed(1))
    block = backbone.visual.transformer.resblocks[-1]
    alone = torch.full((145, 145), float("-inf")).fill_diagonal_(0.0)
    read = block.ln_1(tokens)
    expected = block.attn(read, read, read, need_weights=False, attn_mask=alone)[0]
    assert torch.allclose(vision.values(tokens), expected, atol=1e-5)


def test_relevance_equals_a_gradient_through_the_whole_forward(vit_folder, vit):
    """The reference keeps every block's graph and multiplies the last two by hand, one picture at a time."""
    backbone = modules_of(vit_folder)
    target = whole_query(vit, "a red car")
    frames = noise(2, seed=4)
    maps = ClipSight.look(vit, frames).maps(target, "relevance")
    stem = ModuleStem(backbone.visual, vit.towers[-1].preprocessing)
    vision = PatchVision(stem)
    for frame, one in zip(frames, maps, strict=True):
        tokens = stem.tokens(torch.from_numpy(frame)[None].permute(0, 3, 1, 2)).requires_grad_(True)
        kept = []
        for block in backbone.visual.transformer.resblocks:
            tokens, weights = attend(block, tokens)
            weights.retain_grad()
            kept.append(weights)
        score = functional.normalize(vision.to_joint(tokens[0, 0]), dim=0) @ target.direction
        assert one.score == pytest.approx(float(score.detach()), abs=1e-4)
        score.backward()
        reached = torch.eye(145)
        for weights in kept[-2:]:
            reached = reached + (weights * weights.grad).clamp(min=0)[0].mean(0) @ reached
        expected = reached[0, 1:].detach().view(9, 16).numpy()
        assert np.allclose(one.relevance[0], expected, rtol=0.01, atol=1e-6 * expected.max() + 1e-9)


def test_removal_is_what_the_score_loses_when_less_of_a_patch_is_there(vit):
    """Finite differences, patch by patch, in float64 where small differences survive."""
    target = whole_query(vit, "a red car")
    (one,) = ClipSight.look(vit, noise(1, seed=6)).maps(target, "removal")
    vision = open_vision(vit.towers[-1], "x")
    entry = vision.entry(torch.from_numpy(noise(1, seed=6)[0])[None].permute(0, 3, 1, 2)).double()
    wide = [copy.deepcopy(block).double() for block in vision.opened]
    norm, projection = (
        copy.deepcopy(vision._stem.ending.norm).double(),
        vision._stem.ending.projection.double(),
    )

    def score(presence):
        tokens = entry
        for block in wide:
            tokens, _ = attend(block, tokens, presence)
        return float(functional.normalize(norm(tokens[0, 0]) @ projection, dim=0) @ target.direction.double())

    for patch in (0, 17, 80, 143):
        less = torch.ones(1, 145, dtype=torch.float64)
        less[0, 1 + patch] -= 1e-4
        expected = (score(torch.ones_like(less)) - score(less)) / 1e-4
        assert one.relevance.ravel()[patch] == pytest.approx(expected, rel=0.01, abs=1e-7)


def test_removal_foretells_what_taking_each_patch_away_does(vit):
    target = whole_query(vit, "a red car")
    frames = noise(1, seed=8)
    sight = ClipSight.look(vit, frames)
    (one,) = sight.maps(target, "removal")
    every = torch.arange(144)
    others = torch.stack([every[every != patch] for patch in range(144)])[None]  # (1, 144, 143)
    left = functional.normalize(sight.vision.encode_kept(sight.pixels, others)[0], dim=-1) @ target.direction
    lost = (one.score - left).numpy()
    assert np.corrcoef(one.relevance.ravel(), lost)[0, 1] > 0.9


@pytest.mark.parametrize("method", PATCH_METHODS[2:])
def test_how_much_of_a_tower_is_opened_changes_nothing_but_removal(vit, vit_folder, method):
    pixels = torch.from_numpy(np.stack(noise(2))).permute(0, 3, 1, 2)
    target = whole_query(vit, "a bus")
    stem = ModuleStem(modules_of(vit_folder).visual, vit.towers[-1].preprocessing)
    assert len(stem.ending.blocks) == 3
    whole = relevance_of(PatchVision(stem), pixels, target, method)
    stem.ending = dataclasses.replace(stem.ending, blocks=stem.ending.blocks[-2:])
    assert torch.allclose(relevance_of(PatchVision(stem), pixels, target, method), whole, atol=1e-5)


def test_rollout_does_not_know_the_query_and_sums_to_the_patches_share(vit):
    sight = ClipSight.look(vit, noise(2))
    one, other = (sight.maps(whole_query(vit, text), "rollout") for text in ("a car", "snow at night"))
    assert np.array_equal(one[0].relevance, other[0].relevance)
    assert 0 < one[0].relevance.sum() < 1  # rows of the product sum to 1, the class token keeps the rest


def test_smoothing_equals_its_formula():
    z = functional.normalize(torch.randn(1, 6, 5, generator=torch.Generator().manual_seed(2)), dim=-1)
    found = smoothing(z, (2, 3))[0]
    for p in range(6):
        row = []
        for q in range(6):
            away = (p // 3 - q // 3) ** 2 + (p % 3 - q % 3) ** 2
            row.append(0.5 * np.exp(-away / 2) + 0.5 * max(0.0, float(z[0, p] @ z[0, q])))
        assert np.allclose(found[p].numpy(), np.array(row) / sum(row), atol=1e-5)


def test_agreement_is_high_only_where_both_are(vit):
    sight = ClipSight.look(vit, noise(1, seed=3))
    target = whole_query(vit, "a bus")
    both, answers, losses = (
        sight.maps(target, m)[0].relevance[0] for m in ("agreement", "patches", "removal")
    )
    above = (answers > answers.mean()) & (losses > losses.mean())
    assert 0 < above.sum() < 144
    assert both[above].min() > 0
    peak = np.unravel_index(both.argmax(), both.shape)
    assert above[peak]
    expected = (
        ((answers - answers.mean()) / answers.std(ddof=1)) ** 3
        * (losses - losses.mean())
        / losses.std(ddof=1)
    )
    tie = 0.01 * (losses - losses.mean()) / losses.std(ddof=1)
    assert np.allclose(both[above], (expected + tie)[above], rtol=1e-3)
    assert np.allclose(both[~above], tie[~above], atol=1e-4)
