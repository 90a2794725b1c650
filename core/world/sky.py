"""The sky and what closes the horizon: hills and woods, or a skyline with lit windows."""

# ruff: noqa: RUF046 - compiled code: what Python's floor and round return is not what the compiler's do

from __future__ import annotations

import math

from core.world.jit import kernel
from core.world.look import Look
from core.world.noise import clamp, hash3, noise2, smooth


@kernel
def air(dx: float, dy: float, dz: float, look: Look) -> tuple[float, float, float]:
    """Colour of the sky without clouds or skyline, for a unit direction. Also the colour of mirrors."""
    up = clamp(dz, 0.0, 1.0)
    t = math.sqrt(up)
    toward = clamp(dx * look.sun[0] + dy * look.sun[1] + dz * look.sun[2], 0.0, 1.0)
    warm = toward * toward
    warm *= warm
    halo = 0.35 * warm + 0.65 * warm * warm * warm * warm
    r = look.horizon[0] + (look.zenith[0] - look.horizon[0]) * t + look.halo[0] * halo
    g = look.horizon[1] + (look.zenith[1] - look.horizon[1]) * t + look.halo[1] * halo
    b = look.horizon[2] + (look.zenith[2] - look.horizon[2]) * t + look.halo[2] * halo
    return r, g, b


@kernel
def sky(dx: float, dy: float, dz: float, pixel: float, look: Look, seed: int) -> tuple[float, float, float]:
    """Sky, clouds and skyline towards a unit direction; `pixel` is a pixel's angle in radians."""
    r, g, b = air(dx, dy, dz, look)
    if dz > 0.02 and look.cloud > 0.0:
        u, v = dx / (dz + 0.08) * 1.3, dy / (dz + 0.08) * 1.3
        n = (
            0.6 * noise2(u, v, seed)
            + 0.28 * noise2(u * 2.3, v * 2.3, seed + 1)
            + 0.12 * noise2(u * 5.1, v * 5.1, seed + 2)
        )
        c = smooth(0.46, 0.78, n) * look.cloud * smooth(0.02, 0.16, dz)
        lit = 0.02 if look.night > 0.9 else (0.95 if look.night < 0.1 else 0.62)
        r += (lit * (1.0 if look.night < 0.1 else 1.25) - r) * c
        g += (lit * (1.0 if look.night < 0.1 else 0.8) - g) * c
        b += (lit * (1.0 if look.night < 0.1 else 0.85) - b) * c
    a = math.atan2(dx, dy)
    mist = clamp(1.0 - look.haze * 140.0, 0.0, 0.75)
    if look.city == 1:
        cell_x = int(math.floor(a * 34.0))
        top = 0.015 + 0.075 * hash3(cell_x, 3, seed) * hash3(cell_x // 7, 4, seed)
        if dz < top:
            c = clamp((top - dz) / pixel, 0.0, 1.0) * mist * 0.55
            r, g, b = r * (1.0 - c), g * (1.0 - c), b * (1.0 - c)
            window = hash3(int(math.floor(a * 320.0)), int(math.floor(dz * 300.0)), seed + 9)
            if look.night > 0.4 and dz > 0.002 and window > 0.80:
                glow = c * (0.5 if look.night > 0.9 else 0.25)
                r, g, b = r + glow, g + 0.8 * glow, b + 0.45 * glow
    else:
        far = 0.018 + 0.045 * noise2(a * 2.4 + 20.0, 0.0, seed)
        wood = 0.010 + 0.016 * noise2(a * 26.0, 5.0, seed) + 0.006 * noise2(a * 90.0, 9.0, seed)
        c = clamp((far - dz) / pixel, 0.0, 1.0) * mist * 0.42
        r, g, b = r * (1.0 - c), g * (1.0 - 0.9 * c), b * (1.0 - 0.75 * c)
        c = clamp((wood - dz) / pixel, 0.0, 1.0) * mist * 0.6
        r, g, b = r * (1.0 - c), g * (1.0 - 0.85 * c), b * (1.0 - c)
    return r, g, b
