"""How our own car moves, read from the pictures alone: speed and turning from global motion.

A frame vector cannot tell a left turn from a right one, so the ego manoeuvre of a video skeleton comes from here. The
road is taken for a plane and the camera for a pinhole: turning moves the whole picture sideways, driving moves the
plane towards us (Longuet-Higgins and Prazdny, 1980). Three steps:

1. tracked corners (Lucas and Kanade, 1981) and a robust fit of plane and turning give yaw;
2. the plane, seen from above, is compared with itself one frame later for every speed that a car may have;
3. the smoothest path through those comparisons is the speed (a Viterbi search, so that one bad frame is outvoted).

Field of view, horizon and camera height are those of a common dashcam, not measured: speeds are right up to a
factor, and every rule of `ego_manoeuvres` that reads them is a ratio or has a wide margin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Gray = NDArray[np.uint8]

WIDTH: Final = 192
HEIGHT: Final = 108
RATE: Final = 12.0
"""Frames a second that are looked at: twice as many cost twice as much and agree."""
FIELD_OF_VIEW: Final = np.radians(57.0)
HORIZON: Final = 0.47
"""Where the horizon lies, as a share of the picture's height."""
HOOD: Final = 0.84
"""Below this share of the height lies our own bonnet, which never moves."""
CAMERA_M: Final = 1.36
SPEEDS: Final[F64] = np.concatenate([[0, 0.15, 0.3, 0.6, 1, 1.5], np.arange(2.0, 34.01)])  # m/s
_FOCAL: Final = WIDTH / 2 / np.tan(FIELD_OF_VIEW / 2)
_PLANE: Final = (36, 49)  # rows (by depth) and columns of the road seen from above


@dataclass(frozen=True)
class Motion:
    """Our own motion between neighbouring frames, all arrays (N,).

    `times_s` are the middles between two frames, seconds in the file; `speed` m/s (up to a factor); `yaw` rad/s,
    positive to the right; `still` the correlation of a picture with the one before (1: nothing moved at all).
    """

    times_s: F64
    speed: F64
    yaw: F64
    still: F64

    @property
    def step_s(self) -> float:
        """Seconds between two samples; 0 if there are fewer than two."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0


def small(rgb: NDArray[np.uint8]) -> Gray:
    """A decoded frame (H, W, 3) as the grey picture (108, 192) that motion is read from."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def thinned(samples: Iterable[tuple[float, NDArray[np.uint8]]], fps: float) -> tuple[list[float], list[Gray]]:
    """Times and small pictures of a decoded span, at about `RATE` a second."""
    every = max(1, round(fps / RATE))
    times, pictures = [], []
    for number, (time_s, rgb) in enumerate(samples):
        if number % every == 0:
            times.append(time_s)
            pictures.append(small(rgb))
    return times, pictures


def measure(times_s: Sequence[float], pictures: Sequence[Gray]) -> Motion:
    """The motion in N small pictures of one shot, taken at `times_s` (ascending). Fewer than two have none."""
    if len(pictures) < 2:
        nothing = np.zeros(0)
        return Motion(nothing, nothing, nothing, nothing)
    times = np.asarray(times_s, dtype=np.float64)
    steps = np.maximum(np.diff(times), 1e-3)  # (N-1,)
    yaw = _filled(np.array([_turn(a, b) for a, b in pairwise(pictures)]))  # (N-1,)
    likeness = _speed_likeness(pictures, steps, yaw)
    still = _still(pictures)
    # Hardly moving leaves the whole picture nearly as it was; without that, a featureless road looks slow.
    wanted = np.clip(0.9 - 0.05 * SPEEDS, 0.0, 1.0)
    missing = np.clip((wanted[None] - still[:, None]) / 0.15, 0.0, 1.0) * (SPEEDS < 4.0)
    speed = _smoothest(likeness - 0.6 * missing, float(np.median(steps)))
    return Motion((times[1:] + times[:-1]) / 2, speed, -yaw / steps, still)


def _corners(picture: Gray) -> NDArray[np.float32]:
    """Corners above the horizon, which show turning, and on the road, which show driving: (n, 1, 2)."""
    found = []
    for top, bottom in ((0.12, 0.56), (0.56, HOOD)):
        first = int(HEIGHT * top)
        points = cv2.goodFeaturesToTrack(picture[first : int(HEIGHT * bottom)], 90, 0.01, 4)
        if points is not None:
            found.append(np.asarray(points, np.float32).reshape(-1, 1, 2) + np.array([0, first], np.float32))
    return np.concatenate(found) if found else np.zeros((0, 1, 2), np.float32)


def _turn(before: Gray, after: Gray) -> float:
    """Turning of the picture to the right in one step, rad; nan if blind."""
    points = _corners(before)
    if len(points) < 10:
        return float("nan")
    moved, status, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload] # None: make the output
        before, after, points, None, winSize=(11, 11), maxLevel=2, criteria=(3, 8, 0.03)
    )
    good = status[:, 0] == 1
    start, flow = points[good, 0], (moved - points)[good, 0]
    if len(start) < 10:
        return float("nan")
    x = start[:, 0] + flow[:, 0] / 2 - WIDTH / 2
    y = start[:, 1] + flow[:, 1] / 2 - HEIGHT * HORIZON
    ground = np.maximum(y, 0.0)  # what stands above the horizon is far away: only turning moves it
    design = np.zeros((len(x), 2, 4))  # unknowns: forward, sideways (camera heights), yaw, pitch (rad)
    design[:, 0, 0], design[:, 1, 0] = x * ground / _FOCAL, y * ground / _FOCAL
    design[:, 0, 1] = -ground
    design[:, 0, 2], design[:, 1, 2] = _FOCAL + x * x / _FOCAL, x * y / _FOCAL
    design[:, 0, 3], design[:, 1, 3] = x * y / _FOCAL, _FOCAL + y * y / _FOCAL
    weights = np.ones(len(x))
    answer = np.zeros(4)
    for turn in range(8):  # re-weighted least squares: other cars move otherwise and lose their say
        root = np.sqrt(weights)[:, None, None]
        answer = np.linalg.lstsq((design * root).reshape(-1, 4), (flow * root[:, :, 0]).ravel(), rcond=None)[
            0
        ]
        rest = np.abs(flow - design @ answer).max(axis=1)
        scale = max(0.4, 1.4 * float(np.median(rest))) if turn < 5 else 0.6
        weights = 1.0 / (1.0 + (rest / scale) ** 2) ** 2
    return float(answer[2])


def _speed_likeness(pictures: Sequence[Gray], steps: F64, yaw: F64) -> F64:
    """How alike the road is to itself one frame later, for every speed: (N-1, V) correlations.

    Rows of the road are compared by their differences along it, so that painted edges, which look the same at any
    speed, have no say.
    """
    depth = CAMERA_M / np.linspace(CAMERA_M / 5.5, CAMERA_M / 22.0, _PLANE[0])  # m ahead, even in the picture
    across, ahead = np.meshgrid(np.linspace(-6.0, 6.0, _PLANE[1]), depth)
    likeness = np.zeros((len(steps), len(SPEEDS)))
    for number, (before, after) in enumerate(pairwise(pictures)):
        base, base_seen = _road(before, across, ahead, 0.0)
        for place, speed in enumerate(SPEEDS.tolist()):
            there, seen = _road(after, across, ahead - speed * steps[number], float(yaw[number]))
            both = base_seen & seen
            both = both[2:] & both[:-2]
            one, two = (base[2:] - base[:-2]) * both, (there[2:] - there[:-2]) * both
            norm = np.sqrt(float((one * one).sum()) * float((two * two).sum())) + 200.0
            likeness[number, place] = float((one * two).sum()) / norm
    return likeness


def _road(
    picture: Gray, across: F64, ahead: F64, turned: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The road at given places (m), and which of them the picture shows; `turned` is the picture's shift in rad."""
    near = np.maximum(ahead, 0.8)
    x = ((across / near + turned) * _FOCAL + WIDTH / 2).astype(np.float32)
    y = (CAMERA_M / near * _FOCAL + HEIGHT * HORIZON).astype(np.float32)
    seen = (y < HEIGHT * (HOOD + 0.01)) & (x >= 0) & (x < WIDTH - 1)
    return cv2.remap(picture.astype(np.float32), x, y, cv2.INTER_LINEAR).astype(np.float32), seen


def _still(pictures: Sequence[Gray]) -> F64:
    """Correlation of the fine structure of neighbouring pictures, (N-1,)."""
    fine = []
    for picture in pictures:
        part = picture[int(HEIGHT * 0.1) : int(HEIGHT * HOOD)].astype(np.float32)
        fine.append(part - cv2.GaussianBlur(part, (0, 0), 3))
    found = [
        float((a * b).sum() / np.sqrt(float((a * a).sum()) * float((b * b).sum()) + 1e-3))
        for a, b in pairwise(fine)
    ]
    return np.array(found)


def _smoothest(likeness: F64, step_s: float) -> F64:
    """The speeds (N,) whose likeness is largest, changes of speed costing up to 0.3 each."""
    change = np.abs(SPEEDS[:, None] - SPEEDS[None]) / max(10.0 * step_s, 1e-3)  # (V, V) in units of 10 m/s²
    cost = 0.25 * np.minimum(0.4 * change, 3.0)
    best = likeness[0].copy()
    came_from = np.zeros(likeness.shape, np.int64)
    for number in range(1, len(likeness)):
        options = best[:, None] - cost  # (V before, V now)
        came_from[number] = options.argmax(axis=0)
        best = options.max(axis=0) + likeness[number]
    place = int(best.argmax())
    path = [place]
    for number in range(len(likeness) - 1, 0, -1):
        place = int(came_from[number, place])
        path.append(place)
    return np.asarray(SPEEDS[path[::-1]], dtype=np.float64)


def _filled(values: F64) -> F64:
    """Blind steps take the values around them; all blind is no motion."""
    seen = np.isfinite(values)
    if not seen.any():
        return np.zeros_like(values)
    places = np.arange(len(values))
    return np.asarray(np.interp(places, places[seen], values[seen]))
