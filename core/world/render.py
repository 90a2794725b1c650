"""From a scene to pictures and exact truth, one frame at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.world import post, raster
from core.world.cast import WALKERS, Actor, lamps_now, poses
from core.world.lighting import Lit, Soup
from core.world.scene import Scene
from core.world.shade import shade
from core.world.truth import Box, ClipTruth, FrameTruth, shown

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

HALF_VIEW = math.tan(math.radians(57.0) / 2)
SHADOW_SPAN = 84.0  # metres of ground that the shadow map covers
SIGNAL_STATES = ("red", "red and amber", "green", "amber")
CURVE = post.film_curve()


@dataclass(frozen=True)
class Frame:
    """One picture with its truth. `rgb` (h, w, 3) uint8; `ids` (h*ss, w*ss) primitive numbers; `owners` (T + S,)."""

    rgb: U8
    ids: I32
    truth: FrameTruth


class Renderer:
    """Draws one scene. Buffers are kept between frames; a renderer belongs to one thread."""

    def __init__(self, scene: Scene, width: int, height: int, *, factor: int = 1, shadow: int = 512) -> None:
        self.scene, self.width, self.height, self.factor = scene, width, height, factor
        self._gather()
        h, w = height * factor, width * factor
        self.depth, self.ids = np.empty((h, w), np.float32), np.empty((h, w), np.int32)
        wet = scene.look.wet > 0.0
        m = (h, w) if wet else (1, 1)
        self.mirror_depth, self.mirror_ids = np.empty(m, np.float32), np.empty(m, np.int32)
        self.light = np.empty((h, w, 3), np.float32)
        n = shadow if scene.look.shadows and shadow else 1
        self.shadow, self.shadow_ids = np.empty((n, n), np.float32), np.empty((n, n), np.int32)
        self.lens = np.array([w / (2 * HALF_VIEW), w / 2, h / 2, 1.0])
        self.mirror_lens = self.lens * np.array([1, 1, 1, -1.0])

    def _gather(self) -> None:
        """Concatenate the static world and all actors into one list of triangles and one of spheres."""
        static, actors = self.scene.static, self.scene.stage.actors
        self.slots, self.channels = 1, max(static.channels, 1)
        for actor in actors:
            actor.slot0, actor.channel0 = self.slots, self.channels
            self.slots += actor.model.parts
            self.channels += max(actor.model.channels, 1)
        models = [static] + [a.model for a in actors]
        pal = [np.zeros((1, 3))] + [a.palette for a in actors]
        slot0 = [0] + [a.slot0 for a in actors]
        chan0 = [0] + [a.channel0 for a in actors]
        self.local = np.concatenate([m.corners for m in models])
        self.local_normals = np.concatenate([m.normals for m in models])
        self.material = np.concatenate([m.material for m in models])
        self.albedo = np.concatenate([_tinted(m.albedo, m.tint, p) for m, p in zip(models, pal, strict=True)])
        self.slot = np.concatenate([m.part + s for m, s in zip(models, slot0, strict=True)]).astype(np.int32)
        self.channel = np.concatenate(
            [np.where(m.channel >= 0, m.channel + c, -1) for m, c in zip(models, chan0, strict=True)]
        ).astype(np.int32)
        self.balls_local = np.concatenate([m.balls for m in models])
        self.ball_rgb = np.concatenate(
            [_tinted(m.ball_rgb, m.ball_tint, p) for m, p in zip(models, pal, strict=True)]
        )
        self.ball_material = np.concatenate([m.ball_material for m in models])
        self.ball_slot = np.concatenate([m.ball_part + s for m, s in zip(models, slot0, strict=True)]).astype(
            np.int32
        )
        ends, ball_ends = (
            np.cumsum([len(m.corners) for m in models]),
            np.cumsum([len(m.balls) for m in models]),
        )
        self.ends, self.ball_ends = ends, ball_ends
        owner = np.repeat(np.arange(len(models)) - 1, [len(m.corners) for m in models])
        ball_owner = np.repeat(np.arange(len(models)) - 1, [len(m.balls) for m in models])
        self.owner = np.concatenate([owner, ball_owner]).astype(np.int32)
        self.world, self.bent = self.local.copy(), self.local_normals.copy()
        self.balls = self.balls_local.copy()
        self.casts = np.ones(len(self.local), np.bool_)
        self.matrices = np.zeros((self.slots, 3, 4))
        self.matrices[0] = np.eye(3, 4)

    def frame(self, time: float) -> Frame:
        """Draw the moment `time` (seconds from the clip's start)."""
        scene, look = self.scene, self.scene.look
        eye, rot = scene.camera(time)
        glow = self._pose(time)
        first = int(self.ends[0])
        raster.place(self.local, self.local_normals, self.slot, self.matrices, first, self.world, self.bent)
        raster.place_spheres(self.balls_local, self.ball_slot, self.matrices, self.balls)
        self._draw(eye, rot, self.lens, self.depth, self.ids)
        raster.hood(self.ids, self.depth)
        if look.wet > 0.0:
            self._draw(eye, rot, self.mirror_lens, self.mirror_depth, self.mirror_ids)
        basis, frame = self._sun(eye, rot)
        lamps, sprites = self._lights(time, eye, rot)
        feet = self._feet(time, eye)
        soup = Soup(
            self.world, self.bent, self.albedo, self.material, self.channel, self.balls, self.ball_rgb,
            self.ball_material, glow,
        )  # fmt: skip
        lit = Lit(lamps, feet, self.shadow, basis, frame)
        mirror = self.mirror_ids, self.mirror_depth
        shade(
            self.ids,
            self.depth,
            *mirror,
            self.factor,
            eye,
            rot,
            self.lens,
            soup,
            look,
            scene.ground,
            lit,
            self.light,
        )
        if len(sprites):
            post.glows(sprites, eye, rot, self.lens, look.haze, look.wet, self.depth, self.ids, self.light)
        self._weather(time, eye, rot)
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        grain = 0.012 + 0.018 * look.night
        post.develop(
            self.light, CURVE, self.factor, look.exposure, grain, int(time * 1000) + scene.seed % 9973, rgb
        )
        return Frame(rgb, self.ids, self._truth(time, eye, rot))

    def _draw(self, eye: F64, rot: F64, lens: F64, depth: F32, ids: I32) -> None:
        depth[:] = 0.0
        ids[:] = -1
        raster.draw(self.world, 0, len(self.world), eye, rot, lens, depth, ids)
        raster.draw_spheres(
            self.balls, self.ball_material, 0, len(self.balls), len(self.world), eye, rot, lens, depth, ids
        )

    def _pose(self, time: float) -> F64:
        glow = np.zeros(self.channels)
        look = self.scene.look
        glow[0] = 2.2 if look.night > 0.4 or self.scene.stage.lay.road == "tunnel" else 0.12
        for actor in self.scene.stage.actors:
            self.matrices[actor.slot0 : actor.slot0 + actor.model.parts] = poses(actor, time)
            lamps = lamps_now(actor, time, look.night)
            glow[actor.channel0 : actor.channel0 + len(lamps)] = lamps
        return glow

    def _sun(self, eye: F64, rot: F64) -> tuple[F64, F64]:
        """Shadow map around what lies ahead; its texels are snapped to the ground so that shadows do not crawl."""
        look, n = self.scene.look, self.shadow.shape[0]
        sun = np.array(look.sun)
        a = np.cross(np.array([0.0, 0.0, 1.0]), sun)
        a /= np.linalg.norm(a)
        basis = np.stack([a, np.cross(sun, a), sun])
        scale = n / SHADOW_SPAN
        ahead = eye + rot[2] * SHADOW_SPAN * 0.36
        ahead[2] = 0.0
        corner = n / 2 - np.floor(scale * (basis[:2] @ ahead))
        frame = np.array([scale, corner[0], corner[1]])
        if n > 1:
            self.shadow[:] = -1e9
            raster.draw_sun(self.world, self.balls, self.casts, basis, frame, self.shadow, self.shadow_ids)
        return basis, frame

    def _lights(self, time: float, eye: F64, rot: F64) -> tuple[F64, F64]:
        """Lamps that light surfaces (L, 12) and glowing points (N, 7) near the camera."""
        scene, look = self.scene, self.scene.look
        tunnel = scene.stage.lay.road == "tunnel"
        lamps: list[list[float]] = []
        sprites: list[list[float]] = []
        dark = look.night > 0.4
        forward, right = rot[2], rot[0]
        if dark or tunnel:
            power = (1.0 if look.night > 0.9 else 0.35) * (0.6 if tunnel else 1.0)
            for side in (-0.62, 0.62):
                p = eye + right * side + forward * 1.6
                aim = forward + np.array([0, 0, -0.035]) + right * 0.03
                aim /= np.linalg.norm(aim)
                warm = np.array([1.0, 0.93, 0.80]) * 4.6 * power
                lamps.append([p[0], p[1], 0.65, *aim, *warm, 0.80, 0.985, 85.0])
            near = sorted(
                scene.stage.lay.lamps, key=lambda q: (q[0] - eye[0]) ** 2 + (q[1] - eye[1] - 14.0) ** 2
            )
            for q in near[: 6 if not tunnel else 7]:
                tone = np.array([1.0, 0.74, 0.42]) * (4.2 if look.night > 0.9 else 0.8)
                lamps.append([*q, 0.0, 0.0, -1.0, *tone, 0.15, 0.85, 26.0])
            if not tunnel:
                sprites += [[*q, 1.5, 1.1, 0.6, 0.35] for q in scene.stage.lay.lamps if q[1] > eye[1] - 5.0]
        cars = 0
        for actor in sorted(scene.stage.actors, key=lambda a: _far(a, time, eye)):
            if not actor.lamps and actor.kind != "traffic light":
                continue
            if actor.kind == "traffic light":
                self._signal_glow(actor, time, sprites, dark)
                continue
            glow = lamps_now(actor, time, look.night)
            base = self.matrices[actor.slot0]
            cars += 1
            for lamp in actor.lamps:
                power = glow[lamp.channel]
                if power <= 0.02:
                    continue
                p = base[:, :3] @ np.array(lamp.at) + base[:, 3]
                facing = base[:, 1] * lamp.facing
                toward = eye - p
                distance = float(np.linalg.norm(toward))
                cosine = float(facing @ toward) / max(distance, 0.1)
                if cosine > 0.0 and distance < 200:
                    k = power * (0.25 + 0.75 * cosine) * (0.35 + 0.65 * look.night)
                    sprites.append([*p, lamp.rgb[0] * k, lamp.rgb[1] * k, lamp.rgb[2] * k, lamp.radius])
                if cars <= 4 and (dark or tunnel or lamp.channel >= 5) and distance < 55:
                    self._throw(lamps, lamp.channel, p, facing, lamp.rgb, power, look.night)
        return np.array(lamps, dtype=np.float64).reshape(-1, 12), np.array(sprites, dtype=np.float64).reshape(
            -1, 7
        )

    @staticmethod
    def _throw(
        lamps: list[list[float]],
        channel: int,
        p: F64,
        facing: F64,
        rgb: tuple[float, float, float],
        power: float,
        night: float,
    ) -> None:
        """A vehicle's lamp as a light on its surroundings: beams for headlights, a soft glow for the rest."""
        if channel == 2:
            aim = facing + np.array([0, 0, -0.05])
            lamps.append(
                [*p, *(aim / np.linalg.norm(aim)), 1.6 * night, 1.5 * night, 1.3 * night, 0.88, 0.98, 30.0]
            )
        elif channel in (1, 5, 6):
            q = p + facing * 0.6
            k = power * (0.14 if channel == 1 else 0.6 * (0.3 + 0.7 * night))
            lamps.append(
                [
                    *q,
                    0.0,
                    0.0,
                    -1.0,
                    rgb[0] * k,
                    rgb[1] * k,
                    rgb[2] * k,
                    -2.0,
                    -1.5,
                    9.0 if channel == 1 else 16.0,
                ]
            )

    def _signal_glow(self, actor: Actor, time: float, sprites: list[list[float]], dark: bool) -> None:
        x, y, _, _, _ = actor.at(time)
        z, r = (2.45, 0.17) if actor.side == "right" else (5.4, 0.32)
        state = int(actor.now("state", time))
        k = 1.6 if dark else 0.85
        for row, on, rgb in (
            (1, state in (0, 1), (1.2, 0.05, 0.03)),
            (0, state in (1, 3), (1.2, 0.6, 0.03)),
            (-1, state == 2, (0.05, 1.1, 0.4)),
        ):
            if on:
                sprites.append([x, y - 0.1, z + r * 2.7 * row, rgb[0] * k, rgb[1] * k, rgb[2] * k, r * 1.5])

    def _feet(self, time: float, eye: F64) -> F64:
        feet: list[list[float]] = []
        for actor in self.scene.stage.actors:
            x, y, heading, _, _ = actor.at(time)
            far = math.hypot(x - eye[0], y - eye[1])
            if far < 48.0 and actor.kind not in ("traffic light",):
                small = 0.5 if actor.kind in (*WALKERS, "dog", "cyclist") else 1.0
                feet.append(
                    [
                        far,
                        x,
                        y,
                        math.sin(heading),
                        math.cos(heading),
                        actor.half_length * (0.6 + 0.4 * small),
                        actor.half_width * small,
                    ]
                )
        feet.sort()
        return np.array([f[1:] for f in feet[:14]], dtype=np.float64).reshape(-1, 6)

    def _weather(self, time: float, eye: F64, rot: F64) -> None:
        look = self.scene.look
        kind = 1 if look.wet > 0.0 else (2 if look.snow > 0.0 else 0)
        if kind == 0:
            return
        ego = self.scene.stage.ego
        way = float(np.interp(time, self.scene.stage.times, ego.way))
        horizon = np.array(look.horizon)
        tone = (
            horizon * 1.15 + 0.03 + 0.10 * look.night
            if kind == 1
            else horizon * 1.2 + np.array([0.12, 0.12, 0.13])
        )
        count = 900 if kind == 1 else 800
        post.fall(kind, count, time, way, eye, rot, self.lens, tone, self.ids, self.depth, self.light)

    def _truth(self, time: float, eye: F64, rot: F64) -> FrameTruth:
        """Boxes and visible shares from the id buffer; what is hidden is found by drawing each actor alone."""
        actors = self.scene.stage.actors
        n = len(actors)
        counts, boxes = np.zeros(max(n, 1), np.int64), np.zeros((max(n, 1), 4), np.int32)
        raster.measure(self.ids, self.owner, n, counts, boxes)
        h, w = self.ids.shape
        found: list[Box] = []
        signals: dict[int, str] = {}
        for i, actor in enumerate(actors):
            if actor.kind == "traffic light":
                signals[actor.id] = SIGNAL_STATES[int(actor.now("state", time))]
            if counts[i] == 0:
                continue
            whole = self._alone(i, eye, rot)
            x, y, _, _, _ = actor.at(time)
            left, top, right, bottom = (int(v) for v in boxes[i])
            found.append(
                Box(
                    actor.id, round(left / w, 4), round(top / h, 4), round((right + 1) / w, 4),
                    round((bottom + 1) / h, 4),
                    round(min(1.0, int(counts[i]) / max(whole, 1)), 4), round(int(counts[i]) / (h * w), 6),
                    round(math.hypot(x - eye[0], y - eye[1]), 2),
                )
            )  # fmt: skip
        speed = float(np.interp(time, self.scene.stage.times, self.scene.stage.ego.speed))
        return FrameTruth(round(time, 4), round(speed, 3), tuple(found), signals)

    def _alone(self, index: int, eye: F64, rot: F64) -> int:
        """Pixels that an actor would show with nothing before it."""
        if not hasattr(self, "_solo"):
            self._solo = (np.zeros_like(self.depth), np.full_like(self.ids, -1))
        depth, ids = self._solo
        first, last = int(self.ends[index]), int(self.ends[index + 1])
        raster.draw(self.world, first, last, eye, rot, self.lens, depth, ids)
        b0, b1 = int(self.ball_ends[index]), int(self.ball_ends[index + 1])
        raster.draw_spheres(
            self.balls, self.ball_material, b0, b1, len(self.world), eye, rot, self.lens, depth, ids
        )
        return int(raster.take(ids, depth))


def _tinted(albedo: F32, tint: NDArray[np.int32], palette: F64) -> F32:
    own = np.where(tint[:, None] >= 0, palette[np.maximum(tint, 0)], 1.0)
    return np.asarray(albedo * own, dtype=np.float32)


def _far(actor: Actor, time: float, eye: F64) -> float:
    x, y, _, _, _ = actor.at(time)
    return math.hypot(x - eye[0], y - eye[1])


def frame_times(duration: float, count: int) -> list[float]:
    """The middles of `count` equal parts."""
    return [(i + 0.5) * duration / count for i in range(count)]


def draw_clip(
    scene: Scene, times: Iterable[float], width: int, height: int, *, factor: int = 1, shadow: int = 512
) -> Iterator[Frame]:
    """Frames of a scene at given times. A frame's `ids` are overwritten by the next one: copy to keep."""
    renderer = Renderer(scene, width, height, factor=factor, shadow=shadow)
    for time in times:
        yield renderer.frame(time)


def witnessed(truth: ClipTruth, frames: Iterable[FrameTruth]) -> ClipTruth:
    """The truth with its frames, without events whose actor cannot be made out while they happen."""
    full = replace(truth, frames=tuple(frames))
    step = full.duration_s / max(len(full.frames), 1)
    kept = []
    for event in full.events:
        if event.actor_id is not None:
            span = max(event.end_s - event.start_s, step)
            seen = shown(full, event.actor_id, event.start_s - step / 2, event.end_s + step / 2)
            if seen * step < min(0.35 * span, 1.2) or seen < 2:
                continue
        kept.append(event)
    return replace(full, events=tuple(kept))
