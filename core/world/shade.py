"""Deferred shading: from depth and primitive numbers to linear light, one pixel at a time."""

from __future__ import annotations

import math

from core.world.ground import ground
from core.world.jit import kernel
from core.world.lighting import F32, F64, I32, RGB, Lit, Soup, on_ground
from core.world.look import Ground, Look
from core.world.noise import clamp, noise2
from core.world.raster import HOOD
from core.world.sky import air, sky
from core.world.surface import surface


@kernel
def haze(r: float, g: float, b: float, dx: float, dy: float, dz: float, t: float, look: Look) -> RGB:
    """A colour seen through t metres of air, which glows towards the sun."""
    mist = 1.0 - math.exp(-look.haze * t)
    toward = clamp(dx * look.sun[0] + dy * look.sun[1] + dz * look.sun[2], 0.0, 1.0)
    toward = toward * toward * toward * toward * 0.35
    r += (look.horizon[0] + look.halo[0] * toward - r) * mist
    g += (look.horizon[1] + look.halo[1] * toward - g) * mist
    b += (look.horizon[2] + look.halo[2] * toward - b) * mist
    return r, g, b


@kernel
def bonnet(v: float, look: Look) -> RGB:
    """The ego car's bonnet: a soft shine that fades over its height v (0 top, 1 the picture's lower edge)."""
    tone = look.horizon[2] * (0.10 * (1.0 - v) * (1.0 - v) + 0.012)
    return tone * 0.7, tone * 0.8, tone


@kernel
def mirrored(
    row: int,
    column: int,
    wave: float,
    dx: float,
    dy: float,
    dz: float,
    long: float,
    t: float,
    mirror_ids: I32,
    mirror_depth: F32,
    eye: F64,
    pixel: float,
    s: Soup,
    look: Look,
    lit: Lit,
) -> RGB:
    """What wet ground t metres away reflects: the mirrored world, looked up a ripple (pixels) beside."""
    height, width = mirror_ids.shape
    mr = min(max(int(row + 2.0 * wave), 0), height - 1)
    mc = min(max(int(column + wave), 0), width - 1)
    other = mirror_ids[mr, mc]
    if other < 0:
        return air(dx, dy, -dz, look)
    far = long / mirror_depth[mr, mc]
    r, g, b = surface(other, eye[0], eye[1], -eye[2], dx, dy, -dz, far, pixel, s, look, lit)
    mist = 1.0 - math.exp(-look.haze * max(far - t, 0.0))
    r += (look.horizon[0] - r) * mist
    g += (look.horizon[1] - g) * mist
    b += (look.horizon[2] - b) * mist
    return r, g, b


@kernel
def wetness(x: float, y: float, dz: float, road: float, seed: int) -> float:
    """How much of the mirror image wet asphalt shows: more at grazing angles and in puddles."""
    edge = 1.0 + dz
    edge = edge * edge
    edge *= edge
    puddle = clamp(0.35 + 1.3 * (noise2(x * 0.45, y * 0.22, seed + 8) - 0.25), 0.25, 1.0)
    return (0.05 + 0.75 * edge) * puddle * road


@kernel
def sample(
    prim: int,
    q: float,
    px: float,
    py: float,
    pixel: float,
    mirror_ids: I32,
    mirror_depth: F32,
    eye: F64,
    rot: F64,
    lens: F64,
    s: Soup,
    look: Look,
    gr: Ground,
    lit: Lit,
) -> RGB:
    """Linear light that comes through the picture point (px, py), where primitive `prim` lies at depth value q."""
    focal = lens[0]
    vx, vy = (px - lens[1]) / focal, (lens[2] - py) / focal
    long = math.sqrt(vx * vx + vy * vy + 1.0)
    dx = (rot[0, 0] * vx + rot[1, 0] * vy + rot[2, 0]) / long
    dy = (rot[0, 1] * vx + rot[1, 1] * vy + rot[2, 1]) / long
    dz = (rot[0, 2] * vx + rot[1, 2] * vy + rot[2, 2]) / long
    t = long / q if prim >= 0 else 1e9
    floor = -eye[2] / dz if dz < -1e-5 else 1e9
    if floor < t and floor < 500.0:
        t = floor
        turn = abs(rot[2, 1])
        x, y = eye[0] + dx * t, eye[1] + dy * t
        across = pixel * t
        along = across / max(-dz, 0.004)
        # the pixel's footprint, long along the view, turned into the road's axes
        ay = math.sqrt((along * turn) ** 2 + across * across * (1.0 - turn * turn))
        ax = math.sqrt(across * across * turn * turn + along * along * (1.0 - turn * turn))
        r, g, b, road = ground(x, y, ay, ax, gr, look)
        lr, lg, lb = on_ground(x, y, look, lit)
        r, g, b = r * lr, g * lg, b * lb
        if mirror_ids.shape[0] > 1 and road > 0.0:
            k = wetness(x, y, dz, road, gr.seed)
            if k > 0.02:
                wave = (noise2(x * 2.2, y * 2.2, gr.seed + 6) - 0.5) * 0.05 * focal / (1.0 + 0.25 * t)
                row, column = int(py), int(px)
                ur, ug, ub = mirrored(
                    row, column, wave, dx, dy, dz, long, t, mirror_ids, mirror_depth, eye, pixel, s, look, lit
                )
                keep = 1.0 - 0.5 * k
                r, g, b = r * keep + k * ur, g * keep + k * ug, b * keep + k * ub
    elif prim >= 0:
        r, g, b = surface(prim, eye[0], eye[1], eye[2], dx, dy, dz, t, pixel, s, look, lit)
    else:
        r, g, b = sky(dx, dy, dz, pixel, look, gr.seed)
        t = 0.0 if dz > 0.0 else 900.0
        if look.haze > 0.008:  # in fog the lower sky is fog too
            t = 0.9 / look.haze * clamp(1.0 - dz * 2.2, 0.0, 1.0) * 2.0
    if t > 0.0:
        r, g, b = haze(r, g, b, dx, dy, dz, t, look)
    return r, g, b


@kernel
def even(ids: I32, row: int, column: int, factor: int, eye: F64, rot: F64, lens: F64) -> bool:
    """Whether a block of samples shows one primitive, or ground or sky alone, so that one ray stands for all."""
    prim = ids[row, column]
    for j in range(factor):
        for i in range(factor):
            if ids[row + j, column + i] != prim:
                return False
    if prim != -1:
        return True
    # the horizon must not run through the block: its pitch decides, the camera does not roll
    high, low = (lens[2] - row) / lens[0], (lens[2] - row - factor) / lens[0]
    top, bottom = rot[1, 2] * high + rot[2, 2], rot[1, 2] * low + rot[2, 2]
    return bool(top < -0.003 or bottom > 0.0)


@kernel
def shade(
    ids: I32,
    depth: F32,
    mirror_ids: I32,
    mirror_depth: F32,
    factor: int,
    eye: F64,
    rot: F64,
    lens: F64,
    s: Soup,
    look: Look,
    gr: Ground,
    lit: Lit,
    out: F32,
) -> None:
    """Fill `out` (H, W, 3) with linear light. Mirror buffers may be (1, 1) when the road is dry.

    Blocks of factor x factor samples with one thing in them are shaded once: paint, walls and noise are filtered
    over the footprint anyhow, so only edges need every sample.
    """
    height, width = ids.shape
    for row0 in range(0, height, factor):
        for column0 in range(0, width, factor):
            once = factor > 1 and even(ids, row0, column0, factor, eye, rot, lens)
            step = factor if once else 1
            pixel = step / lens[0]
            for row in range(row0, row0 + factor, step):
                for column in range(column0, column0 + factor, step):
                    prim = ids[row, column]
                    if prim == HOOD:
                        r, g, b = bonnet((row - 0.92 * height) / (0.08 * height), look)
                    else:
                        q = float(depth[row, column])
                        if once and prim >= 0:  # linear on the screen: the middle is the mean of two corners
                            q = 0.5 * (q + depth[row + step - 1, column + step - 1])
                        px, py = column + 0.5 * step, row + 0.5 * step
                        r, g, b = sample(
                            prim, q, px, py, pixel, mirror_ids, mirror_depth, eye, rot, lens, s, look, gr, lit
                        )
                    for j in range(step):
                        for i in range(step):
                            out[row + j, column + i, 0] = r
                            out[row + j, column + i, 1] = g
                            out[row + j, column + i, 2] = b
