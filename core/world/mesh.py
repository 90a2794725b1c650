"""Building meshes: quads, boxes, lofts and wheels into one triangle list with smoothed normals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Point = tuple[float, float, float]
CREASE = math.cos(math.radians(48))  # flatter edges than this are shaded round


@dataclass(frozen=True)
class Model:
    """A finished mesh. Triangles carry a palette number (`tint`, -1: `albedo` is the colour itself)."""

    corners: F32  # (T, 3, 3) metres, in the coordinates of the part
    normals: F32  # (T, 3, 3)
    albedo: F32  # (T, 3) colour, or factors on the palette colour
    tint: NDArray[np.int32]  # (T,)
    material: NDArray[np.int32]  # (T,)
    channel: NDArray[np.int32]  # (T,) lamp channel within the model, -1 none
    part: NDArray[np.int32]  # (T,) moving part
    balls: F32  # (S, 4)
    ball_rgb: F32  # (S, 3)
    ball_tint: NDArray[np.int32]
    ball_material: NDArray[np.int32]
    ball_part: NDArray[np.int32]
    parts: int
    channels: int


@dataclass
class Mesh:
    """A mesh under construction. `pen` holds colour, palette number, material, lamp channel and part."""

    rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tint: int = -1
    material: int = 0
    channel: int = -1
    part: int = 0
    _tris: list[tuple[Point, Point, Point]] = field(default_factory=list)
    _pens: list[tuple[tuple[float, float, float], int, int, int, int]] = field(default_factory=list)
    _balls: list[tuple[float, float, float, float]] = field(default_factory=list)
    _ball_pens: list[tuple[tuple[float, float, float], int, int, int]] = field(default_factory=list)

    def pen(
        self,
        rgb: tuple[float, float, float] = (1.0, 1.0, 1.0),
        *,
        tint: int = -1,
        material: int = 0,
        channel: int = -1,
        part: int | None = None,
    ) -> Mesh:
        """Choose how the next faces look; the part stays unless it is given."""
        self.rgb, self.tint, self.material, self.channel = rgb, tint, material, channel
        if part is not None:
            self.part = part
        return self

    def tri(self, a: Point, b: Point, c: Point) -> None:
        """One triangle."""
        self._tris.append((a, b, c))
        self._pens.append((self.rgb, self.tint, self.material, self.channel, self.part))

    def quad(self, a: Point, b: Point, c: Point, d: Point) -> None:
        """A four-cornered face, corners in order."""
        self.tri(a, b, c)
        self.tri(a, c, d)

    def box(
        self, x0: float, x1: float, y0: float, y1: float, z0: float, z1: float, *, floor: bool = False
    ) -> None:
        """An upright box; the underside only on request."""
        p = [(x, y, z) for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)]
        for a, b, c, d in ((0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6), (4, 5, 7, 6)):
            self.quad(p[a], p[b], p[c], p[d])
        if floor:
            self.quad(p[0], p[1], p[3], p[2])

    def loft(self, rings: list[list[Point]], *, closed: bool = True, caps: bool = True) -> None:
        """Skin over rings of equally many points."""
        count = len(rings[0])
        for lower, upper in pairwise(rings):
            for i in range(count if closed else count - 1):
                j = (i + 1) % count
                self.quad(lower[i], lower[j], upper[j], upper[i])
        if caps:
            for ring in (rings[0], rings[-1]):
                for i in range(1, count - 1):
                    self.tri(ring[0], ring[i], ring[i + 1])

    def limb(self, a: Point, b: Point, ra: float, rb: float, sides: int = 6) -> None:
        """A tapering tube from a to b."""
        pa, pb = np.array(a), np.array(b)
        axis = (pb - pa) / (np.linalg.norm(pb - pa) + 1e-9)
        helper = np.array([1.0, 0.0, 0.0]) if abs(axis[0]) < 0.8 else np.array([0.0, 1.0, 0.0])
        u = np.cross(axis, helper)
        u /= np.linalg.norm(u)
        v = np.cross(axis, u)
        rings: list[list[Point]] = []
        for centre, radius in ((pa, ra), (pb, rb)):
            ring: list[Point] = []
            for k in range(sides):
                t = 2 * math.pi * k / sides
                q = centre + radius * (math.cos(t) * u + math.sin(t) * v)
                ring.append((float(q[0]), float(q[1]), float(q[2])))
            rings.append(ring)
        self.loft(rings)

    def disc(self, x: float, y: float, z: float, r: float, thick: float, sides: int = 12) -> None:
        """A wheel: a cylinder around the x axis, `thick` metres towards +x."""
        rim: list[list[Point]] = []
        for dx in (0.0, thick):
            rim.append(
                [
                    (
                        x + dx,
                        y + r * math.cos(2 * math.pi * k / sides),
                        z + r * math.sin(2 * math.pi * k / sides),
                    )
                    for k in range(sides)
                ]
            )
        self.loft(rim)

    def ball(self, x: float, y: float, z: float, r: float) -> None:
        """A sphere."""
        self._balls.append((x, y, z, r))
        self._ball_pens.append((self.rgb, self.tint, self.material, self.part))

    @property
    def size(self) -> tuple[int, int]:
        """How many triangles and spheres there are so far."""
        return len(self._tris), len(self._balls)

    def warp(self, since: tuple[int, int], move: Callable[[float, float, float], Point]) -> None:
        """Move every point that was added after `size` said `since`."""
        for i in range(since[0], len(self._tris)):
            a, b, c = self._tris[i]
            self._tris[i] = (move(*a), move(*b), move(*c))
        for i in range(since[1], len(self._balls)):
            x, y, z, r = self._balls[i]
            self._balls[i] = (*move(x, y, z), r)

    def done(self, *, parts: int = 1, channels: int = 0, smooth: bool = True) -> Model:
        """Freeze, with normals smoothed within parts where the surface bends gently."""
        corners = np.array(self._tris, dtype=np.float64).reshape(-1, 3, 3)
        pens, balls = self._pens, self._ball_pens
        part = np.array([p[4] for p in pens], dtype=np.int32)
        return Model(
            corners.astype(np.float32),
            _normals(corners, part if smooth else None),
            np.array([p[0] for p in pens], dtype=np.float32).reshape(-1, 3),
            np.array([p[1] for p in pens], dtype=np.int32),
            np.array([p[2] for p in pens], dtype=np.int32),
            np.array([p[3] for p in pens], dtype=np.int32),
            part,
            np.array(self._balls, dtype=np.float32).reshape(-1, 4),
            np.array([p[0] for p in balls], dtype=np.float32).reshape(-1, 3),
            np.array([p[1] for p in balls], dtype=np.int32),
            np.array([p[2] for p in balls], dtype=np.int32),
            np.array([p[3] for p in balls], dtype=np.int32),
            parts,
            channels,
        )


def _normals(corners: NDArray[np.float64], part: NDArray[np.int32] | None) -> F32:
    """Corner normals (T, 3, 3): area-weighted mean over faces at the same place and part, within the crease angle."""
    raw = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # (T, 3)
    unit = raw / (np.linalg.norm(raw, axis=1, keepdims=True) + 1e-12)
    result = np.repeat(unit[:, None], 3, axis=1)
    if part is None or not len(corners):
        return result.astype(np.float32)
    places: dict[tuple[int, int, int, int], list[int]] = {}
    keys = np.rint(corners * 500).astype(int)
    for i in range(len(corners)):
        for k in range(3):
            x, y, z = keys[i, k]
            places.setdefault((int(x), int(y), int(z), int(part[i])), []).append(i)
    for i in range(len(corners)):
        for k in range(3):
            x, y, z = keys[i, k]
            faces = np.array(places[(int(x), int(y), int(z), int(part[i]))])
            # faces may be wound either way round: compare them up to sign
            cosine = unit[faces] @ unit[i]
            near = np.abs(cosine) > CREASE
            result[i, k] = (raw[faces[near]] * np.sign(cosine[near])[:, None]).sum(0)
    length = np.linalg.norm(result, axis=2, keepdims=True)
    return np.asarray(result / (length + 1e-12), dtype=np.float32)
