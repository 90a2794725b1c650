"""The actors: which model a kind wears, in which colours, and how it is posed at a moment."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from core.world import beings, vehicles
from core.world.mesh import Mesh, Model
from core.world.motion import STEP, Track
from core.world.vehicles import LAMP_CHANNELS, Lamp

F64 = NDArray[np.float64]
LENS, SIGN = 5, 6

PAINTS: dict[str, tuple[float, float, float]] = {
    "red": (0.48, 0.025, 0.02), "blue": (0.03, 0.10, 0.42), "white": (0.72, 0.72, 0.70),
    "black": (0.018, 0.018, 0.02), "silver": (0.36, 0.37, 0.39), "green": (0.03, 0.22, 0.08),
    "yellow": (0.68, 0.45, 0.02), "orange": (0.65, 0.18, 0.02),
}  # fmt: skip
COATS: dict[str, dict[str, tuple[float, float, float]]] = {
    "dog": {"brown": (0.20, 0.10, 0.04), "black": (0.02, 0.02, 0.02), "white": (0.6, 0.57, 0.5)},
    "deer": {"brown": (0.24, 0.13, 0.06)},
}
FOUR_WHEELS = ("car", "van", "truck", "bus", "ambulance")
WALKERS = ("pedestrian", "child")


@dataclass
class Actor:
    """Somebody or something with a number, a look and a track. Lamp channels start at `channel0` once placed."""

    id: int
    kind: str
    colour: str
    role: str
    side: str
    track: Track
    model: Model
    palette: F64  # (P, 3)
    lamps: tuple[Lamp, ...] = ()
    half_length: float = 0.3
    half_width: float = 0.3
    style: str = ""
    phase: float = 0.0
    lit: bool = False  # headlights on
    channel0: int = 0
    slot0: int = 0

    def at(self, time: float) -> tuple[float, float, float, float, float]:
        """x, y, heading, speed and the way come, at a moment."""
        i = min(time / STEP, len(self.track.x) - 1.0)
        k = min(int(i), len(self.track.x) - 2)
        f = i - k
        tr = self.track
        return (
            float(tr.x[k] + f * (tr.x[k + 1] - tr.x[k])), float(tr.y[k] + f * (tr.y[k + 1] - tr.y[k])),
            float(tr.heading[k] + f * (tr.heading[k + 1] - tr.heading[k])),
            float(tr.speed[k] + f * (tr.speed[k + 1] - tr.speed[k])),
            float(tr.way[k] + f * (tr.way[k + 1] - tr.way[k])),
        )  # fmt: skip

    def now(self, name: str, time: float) -> float:
        """A state (`brake`, `blink`, `door`, `state`) at a moment, not interpolated."""
        values = getattr(self.track, name)
        return float(values[min(round(time / STEP), len(values) - 1)])


def place(x: float, y: float, heading: float) -> F64:
    """Matrix (3, 4) that puts a model at a place, its +y along the heading."""
    c, s = math.cos(heading), math.sin(heading)
    return np.array([[c, s, 0.0, x], [-s, c, 0.0, y], [0.0, 0.0, 1.0, 0.0]])


def poses(actor: Actor, time: float) -> list[F64]:
    """World matrices of all parts of an actor at a moment."""
    x, y, heading, speed, way = actor.at(time)
    base = place(x, y, heading)
    still = np.eye(3, 4)
    if actor.kind in WALKERS:
        size = 0.68 if actor.kind == "child" else 1.0
        effort = min(1.5, speed / (1.35 * size))
        sway = 0.05 * math.sin(time * 1.7 + actor.phase) if speed < 0.1 else 0.0
        local = beings.walk(
            actor.phase + way / (0.24 * size * (1.0 + 0.4 * (effort > 1.2))), effort + sway, size
        )
    elif actor.kind == "cyclist":
        lean = place(0.0, 0.0, 0.0)
        local = beings.pedal(actor.phase + (way * 1.3 if speed > 0.3 else 0.0))
        local = [beings.join(lean, m) for m in local]
    elif actor.kind == "motorcycle":
        thigh = beings.turn_x(1.15, 0.0, 0.95)
        thigh[1, 3] -= 0.2
        shin = beings.join(thigh, beings.turn_x(-1.5, 0.0, 0.52))
        local = [still, thigh, thigh, shin, shin, still, still, still]
    elif actor.kind in ("dog", "deer"):
        stride = 0.16 if actor.kind == "dog" else 0.30
        local = beings.trot(
            actor.phase + way / stride, min(1.3, speed / (2.0 if actor.kind == "dog" else 3.0)), actor.kind
        )
    elif actor.model.parts == 2:
        angle = -actor.now("door", time)  # the driver sits on the left: outwards is towards -x
        hx, hy = vehicles.door_hinge(actor.style)
        c, s = math.cos(angle), math.sin(angle)
        swing = np.array(
            [[c, -s, 0, hx - c * hx + s * hy], [s, c, 0, hy - s * hx - c * hy], [0, 0, 1, 0]],
            dtype=np.float64,
        )
        local = [still, swing]
    else:
        local = [still] * actor.model.parts
    return [beings.join(base, m) for m in local]


def lamps_now(actor: Actor, time: float, night: float) -> F64:
    """Brightness (channels,) of an actor's lamps at a moment."""
    glow = np.zeros(max(actor.model.channels, 1))
    if actor.kind == "traffic light":
        state = int(actor.now("state", time))
        glow[0], glow[1], glow[2] = float(state in (0, 1)), float(state in (1, 3)), float(state == 2)
        return glow * 1.6
    if actor.model.channels == LAMP_CHANNELS:
        on = 1.0 if actor.lit else 0.0
        glow[0], glow[2] = on * (0.45 + 0.2 * night), on * 1.5
        glow[1] = 1.5 * actor.now("brake", time) if actor.role != "parked" else 0.0
        blink = actor.now("blink", time)
        flash = 1.6 * float((time * 1.6) % 1.0 < 0.55)
        glow[3], glow[4] = flash * (blink < 0), flash * (blink > 0)
        if actor.kind == "ambulance":
            step = (time * 2.3) % 1.0
            glow[5], glow[6] = 2.4 * (step < 0.5), 2.4 * (step >= 0.5)
    return glow


def dress(
    rng: Generator, kind: str, colour: str | None
) -> tuple[Model, F64, tuple[Lamp, ...], float, float, str, str]:
    """Model, palette, lamps, half length, half width, style and colour name for a kind."""
    if kind in COATS:
        coats = COATS[kind]
        name = colour or str(rng.choice(list(coats)))
        rgb = coats[name]
        return (
            beings.animal(kind),
            np.array([rgb, [v * 0.7 for v in rgb]]),
            (),
            0.4 if kind == "dog" else 0.7,
            0.15,
            kind,
            name,
        )
    if kind in ("pedestrian", "child", "cyclist", "motorcycle"):
        name = colour or str(rng.choice(["red", "blue", "white", "black", "green", "yellow", "orange"]))
        skin = ((0.55, 0.34, 0.24), (0.36, 0.2, 0.12), (0.16, 0.08, 0.05))[int(rng.integers(3))]
        legs = ((0.03, 0.04, 0.09), (0.025, 0.025, 0.03), (0.16, 0.13, 0.09), (0.10, 0.10, 0.11))[
            int(rng.integers(4))
        ]
        hair = ((0.03, 0.02, 0.015), (0.15, 0.08, 0.03), (0.35, 0.24, 0.10), (0.3, 0.3, 0.3))[
            int(rng.integers(4))
        ]
        top = PAINTS[name]
        if kind in ("cyclist", "motorcycle"):
            helmet = PAINTS[str(rng.choice(["white", "red", "black", "silver"]))]
            machine = PAINTS[str(rng.choice(["red", "blue", "black", "green", "silver"]))]
            model, lamps, long, half = beings.cyclist() if kind == "cyclist" else beings.motorcycle()
            if kind == "motorcycle":  # the machine names the colour; the rider wears black
                machine, top = top, PAINTS["black"]
            return model, np.array([top, legs, skin, helmet, machine]), lamps, long, half, kind, name
        return beings.person(kind == "child"), np.array([top, legs, skin, hair]), (), 0.22, 0.26, kind, name
    if kind == "ambulance":
        model, lamps, long, half = vehicles.ambulance()
        return model, np.array([PAINTS["white"], (0.6, 0.05, 0.03)]), lamps, long, half, kind, "white"
    if kind in ("bus", "truck"):
        names = (
            ["red", "blue", "yellow", "green", "white"]
            if kind == "bus"
            else ["white", "red", "blue", "silver", "orange"]
        )
        name = colour or str(rng.choice(names))
        model, lamps, long, half = vehicles.bus() if kind == "bus" else vehicles.truck()
        box = PAINTS[name] if name != "silver" else (0.5, 0.5, 0.52)
        return model, np.array([PAINTS[name], box]), lamps, long, half, kind, name
    if kind in ("car", "van"):
        name = colour or str(rng.choice(list(PAINTS), p=[0.19, 0.17, 0.16, 0.12, 0.13, 0.09, 0.09, 0.05]))
        style = "van" if kind == "van" else str(rng.choice(["sedan", "hatch", "suv"]))
        model, lamps, long, half = vehicles.car(style)
        return model, np.array([PAINTS[name]]), lamps, long, half, style, name
    makers = {"traffic light": signal, "signal arm": signal_arm, "sign": sign, "cone": cone}
    return makers[kind](), np.zeros((1, 3)), (), 0.1, 0.1, kind, ""


def _head(mesh: Mesh, x: float, y: float, z: float, r: float) -> None:
    """A signal head facing -y with red, amber and green lamps in channels 0, 1, 2."""
    mesh.pen((0.012, 0.014, 0.014))
    mesh.box(x - r * 1.5, x + r * 1.5, y, y + 0.2, z - r * 4.3, z + r * 4.3, floor=True)
    for k, rgb in enumerate(((1.0, 0.03, 0.02), (1.0, 0.45, 0.02), (0.03, 1.0, 0.35))):
        mesh.pen(rgb, material=LENS, channel=k)
        cz = z + r * 2.7 * (1 - k)
        ring = [
            (x + r * math.cos(a), y - 0.04, cz + r * math.sin(a))
            for a in np.linspace(0, 2 * math.pi, 11)[:-1]
        ]
        for i in range(1, 9):
            mesh.tri(ring[0], ring[i], ring[i + 1])


@functools.cache
def signal() -> Model:
    """A traffic light on a pole at the kerb."""
    mesh = Mesh()
    mesh.pen((0.06, 0.065, 0.07))
    mesh.limb((0, 0.1, 0), (0, 0.1, 3.0), 0.08, 0.07)
    _head(mesh, 0.0, 0.0, 2.45, 0.17)
    return mesh.done(parts=1, channels=3)


@functools.cache
def signal_arm() -> Model:
    """A traffic light on an arm over the lane; the pole stands 4.2 m to the right."""
    mesh = Mesh()
    mesh.pen((0.06, 0.065, 0.07))
    mesh.limb((4.2, 0.2, 0), (4.2, 0.2, 6.2), 0.13, 0.1)
    mesh.limb((4.2, 0.2, 6.0), (-0.3, 0.2, 6.1), 0.08, 0.06)
    _head(mesh, 0.0, 0.0, 5.4, 0.32)
    return mesh.done(parts=1, channels=3)


@functools.cache
def sign() -> Model:
    """A warning sign of road works: a red-edged triangle on a post."""
    mesh = Mesh()
    mesh.pen((0.35, 0.35, 0.36))
    mesh.limb((0, 0.05, 0), (0, 0.05, 2.6), 0.04, 0.04, 5)
    for rgb, r, y in (((0.62, 0.02, 0.02), 0.62, 0.0), ((0.8, 0.72, 0.1), 0.43, -0.02)):
        mesh.pen(rgb, material=SIGN)
        mesh.tri((-r, y, 2.05 - r * 0.5), (r, y, 2.05 - r * 0.5), (0, y, 2.05 + r * 1.1))
    mesh.pen((0.02, 0.02, 0.02))
    mesh.quad((-0.1, -0.03, 1.92), (0.1, -0.03, 1.92), (0.07, -0.03, 2.2), (-0.07, -0.03, 2.2))
    return mesh.done()


@functools.cache
def cone() -> Model:
    """An orange traffic cone with a white band."""
    mesh = Mesh()
    rings = [(0.24, 0.0), (0.24, 0.04), (0.16, 0.05), (0.115, 0.27), (0.085, 0.48), (0.03, 0.8)]
    for k, ((ra, za), (rb, zb)) in enumerate(pairwise(rings)):
        mesh.pen((0.7, 0.7, 0.68) if k == 3 else (0.75, 0.13, 0.01), material=SIGN)
        mesh.limb((0, 0, za), (0, 0, zb), ra, rb, 8)
    return mesh.done()
