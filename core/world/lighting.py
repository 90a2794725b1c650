"""Light that reaches a point: sky, sun with its shadow map, lamps; and what stands in its way on the ground."""

# ruff: noqa: RUF046 - compiled code: what Python's floor and round return is not what the compiler's do

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.world.jit import kernel
from core.world.look import Look
from core.world.noise import clamp

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
RGB = tuple[float, float, float]

MATTE, PAINT, GLASS, FACADE, FOLIAGE, LENS, SIGN = 0, 1, 2, 3, 4, 5, 6  # materials


class Soup(NamedTuple):
    """Everything drawn, in world coordinates of one instant. T triangles, S spheres."""

    world: F32  # (T, 3, 3)
    bent: F32  # (T, 3, 3) normals at the corners
    albedo: F32  # (T, 3)
    material: I32  # (T,)
    channel: I32  # (T,) which brightness makes it glow, -1 none
    balls: F32  # (S, 4) centre, radius
    ball_rgb: F32  # (S, 3)
    ball_material: I32  # (S,)
    glow: F64  # (C,) brightness of every lamp channel


class Lit(NamedTuple):
    """What throws light and shadow on one frame."""

    lamps: F64  # (L, 12): position, direction, rgb, cos outer, cos inner, range
    feet: F64  # (A, 6): x, y, cos, sin, half length, half width of things that darken the ground below
    shadow: F32  # (N, N) depth towards the sun; (1, 1) for none
    basis: F64  # (3, 3)
    frame: F64  # (3,)


@kernel
def lamp_light(x: float, y: float, z: float, nx: float, ny: float, nz: float, lit: Lit) -> RGB:
    """Light of all lamps at a point with a normal (0, 0, 0: from everywhere)."""
    r, g, b = 0.0, 0.0, 0.0
    lamps = lit.lamps
    for i in range(lamps.shape[0]):
        dx, dy, dz = lamps[i, 0] - x, lamps[i, 1] - y, lamps[i, 2] - z
        dd = dx * dx + dy * dy + dz * dz
        if dd > lamps[i, 11] * lamps[i, 11]:
            continue
        inv = 1.0 / math.sqrt(dd + 1e-6)
        facing = (dx * nx + dy * ny + dz * nz) * inv
        facing = clamp(0.18 + 0.82 * facing, 0.0, 1.0)
        if facing <= 0.0:
            continue
        cone = -(dx * lamps[i, 3] + dy * lamps[i, 4] + dz * lamps[i, 5]) * inv
        if cone < lamps[i, 9]:
            continue
        beam = clamp((cone - lamps[i, 9]) / (lamps[i, 10] - lamps[i, 9]), 0.0, 1.0)
        fade = 1.0 - dd / (lamps[i, 11] * lamps[i, 11])
        k = facing * beam * beam * fade * fade / (1.0 + 0.06 * dd)
        r, g, b = r + k * lamps[i, 6], g + k * lamps[i, 7], b + k * lamps[i, 8]
    return r, g, b


@kernel
def sunlit(x: float, y: float, z: float, lit: Lit) -> float:
    """Share of sunlight that reaches a point, four taps of the shadow map; 1 outside of it."""
    size = lit.shadow.shape[0]
    if size < 2:
        return 1.0
    u = lit.frame[1] + lit.frame[0] * (lit.basis[0, 0] * x + lit.basis[0, 1] * y + lit.basis[0, 2] * z) - 0.5
    v = lit.frame[2] + lit.frame[0] * (lit.basis[1, 0] * x + lit.basis[1, 1] * y + lit.basis[1, 2] * z) - 0.5
    e = lit.basis[2, 0] * x + lit.basis[2, 1] * y + lit.basis[2, 2] * z + 0.08
    iu, iv = int(math.floor(u)), int(math.floor(v))
    if iu < 0 or iv < 0 or iu >= size - 1 or iv >= size - 1:
        return 1.0
    fu, fv = u - iu, v - iv
    a = (1.0 - fu) * (lit.shadow[iv, iu] < e) + fu * (lit.shadow[iv, iu + 1] < e)
    b = (1.0 - fu) * (lit.shadow[iv + 1, iu] < e) + fu * (lit.shadow[iv + 1, iu + 1] < e)
    return float((1.0 - fv) * a + fv * b)


@kernel
def contact(x: float, y: float, lit: Lit) -> float:
    """How much light things standing on the ground leave for the ground around them, 0.25..1."""
    left = 1.0
    feet = lit.feet
    for i in range(feet.shape[0]):
        dx, dy = x - feet[i, 0], y - feet[i, 1]
        if dx * dx + dy * dy > (feet[i, 4] + 1.5) ** 2:
            continue
        along, across = (
            abs(dx * feet[i, 2] + dy * feet[i, 3]) - feet[i, 4],
            abs(-dx * feet[i, 3] + dy * feet[i, 2]) - feet[i, 5],
        )
        out = math.sqrt(max(along, 0.0) ** 2 + max(across, 0.0) ** 2) + min(max(along, across), 0.0)
        left *= clamp(0.40 + 0.55 * out, 0.22, 1.0)
    return left


@kernel
def on_surface(
    x: float, y: float, z: float, nx: float, ny: float, nz: float, m: int, look: Look, lit: Lit
) -> tuple[float, float, float, float]:
    """Light (r, g, b) that falls on a surface of material `m`, and the share of the sun in it, 0..1."""
    up = 0.5 + 0.5 * nz
    low = clamp(0.45 + 0.5 * z, 0.45, 1.0)
    r = (look.above[0] * up + look.below[0] * (1.0 - up)) * low
    g = (look.above[1] * up + look.below[1] * (1.0 - up)) * low
    b = (look.above[2] * up + look.below[2] * (1.0 - up)) * low
    sun = nx * look.sun[0] + ny * look.sun[1] + nz * look.sun[2]
    if m == FOLIAGE:
        sun = 0.35 + 0.65 * sun  # leaves let light through
    share = 1.0
    if sun > 0.0 and look.sun_rgb[0] > 0.05:
        if look.shadows == 1:
            reach = 0.12 + (0.5 if m == FOLIAGE else 0.0)
            share = sunlit(x + nx * reach, y + ny * reach, z + nz * reach, lit)
        r = r + sun * share * look.sun_rgb[0]
        g = g + sun * share * look.sun_rgb[1]
        b = b + sun * share * look.sun_rgb[2]
    if lit.lamps.shape[0] > 0:
        tr, tg, tb = lamp_light(x, y, z, nx, ny, nz, lit)
        back = 2.2 if m == SIGN else 1.0
        r, g, b = r + tr * back, g + tg * back, b + tb * back
    return r, g, b, share


@kernel
def on_ground(x: float, y: float, look: Look, lit: Lit) -> RGB:
    """Light that falls on the ground, with the contact darkness around what stands on it."""
    left = contact(x, y, lit)
    r, g, b = look.above[0] * left, look.above[1] * left, look.above[2] * left
    if look.sun_rgb[0] > 0.05 and look.sun[2] > 0.0:
        share = look.sun[2]
        if look.shadows == 1:
            share *= sunlit(x, y, 0.05, lit)
        else:
            share *= left
        r += share * look.sun_rgb[0]
        g += share * look.sun_rgb[1]
        b += share * look.sun_rgb[2]
    if lit.lamps.shape[0] > 0:
        tr, tg, tb = lamp_light(x, y, 0.0, 0.0, 0.0, 1.0, lit)
        soft = 0.4 + 0.6 * left
        r, g, b = r + tr * soft, g + tg * soft, b + tb * soft
    return r, g, b
