"""People, riders and animals, made of limbs that swing.

Parts of a person: 0 trunk and head, 1 and 2 thighs, 3 and 4 shins, 5 and 6 arms. A four-legged animal: 0 body,
1-4 legs. A rider adds the machine as part 7. Palette of people: 0 top, 1 trousers, 2 skin, 3 hair or helmet, 4 machine.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from core.world.mesh import Mesh, Model
from core.world.vehicles import AMBER, LAMP_CHANNELS, LENS, PAINT, RED, WHITE, Lamp

F64 = NDArray[np.float64]


def turn_x(angle: float, y: float, z: float) -> F64:
    """Matrix (3, 4): rotation about the x axis through (y, z); positive swings the foot forward."""
    c, s = math.cos(angle), math.sin(angle)
    m = np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0]], dtype=np.float64)
    m[1, 3], m[2, 3] = y - c * y + s * z, z - s * y - c * z
    return m


def join(a: F64, b: F64) -> F64:
    """Matrix product of two (3, 4) placements: first b, then a."""
    out = np.empty((3, 4))
    out[:, :3] = a[:, :3] @ b[:, :3]
    out[:, 3] = a[:, :3] @ b[:, 3] + a[:, 3]
    return out


def _trunk(mesh: Mesh, hip: float, top: float) -> None:
    """Torso as a loft, neck, head and hair; `hip` and `top` of the shoulders in metres above ground."""
    mesh.pen(tint=0, part=0)
    rings = []
    for f, w, d in (
        (-0.08, 0.155, 0.105),
        (0.25, 0.15, 0.10),
        (0.75, 0.20, 0.12),
        (0.96, 0.19, 0.10),
        (1.04, 0.07, 0.06),
    ):
        z = hip + (top - hip) * f
        rings.append([(w * math.cos(t), d * math.sin(t), z) for t in np.linspace(0, 2 * math.pi, 9)[:-1]])
    mesh.loft([[(float(x), float(y), float(z)) for x, y, z in ring] for ring in rings])
    mesh.pen(tint=2)
    mesh.limb((0, 0, top), (0, 0.01, top + 0.12), 0.05, 0.05)
    mesh.ball(0, 0.02, top + 0.21, 0.115)
    mesh.pen(tint=3)
    mesh.ball(0, -0.018, top + 0.245, 0.118)


def _limbs(mesh: Mesh, hip: float, knee: float, top: float, *, gap: float = 0.085) -> None:
    for side, thigh, shin, arm in ((-1, 1, 3, 5), (1, 2, 4, 6)):
        x = side * gap
        mesh.pen(tint=1, part=thigh)
        mesh.limb((x, 0, hip), (x, 0, knee), 0.085, 0.062)
        mesh.pen(tint=1, part=shin)
        mesh.limb((x, 0, knee), (x, 0, 0.07), 0.062, 0.045)
        mesh.pen((0.03, 0.025, 0.02))
        mesh.box(x - 0.045, x + 0.045, -0.07, 0.17, 0.0, 0.08)
        mesh.pen(tint=0, part=arm)
        ax = side * 0.225
        mesh.limb((ax, 0, top - 0.03), (ax * 1.08, -0.02, top - 0.30), 0.052, 0.043)
        mesh.limb((ax * 1.08, -0.02, top - 0.30), (ax * 1.05, 0.06, top - 0.52), 0.043, 0.035)
        mesh.pen(tint=2)
        mesh.ball(ax * 1.05, 0.07, top - 0.56, 0.045)


@functools.cache
def person(child: bool = False) -> Model:
    """A walking adult (1.75 m) or child (1.2 m)."""
    mesh = Mesh()
    _trunk(mesh, 0.88, 1.42)
    _limbs(mesh, 0.9, 0.48, 1.42)
    model = mesh.done(parts=7, channels=0)
    if not child:
        return model
    scale = np.float32(0.68)
    balls = model.balls * scale
    balls[:, 3] *= np.float32(1.22)  # children have large heads
    return Model(
        model.corners * scale, model.normals, model.albedo, model.tint, model.material, model.channel, model.part,
        balls, model.ball_rgb, model.ball_tint, model.ball_material, model.ball_part, 7, 0,
    )  # fmt: skip


def walk(phase: float, effort: float, size: float = 1.0) -> list[F64]:
    """Poses (7 matrices) of a walker: `phase` in radians, `effort` 0 stands, 1 walks, 1.6 runs."""
    hip, knee, top = 0.9 * size, 0.48 * size, 1.39 * size
    swing, bob = 0.5 * effort, 0.02 * effort * abs(math.cos(phase))
    lift = np.eye(3, 4)
    lift[2, 3] = bob
    poses = [lift]
    shins = []
    for side in (0.0, math.pi):
        angle = swing * math.sin(phase + side)
        bend = effort * (0.12 + 0.55 * max(0.0, math.cos(phase + side)))
        thigh = join(lift, turn_x(angle, 0.0, hip))
        poses.append(thigh)
        shins.append(join(thigh, turn_x(-bend, 0.0, knee)))
    poses += shins
    poses += [join(lift, turn_x(0.75 * swing * math.sin(phase + side), 0.0, top)) for side in (math.pi, 0.0)]
    return poses


def _wheel(mesh: Mesh, y: float, r: float, thick: float) -> None:
    """A thin ring of eight-sided tube, seen edge-on as a bar and from the side as a hoop."""
    n = 14
    for k in range(n):
        a, b = 2 * math.pi * k / n, 2 * math.pi * (k + 1) / n
        mesh.limb(
            (0, y + r * math.cos(a), r + r * math.sin(a)),
            (0, y + r * math.cos(b), r + r * math.sin(b)),
            thick,
            thick,
            4,
        )


@functools.cache
def cyclist() -> tuple[Model, tuple[Lamp, ...], float, float]:
    """A person on a bicycle: the saddle at 0.95 m."""
    mesh = Mesh()
    mesh.pen((0.015, 0.015, 0.015), part=7)
    _wheel(mesh, -0.52, 0.34, 0.028)
    _wheel(mesh, 0.52, 0.34, 0.028)
    mesh.pen(tint=4, material=PAINT)
    for a, b in (
        ((0, -0.52, 0.34), (0, -0.12, 0.32)),
        ((0, -0.12, 0.32), (0, -0.22, 0.9)),
        ((0, -0.52, 0.34), (0, -0.2, 0.75)),
        ((0, -0.12, 0.32), (0, 0.38, 0.8)),
        ((0, -0.2, 0.78), (0, 0.36, 0.88)),
        ((0, 0.52, 0.34), (0, 0.36, 0.98)),
    ):
        mesh.limb(a, b, 0.028, 0.028, 5)
    mesh.pen((0.02, 0.02, 0.02))
    mesh.limb((-0.27, 0.38, 1.0), (0.27, 0.38, 1.0), 0.022, 0.022, 4)
    mesh.box(-0.07, 0.07, -0.34, -0.1, 0.9, 0.96)
    mesh.pen(RED, material=LENS, channel=0)
    mesh.box(-0.05, 0.05, -0.42, -0.36, 0.68, 0.78)
    mesh.pen(WHITE, material=LENS, channel=2)
    mesh.box(-0.05, 0.05, 0.44, 0.5, 0.86, 0.95)
    _rider(mesh, hip=0.98, lean=0.30)
    lamps = (
        Lamp(0, (0, -0.44, 0.73), -1, (0.9, 0.03, 0.02), 0.09),
        Lamp(2, (0, 0.52, 0.9), 1, (1.3, 1.25, 1.1), 0.11),
    )
    return mesh.done(parts=8, channels=LAMP_CHANNELS), lamps, 0.88, 0.3


def _rider(mesh: Mesh, hip: float, lean: float) -> None:
    """Trunk bent forward from the saddle, arms to the bar, and legs hung for `pedal`."""
    before = mesh.size
    _trunk(mesh, hip - 0.02, hip + 0.52)
    c, s = math.cos(lean), math.sin(lean)

    def bend(x: float, y: float, z: float) -> tuple[float, float, float]:
        dz = z - hip
        return (x, -0.2 + c * y + s * dz, hip + c * dz - s * y)

    mesh.warp(before, bend)
    for side, thigh, shin, arm in ((-1, 1, 3, 5), (1, 2, 4, 6)):
        x = side * 0.1
        mesh.pen(tint=1, part=thigh)
        mesh.limb((x, 0, hip), (x, 0, hip - 0.43), 0.085, 0.062)
        mesh.pen(tint=1, part=shin)
        mesh.limb((x, 0, hip - 0.43), (x, 0, hip - 0.84), 0.06, 0.043)
        mesh.pen((0.03, 0.03, 0.03))
        mesh.box(x - 0.04, x + 0.04, -0.06, 0.16, hip - 0.9, hip - 0.82)
        mesh.pen(tint=0, part=arm)
        shoulder = bend(side * 0.21, 0.0, hip + 0.48)
        mesh.limb(shoulder, (side * 0.25, 0.34, hip + 0.07), 0.052, 0.035)


def pedal(phase: float, hip: float = 0.98) -> list[F64]:
    """Poses (8 matrices) of a rider at the pedals; `phase` is the crank's angle. Knees come from two bones."""
    still = np.eye(3, 4)
    poses: list[F64] = [still]
    thighs, shins = [], []
    for side in (0.0, math.pi):
        fy = 0.08 + 0.17 * math.cos(phase + side)
        fz = hip - 0.66 + 0.17 * math.sin(phase + side)
        dy, dz = fy, fz - hip
        reach = min(math.hypot(dy, dz), 0.85)
        bone = 0.43
        inner = math.acos(min(1.0, reach / (2 * bone)))
        down = math.atan2(dy, -dz)
        thigh = turn_x(down + inner, 0.0, hip)
        thigh[1, 3] += -0.2
        thighs.append(thigh)
        shins.append(join(thigh, turn_x(-2 * inner, 0.0, hip - bone)))
    return poses + thighs + shins + [still, still, still]


@functools.cache
def motorcycle() -> tuple[Model, tuple[Lamp, ...], float, float]:
    """A motorcycle with its rider."""
    mesh = Mesh()
    mesh.pen((0.015, 0.015, 0.015), part=7)
    for y in (-0.68, 0.68):
        mesh.disc(-0.07, y, 0.32, 0.32, 0.14, 14)
    mesh.pen(tint=4, material=PAINT)
    rings = []
    for y, w, low, top in (
        (-0.95, 0.08, 0.78, 0.9),
        (-0.6, 0.13, 0.6, 0.88),
        (-0.1, 0.16, 0.35, 0.82),
        (0.3, 0.19, 0.38, 1.0),
        (0.62, 0.15, 0.6, 1.05),
        (0.78, 0.08, 0.75, 0.98),
    ):
        rings.append(
            [
                (-w, y, low),
                (-w * 1.1, y, (low + top) / 2),
                (-w * 0.7, y, top),
                (w * 0.7, y, top),
                (w * 1.1, y, (low + top) / 2),
                (w, y, low),
            ]
        )
    mesh.loft([[(float(x), float(y), float(z)) for x, y, z in ring] for ring in rings])
    mesh.pen((0.05, 0.05, 0.05))
    mesh.limb((0, 0.68, 0.32), (0, 0.5, 1.02), 0.05, 0.04)
    mesh.limb((-0.34, 0.42, 1.08), (0.34, 0.42, 1.08), 0.025, 0.025, 4)
    mesh.limb((0, -0.68, 0.32), (0, -0.1, 0.5), 0.06, 0.06)
    for rgb, channel, y, z, w in (
        (RED, 0, -0.98, 0.84, 0.1),
        (RED, 1, -0.985, 0.8, 0.08),
        (WHITE, 2, 0.82, 0.9, 0.1),
        (AMBER, 3, -0.97, 0.75, 0.0),
        (AMBER, 4, -0.97, 0.75, 0.0),
    ):
        mesh.pen(rgb, material=LENS, channel=channel)
        x = -0.2 if channel == 3 else (0.2 if channel == 4 else 0.0)
        mesh.box(x - max(w, 0.05), x + max(w, 0.05), y - 0.03, y + 0.03, z - 0.06, z + 0.05)
    _rider(mesh, hip=0.95, lean=0.25)
    lamps = (
        Lamp(0, (0, -1.03, 0.84), -1, (0.7, 0.03, 0.02), 0.11),
        Lamp(1, (0, -1.03, 0.8), -1, (1.3, 0.05, 0.02), 0.17),
        Lamp(2, (0, 0.88, 0.9), 1, (1.6, 1.5, 1.25), 0.2),
        Lamp(3, (-0.2, -1.0, 0.75), -1, (1.5, 0.55, 0.04), 0.12),
        Lamp(4, (0.2, -1.0, 0.75), -1, (1.5, 0.55, 0.04), 0.12),
    )
    return mesh.done(parts=8, channels=LAMP_CHANNELS), lamps, 1.0, 0.35


@functools.cache
def animal(kind: str) -> Model:
    """A dog or a deer, standing along y. Palette: 0 coat, 1 legs and muzzle."""
    k, leg, long, neck = (0.62, 0.42, 0.42, 0.16) if kind == "dog" else (1.0, 0.78, 0.62, 0.5)
    mesh = Mesh()
    mesh.pen(tint=0)
    rings = []
    deep = 0.15 if kind == "dog" else 0.24
    for f, w, d in (
        (-1.0, 0.05, 0.5),
        (-0.9, 0.13, 0.85),
        (-0.3, 0.14, 0.8),
        (0.5, 0.17, 1.0),
        (0.9, 0.12, 0.8),
        (1.0, 0.05, 0.4),
    ):
        rings.append(
            [
                (w * k * math.cos(t) * 1.2, long * f, leg + deep * 0.6 + deep * d * math.sin(t))
                for t in np.linspace(0, 2 * math.pi, 9)[:-1]
            ]
        )
    mesh.loft([[(float(x), float(y), float(z)) for x, y, z in ring] for ring in rings])
    back = leg + deep
    mesh.limb((0, long * 0.85, back), (0, long + 0.18 * k, back + neck), 0.11 * k, 0.075 * k)
    head = back + neck
    mesh.ball(0, long + 0.22 * k, head + 0.02, 0.105 * k)
    mesh.pen(tint=1)
    mesh.limb((0, long + 0.22 * k, head), (0, long + 0.46 * k, head - 0.07 * k), 0.08 * k, 0.045 * k)
    for side in (-1, 1):
        mesh.limb(
            (side * 0.05 * k, long + 0.16 * k, head + 0.08 * k),
            (side * 0.13 * k, long + 0.13 * k, head + 0.24 * k),
            0.04 * k,
            0.015 * k,
            4,
        )
        if kind == "deer":
            mesh.pen((0.16, 0.11, 0.06))
            mesh.limb(
                (side * 0.05, long + 0.2, head + 0.08), (side * 0.2, long + 0.1, head + 0.42), 0.022, 0.014, 4
            )
            mesh.limb(
                (side * 0.14, long + 0.14, head + 0.26), (side * 0.1, long + 0.3, head + 0.46), 0.016, 0.01, 4
            )
            mesh.pen(tint=1)
    mesh.pen(tint=0)
    mesh.limb(
        (0, -long, back - 0.03),
        (0, -long - (0.28 if kind == "dog" else 0.12), back + (0.18 if kind == "dog" else -0.06)),
        0.04,
        0.02,
        5,
    )
    for n, (side, f) in enumerate(((-1, 0.72), (1, 0.72), (-1, -0.8), (1, -0.8))):
        mesh.pen(tint=1, part=n + 1)
        x = side * 0.09 * k
        mesh.limb((x, long * f, leg + deep * 0.4), (x, long * f, leg * 0.45), 0.07 * k, 0.035 * k)
        mesh.limb((x, long * f, leg * 0.45), (x, long * f + 0.02, 0.0), 0.035 * k, 0.028 * k)
    return mesh.done(parts=5, channels=0)


def trot(phase: float, effort: float, kind: str) -> list[F64]:
    """Poses (5 matrices) of a trotting animal; diagonal legs swing together."""
    leg, deep, long = (0.42, 0.15, 0.42) if kind == "dog" else (0.78, 0.24, 0.62)
    lift = np.eye(3, 4)
    lift[2, 3] = 0.04 * effort * abs(math.sin(phase))
    poses = [lift]
    for n, f in enumerate((0.72, 0.72, -0.8, -0.8)):
        side = 0.0 if n in (0, 3) else math.pi
        poses.append(join(lift, turn_x(0.55 * effort * math.sin(phase + side), long * f, leg + deep * 0.4)))
    return poses
