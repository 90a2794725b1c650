"""What our own car did, from its measured motion: stands, stops, starts, slows, turns, changes lane, straight on.

Rules, not a model: each is one sentence of mechanics with a margin. A probability tells how far beyond its threshold a
measure lies, by a logistic curve; it is a figure of merit, since no rule here was fitted to labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.explain.ego_motion import Motion

F64 = NDArray[np.float64]

STILL: Final = 0.7
"""Correlation of neighbouring pictures above which nothing may have moved; rain and snow take up to 0.25."""
CREEP: Final = 0.5
"""m/s below which a car that shows no change stands."""
STANDS_S: Final = 0.7
PASSES_S: Final = 2.5
"""So long may somebody who crosses before a standing car make the picture look as if the car moved."""
TURN: Final = math.radians(40.0)
RING: Final = math.radians(18.0)
"""A roundabout bends one way by this much before it bends the other."""
LANE_M: Final = 1.6
"""Metres to the side; half of a lane's width, because speed is known up to a factor only."""
SWERVE: Final = 0.82
"""Correlation of the yaw with one period of a sine; what is no lane change stays below 0.8."""
SWERVES_S: Final = (2.4, 3.0, 3.6)
"""So long may a lane change take."""
SLOWER: Final = 0.3
"""A share of its speed that a car loses when it slows down."""
BRAKES: Final = 9.0
"""m/s² that no car brakes harder than: a faster fall is a road that was lost from sight."""


@dataclass(frozen=True)
class Manoeuvre:
    """One thing the car did. `value` is a manoeuvre of the ontology; times are seconds in the file."""

    value: str
    start_s: float
    end_s: float
    probability: float


def manoeuvres(motion: Motion) -> tuple[Manoeuvre, ...]:
    """Everything that the motion shows, in order of time; "go_straight" where nothing else happens.

    Empty for a motion of less than half a second.
    """
    if len(motion.times_s) * motion.step_s < 0.5:
        return ()
    standing = _runs(_smooth((motion.still > STILL) & (motion.speed <= CREEP), motion.step_s), motion)
    standing = [run for run in _joined(standing, PASSES_S) if run[1] - run[0] >= STANDS_S]
    found = [
        Manoeuvre("stationary", start, end, _sure(end - start, STANDS_S, 0.35)) for start, end in standing
    ]
    found += _stops_and_starts(motion, standing)
    turning = _turns(motion)
    found += turning
    if not found:
        found += _slowing(motion)
    if not turning and not standing:
        found += _lane_changes(motion)
    if not found:
        found.append(Manoeuvre("go_straight", *_whole(motion), 0.8))
    return tuple(sorted(found, key=lambda one: (one.start_s, one.value)))


def _stops_and_starts(motion: Motion, standing: list[tuple[float, float]]) -> list[Manoeuvre]:
    """Before standing a car stops, after it starts, if the clip shows that part."""
    found = []
    times, speed = motion.times_s, _mean(motion.speed, 0.5, motion.step_s)
    first, last = _whole(motion)
    for start, end in standing:
        if start - first > 0.3:
            before = (times < start) & (times > start - 4.0)
            top = float(speed[before].max()) if before.any() else 0.0
            fast = times[before & (speed >= 0.9 * top)]
            begin = float(fast[-1]) if len(fast) else first
            found.append(Manoeuvre("stop", min(begin, start - 0.3), start + 0.2, _sure(top, 1.0, 0.6)))
        if last - end > 0.3:
            found.append(Manoeuvre("start", end, min(end + 2.5, last), _sure(last - end, 0.3, 0.2)))
    return found


def _turns(motion: Motion) -> list[Manoeuvre]:
    """A turn bends one way by 40 degrees or more; a roundabout the one way and then the other."""
    step = motion.step_s
    yaw = _mean(motion.yaw, 0.4, step)
    bends = []
    for sign, value in ((1.0, "turn_right"), (-1.0, "turn_left")):
        level = max(0.12, 0.3 * float((sign * yaw).max()))
        for start, end in _runs(_smooth(sign * yaw > level, step), motion):
            inside = (motion.times_s >= start) & (motion.times_s <= end)
            bends.append((start, end, value, abs(float(yaw[inside].sum()) * step)))
    bends = sorted(bend for bend in bends if bend[3] >= RING)
    kinds = {value for _, _, value, _ in bends}
    total = sum(angle for *_, angle in bends)
    if len(kinds) == 2 and total >= TURN * 1.5:
        return [Manoeuvre("take_roundabout", bends[0][0], bends[-1][1], _sure(total, TURN * 1.5, TURN / 3))]
    return [
        Manoeuvre(value, start, end, _sure(angle, TURN, TURN / 5))
        for start, end, value, angle in bends
        if angle >= TURN
    ]


def _slowing(motion: Motion) -> list[Manoeuvre]:
    """The longest fall of the speed by a third or more."""
    speed = _mean(motion.speed, 0.7, motion.step_s)
    peak, best = 0, (0.0, 0, 0)
    for place in range(len(speed)):
        if speed[place] >= speed[peak]:
            peak = place
        lost = float((speed[peak] - speed[place]) / max(speed[peak], 1.0))
        if lost > best[0]:
            best = (lost, peak, place)
    lost, first, last = best
    if lost < SLOWER:
        return []
    while first < last and speed[first + 1] >= 0.97 * speed[first]:
        first += 1
    seconds = (last - first) * motion.step_s
    if float(speed[first] - speed[last]) > BRAKES * seconds:
        return []
    return [
        Manoeuvre(
            "slow_down",
            float(motion.times_s[first]),
            float(motion.times_s[last]),
            _sure(lost, SLOWER, 0.1),
        )
    ]


def _lane_changes(motion: Motion) -> list[Manoeuvre]:
    """A swerve: the car turns a little to one side and as much back, so that its yaw is one period of a sine.

    A bend of the road, however long, is orthogonal to that. A swerve of yaw A and period T at speed v ends
    v A T^2 / 2 pi beside where it began.
    """
    step = motion.step_s
    yaw = _mean(motion.yaw - float(np.median(motion.yaw)), 0.3, step)
    best = (0.0, 0.0, 0, 0)
    for seconds in SWERVES_S:
        width = max(4, round(seconds / step))
        if len(yaw) < width:
            continue
        sine = np.sin(2 * np.pi * (np.arange(width) + 0.5) / width)
        windows = np.lib.stride_tricks.sliding_window_view(yaw, width)  # (N - width + 1, width)
        rate = windows @ sine * 2 / width
        likeness = rate * math.sqrt(width / 2) / np.maximum(np.linalg.norm(windows, axis=1), 1e-6)
        speed = np.lib.stride_tricks.sliding_window_view(motion.speed, width).mean(axis=1)
        metres = speed * rate * (width * step) ** 2 / (2 * np.pi)
        place = int(np.where(np.abs(metres) >= LANE_M, np.abs(likeness), 0.0).argmax())
        if abs(metres[place]) >= LANE_M and abs(likeness[place]) > best[0]:
            best = (abs(float(likeness[place])), float(rate[place]), place, width)
    alike, turned, first, length = best
    if alike < SWERVE:
        return []
    value = "change_lane_right" if turned > 0 else "change_lane_left"
    start, end = float(motion.times_s[first]), float(motion.times_s[first + length - 1])
    return [Manoeuvre(value, start, end, _sure(alike, SWERVE, 0.05))]


def _joined(runs: list[tuple[float, float]], gap_s: float) -> list[tuple[float, float]]:
    """Runs with the short gaps between them closed."""
    joined: list[tuple[float, float]] = []
    for start, end in runs:
        if joined and start - joined[-1][1] <= gap_s:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _whole(motion: Motion) -> tuple[float, float]:
    return float(motion.times_s[0]), float(motion.times_s[-1])


def _sure(value: float, threshold: float, width: float) -> float:
    """Logistic of the distance from a threshold, between 0.5 and 0.99."""
    return min(0.99, 1.0 / (1.0 + math.exp(-max(0.0, value - threshold) / width)))


def _mean(values: F64, seconds: float, step_s: float) -> F64:
    """Running mean over a window, shorter at the ends."""
    width = max(1, round(seconds / step_s))
    kernel = np.ones(width)
    return np.asarray(
        np.convolve(values, kernel, mode="same") / np.convolve(np.ones_like(values), kernel, mode="same")
    )


def _smooth(flags: NDArray[np.bool_], step_s: float) -> NDArray[np.bool_]:
    """Gaps and blips shorter than about a quarter of a second are none."""
    return np.asarray(_mean(flags.astype(np.float64), 0.5, step_s) > 0.5)


def _runs(flags: NDArray[np.bool_], motion: Motion) -> list[tuple[float, float]]:
    """Spans of time in which the flag holds, half a step beyond their samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    half = motion.step_s / 2
    return [
        (float(motion.times_s[first]) - half, float(motion.times_s[last - 1]) + half)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
