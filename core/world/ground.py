"""Road, pavement and fields, computed per pixel: no polygons, so no aliasing up to the horizon."""

# ruff: noqa: RUF046 - compiled code: what Python's floor and round return is not what the compiler's do

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.world.jit import kernel
from core.world.look import CITY, HIGHWAY, RURAL, TUNNEL, Ground, Look
from core.world.noise import clamp, hash3, noise2

F64 = NDArray[np.float64]
FILLET = 4.0  # metres, rounding of street corners


@kernel
def stripe(x: float, a: float, b: float, f: float) -> float:
    """Share of a pixel of width f around x that lies between a and b."""
    return clamp((min(x + 0.5 * f, b) - max(x - 0.5 * f, a)) / f, 0.0, 1.0)


@kernel
def train(x: float, period: float, share: float, f: float) -> float:
    """Share of a pixel that a pulse train covers: painted for `share` of every `period`. Exact box filter."""
    a, b = (x - 0.5 * f) / period, (x + 0.5 * f) / period
    ia = math.floor(a) * share + min(a - math.floor(a), share)
    ib = math.floor(b) * share + min(b - math.floor(b), share)
    return (ib - ia) * period / f


@kernel
def distance(x: float, y: float, g: Ground) -> float:
    """Signed metres to the edge of the asphalt, below zero on it; street corners are rounded."""
    d = x - 0.5 * g.bend * y * y
    main = max(d - g.right, -g.left - d)
    if g.other_far > 0.0:
        main = min(main, max(d + g.other_near, -g.other_far - d))
    if g.junction > 1e8:
        return main
    cross = abs(y - g.junction) - g.half
    if main > 0.0 and cross > 0.0 and main < FILLET and cross < FILLET:
        both = FILLET - math.sqrt((FILLET - main) ** 2 + (FILLET - cross) ** 2)
    else:
        both = min(main, cross)
    if g.ring > 0.0:
        both = min(both, math.sqrt(x * x + (y - g.junction) ** 2) - g.ring)
    return both


@kernel
def paint(x: float, y: float, along: float, across: float, g: Ground) -> float:
    """Share of the pixel under road paint. `along` and `across`: the pixel's size in y and x, metres."""
    d = x - 0.5 * g.bend * y * y
    total = 0.0
    p = g.paints
    for i in range(p.shape[0]):
        if p[i, 0] == 0.0:
            s, t, fs, ft = y, d, along, across
        else:
            s, t, fs, ft = x, y - g.junction, across, along
        if t + ft < p[i, 3] or t - ft > p[i, 4] or s + fs < p[i, 1] or s - fs > p[i, 2]:
            continue
        c = stripe(t, p[i, 3], p[i, 4], ft) * stripe(s, p[i, 1], p[i, 2], fs)
        if p[i, 7] == 1.0:
            c *= train(s - p[i, 1], p[i, 5], p[i, 6], fs)
        elif p[i, 7] == 2.0:
            c *= train(t - p[i, 3], p[i, 5], p[i, 6], ft)
        total += c
    if g.ring > 0.0:
        r = math.sqrt(x * x + (y - g.junction) ** 2)
        total += 0.8 * stripe(r, g.ring - 0.45, g.ring - 0.3, max(along, across))
    return min(total, 1.0)


@kernel
def asphalt(
    x: float,
    y: float,
    along: float,
    across: float,
    edge: float,
    broad: float,
    grain: float,
    g: Ground,
    look: Look,
) -> tuple[float, float, float]:
    """Albedo of the carriageway: worn asphalt, snow with tyre tracks, paint."""
    d = x - 0.5 * g.bend * y * y
    fine = noise2(x * 3.1, y * 3.1, g.seed + 1) - 0.5 if grain > 0.05 else 0.0
    tone = 0.105 + 0.035 * (broad - 0.5) + 0.022 * fine * grain
    if g.family == RURAL:
        tone += 0.02
    if look.wet > 0.0:
        tone *= 0.62
    r, gg, b = tone, tone, tone * 1.04
    if look.snow > 0.0:
        lane = abs(abs(d) % 3.4 - 1.7)
        track = 1.0 - clamp(abs(lane - 0.8) / 0.55, 0.0, 1.0)
        track *= 0.55 + 0.5 * noise2(x * 0.9, y * 0.16, g.seed + 4)
        white = clamp(0.92 - 0.62 * track, 0.0, 1.0)
        r, gg, b = r + (0.70 - r) * white, gg + (0.73 - gg) * white, b + (0.78 - b) * white
    c = paint(x, y, along, across, g) if edge < 0.6 else 0.0
    if c > 0.0:
        wear = 0.86 + 0.28 * (noise2(x * 1.7, y * 1.7, g.seed + 2) - 0.5) * grain
        c *= clamp(wear, 0.0, 1.0) * (0.35 if look.snow > 0.0 else 1.0)
        r, gg, b = r + (0.72 - r) * c, gg + (0.72 - gg) * c, b + (0.70 - b) * c
    return r, gg, b


@kernel
def beside(
    x: float,
    y: float,
    along: float,
    across: float,
    edge: float,
    fe: float,
    broad: float,
    grain: float,
    g: Ground,
    look: Look,
) -> tuple[float, float, float]:
    """Albedo next to the carriageway: kerb and slabs of a pavement, or soil and grass."""
    f = max(along, across)
    if g.walk > 0.0 and edge < g.walk:
        tone = 0.30 + 0.05 * (broad - 0.5)
        if grain > 0.0:
            joint = max(train(x, 1.2, 0.04, across), train(y, 1.2, 0.04, along))
            tone *= 1.0 - 0.35 * joint * grain
            slab = hash3(int(math.floor(x / 1.2)), int(math.floor(y / 1.2)), g.seed)
            tone += 0.03 * (slab - 0.5) * grain
        kerb = stripe(edge, 0.0, 0.22, max(fe, 0.02))
        tone += (0.46 - tone) * kerb
        r, gg, b = tone, tone * 0.98, tone * 0.95
    else:
        blade = noise2(x * 1.9, y * 1.9, g.seed + 5) - 0.5 if grain > 0.05 else 0.0
        patch = 0.75 + 0.5 * broad + 0.35 * blade * grain
        r, gg, b = g.grass[0] * patch, g.grass[1] * patch, g.grass[2] * patch
        if g.family == CITY or g.family == TUNNEL:
            r, gg, b = 0.25 + 0.04 * broad, 0.24 + 0.04 * broad, 0.23 + 0.04 * broad
        verge = 1.0 if g.family == RURAL or g.family == HIGHWAY else 0.0
        soil = verge * stripe(edge, -1.0, 0.9, max(f * 0.5, 0.05)) * 0.8
        r, gg, b = r + (0.22 - r) * soil, gg + (0.19 - gg) * soil, b + (0.15 - b) * soil
    if look.snow > 0.0:
        cover = 0.93
        return r + (0.80 - r) * cover, gg + (0.83 - gg) * cover, b + (0.88 - b) * cover
    if look.wet > 0.0:
        return r * 0.7, gg * 0.7, b * 0.7
    return r, gg, b


@kernel
def ground(
    x: float, y: float, along: float, across: float, g: Ground, look: Look
) -> tuple[float, float, float, float]:
    """Albedo (r, g, b) of the ground and how far it is asphalt (0..1), averaged over the pixel."""
    d = x - 0.5 * g.bend * y * y
    f = max(along, across)
    grain = clamp(1.0 - f * 1.2, 0.0, 1.0)
    broad = noise2(x * 0.13 + 7.0, y * 0.09, g.seed)
    edge = distance(x, y, g)
    fe = max(across * 1.0, 0.35 * along) if abs(d) < g.right + 25.0 else f
    road = clamp(0.5 - edge / max(fe, 0.02), 0.0, 1.0)
    share = road
    r, gg, b = 0.0, 0.0, 0.0
    if road > 0.0:
        r, gg, b = asphalt(x, y, along, across, edge, broad, grain, g, look)
        if g.ring > 0.0:  # the island of a roundabout
            rr = math.sqrt(x * x + (y - g.junction) ** 2)
            c = stripe(rr, -1.0, g.island, f)
            kerb = stripe(rr, g.island - 0.4, g.island, f)
            r += (g.grass[0] - r) * c + (0.5 - g.grass[0]) * kerb
            gg += (g.grass[1] - gg) * c + (0.5 - g.grass[1]) * kerb
            b += (g.grass[2] - b) * c + (0.5 - g.grass[2]) * kerb
            road *= 1.0 - c
    if share < 1.0:
        wr, wg, wb = beside(x, y, along, across, edge, fe, broad, grain, g, look)
        rest = 1.0 - share
        r, gg, b = r * (1.0 - rest) + wr * rest, gg * (1.0 - rest) + wg * rest, b * (1.0 - rest) + wb * rest
    return r, gg, b, road
