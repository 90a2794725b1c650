"""Frames reach the towers as open_clip's own preprocessing would bring them there, and no crop loses its way."""

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from core.errors import DrivescopeError
from core.models.preprocess import CLIP_MEAN, CLIP_STD, CROPS, Preprocessing, check_crop, prepare


def scene(height: int, width: int) -> np.ndarray:
    """Smooth shapes with sharp edges, as a photograph has them."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([127 + 120 * np.sin(x / 9), 127 + 120 * np.cos(y / 7), (x + 2 * y) % 256], -1)
    rgb[height // 3 : height // 2, width // 4 : width // 2] = (240, 20, 30)
    return rgb.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(360, 640), (375, 1242), (640, 360), (224, 224), (100, 130), (1080, 1920)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("crop", "mode"), [("center", "shortest"), ("squash", "squash")])
def test_agrees_with_open_clip(size, interpolation, crop, mode) -> None:
    rgb = scene(*size)
    ours = prepare(rgb, preprocessing := Preprocessing(224, 224, interpolation=interpolation), crop)
    published = image_transform_v2(
        PreprocessCfg(size=224, mean=CLIP_MEAN, std=CLIP_STD, interpolation=interpolation, resize_mode=mode),
        is_train=False,
    )
    theirs = published(Image.fromarray(rgb)).flatten()
    mine = preprocessing.normalise(ours).flatten()
    assert torch.nn.functional.cosine_similarity(mine, theirs, dim=0) > 0.9999
    assert float((mine - theirs).abs().max()) < 0.08  # two of 255 grey levels


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (37, 53), (72, 128)])
def test_any_size_gives_the_towers_size(crop, size) -> None:
    views = prepare(scene(*size), Preprocessing(72, 128), crop)
    assert views.shape[1:] == (3, 72, 128)
    assert views.dtype == torch.uint8
    assert len(views) == (3 if crop == "three" and size != (72, 128) else 1)


def test_letterbox_shows_everything_in_mean_coloured_bars() -> None:
    views = prepare(np.full((100, 400, 3), 200, dtype=np.uint8), Preprocessing(224, 224), "letterbox")
    assert views[0, :, 112, 0].tolist() == [200, 200, 200]
    assert views[0, :, 0, 0].tolist() == [round(255 * m) for m in CLIP_MEAN]
    assert int((views[0, 0] == 200).sum()) == 56 * 224


def test_three_crops_reach_both_ends_and_the_middle() -> None:
    rgb = scene(224, 448)
    views = prepare(rgb, Preprocessing(224, 224), "three")
    image = torch.from_numpy(rgb).permute(2, 0, 1)
    for view, left in zip(views, (0, 112, 224), strict=True):
        assert torch.equal(view, image[:, :, left : left + 224])


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_frame_is_refused(rgb) -> None:
    with pytest.raises(DrivescopeError, match="height x width x 3 bytes"):
        prepare(rgb, Preprocessing(8, 8), "center")


def test_crops_are_checked_by_name() -> None:
    assert check_crop("three") == "three"
    with pytest.raises(DrivescopeError, match="choose one of center, letterbox, squash, three"):
        check_crop("middle")


def test_other_layouts_in_memory_are_the_same_frame() -> None:
    rgb = scene(60, 80)
    flipped = np.ascontiguousarray(rgb[:, ::-1])[:, ::-1]  # negative strides
    for crop in CROPS:
        assert torch.equal(
            prepare(flipped, Preprocessing(24, 24), crop), prepare(rgb, Preprocessing(24, 24), crop)
        )
