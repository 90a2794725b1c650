"""How things move: speed over time, paths on the ground, and the track that an actor leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
STEP = 1.0 / 24.0  # seconds between samples of a track


def clock(duration: float) -> F64:
    """Sample times (N,) from 0 to the end."""
    return np.asarray(np.arange(round(duration / STEP) + 1) * STEP, dtype=np.float64)


def travel(times: F64, knots: list[tuple[float, float]]) -> tuple[F64, F64]:
    """Distance (N,) from 0 and speed (N,) for a speed given by (second, metres/second) knots, corners rounded."""
    speed = np.interp(times, [k[0] for k in knots], [k[1] for k in knots])
    n = 9
    padded = np.concatenate([np.full(n, speed[0]), speed, np.full(n, speed[-1])])
    speed = np.convolve(padded, np.hanning(2 * n + 1) / np.hanning(2 * n + 1).sum(), mode="valid")
    speed = np.where(speed < 0.03, 0.0, speed)
    distance = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) * 0.5 * STEP)])
    return distance, speed


def ease(times: F64, start: float, end: float) -> F64:
    """0 before start, 1 after end, a smooth change between: a lane change, a door."""
    t = np.clip((times - start) / max(end - start, 1e-6), 0.0, 1.0)
    return np.asarray(t * t * t * (t * (6 * t - 15) + 10))


@dataclass
class Path:
    """A line on the ground, sampled densely; `at` gives place and heading by distance and sideways offset."""

    x: F64
    y: F64
    s: F64 = field(init=False)
    heading: F64 = field(init=False)

    def __post_init__(self) -> None:
        dx, dy = np.diff(self.x), np.diff(self.y)
        self.s = np.concatenate([[0.0], np.cumsum(np.hypot(dx, dy))])
        angle = np.unwrap(np.arctan2(dx, dy))
        self.heading = np.concatenate([angle, angle[-1:]])

    def at(self, s: F64, offset: F64 | float = 0.0) -> tuple[F64, F64, F64]:
        """x, y and heading (clockwise from +y, radians) at distance s; positive offsets lie to the right."""
        over = np.clip(s, 0.0, self.s[-1])
        x, y = np.interp(over, self.s, self.x), np.interp(over, self.s, self.y)
        heading = np.interp(over, self.s, self.heading)
        rest = s - over
        x = x + np.sin(heading) * rest + np.cos(heading) * offset
        y = y + np.cos(heading) * rest - np.sin(heading) * offset
        return x, y, heading


def straight(x: float, y: float, heading: float, length: float = 400.0) -> Path:
    """A straight path from a place."""
    s = np.array([0.0, length])
    return Path(x + math.sin(heading) * s, y + math.cos(heading) * s)


def bent(bend: float, offset: float, y0: float, y1: float) -> Path:
    """A lane of the bent main road: x = bend y^2 / 2 + offset, from y0 to y1 (either way)."""
    y = np.linspace(y0, y1, int(abs(y1 - y0) / 2) + 2)
    return Path(0.5 * bend * y * y + offset, y)


def turning(x: float, y0: float, corner: float, radius: float, side: int, length: float = 120.0) -> Path:
    """Straight along +y from (x, y0) to y = corner, a quarter circle to the side (+1 right), then straight on."""
    angles = np.linspace(0.0, math.pi / 2, 24)
    ax = x + side * radius * (1 - np.cos(angles))
    ay = corner + radius * np.sin(angles)
    xs = np.concatenate([[x], ax, [ax[-1] + side * length]])
    ys = np.concatenate([[y0], ay, [ay[-1]]])
    return Path(xs, ys)


@dataclass
class Track:
    """Where an actor is over the clip, all arrays (N,) on the clip's clock."""

    x: F64
    y: F64
    heading: F64
    speed: F64
    brake: F64 = field(default_factory=lambda: np.zeros(0))  # 0 or 1
    blink: F64 = field(default_factory=lambda: np.zeros(0))  # -1 left, 0, 1 right
    door: F64 = field(default_factory=lambda: np.zeros(0))  # radians
    state: F64 = field(
        default_factory=lambda: np.zeros(0)
    )  # signals: 0 red, 1 red and amber, 2 green, 3 amber

    def __post_init__(self) -> None:
        for name in ("brake", "blink", "door", "state"):
            if not len(getattr(self, name)):
                setattr(self, name, np.zeros_like(self.x))
        self.way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(self.x), np.diff(self.y)))])


def follow(
    path: Path, times: F64, s0: float, knots: list[tuple[float, float]], offset: F64 | float = 0.0
) -> Track:
    """A track along a path from distance s0; braking shows where speed falls by over 0.8 m/s²."""
    s, speed = travel(times, knots)
    x, y, heading = path.at(s + s0, offset)
    if isinstance(offset, np.ndarray):
        heading = heading + np.arctan2(np.gradient(offset, STEP), np.maximum(speed, 3.0))
    slowing = (np.gradient(speed, STEP) < -0.8) | (speed < 0.05)
    return Track(x, y, heading, speed, brake=slowing.astype(np.float64))


def stand(times: F64, x: float, y: float, heading: float) -> Track:
    """Somebody who stays."""
    one = np.ones_like(times)
    return Track(x * one, y * one, heading * one, 0 * one)
