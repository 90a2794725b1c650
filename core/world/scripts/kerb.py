"""At the kerb: doors, cars that leave, road works."""

from __future__ import annotations

import numpy as np

from core.world.cast import Actor
from core.world.motion import Track, ease, stand, travel
from core.world.stage import Stage


def door(st: Stage) -> None:
    """The driver's door of a parked car opens; the ego car slows and keeps away."""
    rng = st.rng
    t = float(rng.uniform(1.2, 3.4))
    v = st.pace * 0.65
    st.drive([(0, v), (t + 0.2, v), (t + 2.2, 1.3), (8, 1.6)], offset=-0.5 * ease(st.times, t + 1.2, t + 4.0))
    y = st.ego_s(8.0) + float(rng.uniform(3.0, 5.5))
    car = st.add("car", stand(st.times, st.lay.lane + 1.2, y, 0.0), role="parked", side="right")
    car.track.door = 1.15 * ease(st.times, t, t + 0.9)
    st.happen("door opens", t, t + 3.0, car)
    st.happen("ego slows", t + 0.4, t + 2.2)
    st.manoeuvre = "slows"


def pulls_out(st: Stage) -> None:
    """A parked car leaves the kerb in front of the ego car."""
    rng = st.rng
    t = float(rng.uniform(1.4, 3.0))
    v = st.pace * 0.7
    st.drive([(0, v), (t + 0.2, v), (t + 2.0, 2.5), (8, 4.5)])
    y = st.ego_s(t + 2.2) + float(rng.uniform(8.0, 11.0))
    d0 = st.lay.lane + 1.25
    way, speed = travel(st.times, [(0, 0), (t, 0), (t + 3.0, 4.6), (8, 6.0)])
    d = d0 + (st.lay.ours[st.lane] - d0) * ease(st.times, t + 0.2, t + 3.2)
    heading = np.arctan2(np.gradient(d, st.times), np.maximum(speed, 1.0))
    track = Track(
        d, y + way, heading, speed, blink=np.where((st.times > t - 1.4) & (st.times < t + 2.2), -1.0, 0.0)
    )
    kind = str(rng.choice(["car", "car", "van"]))
    actor = st.add(kind, track, side="right")
    st.happen("pulls out", t, t + 3.0, actor)
    st.happen("ego slows", t + 0.3, t + 2.2)
    st.manoeuvre = "slows"
    st.busy_lanes.add(st.lane)


def works(st: Stage) -> None:
    """Road works at the right: a sign, then cones; the ego car slows and keeps left."""
    rng = st.rng
    v = st.pace * 0.7
    st.drive([(0, v), (1.2, v), (4.0, v * 0.5), (8, v * 0.5)], offset=-0.6 * ease(st.times, 2.0, 5.0))
    at = st.ego_s(8.0) * float(rng.uniform(0.62, 0.75)) + 4
    edge = st.lay.right - 0.5 if st.lay.road != "highway" else st.lay.ours[0] + 1.9
    st.add(
        "sign", stand(st.times, st.lay.middle(at) + st.lay.right + 0.3, at, 0.0), role="works", side="right"
    )
    middle: Actor | None = None
    for k in range(9):
        y = at + 3.0 + 2.6 * k
        inward = min(k, 4) * 0.28
        cone = st.add(
            "cone", stand(st.times, st.lay.middle(y) + edge - inward, y, 0.0), role="works", side="right"
        )
        middle = cone if k == 4 else middle
    end = float(np.interp(at + 12, st.ego.way, st.times))
    st.happen("works ahead", max(0.0, end - 34 / v), end, middle)
    st.happen("ego slows", 1.2, 4.0)
    st.manoeuvre = "slows"
    st.busy_lanes.add(0)
