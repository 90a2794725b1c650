"""The rasteriser: triangles and spheres into a depth buffer and a buffer of primitive numbers.

World axes: x right, y forward, z up, metres. Camera axes: x right, y up, z forward. Depth buffers hold a value that
is linear on the screen and grows towards the viewer (1/depth for the camera, -distance for the sun), so one
filling routine serves the picture, its mirror image in wet asphalt and the shadow map.
Primitive numbers: 0..T-1 triangles, T..T+S-1 spheres, -1 nothing, HOOD the ego car.
"""

# ruff: noqa: RUF046 - compiled code: what Python's floor and round return is not what the compiler's do

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from core.world.jit import kernel
from core.world.noise import noise3

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

NEAR = 0.2  # metres in front of the lens where geometry is cut
HOOD = -2
FOLIAGE = 4  # the one material whose outline is ragged


@kernel
def place(local: F32, normals: F32, slots: I32, matrices: F64, first: int, world: F32, bent: F32) -> None:
    """Move triangles first.. by the matrix (3, 4) of their slot: corners into `world`, normals into `bent`."""
    for i in range(first, local.shape[0]):
        m = matrices[slots[i]]
        for k in range(3):
            x, y, z = local[i, k, 0], local[i, k, 1], local[i, k, 2]
            u, v, w = normals[i, k, 0], normals[i, k, 1], normals[i, k, 2]
            for a in range(3):
                world[i, k, a] = m[a, 0] * x + m[a, 1] * y + m[a, 2] * z + m[a, 3]
                bent[i, k, a] = m[a, 0] * u + m[a, 1] * v + m[a, 2] * w


@kernel
def place_spheres(local: F32, slots: I32, matrices: F64, world: F32) -> None:
    """Move sphere centres by their slot's matrix; radii stay."""
    for i in range(local.shape[0]):
        m = matrices[slots[i]]
        for a in range(3):
            world[i, a] = m[a, 0] * local[i, 0] + m[a, 1] * local[i, 1] + m[a, 2] * local[i, 2] + m[a, 3]
        world[i, 3] = local[i, 3]


@kernel
def fill(
    x0: float,
    y0: float,
    q0: float,
    x1: float,
    y1: float,
    q1: float,
    x2: float,
    y2: float,
    q2: float,
    prim: int,
    depth: F32,
    ids: I32,
) -> None:
    """Fill one screen triangle where its depth value wins. Pixel centres at +0.5; ties keep the earlier one."""
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if area == 0.0:
        return
    if area < 0.0:
        x1, y1, q1, x2, y2, q2 = x2, y2, q2, x1, y1, q1
        area = -area
    height, width = depth.shape
    top = max(0, int(math.ceil(max(-1.0, min(y0, y1, y2)) - 0.5)))
    bottom = min(height - 1, int(math.floor(min(height + 1.0, max(y0, y1, y2)) - 0.5)))
    dqx = ((q1 - q0) * (y2 - y0) - (q2 - q0) * (y1 - y0)) / area
    dqy = ((q2 - q0) * (x1 - x0) - (q1 - q0) * (x2 - x0)) / area
    for row in range(top, bottom + 1):
        py = row + 0.5
        low, high = -1.0, width + 1.0
        for edge in range(3):
            if edge == 0:
                ax, ay, bx, by = x0, y0, x1, y1
            elif edge == 1:
                ax, ay, bx, by = x1, y1, x2, y2
            else:
                ax, ay, bx, by = x2, y2, x0, y0
            slope = ay - by
            rest = (bx - ax) * (py - ay) - slope * ax
            if slope > 0.0:
                low = max(low, -rest / slope)
            elif slope < 0.0:
                high = min(high, -rest / slope)
            elif rest < 0.0:
                low = width + 1.0
        left = max(0, int(math.ceil(low - 0.5)))
        right = min(width - 1, int(math.floor(high - 0.5)))
        q = q0 + dqx * (left + 0.5 - x0) + dqy * (py - y0)
        for column in range(left, right + 1):
            if q > depth[row, column]:
                depth[row, column] = q
                ids[row, column] = prim
            q += dqx


@kernel
def draw(world: F32, first: int, last: int, eye: F64, rot: F64, lens: F64, depth: F32, ids: I32) -> None:
    """Draw triangles first..last-1 in perspective.

    `eye` (3,) and `rot` (3, 3) are the camera; rows of `rot` are its right, up and forward axes.
    `lens` = (focal length px, centre x px, centre y px, mirror); mirror -1 draws the world reflected in z = 0.
    """
    focal, cx, cy, flip = lens[0], lens[1], lens[2], lens[3]
    height, width = depth.shape
    px, py, pq = np.empty(4), np.empty(4), np.empty(4)
    cam = np.empty((3, 3))
    for i in range(first, last):
        behind = 0
        for k in range(3):
            dx, dy, dz = world[i, k, 0] - eye[0], world[i, k, 1] - eye[1], flip * world[i, k, 2] - eye[2]
            for a in range(3):
                cam[k, a] = rot[a, 0] * dx + rot[a, 1] * dy + rot[a, 2] * dz
            if cam[k, 2] < NEAR:
                behind += 1
        if behind == 3:
            continue
        n = 0
        for k in range(3):
            j = (k + 1) % 3
            a, b = cam[k], cam[j]
            if a[2] >= NEAR:
                px[n], py[n], pq[n] = cx + focal * a[0] / a[2], cy - focal * a[1] / a[2], 1.0 / a[2]
                n += 1
            if (a[2] >= NEAR) != (b[2] >= NEAR):
                f = (NEAR - a[2]) / (b[2] - a[2])
                ex, ey = a[0] + f * (b[0] - a[0]), a[1] + f * (b[1] - a[1])
                px[n], py[n], pq[n] = cx + focal * ex / NEAR, cy - focal * ey / NEAR, 1.0 / NEAR
                n += 1
        lo_x, hi_x, lo_y, hi_y = px[0], px[0], py[0], py[0]
        for k in range(1, n):
            lo_x, hi_x = min(lo_x, px[k]), max(hi_x, px[k])
            lo_y, hi_y = min(lo_y, py[k]), max(hi_y, py[k])
        if hi_x < 0 or lo_x > width or hi_y < 0 or lo_y > height:
            continue
        for k in range(1, n - 1):
            fill(px[0], py[0], pq[0], px[k], py[k], pq[k], px[k + 1], py[k + 1], pq[k + 1], i, depth, ids)


@kernel
def draw_spheres(
    balls: F32,
    material: I32,
    first: int,
    last: int,
    base: int,
    eye: F64,
    rot: F64,
    lens: F64,
    depth: F32,
    ids: I32,
) -> None:
    """Draw spheres exactly, per pixel; foliage gets a leafy outline from noise fixed to the world."""
    focal, cx, cy, flip = lens[0], lens[1], lens[2], lens[3]
    height, width = depth.shape
    for i in range(first, last):
        r = balls[i, 3]
        dx, dy, dz = balls[i, 0] - eye[0], balls[i, 1] - eye[1], flip * balls[i, 2] - eye[2]
        x = rot[0, 0] * dx + rot[0, 1] * dy + rot[0, 2] * dz
        y = rot[1, 0] * dx + rot[1, 1] * dy + rot[1, 2] * dz
        z = rot[2, 0] * dx + rot[2, 1] * dy + rot[2, 2] * dz
        if z < r + NEAR:
            continue
        leafy = material[i] == FOLIAGE
        grow = 1.18 if leafy else 1.02
        reach = focal * r * grow / math.sqrt(z * z - r * r)
        sx, sy = cx + focal * x / z, cy - focal * y / z
        wide = reach * math.sqrt(1.0 + x * x / (z * z))
        tall = reach * math.sqrt(1.0 + y * y / (z * z))
        left, right = max(0, int(sx - wide)), min(width - 1, int(sx + wide) + 1)
        top, bottom = max(0, int(sy - tall)), min(height - 1, int(sy + tall) + 1)
        ragged = leafy and reach > 2.5
        cc = x * x + y * y + z * z
        for row in range(top, bottom + 1):
            vy = (cy - row - 0.5) / focal
            for column in range(left, right + 1):
                vx = (column + 0.5 - cx) / focal
                dd = vx * vx + vy * vy + 1.0
                b = (vx * x + vy * y + z) / dd
                off = cc - b * b * dd
                if off > r * r * 1.4 or 1.0 / b <= depth[row, column] * 0.5:
                    continue
                rr = r * r
                if ragged:
                    near = b - math.sqrt(max(rr - off, 0.0) / dd)
                    qx, qy, qz = vx * near - x, vy * near - y, near - z
                    wx = rot[0, 0] * qx + rot[1, 0] * qy + rot[2, 0] * qz + balls[i, 0]
                    wy = rot[0, 1] * qx + rot[1, 1] * qy + rot[2, 1] * qz + balls[i, 1]
                    wz = rot[0, 2] * qx + rot[1, 2] * qy + rot[2, 2] * qz + flip * balls[i, 2]
                    bump = 0.82 + 0.34 * noise3(wx * 2.6, wy * 2.6, wz * 2.6 * flip, 7)
                    rr *= bump * bump
                if off < rr:
                    q = 1.0 / (b - math.sqrt((rr - off) / dd))
                    if q > depth[row, column]:
                        depth[row, column] = q
                        ids[row, column] = base + i


@kernel
def draw_sun(
    world: F32, balls: F32, casts: NDArray[np.bool_], basis: F64, frame: F64, depth: F32, ids: I32
) -> None:
    """Shadow map: what the sun sees. `basis` rows: two axes across and the direction to the sun.

    `frame` = (texels per metre, offset x, offset y) with texel = offset + scale * (axis . position).
    """
    scale, ox, oy = frame[0], frame[1], frame[2]
    size = depth.shape[0]
    p = np.empty((3, 3))
    for i in range(world.shape[0]):
        if not casts[i]:
            continue
        for k in range(3):
            for a in range(3):
                p[k, a] = (
                    basis[a, 0] * world[i, k, 0] + basis[a, 1] * world[i, k, 1] + basis[a, 2] * world[i, k, 2]
                )
            p[k, 0] = ox + scale * p[k, 0]
            p[k, 1] = oy + scale * p[k, 1]
        if max(p[0, 0], p[1, 0], p[2, 0]) < 0 or min(p[0, 0], p[1, 0], p[2, 0]) > size:
            continue
        if max(p[0, 1], p[1, 1], p[2, 1]) < 0 or min(p[0, 1], p[1, 1], p[2, 1]) > size:
            continue
        fill(p[0, 0], p[0, 1], p[0, 2], p[1, 0], p[1, 1], p[1, 2], p[2, 0], p[2, 1], p[2, 2], i, depth, ids)
    for i in range(balls.shape[0]):
        c = basis[0, 0] * balls[i, 0] + basis[0, 1] * balls[i, 1] + basis[0, 2] * balls[i, 2]
        d = basis[1, 0] * balls[i, 0] + basis[1, 1] * balls[i, 1] + basis[1, 2] * balls[i, 2]
        e = basis[2, 0] * balls[i, 0] + basis[2, 1] * balls[i, 1] + basis[2, 2] * balls[i, 2]
        u, v, r = ox + scale * c, oy + scale * d, scale * balls[i, 3]
        for row in range(max(0, int(v - r)), min(size - 1, int(v + r)) + 1):
            for column in range(max(0, int(u - r)), min(size - 1, int(u + r)) + 1):
                off = (row + 0.5 - v) ** 2 + (column + 0.5 - u) ** 2
                rough = 0.75 + 0.5 * noise3(row * 0.35, column * 0.35, float(i), 3)
                if off < r * r * rough * rough and e > depth[row, column]:
                    depth[row, column] = e


@kernel
def measure(ids: I32, owner: I32, actors: int, counts: NDArray[np.int64], boxes: I32) -> None:
    """Visible pixels (A,) and pixel boxes (A, 4: left, top, right, bottom, inclusive) of every actor."""
    counts[:] = 0
    boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3] = 1 << 30, 1 << 30, -1, -1
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            prim = ids[row, column]
            if prim < 0:
                continue
            a = owner[prim]
            if a < 0:
                continue
            counts[a] += 1
            boxes[a, 0], boxes[a, 1] = min(boxes[a, 0], column), min(boxes[a, 1], row)
            boxes[a, 2], boxes[a, 3] = max(boxes[a, 2], column), max(boxes[a, 3], row)


@kernel
def hood(ids: I32, depth: F32) -> None:
    """Lay the ego car's bonnet over the lower edge: a shallow arc, highest in the middle."""
    height, width = ids.shape
    for column in range(width):
        u = 2.0 * (column + 0.5) / width - 1.0
        top = int(height * (0.925 + 0.045 * u * u))
        for row in range(top, height):
            ids[row, column] = HOOD
            depth[row, column] = 1e6


@kernel
def take(ids: I32, depth: F32) -> int:
    """How many pixels hold a primitive; both buffers are empty afterwards."""
    count = 0
    for row in range(ids.shape[0]):
        for column in range(ids.shape[1]):
            if ids[row, column] >= 0:
                count += 1
                ids[row, column] = -1
                depth[row, column] = 0.0
    return count
