"""Maps of planted pictures, and every step of a method against a slow reference on plain modules."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import DrivescopeError
from core.explain.heatmap import ClipSight
from core.explain.methods import METHODS, relevance_of, smoothing
from core.explain.stems import ModuleStem, attend
from core.explain.targets import Target, difference, phrase, whole_query
from core.explain.vision import PatchVision, ResNetVision, TrunkVision, open_vision
from core.models.backbone import Backbone, ClipDims
from core.models.bundle_io import random_bundle
from core.models.ending import opened_blocks
from core.models.registry import load_bundle
from core.models.towers import ClipTower, Tower
from core.models.zero_shot import zero_shot_bundle
from core.training.vision import encode_visible
from tests.core.explain.conftest import modules_of

PATCH_METHODS = ("agreement", "removal", "relevance", "patches", "value", "rollout")


def noise(count=2, size=(36, 64), seed=0):
    return list(np.random.default_rng(seed).integers(0, 256, (count, *size, 3), np.uint8))


def planted(row, column, patch=4, size=(36, 64)):
    """A grey frame with one red patch, and the same without it."""
    plain = np.full((*size, 3), 90, np.uint8)
    marked = plain.copy()
    marked[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = (250, 20, 20)
    return marked, plain


def towards(bundle, marked, plain):
    """The direction in which a frame vector moves when the patch appears: what a text about it would be."""
    prepared = [bundle.prepare(frame) for frame in (marked, plain)]
    with_it, without = functional.normalize(bundle.encode_frames(prepared)[-1], dim=-1)
    return Target("the red patch", functional.normalize(with_it - without, dim=0), torch.zeros_like(without))


@pytest.fixture(scope="module")
def placeless(vit):
    """A tower without position table: all grey patches are alike, so only the planted one can matter."""
    dims = ClipDims(36, 64, 4, 64, 1, 64, 1, 64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        backbone = Backbone(dims)
    backbone.visual.positional_embedding.data.zero_()
    tower = ClipTower.of(backbone, vit.towers[-1].preprocessing)
    return zero_shot_bundle(vit.spec, tower, torch.device("cpu"), "float32")


@pytest.mark.parametrize("method", ["removal", "relevance", "value"])
@pytest.mark.parametrize("place", [(0, 0), (4, 7), (8, 15), (2, 11)])
def test_the_planted_patch_is_the_peak(placeless, method, place):
    marked, plain = planted(*place)
    target = towards(placeless, marked, plain)
    sight = ClipSight.look(placeless, [marked])
    (one,) = sight.maps(target, method)
    assert one.relevance.shape == (1, 9, 16)
    assert one.relevance.dtype == np.float32
    assert np.unravel_index(one.relevance[0].argmax(), (9, 16)) == place
    y, x = np.unravel_index(one.on_frame(36, 64).argmax(), (36, 64))
    assert (y // 4, x // 4) == place
    (judged,) = sight.faithfulness(target, [one])
    assert judged.reliable
    assert judged.deletion[1] < judged.deletion[0]  # two patches held all of it
    upside_down = dataclasses.replace(one, relevance=-one.relevance)
    assert not sight.faithfulness(target, [upside_down])[0].reliable


def test_the_modules_and_the_packed_tower_see_the_same(vit, vit_folder):
    backbone = modules_of(vit_folder)
    packed = open_vision(vit.towers[-1], "x")
    plain = PatchVision(ModuleStem(backbone.visual, vit.towers[-1].preprocessing))
    pixels = torch.from_numpy(np.stack(noise(3))).permute(0, 3, 1, 2)
    assert packed.grid == plain.grid == (9, 16)
    assert torch.allclose(packed.entry(pixels), plain.entry(pixels), atol=1e-4)
    for ours, theirs in zip(packed.attentions(pixels), plain.attentions(pixels), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)
    kept = torch.stack([torch.randperm(144)[:50].sort().values for _ in range(6)]).view(3, 2, 50)
    assert torch.allclose(packed.encode_kept(pixels, kept), plain.encode_kept(pixels, kept), atol=1e-4)


def test_attention_is_torchs_own_and_opened_blocks_change_nothing(vit_folder, vit):
    backbone = modules_of(vit_folder)
    vision = PatchVision(ModuleStem(backbone.visual, vit.towers[-1].preprocessing))
    pixels = torch.from_numpy(np.stack(noise(2))).permute(0, 3, 1, 2)
    tokens = backbone.visual._embeds(vit.towers[-1].preprocessing.normalise(pixels))
    for block, ours in zip(backbone.visual.transformer.resblocks, vision.attentions(pixels), strict=True):
        read = block.ln_1(tokens)
        weights = block.attn(read, read, read, need_weights=True, average_attn_weights=True)[1]
        assert torch.allclose(ours, weights, atol=1e-5)
        tokens = block(tokens)
    opened, _ = vision.finish(vision.entry(pixels))
    assert torch.allclose(opened, tokens, atol=1e-4)
    assert torch.allclose(
        vision.to_joint(opened), backbone.visual.ln_post(tokens) @ backbone.visual.proj, atol=1e-4
    )


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


def test_taking_patches_away_equals_never_having_had_them(vit_folder, vit):
    backbone = modules_of(vit_folder)
    vision = open_vision(vit.towers[-1], "x")
    pixels = torch.from_numpy(np.stack(noise(2))).permute(0, 3, 1, 2)
    every = torch.arange(144).expand(2, 1, 144)
    assert torch.allclose(
        vision.encode_kept(pixels, every)[:, 0], vit.towers[-1].encode_images(pixels), atol=1e-4
    )
    kept = torch.tensor([[3, 70, 143], [0, 1, 2]])
    images = vit.towers[-1].preprocessing.normalise(pixels)
    expected = encode_visible(backbone, images, kept)[:, 0]
    assert torch.allclose(vision.encode_kept(pixels, kept[:, None])[:, 0], expected, atol=1e-4)
    assert vision.encode_kept(pixels, kept[:, None, :0]).shape == (2, 1, 64)


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


def test_frames_judged_alone_or_together_get_the_same_numbers(vit):
    frames, target = noise(3), whole_query(vit, "a bus")
    together = ClipSight.look(vit, frames)
    sight = ClipSight.look(vit, frames)
    maps = sight.maps(target, "removal")
    one_by_one = [sight.faithfulness(target, [maps[number]])[0] for number in (2, 0, 1)]
    for number, alone in zip((2, 0, 1), one_by_one, strict=True):
        other = together.faithfulness(target, maps)[number]
        assert alone.value == pytest.approx(other.value, abs=1e-5)
        assert alone.control == pytest.approx(other.control, abs=1e-5)


def test_small_towers_are_opened_whole_and_large_ones_at_their_end():
    assert opened_blocks(6, 192) == 6  # drive-tiny
    assert opened_blocks(12, 768) == 2  # ViT-B: 28 MB a block
    assert opened_blocks(24, 1024) == 2


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


@pytest.mark.parametrize("method", PATCH_METHODS)
@pytest.mark.parametrize(("crop", "views"), [("squash", 1), ("center", 1), ("letterbox", 1), ("three", 3)])
def test_every_method_and_crop_gives_finite_maps_on_the_frame(tmp_path, method, crop, views):
    folder = random_bundle(tmp_path / "square", height=24, width=24, patch=8, layers=2, crop=crop)
    bundle = load_bundle(str(folder), device="cpu", precision="float32")
    sight = ClipSight.look(bundle, noise(3, size=(36, 64)))
    assert sight.methods[0] == "agreement"
    assert set(sight.methods) == set(PATCH_METHODS)
    target = whole_query(bundle, "a bus at night")
    maps = sight.maps(target, method)
    assert [m.frame for m in maps] == [0, 1, 2]
    for one in maps:
        assert one.relevance.shape == (views, 3, 3)
        assert np.isfinite(one.relevance).all()
        assert one.heat.min() == 0
        assert one.heat.max() == 1
        assert one.on_frame(36, 64).shape == (36, 64)
    assert np.array_equal(sight.maps(target, method, [1])[0].relevance, maps[1].relevance) or np.allclose(
        sight.maps(target, method, [1])[0].relevance, maps[1].relevance, atol=1e-6
    )
    judged = sight.faithfulness(target, maps)
    vectors = bundle.encode_frames([bundle.prepare(f) for f in noise(3, size=(36, 64))])[-1]
    scores = functional.normalize(vectors, dim=-1) @ target.direction
    for one, found, score in zip(maps, judged, scores, strict=True):
        assert one.score == pytest.approx(float(score), abs=1e-4)
        if crop != "letterbox":  # whose bars are not shown
            assert found.deletion[0] == pytest.approx(float(score), abs=1e-4)


def test_letterbox_bars_bring_nothing(tmp_path):
    folder = random_bundle(tmp_path / "boxed", height=32, width=32, patch=8, crop="letterbox")
    bundle = load_bundle(str(folder), device="cpu", precision="float32")
    sight = ClipSight.look(bundle, noise(1, size=(32, 64)))
    (one,) = sight.maps(whole_query(bundle, "a bus"), "rollout")
    assert (one.relevance[0, [0, 3]] == 0).all()
    assert (one.relevance[0, 1:3] > 0).all()


def test_half_precision_towers_have_the_same_peaks(vit_folder):
    target_text, frames = "a green light", noise(4, seed=9)
    maps = {}
    for precision in ("float32", "bfloat16"):
        bundle = load_bundle(str(vit_folder), device="cpu", precision=precision)
        found = ClipSight.look(bundle, frames).maps(whole_query(bundle, target_text), "relevance")
        maps[precision] = np.stack([m.heat for m in found]).ravel()
    assert np.corrcoef(maps["float32"], maps["bfloat16"])[0, 1] > 0.95


def test_a_phrase_is_read_by_itself(vit):
    one = phrase(vit, "A cyclist crosses the road", 3, 4)
    assert one.name == "the road"
    assert torch.equal(one.direction, vit.encode_text("the road").sentence)
    assert phrase(vit, "a cyclist crosses the road", 1).name == "cyclist"
    with pytest.raises(DrivescopeError, match="5 words"):
        phrase(vit, "a cyclist crosses the road", 5)


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


def test_a_difference_is_the_one_score_minus_the_other(vit):
    sight = ClipSight.look(vit, noise(2))
    both = difference(vit, "a red car", "a blue bus")
    scores = [
        sight.maps(t, "value")[0].score
        for t in (both, whole_query(vit, "a red car"), whole_query(vit, "a blue bus"))
    ]
    assert scores[0] == pytest.approx(scores[1] - scores[2], abs=1e-5)
    with pytest.raises(DrivescopeError, match="same"):
        difference(vit, "a red car", "a red car")


@pytest.fixture(scope="module", params=["MobileCLIP2-S0", "SigLIP"])
def trunk(request):
    """A convolutional tower and one that pools by attention, small, of open_clip's timm form."""
    import open_clip
    import timm

    from core.models.open_clip_tower import OpenClipTower
    from core.models.preprocess import Preprocessing

    torch.manual_seed(1)
    name, extra = {
        "MobileCLIP2-S0": ("resnet18", {}),
        "SigLIP": ("vit_tiny_patch16_224", {"img_size": 64, "global_pool": "map", "class_token": False}),
    }[request.param]
    model = open_clip.CustomTextCLIP(
        embed_dim=32,
        vision_cfg={"image_size": 64, "timm_model_name": "resnet18", "timm_pool": "", "timm_proj": "linear"},
        text_cfg={"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
    )
    model.visual.trunk = timm.create_model(name, num_classes=0 if extra else 32, **extra)
    model.visual.head = torch.nn.Linear(192, 32) if extra else torch.nn.Identity()
    return OpenClipTower(model, Preprocessing(64, 64))


def test_other_towers_have_the_feature_method_and_say_so(vit, trunk):
    assert isinstance(open_vision(trunk, "x"), TrunkVision)
    bundle = zero_shot_bundle(vit.spec, trunk, torch.device("cpu"), "float32")
    sight = ClipSight.look(bundle, noise(2, size=(64, 64)))
    assert sight.methods == ("features",)
    target = whole_query(bundle, "a car")
    maps = sight.maps(target)
    assert all(np.isfinite(m.relevance).all() and np.ptp(m.relevance) > 0 for m in maps)
    judged = sight.faithfulness(target, maps)
    assert judged[0].deletion[0] == pytest.approx(maps[0].score, abs=1e-4)
    with pytest.raises(DrivescopeError, match="another kind: choose one of features"):
        sight.maps(target, "relevance")


def test_clips_own_resnet_has_the_feature_method_and_any_patch_size_all_others(vit):
    import open_clip

    from core.models.open_clip_tower import OpenClipTower
    from core.models.preprocess import Preprocessing

    text = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}

    def bundle_of(size: int, **vision: object) -> object:
        torch.manual_seed(2)
        model = open_clip.CLIP(embed_dim=32, vision_cfg={"image_size": size, **vision}, text_cfg=text)
        tower = OpenClipTower(model, Preprocessing(size, size))
        return zero_shot_bundle(vit.spec, tower, torch.device("cpu"), "float32")

    resnet = bundle_of(96, layers=[1, 1, 1, 1], width=16)
    sight = ClipSight.look(resnet, noise(2, size=(96, 96)))
    assert isinstance(sight.vision, ResNetVision)
    assert sight.methods == ("features",)
    assert sight.vision.grid == (3, 3)
    target = whole_query(resnet, "a car")
    maps = sight.maps(target)
    assert all(np.isfinite(m.relevance).all() and np.ptp(m.relevance) > 0 for m in maps)
    vectors = resnet.towers[-1].encode_images(sight.pixels)
    opened = sight.vision.pooled(sight.vision.features(sight.pixels))
    torch.testing.assert_close(opened, vectors)
    kept = torch.arange(9).expand(2, 1, 9)
    torch.testing.assert_close(sight.vision.encode_kept(sight.pixels, kept)[:, 0], vectors)
    assert len(sight.faithfulness(target, maps)) == 2

    for patch, grid in ((14, (5, 5)), (16, (4, 4)), (32, (2, 2))):
        vit_bundle = bundle_of(grid[0] * patch, layers=2, width=64, head_width=32, patch_size=patch)
        sight = ClipSight.look(vit_bundle, noise(1, size=(50, 90)))
        assert sight.vision.grid == grid
        assert set(sight.methods) == set(PATCH_METHODS)
        for method in sight.methods:
            (one,) = sight.maps(whole_query(vit_bundle, "a car"), method)
            assert one.relevance.shape[1:] == grid
            assert np.isfinite(one.relevance).all()


def test_what_is_not_there_is_said(vit):
    sight = ClipSight.look(vit, noise(1))
    target = whole_query(vit, "a car")
    with pytest.raises(DrivescopeError, match="no heatmap method called 'magic'"):
        sight.maps(target, "magic")
    with pytest.raises(DrivescopeError, match="does not apply"):
        sight.maps(target, "features")
    assert set(METHODS) == {*PATCH_METHODS, "features"}

    class Blind(Tower):
        def place(self, device, dtype): ...
        def encode_images(self, pixels): ...
        def encode_text(self, text, limit, padded): ...

    with pytest.raises(DrivescopeError, match="no heatmaps for Blind"):
        open_vision(Blind(), "Blind")
