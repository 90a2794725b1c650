"""Junctions: signals that change, turns, roundabouts."""

from __future__ import annotations

import math

import numpy as np

from core.world.cast import Actor
from core.world.motion import Path, Track, follow, stand, straight, travel, turning
from core.world.scripts.people import send_across
from core.world.stage import Stage


def _signals(st: Stage, states: list[tuple[float, int]]) -> Actor:
    """Put the ego car's signals up: one at the near kerb, one over the lane beyond. States (from second, state)."""
    lay = st.lay
    times = np.array([s[0] for s in states])
    index = np.clip(np.searchsorted(times, st.times, side="right") - 1, 0, None)
    values = np.array([s[1] for s in states], dtype=np.float64)[index]
    stop = lay.junction - lay.half
    places = (
        ("traffic light", lay.right + 0.55, stop - 1.0),
        ("signal arm", lay.ours[0] if len(lay.ours) == 1 else lay.lane, lay.junction + lay.half + 3.5),
    )
    first: Actor | None = None
    for kind, x, y in places:
        track = stand(st.times, x, y, 0.0)
        track.state = values
        actor = st.add(kind, track, role="signal", side="right" if kind != "signal arm" else "ahead")
        first = first or actor
    assert first is not None
    return first


def _set_junction(st: Stage, line: float) -> None:
    """Build the junction so that a car stopped `line` metres down the road stands at the stop line."""
    st.lay.half = 7.0 if len(st.lay.ours) == 2 else 5.5
    st.lay.junction = line + st.lay.half + 9.4


def _cross_traffic(st: Stage, start: float, count: int) -> None:
    """Vehicles on the crossing street while our signal is red."""
    for k in range(count):
        side = int(st.rng.choice([-1, 1]))
        t = start + 1.6 * k + float(st.rng.uniform(0, 1.2))
        kind = str(st.rng.choice(["car", "car", "car", "van", "bus", "truck", "motorcycle"]))
        v = float(st.rng.uniform(8, 11))
        path = straight(side * v * t, st.lay.junction + side * 1.9, -side * math.pi / 2)
        actor = st.add(
            kind, follow(path, st.times, 0.0, [(0, v), (8, v)]), side="right" if side > 0 else "left"
        )
        st.happen("cross traffic", t - 1.4, t + 1.4, actor)


def red_light(st: Stage) -> None:
    """The ego car meets a red signal: it stands there, or comes to a stop; perhaps it turns green later."""
    rng = st.rng
    st.lane = 0
    mode = str(rng.choice(["waits", "arrives", "turns red", "turns red", "goes", "goes"]))
    if mode in ("waits", "goes"):
        _set_junction(st, 0.0)
        if mode == "waits":
            st.drive([(0, 0), (8, 0)])
            st.manoeuvre = "stands"
            light = _signals(st, [(0, 0)])
            st.happen("waits at red", 0, 8, light)
            busy = 7.0
        else:
            green = float(rng.uniform(2.2, 4.4))
            go = green + float(rng.uniform(0.4, 0.9))
            light = _signals(st, [(0, 0), (green - 0.9, 1), (green, 2)])
            _leave(st, go)
            st.happen("waits at red", 0, green, light)
            st.happen("light turns green", green - 0.2, green + 1.6, light)
            st.events.sort(key=lambda e: e.start_s)
            busy = green - 1.2
    else:
        v = st.pace * 0.9
        halt = float(rng.uniform(4.2, 5.6))
        brake = halt - v / 3.6
        st.drive([(0, v), (max(brake, 0.3), v), (halt, 0), (8, 0)])
        _set_junction(st, st.ego_s(8.0))
        st.manoeuvre = "stops"
        if mode == "arrives":
            light = _signals(st, [(0, 0)])
            st.happen("waits at red", max(halt - 1.0, 0), 8, light)
        else:
            red = max(brake, 0.3) + float(rng.uniform(0.2, 0.8))
            light = _signals(st, [(0, 2), (red - 1.0, 3), (red, 0)])
            st.happen("light turns red", red - 0.4, red + 1.6, light)
        st.happen("ego stops", max(brake, 0.3), halt)
        busy = 0.0 if mode == "waits" else 7.0 - halt
    begin = 0.4 if mode in ("waits", "goes") else halt - 0.2
    if rng.random() < 0.55 and busy > 1.5:
        _cross_traffic(st, begin + 0.4, int(rng.integers(1, 3)))
    elif rng.random() < 0.7 and busy > 2.2 and mode != "goes":
        y = st.lay.junction - st.lay.half - 3.2
        send_across(
            st,
            str(rng.choice(["pedestrian", "pedestrian", "child", "cyclist"])),
            y,
            int(rng.choice([-1, 1])),
            begin + float(rng.uniform(1.4, 2.6)),
            1.5,
        )


def _leave(st: Stage, go: float) -> None:
    """Start from the stop line, straight on or into a turn."""
    knots = [(0.0, 0.0), (go, 0.0), (go + 3.2, 7.0), (9.0, 8.0)]
    st.manoeuvre = "starts"
    st.drive(knots)
    st.happen("ego starts", go, min(go + 2.5, 8.0))


def turn(st: Stage) -> None:
    """The ego car turns at a green signal."""
    rng = st.rng
    side = int(rng.choice([-1, 1]))
    st.lane = 0 if side > 0 else len(st.lay.ours) - 1
    v, slow = st.pace * 0.7, 4.6
    x = st.lay.ours[st.lane]
    enter = float(rng.uniform(2.2, 3.4))
    knots = [(0.0, v), (0.6, v), (enter, slow), (enter + 1.8, slow + 0.4), (8.0, 9.0)]
    s, _ = travel(st.times, knots)
    into = float(np.interp(enter, st.times, s))
    st.lay.half = 7.0 if len(st.lay.ours) == 2 else 5.5
    radius = 7.0 if side > 0 else 9.5
    st.lay.junction = into + st.lay.half + 1.5
    target = st.lay.junction - side * (1.75 if st.lay.half < 6 else 1.9)
    corner = target - radius
    st.drive(knots, path=turning(x, 0.0, corner, radius, side))
    _signals(st, [(0, 2)])
    start = float(np.interp(corner, st.ego.way, st.times))
    end = float(np.interp(corner + radius * math.pi / 2, st.ego.way, st.times))
    word = "right" if side > 0 else "left"
    st.manoeuvre = f"turns {word}"
    st.happen(f"ego turns {word}", start, end)
    st.quiet = True
    st.ego.blink = np.where(st.times < end, float(side), 0.0)
    for way in (-1, 1):  # who waits at the crossing street's own red signal
        if rng.random() < 0.55:
            kind = str(rng.choice(["car", "car", "van", "bus", "truck"]))
            x = way * (st.lay.right + 9.0 + 2.5 * (kind in ("bus", "truck")))
            st.add(
                kind,
                stand(st.times, x, st.lay.junction + way * 1.9, -way * math.pi / 2),
                role="traffic",
                side="left" if way < 0 else "right",
            )


def roundabout(st: Stage) -> None:
    """The ego car drives around a roundabout and leaves it straight on, to the right or to the left."""
    rng = st.rng
    lay = st.lay
    lay.ring, lay.half = 13.0, 4.0
    v = st.pace * 0.75
    enter = float(rng.uniform(1.8, 2.8))
    knots = [(0.0, v), (0.5, v), (enter, 5.2), (enter + 3.5, 6.2), (8.0, 8.0)]
    s, _ = travel(st.times, knots)
    lay.junction = float(np.interp(enter, st.times, s)) + lay.ring + 2.0
    out = float(rng.choice([70.0, 70.0, 160.0]))
    arc = np.radians(np.linspace(-68.0, out, 40))
    x, y = lay.ours[0], lay.junction
    xs = np.concatenate([[x, x], 10.1 * np.cos(arc)])
    ys = np.concatenate([[0.0, y - 15.5], y + 10.1 * np.sin(arc)])
    ends = ([x, x], [y + 16.0, y + 120.0]) if out < 100 else ([-17.0, -120.0], [y + 1.75, y + 1.75])
    path = Path(np.concatenate([xs, ends[0]]), np.concatenate([ys, ends[1]]))
    fine = np.arange(0.0, path.s[-1], 0.5)
    px, py = np.interp(fine, path.s, path.x), np.interp(fine, path.s, path.y)
    soft = np.hanning(17) / np.hanning(17).sum()
    px = np.convolve(np.pad(px, 8, mode="reflect", reflect_type="odd"), soft, mode="valid")
    py = np.convolve(np.pad(py, 8, mode="reflect", reflect_type="odd"), soft, mode="valid")
    st.drive(knots, path=Path(px, py))
    st.manoeuvre = "roundabout"
    around = np.flatnonzero(np.hypot(st.ego.x, st.ego.y - y) < lay.ring + 1.0)
    st.happen("ego takes roundabout", float(st.times[around[0]]), float(st.times[around[-1]]))
    st.quiet = True
    if rng.random() < 0.6:  # one before us on the ring, going the same way round
        turn_s = st.times * 5.6 / 10.1 + math.radians(float(rng.uniform(-20.0, 20.0)))
        track = Track(10.1 * np.cos(turn_s), y + 10.1 * np.sin(turn_s), -turn_s, np.full_like(st.times, 5.6))
        st.add(str(rng.choice(["car", "car", "van"])), track, role="traffic", side="ring")
