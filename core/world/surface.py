"""What a triangle or a sphere sends back along a ray: walls, leaves, lamps, paint and glass."""

# ruff: noqa: RUF046 - compiled code: what Python's floor and round return is not what the compiler's do

from __future__ import annotations

import math

from core.world.ground import stripe, train
from core.world.jit import kernel
from core.world.lighting import FACADE, FOLIAGE, GLASS, LENS, PAINT, RGB, Lit, Soup, on_surface
from core.world.look import Look
from core.world.noise import clamp, hash3, noise2, noise3
from core.world.sky import air


@kernel
def facade(
    x: float, y: float, z: float, nx: float, ny: float, f: float, key: int, look: Look
) -> tuple[float, float, float, float, float]:
    """Window share, lit share, shop share, band hue 0..1 and sill shade of a house wall at a point."""
    u = nx * y - ny * x
    wide = 2.2 + 1.3 * hash3(key, 1, 0)
    storey = 3.1
    shop = 0.0
    if z < 3.7 and key % 3 != 0:
        shop = stripe(z, 0.45, 2.85, f) * train(u, 5.2, 0.86, f)
        band = stripe(z, 3.0, 3.6, f)
        glow = 0.62 if hash3(int(math.floor(u / 5.2)), key, 5) > 0.45 else 0.05
        glow *= 0.45 + 0.75 * noise2(u * 1.3, z * 1.6, key)
        hue = hash3(int(math.floor(u / 5.2)), key, 6)
        return shop, glow, band, hue, 0.0
    win = train(u, wide, 0.52, f) * train(z - 0.9, storey, 0.5, f)
    sill = train(z - 0.72, storey, 0.05, f) * 0.5 + train(z, storey * 40.0, 0.0, f)
    on = hash3(int(math.floor(u / wide)), int(math.floor((z - 0.9) / storey)), key)
    bright = (0.9 if on > 0.62 else 0.04) if f < 1.2 else 0.37
    return win, bright, 0.0, 0.0, sill


@kernel
def wall(
    x: float,
    y: float,
    z: float,
    nx: float,
    ny: float,
    dx: float,
    dy: float,
    dz: float,
    f: float,
    r: float,
    g: float,
    b: float,
    look: Look,
) -> tuple[float, float, float, float]:
    """Colour of a house wall with windows, shops and sills, and how brightly its windows shine."""
    key = int(r * 977.0 + g * 613.0)
    win, bright, band, hue, sill = facade(x, y, z, nx, ny, f, key, look)
    dark, shine = 0.06, 0.0
    if look.night < 0.3:
        ar, ag, ab = air(dx, dy, abs(dz) + 0.25, look)
        r += (0.05 + 0.28 * ar - r) * win
        g += (0.06 + 0.28 * ag - g) * win
        b += (0.08 + 0.28 * ab - b) * win
    else:
        r, g, b = r + (dark - r) * win, g + (dark - g) * win, b + (dark - b) * win
        shine = win * bright * (0.55 if look.night > 0.9 else 0.4)
    r, g, b = r * (1.0 - 0.4 * sill), g * (1.0 - 0.4 * sill), b * (1.0 - 0.4 * sill)
    r += (0.10 + 0.5 * hue - r) * band
    g += (0.12 + 0.4 * (1.0 - hue) - g) * band
    b += (0.10 + 0.45 * abs(hue - 0.5) - b) * band
    return r, g, b, shine


@kernel
def leaves(
    x: float, y: float, z: float, nx: float, ny: float, nz: float, f: float
) -> tuple[float, float, float, float]:
    """Brightness of foliage at a point and its ruffled normal."""
    leaf = noise3(x * 2.6, y * 2.6, z * 2.6, 7)
    fine = 0.5
    if f < 0.15:
        fine = hash3(int(math.floor(x * 5.0)), int(math.floor(y * 5.0)), int(math.floor(z * 5.0)))
    nx, ny, nz = nx + 0.9 * (leaf - 0.5), ny + 0.9 * (fine - 0.5), nz + 0.25
    inv = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
    return 0.45 + 0.75 * leaf + 0.35 * (fine - 0.5), nx * inv, ny * inv, nz * inv


@kernel
def gloss(
    m: int, nx: float, ny: float, nz: float, dx: float, dy: float, dz: float, share: float, look: Look
) -> RGB:
    """What paint or glass mirrors: the sky, more of it at grazing angles, and the sun as a glint."""
    facing = -(nx * dx + ny * dy + nz * dz)
    rx, ry, rz = dx + 2.0 * facing * nx, dy + 2.0 * facing * ny, dz + 2.0 * facing * nz
    edge = 1.0 - clamp(facing, 0.0, 1.0)
    edge = edge * edge * edge
    k = 0.045 + 0.5 * edge if m == PAINT else 0.14 + 0.6 * edge
    r, g, b = 0.0, 0.0, 0.0
    if rz > -0.05:
        ar, ag, ab = air(rx, ry, rz, look)
        hide = clamp(rz * 4.0 + 0.3, 0.25, 1.0)  # houses and trees hide the sky near the horizon
        r, g, b = k * ar * hide, k * ag * hide, k * ab * hide
    glint = rx * look.sun[0] + ry * look.sun[1] + rz * look.sun[2]
    if glint > 0.96 and look.shadows == 1:
        c = (glint - 0.96) / 0.04
        c = c * c * 0.8 * share
        r, g, b = r + c * look.sun_rgb[0], g + c * look.sun_rgb[1], b + c * look.sun_rgb[2]
    return r, g, b


@kernel
def normal(prim: int, x: float, y: float, z: float, s: Soup) -> RGB:
    """Smooth normal of a primitive at a point on it, not yet of unit length."""
    triangles = s.world.shape[0]
    if prim >= triangles:
        k = prim - triangles
        return x - s.balls[k, 0], y - s.balls[k, 1], z - s.balls[k, 2]
    w = s.world
    ax, ay, az = w[prim, 1, 0] - w[prim, 0, 0], w[prim, 1, 1] - w[prim, 0, 1], w[prim, 1, 2] - w[prim, 0, 2]
    bx, by, bz = w[prim, 2, 0] - w[prim, 0, 0], w[prim, 2, 1] - w[prim, 0, 1], w[prim, 2, 2] - w[prim, 0, 2]
    cx, cy, cz = x - w[prim, 0, 0], y - w[prim, 0, 1], z - w[prim, 0, 2]
    aa, ab, bb = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz, bx * bx + by * by + bz * bz
    ca, cb = cx * ax + cy * ay + cz * az, cx * bx + cy * by + cz * bz
    det = aa * bb - ab * ab + 1e-12
    v = clamp((bb * ca - ab * cb) / det, 0.0, 1.0)
    q = clamp((aa * cb - ab * ca) / det, 0.0, 1.0)
    n = s.bent
    return (
        n[prim, 0, 0] + (n[prim, 1, 0] - n[prim, 0, 0]) * v + (n[prim, 2, 0] - n[prim, 0, 0]) * q,
        n[prim, 0, 1] + (n[prim, 1, 1] - n[prim, 0, 1]) * v + (n[prim, 2, 1] - n[prim, 0, 1]) * q,
        n[prim, 0, 2] + (n[prim, 1, 2] - n[prim, 0, 2]) * v + (n[prim, 2, 2] - n[prim, 0, 2]) * q,
    )


@kernel
def surface(
    prim: int,
    ex: float,
    ey: float,
    ez: float,
    dx: float,
    dy: float,
    dz: float,
    t: float,
    pixel: float,
    s: Soup,
    look: Look,
    lit: Lit,
) -> RGB:
    """Light that a primitive sends back along a ray from (ex, ey, ez), t metres long, without haze."""
    x, y, z = ex + dx * t, ey + dy * t, ez + dz * t
    triangles = s.world.shape[0]
    channel = -1
    if prim < triangles:
        m, channel = s.material[prim], s.channel[prim]
        r, g, b = float(s.albedo[prim, 0]), float(s.albedo[prim, 1]), float(s.albedo[prim, 2])
    else:
        k = prim - triangles
        m = s.ball_material[k]
        r, g, b = float(s.ball_rgb[k, 0]), float(s.ball_rgb[k, 1]), float(s.ball_rgb[k, 2])
    nx, ny, nz = normal(prim, x, y, z, s)
    inv = 1.0 / math.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
    nx, ny, nz = nx * inv, ny * inv, nz * inv
    if nx * dx + ny * dy + nz * dz > 0.0:
        nx, ny, nz = -nx, -ny, -nz
    own_r, own_g, own_b = 0.0, 0.0, 0.0
    if m == FACADE:
        r, g, b, shine = wall(x, y, z, nx, ny, dx, dy, dz, pixel * t, r, g, b, look)
        own_r, own_g, own_b = shine, shine * 0.78, shine * 0.45
    elif m == FOLIAGE:
        tone, nx, ny, nz = leaves(x, y, z, nx, ny, nz, pixel * t)
        r, g, b = r * tone, g * tone, b * tone
    if look.snow > 0.0 and nz > 0.35 and m != LENS and m != GLASS:
        c = clamp((nz - 0.35) * 2.2, 0.0, 1.0) * 0.9
        r, g, b = r + (0.8 - r) * c, g + (0.83 - g) * c, b + (0.88 - b) * c
    lr, lg, lb, share = on_surface(x, y, z, nx, ny, nz, m, look, lit)
    if m == LENS:
        r, g, b = r * 0.5, g * 0.5, b * 0.5
        if channel >= 0:
            power = s.glow[channel]
            own_r, own_g, own_b = (
                s.albedo[prim, 0] * power,
                s.albedo[prim, 1] * power,
                s.albedo[prim, 2] * power,
            )
            if power < 0.05:
                r, g, b = r * 0.35, g * 0.35, b * 0.35  # a dark lamp must not look lit
    r, g, b = r * lr + own_r, g * lg + own_g, b * lb + own_b
    if m == PAINT or m == GLASS:  # noqa: SIM109 - a tuple test would be slower compiled
        mr, mg, mb = gloss(m, nx, ny, nz, dx, dy, dz, share, look)
        r, g, b = r + mr, g + mg, b + mb
    return r, g, b
