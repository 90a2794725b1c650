"""Motion that is known because it was made: a textured road seen by a pinhole camera that drives, turns and stands."""

import cv2
import numpy as np
import pytest

from core.explain.ego_manoeuvres import manoeuvres
from core.explain.ego_motion import CAMERA_M, FIELD_OF_VIEW, HEIGHT, HORIZON, WIDTH, Motion, measure, thinned

FPS = 12.0


def drive(speeds, yaws=None, seconds=4.0):
    """Pictures of a plane with blobs and of far walls, for a speed (m/s) and a yaw rate (rad/s) over time."""
    count = int(seconds * FPS)
    rng = np.random.default_rng(5)
    floor = cv2.GaussianBlur(rng.random((2400, 1200)).astype(np.float32), (0, 0), 2.0)
    floor = (floor - floor.min()) / np.ptp(floor) * 255  # 8 cells a metre
    wall = cv2.GaussianBlur(rng.random((60, 8000)).astype(np.float32), (0, 0), 1.5)
    wall = (wall - wall.min()) / np.ptp(wall) * 255
    focal = WIDTH / 2 / np.tan(FIELD_OF_VIEW / 2)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    x, y = (columns - WIDTH / 2) / focal, (rows - HEIGHT * HORIZON) / focal
    along = turned = 0.0
    pictures = []
    for number in range(count):
        time_s = number / FPS
        ahead = CAMERA_M / np.maximum(y, 1e-3)
        place_y = ((ahead + along) * 8).astype(np.float32) % 2399
        place_x = ((x * ahead + turned * ahead) * 8 + 600).astype(np.float32)
        ground = cv2.remap(floor, place_x, place_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        far_x = ((x + turned) * focal + 4000).astype(np.float32)
        far = cv2.remap(wall, far_x, (rows * 59 / HEIGHT).astype(np.float32), cv2.INTER_LINEAR)
        pictures.append(np.where(y > 0.05, ground, far).astype(np.uint8))
        along += speeds(time_s) / FPS
        turned += (yaws(time_s) if yaws else 0.0) / FPS
    return [number / FPS for number in range(count)], pictures


def test_a_steady_speed_is_measured():
    motion = measure(*drive(lambda t: 8.0))
    assert np.median(motion.speed) == pytest.approx(8.0, abs=1.5)
    assert abs(np.median(motion.yaw)) < 0.02


def test_standing_still_is_stationary_and_nothing_else():
    motion = measure(*drive(lambda t: 0.0))
    assert motion.speed.max() < 0.2
    assert motion.still.min() > 0.99
    assert [one.value for one in manoeuvres(motion)] == ["stationary"]


def test_a_stop_begins_with_the_braking_and_ends_in_standing():
    found = {
        one.value: one for one in manoeuvres(measure(*drive(lambda t: max(0.0, 8.0 - 4.0 * t), seconds=5.0)))
    }
    assert set(found) == {"stop", "stationary"}
    assert found["stationary"].start_s == pytest.approx(2.0, abs=0.5)
    assert found["stop"].end_s == pytest.approx(2.0, abs=0.7)


@pytest.mark.parametrize(("rate", "value"), [(0.5, "turn_right"), (-0.5, "turn_left")])
def test_a_turn_knows_its_side(rate, value):
    times, pictures = drive(lambda t: 5.0, lambda t: rate if 1.0 < t < 3.0 else 0.0)
    motion = measure(times, pictures)
    assert np.sign(motion.yaw.sum()) == np.sign(rate)
    assert abs(motion.yaw.sum() * motion.step_s) == pytest.approx(1.0, abs=0.25)
    turns = [one for one in manoeuvres(motion) if one.value.startswith("turn")]
    assert [one.value for one in turns] == [value]
    assert turns[0].start_s == pytest.approx(1.0, abs=0.4)
    assert turns[0].end_s == pytest.approx(3.0, abs=0.4)


def made(speed=10.0, yaw=0.0, still=0.3, seconds=8.0):
    """A motion by hand; every measure is a number or an array."""
    times = np.arange(0.0, seconds, 1 / FPS)
    return Motion(
        times,
        *(np.broadcast_to(np.asarray(part, float), times.shape).copy() for part in (speed, yaw, still)),
    )


def test_rules_on_motion_made_by_hand():
    times = np.arange(0.0, 8.0, 1 / FPS)
    assert [one.value for one in manoeuvres(made())] == ["go_straight"]
    slower = np.interp(times, [0, 2, 5, 8], [12, 12, 5, 5])
    assert [one.value for one in manoeuvres(made(slower))] == ["slow_down"]
    lost = np.where(times < 3, 30.0, 3.0)  # no car brakes like that
    assert [one.value for one in manoeuvres(made(lost))] == ["go_straight"]
    ring = np.where((times > 1) & (times < 3), 0.4, np.where((times > 3) & (times < 7), -0.4, 0.0))
    assert [one.value for one in manoeuvres(made(yaw=ring))] == ["take_roundabout"]
    go = np.where(times < 3, 0.0, 6.0)
    assert [one.value for one in manoeuvres(made(go, still=np.where(times < 3, 0.99, 0.3)))] == [
        "stationary",
        "start",
    ]


def swerve(side, metres, speed=20.0, start=2.0, seconds=3.0, bend=0.02):
    """Yaw of a car that moves `metres` to one side, on a road that bends all the time."""
    times = np.arange(0.0, 8.0, 1 / FPS)
    rate = side * metres * 2 * np.pi / (speed * seconds**2)
    inside = (times >= start) & (times <= start + seconds)
    return made(speed, yaw=bend + np.where(inside, rate * np.sin(2 * np.pi * (times - start) / seconds), 0.0))


def test_a_lane_change_is_a_swerve_and_a_bend_is_none():
    for side, value in ((-1, "change_lane_left"), (1, "change_lane_right")):
        (one,) = manoeuvres(swerve(side, 3.5))
        assert one.value == value
        assert (one.start_s, one.end_s) == (pytest.approx(2.0, abs=0.4), pytest.approx(5.0, abs=0.4))
    assert [one.value for one in manoeuvres(swerve(1, 0.5))] == ["go_straight"]
    times = np.arange(0.0, 8.0, 1 / FPS)
    bent = made(20.0, yaw=np.where(times > 4, 0.08, 0.0))  # the road begins to bend
    assert [one.value for one in manoeuvres(bent)] == ["go_straight"]
    shaken = made(20.0, yaw=np.random.default_rng(2).normal(0.0, 0.08, len(times)))
    assert [one.value for one in manoeuvres(shaken)] == ["go_straight"]


def test_somebody_crossing_before_a_standing_car_does_not_make_it_start():
    times = np.arange(0.0, 8.0, 1 / FPS)
    still = np.where((times > 3) & (times < 5), 0.5, 0.98)
    assert [one.value for one in manoeuvres(made(0.0, still=still))] == ["stationary"]


def test_nothing_comes_of_nothing():
    assert manoeuvres(measure([], [])) == ()
    assert manoeuvres(measure([0.0], [np.zeros((HEIGHT, WIDTH), np.uint8)])) == ()
    blind = measure([0.0, 0.1, 0.2], [np.zeros((HEIGHT, WIDTH), np.uint8)] * 3)
    assert np.isfinite(blind.yaw).all()
    assert np.isfinite(blind.speed).all()


def test_a_fast_camera_is_thinned_to_about_twelve_a_second():
    frames = [(number / 30, np.full((36, 64, 3), number, np.uint8)) for number in range(30)]
    times, pictures = thinned(frames, 30.0)
    assert len(times) == 15
    assert pictures[0].shape == (HEIGHT, WIDTH)
