"""Traffic along the road: braking, cutting in, overtaking, an ambulance."""

from __future__ import annotations

import numpy as np

from core.world.motion import ease
from core.world.stage import Stage, cruise


def lead_brakes(st: Stage) -> None:
    """A vehicle ahead brakes; the ego car slows or stops behind it."""
    rng = st.rng
    v = st.pace * (0.75 if st.lay.road == "highway" else 0.95)
    t0 = float(rng.uniform(1.6, 3.4))
    to = 0.0 if v < 14 and rng.random() < 0.5 else v * 0.4
    drop = (v - to) / 5.0
    t1 = t0 + drop
    gap = float(rng.uniform(8.5, 12.5)) * (1.35 if v > 15 else 1.0)
    st.drive([(0, v), (t0 + 0.6, v), (t1 + 0.7, to), (8, to)])
    kind = str(rng.choice(["car", "car", "car", "van", "truck", "bus", "motorcycle"]))
    # we brake 0.65 s later than they do: that way must be there, and both cars' halves
    half = {"truck": 4.5, "bus": 5.7, "motorcycle": 1.0}.get(kind, 2.6)
    clear = max(gap + 2.5, 0.68 * (v - to) + 1.9 + half + 2.0)
    track = st.along(st.lay.ours[st.lane], clear, [(0, v), (t0, v), (t1, to), (8, to)])
    track.brake = ((st.times >= t0) & (st.times <= (t1 + 0.3 if to else 9))).astype(np.float64)
    actor = st.add(kind, track)
    st.happen("lead brakes", t0, t1 + 0.4, actor)
    st.busy_lanes.add(st.lane)
    st.manoeuvre = "slows" if to else "stops"
    st.happen("ego slows" if to else "ego stops", t0 + 0.6, t1 + 0.8)


def cut_in(st: Stage) -> None:
    """A vehicle from the next lane moves into the ego car's lane."""
    rng = st.rng
    side = int(rng.choice([-1, 1]))
    lanes = len(st.lay.ours)
    st.lane = lanes - 1 if side > 0 else 0
    if lanes == 3:
        st.lane = 1
    other = st.lane + (1 if side < 0 else -1)
    v = cruise(st, st.pace * 0.85)
    t0, took = float(rng.uniform(1.8, 3.6)), float(rng.uniform(2.2, 3.0))
    kind = str(rng.choice(["car", "car", "car", "van", "truck", "motorcycle"]))
    d0, d1 = st.lay.ours[other], st.lay.ours[st.lane]
    offset = (d1 - d0) * ease(st.times, t0, t0 + took)
    s0 = float(rng.uniform(5.5, 8.5)) + (3.0 if kind == "truck" else 0.0)
    quick = float(rng.uniform(0.6, 1.2))
    track = st.along(d0, s0 + 2.3, [(0, v + quick), (t0 + took, v + quick), (8, v + 0.2)], offset)
    track.blink = np.where((st.times > t0 - 1.2) & (st.times < t0 + took - 0.3), -float(side), 0.0)
    actor = st.add(kind, track, side="left" if side < 0 else "right")
    st.happen("cuts in from left" if side < 0 else "cuts in from right", t0, t0 + took, actor)
    st.busy_lanes |= {st.lane, other}
    if rng.random() < 0.35:
        t2 = t0 + took + 0.2
        track.brake = (st.times > t2).astype(np.float64)
        slow = v * 0.6
        path = st.along(d0, s0 + 2.3, [(0, v + quick), (t2, v + quick), (8, slow)], offset)
        track.x, track.y, track.heading, track.speed = path.x, path.y, path.heading, path.speed
        st.drive([(0, v), (t2 + 0.3, v), (8, slow * 0.95)])
        st.happen("lead brakes", t2, 8.0, actor)
        st.manoeuvre = "slows"
        st.happen("ego slows", t2 + 0.4, 8.0)


def overtaken(st: Stage) -> None:
    """A faster vehicle comes from behind on the left and passes; it may cut in afterwards."""
    rng = st.rng
    lanes = len(st.lay.ours)
    st.lane = int(rng.integers(0, lanes - 1))
    other = st.lane + 1
    v = cruise(st, st.pace * 0.75)
    kind = str(rng.choice(["car", "car", "car", "van", "motorcycle", "motorcycle", "truck", "bus"]))
    fast = float(rng.uniform(3.2, 5.0))
    t = float(rng.uniform(1.2, 3.4))
    offset: np.ndarray | float = 0.0
    again = rng.random() < 0.35 and kind in ("car", "van", "motorcycle")
    d0, d1 = st.lay.ours[other], st.lay.ours[st.lane]
    if again:
        t1 = t + 12.0 / fast
        offset = (d1 - d0) * ease(st.times, t1, t1 + 2.4)
    track = st.along(d0, -fast * t + 1.0, [(0, v + fast), (8, v + fast)], offset)
    if again:
        track.blink = np.where((st.times > t1 - 1.0) & (st.times < t1 + 2.0), 1.0, 0.0)
    actor = st.add(kind, track, side="left")
    st.happen("overtakes ego", t, t + 12.0 / fast, actor)
    if again:
        st.happen("cuts in from left", t1, t1 + 2.4, actor)
        st.busy_lanes.add(st.lane)
    st.busy_lanes.add(other)


def change_lane(st: Stage) -> None:
    """The ego car changes lane, alone or to pass a slower vehicle."""
    rng = st.rng
    lanes = len(st.lay.ours)
    passing = rng.random() < 0.5
    side = -1 if passing else int(rng.choice([-1, 1]))
    st.lane = int(rng.integers(0, lanes - 1)) if side < 0 else int(rng.integers(1, lanes))
    other = st.lane + (1 if side < 0 else -1)
    v = st.pace
    t0, took = (float(rng.uniform(0.6, 1.4)), 2.6) if passing else (float(rng.uniform(1.5, 3.2)), 3.0)
    shift = st.lay.ours[other] - st.lay.ours[st.lane]
    st.drive([(0, v), (8, v * 1.05)], offset=shift * ease(st.times, t0, t0 + took))
    word = "left" if side < 0 else "right"
    st.happen(f"ego changes lane {word}", t0, t0 + took)
    st.manoeuvre = f"changes lane {word}"
    st.busy_lanes |= {st.lane, other}
    if passing:
        t = float(rng.uniform(5.2, 6.6))
        slow = v - float(rng.uniform(3.2, 4.4))
        kind = str(rng.choice(["car", "van", "truck", "truck", "bus", "car"]))
        actor = st.add(kind, st.along(st.lay.ours[st.lane], (v - slow) * t, [(0, slow), (8, slow)]))
        st.happen("ego overtakes", t0 + 1.0, t + 0.8, actor)
        st.manoeuvre = "overtakes"


def ambulance(st: Stage) -> None:
    """An ambulance with blue lights passes: from behind on the left, or towards us."""
    rng = st.rng
    v = st.pace * 0.65
    if len(st.lay.ours) > 1 and rng.random() < 0.6:
        st.lane = 0
        fast, t = float(rng.uniform(4.0, 5.5)), float(rng.uniform(1.2, 3.0))
        st.drive([(0, v), (2, v * 0.85), (8, v * 0.8)])
        speed = v * 0.82 + fast
        track = st.along(st.lay.ours[1], st.ego_s(t) - speed * t + 1.0, [(0, speed), (8, speed)])
        actor = st.add("ambulance", track, side="left")
        st.happen("ambulance passes", t, min(t + 16 / fast, 8), actor)
        st.busy_lanes.add(1)
    else:
        st.drive([(0, v), (1.0, v), (3.0, v * 0.55), (8, v * 0.6)])
        t = float(rng.uniform(3.8, 5.5))
        lane = st.lay.theirs[0] if st.lay.theirs else 0.0
        speed = float(rng.uniform(13, 16))
        actor = st.add(
            "ambulance", st.against(lane, st.ego_s(t) + speed * t, [(0, speed), (8, speed)]), side="oncoming"
        )
        st.happen("ambulance passes", t - 2.6, t, actor)
        st.quiet = True
    actor.lit = True


def quiet_drive(st: Stage) -> None:
    """Nothing in particular: straight on, with whatever traffic the background brings."""
    cruise(st)
