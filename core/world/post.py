"""What lies between the scene and the picture: glowing lamps, rain, snow, film curve, grain."""

# ruff: noqa: RUF046 - compiled code: what Python's floor and round return is not what the compiler's do

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.world.jit import kernel
from core.world.noise import clamp, hash3
from core.world.raster import HOOD

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]


def film_curve() -> F32:
    """Display value (0..1) over sqrt(linear / 16), 4096 steps: a soft shoulder, then the display's gamma."""
    v = (np.arange(4096) / 4095.0) ** 2 * 16.0
    toned = np.clip(v * (2.51 * v + 0.03) / (v * (2.43 * v + 0.59) + 0.14), 0.0, 1.0)
    return np.asarray(toned ** (1 / 2.2), dtype=np.float32)


@kernel
def glows(
    sprites: F64, eye: F64, rot: F64, lens: F64, haze: float, wet: float, depth: F32, ids: I32, out: F32
) -> None:
    """Add lamp glows. `sprites` (N, 7): position, rgb, radius in metres; hidden when their centre is."""
    height, width = depth.shape
    focal = lens[0]
    for i in range(sprites.shape[0]):
        for image in range(2):
            if image == 1 and wet <= 0.0:
                continue
            p = sprites[i]
            dx, dy = p[0] - eye[0], p[1] - eye[1]
            dz = p[2] - eye[2] if image == 0 else -p[2] - eye[2]
            x = rot[0, 0] * dx + rot[0, 1] * dy + rot[0, 2] * dz
            y = rot[1, 0] * dx + rot[1, 1] * dy + rot[1, 2] * dz
            z = rot[2, 0] * dx + rot[2, 1] * dy + rot[2, 2] * dz
            if z < 1.0 or z > 250.0:
                continue
            sx, sy = lens[1] + focal * x / z, lens[2] - focal * y / z
            c, r = int(math.floor(sx)), int(math.floor(sy))
            if c < 0 or r < 0 or c >= width or r >= height:
                continue
            if image == 0 and depth[r, c] > 1.06 / z + 0.002:
                continue
            if image == 1 and ids[r, c] >= 0 and depth[r, c] > 1.02 / z:
                continue
            size = clamp(focal * p[6] / z, 0.0035 * width, 0.045 * width)
            power = math.exp(-haze * z) * (1.0 if image == 0 else 0.28)
            tall = 1.0 if image == 0 else 3.0
            reach = size * 3.0
            for row in range(max(0, int(sy - reach * tall)), min(height - 1, int(sy + reach * tall)) + 1):
                for column in range(max(0, int(sx - reach)), min(width - 1, int(sx + reach)) + 1):
                    if ids[row, column] == HOOD or (image == 1 and ids[row, column] >= 0):
                        continue
                    u, v = (column + 0.5 - sx) / size, (row + 0.5 - sy) / (size * tall)
                    d = u * u + v * v
                    if d > 9.0:
                        continue
                    k = power * (math.exp(-2.2 * d) + 0.10 * (1.0 - d / 9.0) ** 2)
                    out[row, column, 0] += k * p[3]
                    out[row, column, 1] += k * p[4]
                    out[row, column, 2] += k * p[5]


@kernel
def fall(
    kind: int,
    count: int,
    time: float,
    way: float,
    eye: F64,
    rot: F64,
    lens: F64,
    tone: F64,
    ids: I32,
    depth: F32,
    out: F32,
) -> None:
    """Rain (kind 1) as streaks of 1/50 s, snow (kind 2) as flakes, in a box that travels with the camera.

    `way` is the distance the ego car has come, so that drops rush by at its speed.
    """
    height, width = depth.shape
    focal = lens[0]
    drop = 8.5 if kind == 1 else 1.3
    span = 0.022 if kind == 1 else 0.0
    for i in range(count):
        a, b, c = hash3(i, 1, 11), hash3(i, 2, 11), hash3(i, 3, 11)
        x = (a - 0.5) * 16.0 + (0.0 if kind == 1 else 0.6 * math.sin(time * 1.3 + i))
        z0 = (b * 7.0 - time * drop * (0.85 + 0.3 * a)) % 7.0 - 2.2
        y = 1.5 + (c * 17.0 - way) % 17.0
        sx, sy = lens[1] + focal * x / y, lens[2] - focal * z0 / y
        if sx < 0 or sy < 0 or sx >= width or sy >= height:
            continue
        if depth[int(sy), int(sx)] > 1.0 / y:
            continue
        if kind == 1:
            ex, ey = lens[1] + focal * x / (y + 0.25), lens[2] - focal * (z0 - drop * span) / (y + 0.25)
            steps = min(int(abs(ey - sy) + abs(ex - sx)) + 1, height // 3)
            power = 0.22 * clamp(width / 900.0, 0.4, 1.0)
            for step in range(steps):
                f = step / steps
                px, py = int(sx + (ex - sx) * f), int(sy + (ey - sy) * f)
                if px < 0 or py < 0 or px >= width or py >= height or ids[py, px] == HOOD:
                    continue
                for ch in range(3):
                    out[py, px, ch] += (tone[ch] - out[py, px, ch]) * power
        else:
            r = clamp(focal * 0.022 / y, 0.4, 0.012 * width)
            for py in range(max(0, int(sy - r)), min(height - 1, int(sy + r)) + 1):
                for px in range(max(0, int(sx - r)), min(width - 1, int(sx + r)) + 1):
                    if ids[py, px] == HOOD:
                        continue
                    d = ((px + 0.5 - sx) ** 2 + (py + 0.5 - sy) ** 2) / (r * r)
                    k = clamp(1.2 - d, 0.0, 1.0) * 0.8
                    for ch in range(3):
                        out[py, px, ch] += (tone[ch] - out[py, px, ch]) * k


@kernel
def develop(light: F32, curve: F32, factor: int, exposure: float, grain: float, seed: int, out: U8) -> None:
    """Film curve per sample, then the mean over factor x factor samples, vignette and grain. `out` (h, w, 3)."""
    height, width = out.shape[0], out.shape[1]
    share = 1.0 / (factor * factor)
    for row in range(height):
        v = (row + 0.5) / height - 0.5
        for column in range(width):
            u = (column + 0.5) / width - 0.5
            dim = 1.0 - 0.32 * (u * u + v * v)
            dust = (hash3(column, row, seed) - 0.5) * grain
            for ch in range(3):
                total = 0.0
                for j in range(factor):
                    for i in range(factor):
                        x = light[row * factor + j, column * factor + i, ch] * exposure
                        total += curve[min(4095, int(math.sqrt(max(x, 0.0) * 0.0625) * 4095.0))]
                out[row, column, ch] = int(clamp((total * share * dim + dust) * 255.0 + 0.5, 0.0, 255.0))
