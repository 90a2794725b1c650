"""Vehicles as lofts: car, van, truck, bus, ambulance. The nose points along +y, wheels stand on z = 0.

Lamp channels of every vehicle: 0 tail, 1 brake, 2 head, 3 left indicator, 4 right indicator, 5 and 6 beacons.
Parts: 0 the body, 1 the driver's door (left, hinged at its front edge).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from core.world.mesh import Mesh, Model, Point

PAINT, GLASS, LENS = 1, 2, 5
DARK = (0.018, 0.018, 0.02)
CHROME = (0.45, 0.46, 0.48)
LAMP_CHANNELS = 7
RED, AMBER, WHITE, BLUE = (1.0, 0.05, 0.02), (1.0, 0.42, 0.02), (1.0, 0.95, 0.82), (0.1, 0.25, 1.0)


@dataclass(frozen=True)
class Lamp:
    """A glowing point of a model: channel, place, which way it shines along y, colour, glow radius in metres."""

    channel: int
    at: Point
    facing: int
    rgb: tuple[float, float, float]
    radius: float


@dataclass(frozen=True)
class Shape:
    """Measures of a vehicle in metres. `side` lists body stations (y, half width, underside, top)."""

    length: float
    half: float
    height: float
    side: tuple[tuple[float, float, float, float], ...]
    cabin: tuple[float, float, float, float]  # y of the glass: rear foot, rear top, front top, front foot
    belt: float
    wheel: float
    axles: tuple[float, ...]


SHAPES: dict[str, Shape] = {
    "sedan": Shape(4.5, 0.9, 1.43,
        ((-2.25, 0.74, 0.40, 0.70), (-2.2, 0.84, 0.30, 0.92), (-1.95, 0.89, 0.22, 0.97), (-0.9, 0.91, 0.2, 0.95),
         (0.9, 0.91, 0.2, 0.93), (1.5, 0.89, 0.2, 0.84), (2.05, 0.85, 0.24, 0.74), (2.22, 0.78, 0.3, 0.64),
         (2.26, 0.7, 0.4, 0.55)), (-1.75, -1.0, 0.2, 1.1), 0.93, 0.33, (-1.35, 1.38)),
    "hatch": Shape(4.0, 0.88, 1.5,
        ((-2.0, 0.76, 0.42, 0.75), (-1.96, 0.84, 0.3, 0.98), (-1.6, 0.88, 0.22, 1.0), (-0.5, 0.89, 0.2, 0.98),
         (0.9, 0.89, 0.2, 0.95), (1.4, 0.86, 0.2, 0.86), (1.85, 0.82, 0.25, 0.74), (2.0, 0.72, 0.38, 0.6)),
        (-1.93, -1.6, 0.15, 1.1), 0.96, 0.32, (-1.22, 1.22)),
    "suv": Shape(4.6, 0.95, 1.72,
        ((-2.3, 0.8, 0.45, 0.85), (-2.26, 0.9, 0.36, 1.1), (-1.8, 0.95, 0.3, 1.14), (0.9, 0.95, 0.28, 1.1),
         (1.5, 0.93, 0.28, 1.03), (2.1, 0.89, 0.32, 0.95), (2.26, 0.84, 0.38, 0.82), (2.3, 0.76, 0.48, 0.7)),
        (-2.22, -1.95, 0.3, 1.05), 1.1, 0.38, (-1.4, 1.42)),
    "van": Shape(5.2, 0.98, 2.2,
        ((-2.6, 0.9, 0.4, 1.0), (-2.56, 0.96, 0.32, 1.22), (-1.8, 0.98, 0.26, 1.24), (1.3, 0.98, 0.26, 1.2),
         (1.9, 0.95, 0.26, 1.08), (2.45, 0.9, 0.3, 0.92), (2.6, 0.8, 0.42, 0.7)),
        (-2.55, -2.5, 1.05, 1.75), 1.2, 0.36, (-1.6, 1.7)),
}  # fmt: skip


def _body(mesh: Mesh, s: Shape) -> None:
    rings: list[list[Point]] = []
    for y, w, low, top in s.side:
        mid = low + 0.58 * (top - low)
        half = [
            (w * 0.86, low),
            (w * 0.99, low + 0.12 * (top - low)),
            (w, mid),
            (w * 0.96, low + 0.86 * (top - low)),
            (w * 0.86, top),
        ]
        ring: list[Point] = [(-x, y, z) for x, z in half]
        ring += [(x, y, z) for x, z in reversed(half)]
        rings.append(ring)
    mesh.pen(tint=0, material=PAINT)
    mesh.loft(rings)
    front, rear = s.side[-2][0], s.side[1][0]
    low = s.side[2][2]
    mesh.pen(DARK)
    mesh.box(-s.half * 0.84, s.half * 0.84, front - 0.15, front + 0.07, low + 0.02, low + 0.2)
    mesh.box(-s.half * 0.84, s.half * 0.84, rear - 0.08, rear + 0.15, low + 0.04, low + 0.24)
    mesh.box(-s.half * 0.5, s.half * 0.5, front - 0.1, front + 0.075, low + 0.26, low + 0.36)
    for side in (-1, 1):
        x = side * (s.half + 0.006)
        mesh.quad(
            (x, rear + 0.3, low + 0.02),
            (x, front - 0.3, low + 0.02),
            (x, front - 0.3, low + 0.1),
            (x, rear + 0.3, low + 0.1),
        )


def _cabin(mesh: Mesh, s: Shape, *, rear_glass: bool = True, side_to: float | None = None) -> None:
    rear, rear_top, front_top, front = s.cabin
    foot, head = s.half * 0.90, s.half * 0.72
    base, top = s.belt - 0.04, s.height
    roof = top - 0.05
    mesh.pen(tint=0, material=PAINT)
    rings: list[list[Point]] = []
    for z, half, y0, y1 in (
        (base, foot, rear, front),
        (roof, head, rear_top, front_top),
        (top - 0.012, head * 0.9, rear_top + 0.06, front_top - 0.08),
        (top, head * 0.6, rear_top + 0.25, front_top - 0.25),
    ):
        rings.append([(-half, y0, z), (half, y0, z), (half, y1, z), (-half, y1, z)])
    mesh.loft(rings)
    mesh.pen((0.02, 0.024, 0.03), material=GLASS)
    a, b = 0.10, 0.93  # the glass leaves a frame of paint

    def at(f: float, g: float, side: float, out: float = 0.018) -> Point:
        """A point on the cabin's skin: f from rear to front, g from belt to roof."""
        y0, y1 = rear + (rear_top - rear) * g, front + (front_top - front) * g
        half = foot + (head - foot) * g + out
        return (side * half, y0 + (y1 - y0) * f, base + (roof - base) * g)

    cuts = ((0.07, 0.46), (0.5, 0.93)) if side_to is None else ((side_to, 0.93),)
    for side in (-1.0, 1.0):
        for f0, f1 in cuts:
            mesh.quad(at(f0, a, side), at(f1, a, side), at(f1, b, side), at(f0, b, side))
    for end in (0, 1):
        if end == 0 and not rear_glass:
            continue
        y0, y1 = (rear, rear_top) if end == 0 else (front, front_top)
        push = -0.022 if end == 0 else 0.022
        pts: list[Point] = []
        for g, sx in ((a, -1), (a, 1), (b, 1), (b, -1)):
            half = (foot + (head - foot) * g) * 0.9
            pts.append((sx * half, y0 + (y1 - y0) * g + push, base + (roof - base) * g + 0.012))
        mesh.quad(*pts)


def _wheels(mesh: Mesh, half: float, r: float, axles: tuple[float, ...], thick: float = 0.24) -> None:
    for y in axles:
        for side in (-1, 1):
            outer = side * (half + 0.012)
            mesh.pen((0.008, 0.008, 0.009))
            mesh.disc(outer - side * thick, y, r, r * 1.16, side * (thick - 0.002))  # the arch
            mesh.pen((0.02, 0.02, 0.021))
            mesh.disc(outer - side * thick, y, r, r, side * (thick + 0.015))
            mesh.pen(CHROME, material=PAINT)
            mesh.disc(outer - side * 0.05, y, r, r * 0.6, side * 0.075, 10)


def _lamps(
    mesh: Mesh, x: float, rear: float, front: float, z: float, zf: float, w: float = 0.24, h: float = 0.14
) -> None:
    for side in (-1, 1):
        for rgb, channel, y, zz, x0, x1, h1 in (
            (RED, 0, rear, z, x - w, x, h),
            (RED, 1, rear, z + h * 0.55, x - w, x, h * 0.45),
            (AMBER, 3 if side < 0 else 4, rear, z - h * 0.5, x - w * 0.9, x, h * 0.4),
            (WHITE, 2, front, zf, x - w * 1.25, x, h),
            (AMBER, 3 if side < 0 else 4, front, zf - h * 0.75, x - w * 0.7, x, h * 0.45),
        ):
            mesh.pen(rgb, material=LENS, channel=channel)
            a, b = side * x0, side * x1
            mesh.quad((a, y, zz - h1 / 2), (b, y, zz - h1 / 2), (b, y, zz + h1 / 2), (a, y, zz + h1 / 2))
    mesh.pen((0.6, 0.6, 0.56), material=6)
    for y, zz in ((rear - 0.005, z - 0.17), (front + 0.03, zf - 0.26)):
        mesh.quad((-0.26, y, zz - 0.06), (0.26, y, zz - 0.06), (0.26, y, zz + 0.06), (-0.26, y, zz + 0.06))


def lamp_points(x: float, rear: float, front: float, z: float, zf: float) -> tuple[Lamp, ...]:
    """Glow points that go with `_lamps`."""
    points: list[Lamp] = []
    for side in (-1, 1):
        px = side * (x - 0.12)
        points += [
            Lamp(0, (px, rear - 0.05, z), -1, (0.5, 0.02, 0.01), 0.10),
            Lamp(1, (px, rear - 0.05, z + 0.05), -1, (1.3, 0.05, 0.02), 0.17),
            Lamp(2, (px, front + 0.05, zf), 1, (1.6, 1.5, 1.25), 0.20),
            Lamp(3 if side < 0 else 4, (px, rear - 0.05, z - 0.1), -1, (1.5, 0.55, 0.04), 0.16),
            Lamp(3 if side < 0 else 4, (px, front + 0.05, zf - 0.1), 1, (1.5, 0.55, 0.04), 0.16),
        ]
    return tuple(points)


def _mirrors(mesh: Mesh, x: float, y: float, z: float) -> None:
    mesh.pen(tint=0, material=PAINT)
    for side in (-1, 1):
        a, b = sorted((side * (x - 0.02), side * (x + 0.16)))
        mesh.box(a, b, y - 0.05, y + 0.06, z, z + 0.13)


@functools.cache
def car(style: str) -> tuple[Model, tuple[Lamp, ...], float, float]:
    """A passenger car or van: model, lamps, half length, half width. Palette: 0 paint."""
    s = SHAPES[style]
    mesh = Mesh()
    _body(mesh, s)
    _cabin(mesh, s, side_to=0.66 if style == "van" else None)
    _wheels(mesh, s.half * 0.985, s.wheel, s.axles)
    rear, front = s.side[0][0] - 0.03, s.side[-1][0] + 0.012
    z, zf = s.belt - 0.14, s.side[-2][3] - 0.02
    _lamps(mesh, s.half * 0.9, rear, front - 0.02, z, zf)
    _mirrors(mesh, s.half, s.cabin[3] - 0.28, s.belt + 0.02)
    mesh.pen(tint=0, material=PAINT, part=1)
    x, y1, y0 = -s.half - 0.008, s.cabin[3] - 0.25, s.cabin[3] - 1.3
    mesh.box(x - 0.01, x + 0.05, y0, y1, s.side[3][2] + 0.1, s.belt)
    mesh.pen((0.02, 0.024, 0.03), material=GLASS)
    mesh.quad(
        (x + 0.05, y0, s.belt),
        (x + 0.05, y1 - 0.1, s.belt),
        (x + 0.16, y1 - 0.45, s.height - 0.15),
        (x + 0.16, y0, s.height - 0.12),
    )
    model = mesh.done(parts=2, channels=LAMP_CHANNELS)
    return model, lamp_points(s.half * 0.9, rear, front, z, zf), s.length / 2, s.half


def door_hinge(style: str) -> tuple[float, float]:
    """X and y of the driver's door's hinge."""
    s = SHAPES[style]
    return -s.half, s.cabin[3] - 0.25


def _box_body(
    mesh: Mesh, half: float, y0: float, y1: float, z0: float, z1: float, tint: int, round_: float = 0.1
) -> None:
    mesh.pen(tint=tint, material=PAINT)
    rings: list[list[Point]] = []
    for y, k in ((y0, round_), (y0 + round_, 0.0), (y1 - round_, 0.0), (y1, round_)):
        w, low, top = half - k * 0.5, z0 + k * 0.3, z1 - k * 0.6
        rings.append(
            [
                (-w, y, low),
                (-w, y, top - 0.12),
                (-w + 0.14, y, top),
                (w - 0.14, y, top),
                (w, y, top - 0.12),
                (w, y, low),
            ]
        )
    mesh.loft(rings)


def _pane(mesh: Mesh, half: float, y0: float, y1: float, z0: float, z1: float) -> None:
    for side in (-1, 1):
        x = side * (half + 0.015)
        mesh.quad((x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1))


def _front_pane(mesh: Mesh, half: float, y: float, z0: float, z1: float, lean: float) -> None:
    mesh.quad((-half, y, z0), (half, y, z0), (half * 0.97, y - lean, z1), (-half * 0.97, y - lean, z1))


@functools.cache
def bus() -> tuple[Model, tuple[Lamp, ...], float, float]:
    """A city bus. Palette: 0 paint."""
    mesh, half = Mesh(), 1.25
    _box_body(mesh, half, -5.6, 5.6, 0.35, 3.0, 0)
    mesh.pen((0.02, 0.024, 0.03), material=GLASS)
    for k in range(6):
        _pane(mesh, half, -5.1 + 1.72 * k, -3.55 + 1.72 * k, 1.35, 2.5)
    _front_pane(mesh, 1.1, 5.63, 1.1, 2.45, 0.0)
    _front_pane(mesh, 0.95, -5.63, 1.5, 2.4, 0.0)
    mesh.pen(DARK)
    _pane(mesh, half, -5.55, 5.55, 0.36, 0.55)
    mesh.pen((1.0, 0.55, 0.08), material=LENS, channel=2)
    _front_pane(mesh, 0.75, 5.64, 2.58, 2.82, 0.0)
    mesh.pen((0.9, 0.5, 0.08), material=LENS, channel=0)
    _front_pane(mesh, 0.5, -5.64, 2.58, 2.8, 0.0)
    _wheels(mesh, half * 0.99, 0.48, (-3.4, 3.2), 0.3)
    _lamps(mesh, 1.15, -5.66, 5.66, 1.0, 0.75, 0.26, 0.2)
    _mirrors(mesh, 1.25, 5.5, 2.2)
    return mesh.done(parts=1, channels=LAMP_CHANNELS), lamp_points(1.15, -5.66, 5.66, 1.0, 0.75), 5.65, half


@functools.cache
def truck() -> tuple[Model, tuple[Lamp, ...], float, float]:
    """A box lorry. Palette: 0 cab, 1 box."""
    mesh, half = Mesh(), 1.25
    _box_body(mesh, 1.2, 2.6, 4.5, 0.5, 2.75, 0, 0.18)
    mesh.pen(tint=1, material=0)
    mesh.box(-half, half, -4.4, 2.35, 1.05, 3.55, floor=True)
    mesh.pen((0.75, 0.75, 0.75), tint=1)
    for k in range(7):  # ribs of the box's sides
        _pane(mesh, half, -4.0 + 0.9 * k, -3.93 + 0.9 * k, 1.15, 3.5)
    for x in (-0.03, 0.0):
        mesh.quad((x, -4.42, 1.1), (x + 0.03, -4.42, 1.1), (x + 0.03, -4.42, 3.5), (x, -4.42, 3.5))
    mesh.pen((0.7, 0.06, 0.04), material=6)
    mesh.quad((-1.2, -4.43, 1.07), (1.2, -4.43, 1.07), (1.2, -4.43, 1.2), (-1.2, -4.43, 1.2))
    mesh.pen((0.02, 0.024, 0.03), material=GLASS)
    _front_pane(mesh, 1.05, 4.53, 1.65, 2.5, 0.0)
    _pane(mesh, 1.2, 3.1, 4.1, 1.65, 2.4)
    mesh.pen(DARK)
    mesh.box(-0.9, 0.9, -4.2, 4.2, 0.55, 1.06)
    mesh.box(-1.15, 1.15, -4.35, -4.2, 0.5, 0.85)
    _wheels(mesh, half * 0.97, 0.5, (-3.2, -2.1, 3.4), 0.3)
    _lamps(mesh, 1.15, -4.46, 4.56, 0.9, 0.8, 0.26, 0.18)
    _mirrors(mesh, 1.25, 4.3, 1.9)
    return mesh.done(parts=1, channels=LAMP_CHANNELS), lamp_points(1.15, -4.46, 4.56, 0.9, 0.8), 4.5, half


@functools.cache
def ambulance() -> tuple[Model, tuple[Lamp, ...], float, float]:
    """An ambulance: a white van body with a box, a red stripe and blue beacons. Palette: 0 paint, 1 stripe."""
    s = SHAPES["van"]
    mesh = Mesh()
    _body(mesh, s)
    _cabin(mesh, s, rear_glass=False, side_to=0.72)
    _box_body(mesh, 1.02, -2.62, 0.95, 0.6, 2.45, 0)
    mesh.pen(tint=1, material=6)
    _pane(mesh, 1.03, -2.55, 0.9, 1.0, 1.3)
    mesh.quad((-0.98, -2.65, 1.0), (0.98, -2.65, 1.0), (0.98, -2.65, 1.3), (-0.98, -2.65, 1.3))
    mesh.quad((-0.7, 2.61, 0.78), (0.7, 2.61, 0.78), (0.8, 2.3, 0.98), (-0.8, 2.3, 0.98))
    for x, z, w, h in ((0.0, 1.85, 0.12, 0.36), (0.0, 1.85, 0.36, 0.12)):
        mesh.quad((x - w, -2.66, z - h), (x + w, -2.66, z - h), (x + w, -2.66, z + h), (x - w, -2.66, z + h))
        for side in (-1, 1):
            px = side * 1.05
            mesh.quad(
                (px, -0.8 - w, z - h), (px, -0.8 + w, z - h), (px, -0.8 + w, z + h), (px, -0.8 - w, z + h)
            )
    for channel, x in ((5, -0.55), (6, 0.55)):
        mesh.pen(BLUE, material=LENS, channel=channel)
        mesh.box(x - 0.36, x + 0.36, 1.0, 1.22, 2.2, 2.42)
        mesh.box(x - 0.3, x + 0.3, -2.6, -2.42, 2.44, 2.62)
    _wheels(mesh, s.half * 0.985, s.wheel, s.axles)
    _lamps(mesh, s.half * 0.9, -2.66, 2.6, 1.0, 0.68)
    _mirrors(mesh, s.half, 1.45, 1.25)
    beacons = tuple(
        Lamp(c, (x, y, z), f, (0.25, 0.45, 2.4), 0.30)
        for c, x in ((5, -0.55), (6, 0.55))
        for y, z, f in ((1.25, 2.32, 1), (-2.66, 2.54, -1))
    )
    return (
        mesh.done(parts=1, channels=LAMP_CHANNELS),
        lamp_points(s.half * 0.9, -2.66, 2.6, 1.0, 0.68) + beacons,
        2.65,
        1.02,
    )
