"""The stage of one clip: the road, the ego car's motion, and who has been put on it so far."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from core.world.cast import FOUR_WHEELS, Actor, dress
from core.world.motion import Path, Track, bent, clock, follow, stand, travel
from core.world.scenery import Layout
from core.world.truth import Event

F64 = NDArray[np.float64]


@dataclass
class Stage:
    """What scripts write on. Times in seconds, distances in metres along the road from the ego car's start."""

    rng: Generator
    lay: Layout
    light: str
    weather: str
    duration: float = 8.0
    actors: list[Actor] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ego: Track = field(init=False)
    manoeuvre: str = "straight"
    lane: int = 0
    busy_lanes: set[int] = field(default_factory=set)  # our lanes that the background must leave alone
    gaps: list[float] = field(default_factory=list)  # where somebody walks between parked cars
    quiet: bool = False  # no oncoming traffic (a turn to the left)

    def __post_init__(self) -> None:
        self.times = clock(self.duration)

    # -- the ego car ------------------------------------------------------------------------------------------
    @property
    def pace(self) -> float:
        """A usual speed for the road and weather, m/s."""
        base = {"highway": 27.0, "tunnel": 19.0, "rural": 17.0}.get(self.lay.road, 11.0)
        return base * (1.0 if self.weather == "clear" else 0.82) * float(self.rng.uniform(0.88, 1.08))

    def drive(
        self, knots: list[tuple[float, float]], *, offset: F64 | float = 0.0, path: Path | None = None
    ) -> None:
        """Set the ego car's motion: speed knots, sideways offset from its lane, and a path of its own."""
        lane = path or bent(self.lay.bend, self.lay.ours[self.lane], 0.0, self.lay.length)
        self.ego = follow(lane, self.times, 0.0, knots, offset)

    def ego_s(self, time: float) -> float:
        """Distance that the ego car has come at a moment."""
        return float(np.interp(time, self.times, self.ego.way))

    # -- the others -------------------------------------------------------------------------------------------
    def add(
        self, kind: str, track: Track, *, role: str = "event", side: str = "ahead", colour: str | None = None
    ) -> Actor:
        """Put somebody on the stage."""
        model, palette, lamps, long, half, style, name = dress(self.rng, kind, colour)
        dim = self.light != "day" or self.weather in ("rain", "fog", "snow") or self.lay.road == "tunnel"
        actor = Actor(
            len(self.actors), "traffic light" if kind == "signal arm" else kind, name, role, side, track, model,
            palette, lamps, long, half, style, float(self.rng.uniform(0, 6.28)), lit=dim and role != "parked",
        )  # fmt: skip
        self.actors.append(actor)
        return actor

    def happen(self, name: str, start: float, end: float, actor: Actor | None = None) -> None:
        """Note an event; what ends before 0.3 s or begins after the clip's last 0.3 s is left out."""
        start, end = max(0.0, start), min(self.duration, end)
        if end - start >= 0.3:
            self.events.append(Event(name, round(start, 2), round(end, 2), actor.id if actor else None))

    def along(
        self, d: float, s0: float, knots: list[tuple[float, float]], offset: F64 | float = 0.0
    ) -> Track:
        """A track on our side of the road at distance d from the middle, beginning at s0."""
        path = bent(self.lay.bend, d, -120.0, self.lay.length + 200.0)
        return follow(path, self.times, s0 + 120.0, knots, offset)

    def against(self, d: float, s0: float, knots: list[tuple[float, float]]) -> Track:
        """A track towards us."""
        path = bent(self.lay.bend, d, self.lay.length + 300.0, -200.0)
        return follow(path, self.times, self.lay.length + 300.0 - s0, knots)

    def across(
        self, y: float, x0: float, x1: float, start: float, speed: float, *, pause: float = 0.0
    ) -> Track:
        """A track across the road at y from x0 to x1, leaving x0 at `start`; stands before and after."""
        length = abs(x1 - x0)
        way, _ = travel(self.times, [(0, 0), (start, 0), (start + 0.25, speed), (self.duration + 60, speed)])
        way = np.minimum(way, length)
        speed_now = np.where((way > 0) & (way < length), np.gradient(way, self.times), 0.0)
        side = 1.0 if x1 > x0 else -1.0
        heading = np.full_like(self.times, side * math.pi / 2)
        middle = self.lay.middle(y)
        return Track(middle + x0 + side * way, np.full_like(way, y), heading, speed_now)

    def parked(self, y: float, side: int) -> Actor:
        """A parked car at the kerb; side +1 right."""
        kind = str(self.rng.choice(["car", "car", "car", "van"]))
        d = (self.lay.lane + 1.25) * side
        heading = 0.0 if side > 0 else math.pi
        return self.add(
            kind, stand(self.times, d, y, heading), role="parked", side="right" if side > 0 else "left"
        )

    def watch_traffic(self) -> None:
        """Note oncoming passes and overtakings that came out of the tracks by themselves."""
        for actor in self.actors:
            if actor.role != "traffic" or actor.kind not in (*FOUR_WHEELS, "motorcycle", "cyclist"):
                continue
            ahead = self.relative(actor)[1]
            passing = np.flatnonzero((ahead[:-1] > 4.0) & (ahead[1:] <= 4.0))
            if actor.side == "oncoming" and len(passing):
                end = float(self.times[passing[0]])
                near = np.flatnonzero(ahead < 40.0)
                self.happen(
                    "oncoming", float(self.times[near[0]]), max(end, float(self.times[near[0]]) + 0.5), actor
                )

    def relative(self, actor: Actor) -> tuple[F64, F64]:
        """Where an actor is seen from the ego car: metres to the right and ahead, arrays over the clock."""
        dx, dy = actor.track.x - self.ego.x, actor.track.y - self.ego.y
        c, s = np.cos(self.ego.heading), np.sin(self.ego.heading)
        return np.asarray(dx * c - dy * s), np.asarray(dx * s + dy * c)


def cruise(st: Stage, pace: float | None = None) -> float:
    """Let the ego car drive on at a steady pace, m/s, which is returned."""
    v = pace or st.pace
    st.drive([(0, v), (3, v * float(st.rng.uniform(0.96, 1.04))), (8, v)])
    return v
