"""What the shader must know of a clip's air and ground, as flat tuples that kernels can take.

Colours are linear light, about 0..1 for surfaces; `Look` says what shines, `Ground` what lies below.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Triple = tuple[
    float, float, float
]  # plain numbers: arrays in a tuple would be counted at every use when compiled

CITY, HIGHWAY, RURAL, TUNNEL = 0, 1, 2, 3  # ground families


class Look(NamedTuple):
    """Light and weather of one clip."""

    sun: Triple  # (3,) direction to the sun or moon
    sun_rgb: Triple  # (3,) its strength; zero under clouds
    above: Triple  # (3,) light from the sky
    below: Triple  # (3,) light thrown back by the ground
    zenith: Triple  # (3,)
    horizon: Triple  # (3,) also the colour of distant air
    halo: Triple  # (3,) glow around the sun
    cloud: float  # 0..1
    haze: float  # 1/metres
    night: float  # 0 day, 0.5 dusk, 1 night
    wet: float  # 0..1
    snow: float  # 0..1
    city: int  # 1: a skyline of houses, 0: hills and woods
    shadows: int
    exposure: float


class Ground(NamedTuple):
    """The plane z = 0. The main road runs along y, bent: its middle is at x = bend * y * y / 2."""

    family: int
    bend: float
    left: float  # asphalt from -left to right, metres from the middle line
    right: float
    walk: float  # width of the pavement, 0 for none
    junction: float  # y of the crossing road's middle; 1e9 for none
    half: float  # half the width of the crossing road
    ring: float  # outer radius of a roundabout at the junction, 0 for none
    island: float
    other_near: float  # a second carriageway between these distances left of the middle (highway), 0 for none
    other_far: float
    grass: Triple  # (3,)
    paints: F64  # (N, 8): road 0/1, s0, s1, d0, d1, period, share painted, axis 0 none 1 along 2 across
    seed: int


def _rgb(*values: float) -> F64:
    return np.array(values, dtype=np.float64)


def _plain(colour: F64) -> Triple:
    return float(colour[0]), float(colour[1]), float(colour[2])


def make_look(light: str, weather: str, road: str, turn: float, hazed: float) -> Look:
    """The air of a clip. `turn` (radians) is where the sun stands from the road, `hazed` 0..1 varies the fog."""
    low = {"day": 0.75, "dusk": 0.12, "night": 0.6}[light]
    sun = _rgb(math.sin(turn) * math.cos(low), math.cos(turn) * math.cos(low), math.sin(low))
    grey = weather != "clear"
    haze = {"clear": 0.0012, "rain": 0.006, "fog": 0.022 + 0.02 * hazed, "snow": 0.011}[weather]
    night = {"day": 0.0, "dusk": 0.5, "night": 1.0}[light]
    if light == "day" and not grey:
        sun_rgb, above, below = _rgb(2.3, 2.1, 1.8), _rgb(0.52, 0.62, 0.80), _rgb(0.25, 0.23, 0.20)
        zenith, horizon, halo = _rgb(0.16, 0.33, 0.68), _rgb(0.62, 0.74, 0.86), _rgb(0.5, 0.45, 0.35)
    elif light == "day":
        sun_rgb, above, below = _rgb(0.12, 0.12, 0.12), _rgb(0.86, 0.90, 0.96), _rgb(0.34, 0.34, 0.34)
        tone = {"rain": 0.42, "fog": 0.66, "snow": 0.74}[weather]
        zenith, horizon, halo = (
            _rgb(tone * 0.72, tone * 0.78, tone * 0.86),
            _rgb(tone, tone * 1.02, tone * 1.06),
            _rgb(0, 0, 0),
        )
    elif light == "dusk":
        dim = 0.55 if grey else 1.0
        sun_rgb = _rgb(1.25, 0.62, 0.28) * (0.1 if grey else 1.0)
        above, below = _rgb(0.34, 0.28, 0.36) * (0.75 + 0.25 * dim), _rgb(0.16, 0.11, 0.09)
        zenith, horizon = _rgb(0.13, 0.14, 0.32) * dim, _rgb(0.80, 0.42, 0.24) * dim
        if grey:
            horizon = _rgb(0.40, 0.28, 0.26)
        halo = _rgb(1.1, 0.55, 0.2) * (0.15 if grey else 1.0)
    else:
        sun_rgb, above, below = _rgb(0.02, 0.025, 0.04), _rgb(0.050, 0.058, 0.088), _rgb(0.020, 0.020, 0.023)
        zenith, horizon, halo = _rgb(0.005, 0.008, 0.021), _rgb(0.038, 0.040, 0.060), _rgb(0, 0, 0)
        if weather in ("fog", "snow"):
            horizon = _rgb(0.075, 0.072, 0.075)
            above = above * 1.5
    if road == "tunnel":
        sun_rgb, above, below = _rgb(0, 0, 0), _rgb(0.20, 0.17, 0.12), _rgb(0.12, 0.10, 0.07)
        horizon, zenith = horizon * 0.9, zenith * 0.9
        haze = 0.002
    return Look(
        _plain(sun), _plain(sun_rgb), _plain(above), _plain(below),
        _plain(zenith), _plain(horizon), _plain(halo),
        cloud={"clear": 0.55, "rain": 0.35, "fog": 0.0, "snow": 0.15}[weather],
        haze=haze, night=night,
        wet=1.0 if weather == "rain" and road != "tunnel" else 0.0,
        snow=1.0 if weather == "snow" and road != "tunnel" else 0.0,
        city=1 if road in ("city", "intersection", "roundabout") else 0,
        shadows=1 if weather == "clear" and light != "night" and road != "tunnel" else 0,
        exposure=1.0 if light != "night" else 1.15,
    )  # fmt: skip
