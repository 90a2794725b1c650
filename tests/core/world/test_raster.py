"""The rasteriser and its filters against slow plain references."""

import math

import numpy as np
import pytest

from core.world.ground import stripe, train
from core.world.motion import bent, clock, ease, follow, travel, turning
from core.world.raster import draw, draw_spheres, fill

LENS = np.array([60.0, 40.0, 30.0, 1.0])
EYE, ROT = np.array([0.0, 0.0, 1.0]), np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]])


def _plain_fill(points, size):
    """Which pixel centres lie inside, by three cross products; edges themselves are left undecided."""
    (x0, y0), (x1, y1), (x2, y2) = points
    inside, edge = np.zeros(size, bool), np.zeros(size, bool)
    for row in range(size[0]):
        for column in range(size[1]):
            x, y = column + 0.5, row + 0.5
            sides = [
                (bx - ax) * (y - ay) - (by - ay) * (x - ax)
                for ax, ay, bx, by in ((x0, y0, x1, y1), (x1, y1, x2, y2), (x2, y2, x0, y0))
            ]
            edge[row, column] = min(abs(s) for s in sides) < 1e-6
            inside[row, column] = all(s > 0 for s in sides) or all(s < 0 for s in sides)
    return inside, edge


@pytest.mark.parametrize("seed", range(25))
def test_triangles_cover_the_same_pixels_as_the_plain_way(seed):
    rng = np.random.default_rng(seed)
    size = (24, 32)
    points = rng.uniform((-12, -12), (44, 36), (3, 2))
    q = rng.uniform(0.1, 1.0, 3)
    depth, ids = np.zeros(size, np.float32), np.full(size, -1, np.int32)
    corners = [float(v) for point, value in zip(points, q, strict=True) for v in (*point, value)]
    fill(*corners, 5, depth, ids)
    inside, edge = _plain_fill(points, size)
    assert ((ids == 5) == inside)[~edge].all()
    # the depth value is linear on the screen: compare with the plane through the three corners
    plane = np.linalg.solve(np.column_stack([points, np.ones(3)]), q)
    rows, columns = np.nonzero(ids == 5)
    expected = plane[0] * (columns + 0.5) + plane[1] * (rows + 0.5) + plane[2]
    np.testing.assert_allclose(depth[rows, columns], expected, atol=2e-5)


def test_the_nearer_triangle_wins_whatever_the_order():
    far = np.array([[[-5, 9, -5], [5, 9, -5], [0, 9, 9]]], np.float32)
    near = far * np.float32(0.5) + np.array([0, 0, 0.5], np.float32)
    seen = []
    for world in (np.concatenate([far, near]), np.concatenate([near, far])):
        depth, ids = np.zeros((60, 80), np.float32), np.full((60, 80), -1, np.int32)
        draw(world, 0, 2, EYE, ROT, LENS, depth, ids)
        seen.append((depth.copy(), ids.copy()))
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    swapped = np.where(seen[1][1] >= 0, 1 - seen[1][1], -1)
    np.testing.assert_array_equal(seen[0][1], swapped)


def test_what_reaches_behind_the_lens_is_cut_not_smeared():
    floor = np.array([[[-50, -50, 0], [50, -50, 0], [0, 400, 0]]], np.float32)
    depth, ids = np.zeros((60, 80), np.float32), np.full((60, 80), -1, np.int32)
    draw(floor, 0, 1, EYE, ROT, LENS, depth, ids)
    assert (ids[:30] == -1).all()  # nothing above the horizon
    assert (ids[40:] == 0).all()
    row = 45
    np.testing.assert_allclose(
        1 / depth[row, 40], 60.0 / (row + 0.5 - 30.0), rtol=1e-4
    )  # eye 1 m above the plane


def test_spheres_agree_with_the_ray_formula():
    ball = np.array([[0.6, 7.0, 1.4, 1.3]], np.float32)
    depth, ids = np.zeros((60, 80), np.float32), np.full((60, 80), -1, np.int32)
    draw_spheres(ball, np.zeros(1, np.int32), 0, 1, 10, EYE, ROT, LENS, depth, ids)
    for row in range(60):
        for column in range(80):
            ray = np.array([(column + 0.5 - 40) / 60, 1.0, (30 - row - 0.5) / 60])
            to = np.array([0.6, 7.0, 0.4])
            b, dd = float(ray @ to), float(ray @ ray)
            inside = b * b - dd * (to @ to - 1.3**2)
            if abs(inside) < 1e-3:
                continue
            assert (ids[row, column] == 10) == (inside > 0)
            if inside > 0:
                assert 1 / depth[row, column] == pytest.approx((b - math.sqrt(inside)) / dd, rel=1e-4)


@pytest.mark.parametrize("seed", range(40))
def test_paint_is_the_exact_mean_over_the_pixel(seed):
    rng = np.random.default_rng(seed)
    x, period, share, width = (
        rng.uniform(-20, 20),
        rng.uniform(0.5, 9),
        rng.uniform(0.1, 0.9),
        rng.uniform(0.02, 15),
    )
    samples = x + width * ((np.arange(20000) + 0.5) / 20000 - 0.5)
    assert train(x, period, share, width) == pytest.approx(
        float(((samples % period) < share * period).mean()), abs=2e-3
    )
    a, b = sorted(rng.uniform(-20, 20, 2))
    assert stripe(x, a, b, width) == pytest.approx(float(((samples > a) & (samples < b)).mean()), abs=2e-3)


def test_motion_adds_up():
    times = clock(8.0)
    way, speed = travel(times, [(0, 10), (3, 10), (5, 0), (8, 0)])
    assert way[-1] == pytest.approx(40.0, abs=0.1)
    assert speed[-1] == 0.0
    assert (np.diff(way) >= 0).all()
    bump = ease(times, 2.0, 4.0)
    assert bump[0] == 0.0
    assert bump[-1] == 1.0
    assert np.abs(np.diff(bump, 2)).max() < 0.005  # no jerk at either end


@pytest.mark.parametrize("side", [-1, 1])
def test_a_turn_is_a_quarter_circle(side):
    track = follow(turning(1.65, 0.0, 20.0, 8.0, side), clock(8.0), 0.0, [(0, 6), (8, 6)])
    assert track.heading[-1] == pytest.approx(side * math.pi / 2, abs=1e-6)
    assert np.hypot(np.diff(track.x), np.diff(track.y)).max() < 6.3 / 24


def test_a_bent_lane_keeps_its_offset():
    bend = 1e-3
    x, y, _ = bent(bend, 1.75, 0.0, 300.0).at(np.linspace(0, 250, 50))
    np.testing.assert_allclose(x - bend * y * y / 2, 1.75, atol=2e-3)
