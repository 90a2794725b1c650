"""The grammar: from a seed to a scene, that is a road, its air, its actors' tracks and the events among them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from core.world import scripts
from core.world.look import Ground, Look, make_look
from core.world.mesh import Model
from core.world.motion import STEP, stand
from core.world.scenery import Layout, build, make_ground, make_layout
from core.world.stage import Stage
from core.world.truth import ActorTruth, ClipTruth

F64 = NDArray[np.float64]

ROAD_ODDS = {
    "city": 0.30,
    "intersection": 0.22,
    "highway": 0.22,
    "rural": 0.18,
    "tunnel": 0.07,
    "roundabout": 0.05,
}
LIGHT_ODDS = {"day": 0.5, "dusk": 0.18, "night": 0.32}
WEATHER_ODDS = {"clear": 0.46, "rain": 0.26, "fog": 0.12, "snow": 0.16}


@dataclass(frozen=True)
class Scene:
    """A clip before it is drawn. Pure data of the seed: equal seeds give equal scenes."""

    seed: int
    stage: Stage
    look: Look
    ground: Ground
    static: Model

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.stage.duration

    def truth(self) -> ClipTruth:
        """What the script knows; frames with boxes are added by the renderer."""
        st = self.stage
        actors = tuple(ActorTruth(a.id, a.kind, a.colour, a.role, a.side) for a in st.actors)
        events = tuple(sorted(st.events, key=lambda e: (e.start_s, e.end_s, e.name)))
        return ClipTruth(
            self.seed,
            st.duration,
            st.lay.road,
            st.light,
            st.weather,
            st.manoeuvre,
            len(st.lay.ours),
            events,
            actors,
        )

    def camera(self, time: float) -> tuple[F64, F64]:
        """Eye (3,) and axes (3, 3; right, up, forward) of the dashcam, with a little pitch from road and brakes."""
        ego = self.stage.ego
        k = min(time / STEP, len(ego.x) - 1.0)
        i = np.arange(len(ego.x))
        x, y, heading, speed = (float(np.interp(k, i, v)) for v in (ego.x, ego.y, ego.heading, ego.speed))
        pull = float(np.interp(k, i, np.gradient(ego.speed, STEP)))
        shake = min(speed / 14.0, 1.0)
        pitch = (
            -0.028
            + 0.0022 * pull * shake
            + 0.0016 * shake * math.sin(time * 9.1 + self.seed)
            + 0.001 * shake * math.sin(time * 23.0)
        )
        c, s, cp, sp = math.cos(heading), math.sin(heading), math.cos(pitch), math.sin(pitch)
        forward = np.array([s * cp, c * cp, sp])
        right = np.array([c, -s, 0.0])
        up = np.cross(right, forward)
        return np.array([x, y, 1.36]), np.stack([right, up, forward])


def _pick(rng: Generator, odds: dict[str, float]) -> str:
    names = list(odds)
    p = np.array([odds[n] for n in names])
    return names[int(rng.choice(len(names), p=p / p.sum()))]


def compose(seed: int, *, road: str = "", light: str = "", weather: str = "", script: str = "") -> Scene:
    """The scene of a seed. Road, light, weather and script can be fixed; the rest is still drawn from the seed."""
    rng = np.random.default_rng(seed)
    road = road or _pick(rng, ROAD_ODDS)
    light = light or _pick(rng, LIGHT_ODDS)
    weather = weather or ("clear" if road == "tunnel" else _pick(rng, WEATHER_ODDS))
    lay = make_layout(road, rng)
    choices = [(s, w) for s, w in scripts.SCRIPTS[road] if _possible(s, lay)]
    if script:
        named = [(s, w) for s, w in scripts.SCRIPTS[road] if s.__name__ == script]
        tries = 0
        while named and not _possible(named[0][0], lay) and tries < 40:
            lay = make_layout(road, rng)
            tries += 1
        choices = named or choices
    weights = np.array([w for _, w in choices])
    st = Stage(rng, lay, light, weather)
    st.lane = int(rng.integers(0, len(lay.ours)))
    choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0](st)
    _background(st)
    st.watch_traffic()
    sun = (
        float(rng.choice([-1, 1]) * rng.uniform(0.35, 1.1))
        if light == "dusk" or rng.random() < 0.6
        else float(rng.uniform(1.8, 4.4))
    )
    look = make_look(light, weather, road, sun, float(rng.random()))
    ground = make_ground(lay, rng)
    return Scene(seed, st, look, ground, build(lay, rng))


def _possible(script: scripts.Script, lay: Layout) -> bool:
    if script in scripts.NEEDS_TWO_LANES and len(lay.ours) < 2:
        return False
    return not (script in scripts.NEEDS_PARKING and not lay.park)


def _background(st: Stage) -> None:
    """Other traffic, parked cars and walkers that keep out of the story's way."""
    rng, lay = st.rng, st.lay
    if lay.park:
        taken = [
            float(a.track.y[0])
            for a in st.actors
            if a.role in ("parked", "works") or a.kind in ("car", "van")
        ]
        density = float(rng.choice([0.25, 0.6, 0.85]))
        for side in (-1, 1):
            for y in np.arange(float(rng.uniform(6, 10)), 120.0, 6.4):
                free = abs(y - lay.zebra) > 6.5 and not any(abs(y - g) < 4.5 for g in st.gaps)
                free = free and not (side > 0 and any(-6.6 < y - t < 12.0 for t in taken))
                if rng.random() < density and free:
                    st.parked(float(y + rng.uniform(-0.3, 0.3)), side)
    lively = float(rng.choice([0.0, 0.5, 1.0]))
    if lay.theirs and not st.quiet:
        for d in lay.theirs:
            for _ in range(int(rng.integers(0, 3 if lively else 1))):
                _oncoming(st, d)
    if lay.junction > 1e8 and lay.zebra > 1e8:
        v = float(st.ego.speed.mean())
        for lane, d in enumerate(lay.ours):
            busy = lane in st.busy_lanes or lane == st.lane
            for gap in (float(rng.uniform(24, 50)), float(rng.uniform(62, 110))):
                if v < 4.0 or (busy and gap < 60.0) or rng.random() > 0.3 + 0.4 * lively:
                    continue
                kind = str(rng.choice(["car", "van", "truck", "bus"], p=[0.66, 0.12, 0.17, 0.05]))
                st.add(kind, st.along(d, gap, [(0, v), (8, v)]), role="traffic")
    if lay.walk and lively > 0.0:
        for _ in range(int(rng.integers(0, 5))):
            _walker(st)


def _oncoming(st: Stage, d: float) -> None:
    rng, lay = st.rng, st.lay
    v = {"highway": 27.0, "rural": 17.0}.get(lay.road, 10.0) * float(rng.uniform(0.85, 1.1))
    kind = str(rng.choice(["car", "van", "truck", "bus", "motorcycle"], p=[0.62, 0.12, 0.12, 0.08, 0.06]))
    meet = float(rng.uniform(1.5, 9.5))
    closing = v + float(st.ego.speed.mean())
    if lay.junction < 1e8 or lay.zebra < 1e8:
        stop = (lay.junction + max(lay.half, lay.ring) + 9.0) if lay.junction < 1e8 else lay.zebra + 6.0
        if rng.random() < 0.6:  # they wait as we do, one behind the other
            queue = sum(a.side == "oncoming" and abs(float(a.track.x[0]) - d) < 0.5 for a in st.actors)
            track = stand(st.times, d, stop + 13.0 * queue + float(rng.uniform(0, 1)), math.pi)
            st.add(kind, track, role="traffic", side="oncoming")
        return
    s0 = st.ego_s(meet) + v * meet
    track = st.against(d, s0, [(0, v), (8, v)])
    others = [a.track for a in st.actors if a.side == "oncoming"]
    if closing < 1.0 or any(np.hypot(o.x - track.x, o.y - track.y).min() < 16.0 for o in others):
        return
    st.add(kind, track, role="traffic", side="oncoming")


def _walker(st: Stage) -> None:
    rng, lay = st.rng, st.lay
    side = int(rng.choice([-1, 1]))
    x = side * ((lay.right if side > 0 else lay.left) + float(rng.uniform(1.7, 2.9)))
    y = float(rng.uniform(8, 60))
    way = int(rng.choice([-1, 1]))
    v = float(rng.uniform(1.1, 1.5))
    track = st.across(0.0, 0.0, 40.0, 0.0, v)
    track.y, track.x = y + way * (track.x - track.x[0]), np.full_like(track.x, x)
    track.heading[:] = 0.0 if way > 0 else math.pi
    if any(np.hypot(a.track.x - track.x, a.track.y - track.y).min() < 0.8 for a in st.actors):
        return
    if lay.junction < 1e8 and abs(y - lay.junction) < max(lay.half, lay.ring) + 14:
        return
    st.add("pedestrian", track, role="walker", side="left" if side < 0 else "right")
