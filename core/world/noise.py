"""Seeded value noise for the shaders: the same number for the same place, on every machine."""

from __future__ import annotations

import math

from core.world.jit import kernel


@kernel
def hash3(x: int, y: int, z: int) -> float:
    """A number in [0, 1) for an integer cell."""
    h = (x * 374761393 + y * 668265263 + z * 1442695041) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 2246822519) & 0xFFFFFFFF
    return float((h ^ (h >> 16)) & 0xFFFFFF) / 16777216.0


@kernel
def noise2(x: float, y: float, seed: int) -> float:
    """Smooth value noise in the plane, in [0, 1)."""
    fx, fy = math.floor(x), math.floor(y)
    ix, iy = int(fx), int(fy)
    u, v = x - fx, y - fy
    u, v = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v)
    a, b = hash3(ix, iy, seed), hash3(ix + 1, iy, seed)
    c, d = hash3(ix, iy + 1, seed), hash3(ix + 1, iy + 1, seed)
    return a + (b - a) * u + (c - a) * v + (a - b - c + d) * u * v


@kernel
def noise3(x: float, y: float, z: float, seed: int) -> float:
    """Smooth value noise in space, in [0, 1)."""
    fz = math.floor(z)
    iz = int(fz)
    w = z - fz
    w = w * w * (3.0 - 2.0 * w)
    low = noise2(x, y, seed + iz * 131)
    return low + (noise2(x, y, seed + (iz + 1) * 131) - low) * w


@kernel
def clamp(x: float, low: float, high: float) -> float:
    """`x` held between two bounds."""
    return low if x < low else (high if x > high else x)


@kernel
def smooth(a: float, b: float, x: float) -> float:
    """0 below a, 1 above b, smooth between."""
    t = clamp((x - a) / (b - a), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
