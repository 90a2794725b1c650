"""Towers opened up: the same numbers as closed, patches that are not there, and towers of other kinds."""

import numpy as np
import pytest
import torch

from core.errors import DrivescopeError
from core.explain.heatmap import ClipSight
from core.explain.rivals import certainty, rivals_of
from core.explain.stems import ModuleStem
from core.explain.targets import whole_query
from core.explain.vision import PatchVision, ResNetVision, TrunkVision, open_vision
from core.models.ending import opened_blocks
from core.models.zero_shot import zero_shot_bundle
from core.training.vision import encode_visible
from tests.core.explain.conftest import PATCH_METHODS, modules_of, noise


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


def test_small_towers_are_opened_whole_and_large_ones_at_their_end():
    assert opened_blocks(6, 192) == 6  # drive-tiny
    assert opened_blocks(12, 768) == 2  # ViT-B: 28 MB a block
    assert opened_blocks(24, 1024) == 2


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
    vectors = bundle.towers[-1].encode_images(sight.pixels)
    sure = certainty(vectors, target.direction, rivals_of(bundle, target))
    assert judged[0].deletion[0] == pytest.approx(float(sure[0]), abs=0.01)
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
