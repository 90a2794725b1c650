"""A frame that carries its own coordinates goes through `prepare`; what comes out must lie where `views` says."""

import numpy as np
import pytest

from core.explain.geometry import View, paint, views
from core.models.preprocess import CROPS, Preprocessing, prepare


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("size", [(72, 128), (128, 72), (100, 101), (90, 400)])
@pytest.mark.parametrize("tower", [(64, 64), (72, 128), (32, 96)])
def test_views_are_what_prepare_shows(crop, size, tower):
    H, W = size
    y, x = np.mgrid[0:H, 0:W]
    frame = np.stack([255 * (x + 0.5) / W, 255 * (y + 0.5) / H, np.full((H, W), 255)], -1)
    preprocessing = Preprocessing(*tower, mean=(0.0, 0.0, 0.0))
    shown = prepare(frame.round().astype(np.uint8), preprocessing, crop).numpy() / 255  # (V, 3, h, w)
    seen = views(H, W, preprocessing, crop)
    assert len(seen) == len(shown)
    for view, picture in zip(seen, shown, strict=True):
        at_y, at_x = view.centres(*tower)
        frame_here = picture[2] > 0.99  # not a bar
        assert frame_here.any()
        wrong_x = np.abs(picture[0] - at_x[None, :])[frame_here]
        wrong_y = np.abs(picture[1] - at_y[:, None])[frame_here]
        # a pixel of the smaller picture at most, at the edges, where antialiasing sees one side only
        assert wrong_x.max() < 1.1 / min(tower[1], W) + 0.01
        assert wrong_y.max() < 1.1 / min(tower[0], H) + 0.01
        assert np.median(wrong_x) < 0.006
        assert np.median(wrong_y) < 0.006
        assert np.array_equal(view.inside(*tower), frame_here)


def test_a_hot_cell_lands_on_its_place():
    grid = np.zeros((1, 9, 16), np.float32)
    grid[0, 2, 12] = 1
    painted = paint(grid, (View(0, 0, 1, 1),), 90, 160)
    y, x = np.unravel_index(painted.argmax(), painted.shape)
    assert (y // 10, x // 10) == (2, 12)
    assert painted.max() == pytest.approx(0.9025, abs=0.01)  # half a pixel off the centre both ways


def test_views_that_overlap_are_averaged_and_the_unseen_is_zero():
    grids = np.stack([np.full((2, 2), 1.0), np.full((2, 2), 3.0)]).astype(np.float32)
    painted = paint(grids, (View(0, 0, 0.5, 1), View(0.25, 0, 0.75, 1)), 4, 8)
    assert painted[0].tolist() == [1, 1, 2, 2, 3, 3, 0, 0]


def test_letterbox_bars_do_not_reach_the_picture():
    view = views(90, 160, Preprocessing(64, 64), "letterbox")[0]
    grid = np.zeros((1, 8, 8), np.float32)
    grid[0, 0] = 5.0  # all of it in the upper bar
    assert not view.inside(8, 8)[0].any()
    assert paint(grid, (view,), 90, 160).max() == 0.0
