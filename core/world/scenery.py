"""What stands along a road and never moves: houses, trees, lamps, rails, posts; and the ground's own description."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.random import Generator

from core.world.look import CITY, HIGHWAY, RURAL, TUNNEL, Ground
from core.world.mesh import Mesh, Model, Point

FACADE, FOLIAGE, LENS, SIGN = 3, 4, 5, 6
FAR = 1e4
WALLS = (
    (0.52, 0.40, 0.28), (0.46, 0.22, 0.15), (0.55, 0.52, 0.46), (0.38, 0.36, 0.34), (0.58, 0.48, 0.33),
    (0.34, 0.20, 0.14), (0.44, 0.46, 0.48), (0.60, 0.56, 0.50), (0.30, 0.33, 0.38),
)  # fmt: skip


@dataclass
class Layout:
    """The cross-section and plan of a road. Distances `d` run to the right from the middle line, metres."""

    road: str
    ours: tuple[float, ...]  # middles of the lanes that go our way, from the right
    theirs: tuple[float, ...]  # middles of the oncoming lanes, from the middle outwards
    lane: float
    left: float
    right: float
    walk: float = 0.0
    park: bool = False
    bend: float = 0.0
    junction: float = 1e9
    half: float = 0.0
    ring: float = 0.0
    zebra: float = 1e9  # y of a zebra crossing's middle, away from junctions
    length: float = 400.0
    seed: int = 0
    lamps: list[Point] = field(default_factory=list)  # heads of street lamps

    def middle(self, y: float) -> float:
        """X of the middle line."""
        return 0.5 * self.bend * y * y


def make_layout(road: str, rng: Generator) -> Layout:
    """A road of a kind, its measures drawn at random."""
    seed = int(rng.integers(1 << 20))
    if road == "highway":
        w = 3.6
        return Layout(
            road,
            (9.0, 5.4, 1.8),
            (-5.0, -8.6),
            w,
            0.8,
            13.2,
            bend=float(rng.choice([0, 0, 4e-4, -4e-4])),
            length=520,
            seed=seed,
        )
    if road == "tunnel":
        return Layout(road, (5.4, 1.8), (), 3.6, 0.6, 7.8, length=460, seed=seed)
    if road == "rural":
        bend = float(rng.choice([0, 8e-4, -8e-4, 1.4e-3, -1.4e-3]))
        return Layout(road, (1.75,), (-1.75,), 3.5, 4.0, 4.0, bend=bend, length=330, seed=seed)
    w = 3.3
    wide = road != "roundabout" and rng.random() < (0.4 if road == "city" else 0.5)
    if wide:
        return Layout(
            road,
            (1.5 * w, 0.5 * w),
            (-0.5 * w, -1.5 * w),
            w,
            2 * w + 0.3,
            2 * w + 0.3,
            walk=3.4,
            seed=seed,
            length=300,
        )
    park = road == "city"
    edge = w + (2.4 if park else 0.5)
    return Layout(road, (0.5 * w,), (-0.5 * w,), w, edge, edge, walk=3.4, park=park, seed=seed, length=300)


def make_ground(lay: Layout, rng: Generator) -> Ground:
    """Road paint and ground colours of a layout."""
    paints: list[list[float]] = []

    def line(d: float, half: float = 0.08, period: float = 0.0, share: float = 1.0) -> None:
        for s0, s1 in _spans(lay):
            paints.append([0, s0, s1, d - half, d + half, period, share, 1.0 if period else 0.0])

    if lay.road in ("highway", "tunnel"):
        line(0.0, 0.09)
        line(lay.lane * len(lay.ours), 0.10)
        for k in range(1, len(lay.ours)):
            line(lay.lane * k, 0.08, 12.0, 0.42)
    elif lay.road == "rural":
        line(0.0, 0.07, 9.0, 0.4)
        line(3.55, 0.07)
        line(-3.55, 0.07)
    else:
        if len(lay.ours) > 1:
            line(0.12, 0.06)
            line(-0.12, 0.06)
            for side in (-1, 1):
                line(side * lay.lane, 0.07, 6.0, 0.5)
        else:
            line(0.0, 0.07, 6.0, 0.5)
            if lay.park:
                for side in (-1, 1):
                    line(side * (lay.lane + 0.1), 0.05)
    if lay.zebra < 1e8:
        paints.append([0, lay.zebra - 1.7, lay.zebra + 1.7, -lay.left + 0.3, lay.right - 0.3, 1.0, 0.5, 2.0])
    if lay.junction < 1e8 and not lay.ring:
        for side in (-1, 1):
            y = lay.junction + side * (lay.half + 3.2)
            paints.append([0, y - 1.6, y + 1.6, -lay.left + 0.3, lay.right - 0.3, 1.0, 0.5, 2.0])
            x = side * (lay.right + 3.2)
            paints.append([1, x - 1.6, x + 1.6, -lay.half + 0.3, lay.half - 0.3, 1.0, 0.5, 2.0])
        paints.append(
            [0, lay.junction - lay.half - 6.4, lay.junction - lay.half - 5.9, 0.1, lay.right - 0.2, 0, 1, 0]
        )
        paints.append(
            [0, lay.junction + lay.half + 5.9, lay.junction + lay.half + 6.4, -lay.left + 0.2, -0.1, 0, 1, 0]
        )
        for s0, s1 in ((-FAR, -lay.right - 6.0), (lay.right + 6.0, FAR)):
            paints.append([1, s0, s1, -0.07, 0.07, 6.0, 0.5, 1.0])
    family = {"highway": HIGHWAY, "rural": RURAL, "tunnel": TUNNEL}.get(lay.road, CITY)
    green = rng.uniform(0.7, 1.2)
    dry = rng.uniform(0.0, 0.10)
    grass = (0.075 + dry, 0.13 * green, 0.035)
    near, far = (2.2, 13.5) if lay.road == "highway" else (0.0, 0.0)
    return Ground(
        family, lay.bend, lay.left, lay.right, lay.walk, lay.junction, lay.half, lay.ring, 0.55 * lay.ring, near, far,
        grass, np.array(paints, dtype=np.float64).reshape(-1, 8), lay.seed,
    )  # fmt: skip


def _spans(lay: Layout) -> list[tuple[float, float]]:
    """Stretches of the main road that carry lane lines: all of it but the junction and the zebra."""
    if lay.junction < 1e8:
        gap = lay.ring + 4.0 if lay.ring else lay.half + 6.4
        return [(-FAR, lay.junction - gap), (lay.junction + gap, FAR)]
    if lay.zebra < 1e8:
        return [(-FAR, lay.zebra - 3.0), (lay.zebra + 3.0, FAR)]
    return [(-FAR, FAR)]


def _house(
    mesh: Mesh, x0: float, x1: float, y0: float, y1: float, h: float, rgb: tuple[float, float, float]
) -> None:
    mesh.pen(rgb, material=FACADE)
    for a, b in (((x0, y0), (x1, y0)), ((x1, y0), (x1, y1)), ((x1, y1), (x0, y1)), ((x0, y1), (x0, y0))):
        mesh.quad((*a, 0.0), (*b, 0.0), (*b, h), (*a, h))
    mesh.pen((rgb[0] * 0.5, rgb[1] * 0.5, rgb[2] * 0.5))
    mesh.quad((x0, y0, h), (x1, y0, h), (x1, y1, h), (x0, y1, h))
    e = 0.35  # eaves
    mesh.pen((rgb[0] * 0.8, rgb[1] * 0.8, rgb[2] * 0.8))
    mesh.box(x0 - e, x1 + e, y0 - e, y1 + e, h - 0.5, h + 0.05)


def _row(
    mesh: Mesh, rng: Generator, fixed: float, start: float, end: float, side: int, axis: int, tall: float
) -> None:
    """A closed row of houses whose fronts stand at `fixed`, from start to end along the street."""
    at = start
    while at < end - 6.0:
        wide = min(float(rng.uniform(11, 24)), end - at)
        h = float(rng.uniform(8.5, 15.0) * tall)
        shade = float(rng.uniform(0.85, 1.1))
        c = WALLS[int(rng.integers(len(WALLS)))]
        rgb = (c[0] * shade, c[1] * shade, c[2] * shade)
        back = float(rng.uniform(0, 0.8))
        a, b = sorted((fixed + side * back, fixed + side * 13.0))
        if axis == 0:
            _house(mesh, a, b, at, at + wide, h, rgb)
        else:
            _house(mesh, at, at + wide, a, b, h, rgb)
        at += wide + (float(rng.uniform(3, 7)) if rng.random() < 0.12 else 0.0)


def tree(mesh: Mesh, rng: Generator, x: float, y: float, size: float, *, snow: bool = False) -> None:
    """A round tree of a few leafy balls, or a slim conifer."""
    mesh.pen((0.10, 0.07, 0.045))
    green = (float(rng.uniform(0.05, 0.13)), float(rng.uniform(0.13, 0.22)), float(rng.uniform(0.025, 0.05)))
    if rng.random() < 0.25:
        mesh.limb((x, y, 0), (x, y, size * 0.9), 0.12, 0.05, 5)
        mesh.pen((green[0] * 0.6, green[1] * 0.7, green[2] * 1.2), material=FOLIAGE)
        for k in range(5):
            f = k / 4
            mesh.ball(x, y, size * (0.28 + 0.72 * f), size * 0.26 * (1.0 - 0.75 * f))
        return
    mesh.limb((x, y, 0), (x + 0.1, y, size * 0.55), 0.17, 0.10, 5)
    mesh.pen(green, material=FOLIAGE)
    for _ in range(4):
        a, r = rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 0.24) * size
        mesh.ball(
            x + r * math.cos(a),
            y + r * math.sin(a),
            size * float(rng.uniform(0.58, 0.88)),
            size * float(rng.uniform(0.2, 0.3)),
        )


def _lamp(mesh: Mesh, lay: Layout, x: float, y: float, reach: float, h: float = 7.5) -> None:
    mesh.pen((0.10, 0.11, 0.12))
    mesh.limb((x, y, 0), (x, y, h), 0.09, 0.06, 5)
    mesh.limb((x, y, h), (x + reach, y, h + 0.25), 0.05, 0.04, 4)
    mesh.pen((1.0, 0.86, 0.62), material=LENS, channel=0)
    mesh.box(x + reach - 0.3, x + reach + 0.3, y - 0.14, y + 0.14, h + 0.14, h + 0.24, floor=True)
    lay.lamps.append((x + reach, y, h))


def build(lay: Layout, rng: Generator) -> Model:
    """The static mesh of a layout; street lamps are noted in `lay.lamps`. Lamp channel 0 is the street light."""
    mesh = Mesh()
    {"highway": _highway, "rural": _rural, "tunnel": _tunnel}.get(lay.road, _street)(mesh, lay, rng)
    return mesh.done(parts=1, channels=1, smooth=False)


def _street(mesh: Mesh, lay: Layout, rng: Generator) -> None:
    tall = float(rng.choice([0.8, 1.2, 1.7]))
    gap = (lay.ring + 8.0) if lay.ring else lay.half + lay.walk + 0.6
    cuts = (
        [(-30.0, lay.length)]
        if lay.junction > 1e8
        else [(-30.0, lay.junction - gap), (lay.junction + gap, lay.length)]
    )
    for side in (-1, 1):
        front = side * ((lay.right if side > 0 else lay.left) + lay.walk + 0.3)
        for start, end in cuts:
            _row(mesh, rng, front, start, end, side, 0, tall)
        if lay.junction < 1e8:
            for turn in (-1, 1):
                at = lay.junction + turn * gap
                a, b = sorted((front + side * 13.0, front + side * 110.0))
                _row(mesh, rng, at, a, b, turn, 1, tall)
    for side in (-1, 1):
        kerb = side * ((lay.right if side > 0 else lay.left) + 0.9)
        start = float(rng.uniform(0, 14))
        trees = rng.random() < 0.75
        for k, y in enumerate(np.arange(start, lay.length - 60, 13.0)):
            if lay.junction < 1e8 and abs(y - lay.junction) < gap + 4.0:
                continue
            if lay.zebra < 1e8 and abs(y - lay.zebra) < 5.0:
                continue
            if k % 2 == 0:
                _lamp(mesh, lay, kerb, float(y), -side * 1.6)
            elif trees:
                tree(mesh, rng, kerb + side * 0.5, float(y), float(rng.uniform(4.5, 7.0)))
    if lay.ring:
        for _ in range(3):
            tree(mesh, rng, float(rng.uniform(-2, 2)), lay.junction + float(rng.uniform(-2, 2)), 4.0)


def _rail(mesh: Mesh, lay: Layout, d: float, h0: float, h1: float, posts: bool) -> None:
    ys = np.arange(-10.0, lay.length, 14.0)
    mesh.pen((0.42, 0.43, 0.44))
    for a, b in pairwise(ys):
        xa, xb = lay.middle(a) + d, lay.middle(b) + d
        mesh.quad((xa, a, h0), (xb, b, h0), (xb, b, h1), (xa, a, h1))
    if posts:
        mesh.pen((0.3, 0.3, 0.31))
        for y in ys[:22]:
            mesh.box(lay.middle(y) + d - 0.06, lay.middle(y) + d + 0.06, y - 0.06, y + 0.06, 0, h1)


def _highway(mesh: Mesh, lay: Layout, rng: Generator) -> None:
    _rail(mesh, lay, lay.right + 0.9, 0.45, 0.8, True)
    for d in (-1.2, -1.7):
        _rail(mesh, lay, d, 0.0, 0.85, False)
    for y in np.arange(float(rng.uniform(10, 40)), lay.length, 46.0):
        x = lay.middle(y) - 1.45
        _lamp(mesh, lay, x, float(y), 2.2, 9.0)
        _lamp(mesh, lay, x, float(y) + 0.3, -2.2, 9.0)
    for _ in range(34):
        y = float(rng.uniform(0, lay.length))
        side = int(rng.choice([-1, 1]))
        d = side * float(rng.uniform(8, 40)) + (lay.right + 3 if side > 0 else -16)
        tree(mesh, rng, lay.middle(y) + d, y, float(rng.uniform(5, 10)))
    y = float(rng.uniform(60, 240))
    x = lay.middle(y)
    mesh.pen((0.25, 0.26, 0.27))
    for px in (x - 1.45, x + lay.right + 1.5):
        mesh.limb((px, y, 0), (px, y, 6.6), 0.16, 0.14)
    mesh.box(x - 1.5, x + lay.right + 1.5, y - 0.1, y + 0.1, 6.2, 6.5, floor=True)
    for k in range(2):
        x0 = x + 1.0 + 6.0 * k
        mesh.pen((0.02, 0.09, 0.42), material=SIGN)
        mesh.quad((x0, y - 0.2, 5.0), (x0 + 5.0, y - 0.2, 5.0), (x0 + 5.0, y - 0.2, 7.0), (x0, y - 0.2, 7.0))
        mesh.pen((0.8, 0.8, 0.8), material=SIGN)
        for z, w in ((6.4, 3.2), (5.9, 2.2), (5.4, float(rng.uniform(1.5, 4)))):
            mesh.quad(
                (x0 + 0.4, y - 0.23, z),
                (x0 + 0.4 + w, y - 0.23, z),
                (x0 + 0.4 + w, y - 0.23, z + 0.22),
                (x0 + 0.4, y - 0.23, z + 0.22),
            )


def _rural(mesh: Mesh, lay: Layout, rng: Generator) -> None:
    for _ in range(46):
        y, side = float(rng.uniform(-5, lay.length)), int(rng.choice([-1, 1]))
        d = side * (lay.right + 3.0 + float(rng.gamma(1.4, 9.0)))
        tree(mesh, rng, lay.middle(y) + d, y, float(rng.uniform(4.5, 9.5)))
    for y in np.arange(4.0, 220.0, 25.0):
        for side in (-1, 1):
            x = lay.middle(y) + side * (lay.right + 0.8)
            mesh.pen((0.75, 0.75, 0.75))
            mesh.box(x - 0.06, x + 0.06, y - 0.05, y + 0.05, 0, 1.0)
            mesh.pen((0.5, 0.03, 0.02), material=SIGN)
            mesh.box(x - 0.065, x + 0.065, y - 0.055, y + 0.055, 0.68, 0.86)
    side = int(rng.choice([-1, 1]))
    d = side * (lay.right + 4.0)
    mesh.pen((0.16, 0.11, 0.07))
    if rng.random() < 0.7:
        ys = np.arange(0.0, 150.0, 4.0)
        for a, b in pairwise(ys):
            xa, xb = lay.middle(a) + d, lay.middle(b) + d
            mesh.box(xa - 0.07, xa + 0.07, a - 0.07, a + 0.07, 0, 1.15)
            for z in (0.55, 0.95):
                mesh.quad((xa, a, z), (xb, b, z), (xb, b, z + 0.1), (xa, a, z + 0.1))
    d = -side * (lay.right + 5.5)
    mesh.pen((0.14, 0.10, 0.07))
    ys = np.arange(10.0, lay.length, 34.0)
    for a, b in pairwise(ys):
        xa, xb = lay.middle(a) + d, lay.middle(b) + d
        mesh.limb((xa, a, 0), (xa, a, 8.0), 0.13, 0.10, 5)
        mesh.box(xa - 0.9, xa + 0.9, a - 0.06, a + 0.06, 7.4, 7.55)
        for off in (-0.8, 0.8):
            m: Point = ((xa + xb) / 2 + off, (a + b) / 2, 6.9)
            mesh.limb((xa + off, a, 7.6), m, 0.015, 0.015, 3)
            mesh.limb(m, (xb + off, b, 7.6), 0.015, 0.015, 3)
    for _ in range(3):
        y, side = float(rng.uniform(30, 200)), int(rng.choice([-1, 1]))
        x = lay.middle(y) + side * float(rng.uniform(18, 34))
        c = WALLS[int(rng.integers(len(WALLS)))]
        w, k, h = 4.5, 6.5, 3.4
        mesh.pen(c)
        mesh.box(x - w, x + w, y - k, y + k, 0, h)
        mesh.pen((0.9, 0.75, 0.4), material=LENS, channel=0)
        for wx in (x - 2.5, x + 1.3):
            mesh.quad(
                (wx, y - k - 0.03, 1.1),
                (wx + 1.2, y - k - 0.03, 1.1),
                (wx + 1.2, y - k - 0.03, 2.3),
                (wx, y - k - 0.03, 2.3),
            )
        mesh.pen((0.32, 0.10, 0.06))
        for sx in (-1, 1):
            mesh.quad(
                (x + sx * (w + 0.5), y - k - 0.4, h - 0.2),
                (x, y - k - 0.4, h + 3.0),
                (x, y + k + 0.4, h + 3.0),
                (x + sx * (w + 0.5), y + k + 0.4, h - 0.2),
            )
        mesh.pen(c)
        mesh.tri((x - w, y - k, h), (x + w, y - k, h), (x, y - k, h + 2.8))


def _tunnel(mesh: Mesh, lay: Layout, rng: Generator) -> None:
    y0, y1 = -20.0, lay.length
    left, right, top = -lay.left - 1.0, lay.right + 1.0, 5.2
    tone = float(rng.uniform(0.3, 0.5))
    for d, inward in ((left, 1), (right, -1)):
        for a in np.arange(y0, y1, 8.0):
            mesh.pen((tone, tone * 0.97, tone * 0.9))
            mesh.quad((d, a, 0), (d, a + 8, 0), (d, a + 8, 3.0), (d, a, 3.0))
            mesh.pen((tone * 0.55, tone * 0.53, tone * 0.5))
            mesh.quad(
                (d, a, 3.0), (d, a + 8, 3.0), (d + inward * 1.0, a + 8, top), (d + inward * 1.0, a, top)
            )
            mesh.pen((0.12, 0.12, 0.12))
            mesh.quad(
                (d + inward * 0.03, a, 0),
                (d + inward * 0.03, a + 0.12, 0),
                (d + inward * 0.03, a + 0.12, 3.0),
                (d + inward * 0.03, a, 3.0),
            )
            mesh.pen((0.5, 0.35, 0.05))
            mesh.quad(
                (d + inward * 0.02, a, 0.9),
                (d + inward * 0.02, a + 8, 0.9),
                (d + inward * 0.02, a + 8, 1.05),
                (d + inward * 0.02, a, 1.05),
            )
    mesh.pen((tone * 0.4, tone * 0.38, tone * 0.36))
    mesh.quad((left + 1, y0, top), (right - 1, y0, top), (right - 1, y1, top), (left + 1, y1, top))
    mesh.pen((1.0, 0.82, 0.5), material=LENS, channel=0)
    for y in np.arange(0.0, y1, 9.0):
        for x in (left + 2.0, right - 2.0):
            mesh.box(x - 0.2, x + 0.2, y, y + 1.6, top - 0.12, top - 0.02, floor=True)
        lay.lamps.append(((left + right) / 2, float(y), top - 0.3))
    mesh.pen((0.3, 0.3, 0.3))
    mesh.quad((left, y1, 0), (right, y1, 0), (right, y1, top), (left, y1, top))
